//! Huge pages for the great tables. The one file with `unsafe`.
//!
//! A table of a million flows is far greater than what the processor remembers of small pages' places, so
//! that with those each look-up costs a walk through the page tables as well.

#![expect(unsafe_code, reason = "madvise has no safe form for memory that a Vec holds")]

/// A huge page's octets, on every processor that we build for; where they are others nothing is lost.
const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// Asks the system to put what `table` has room for into huge pages, as far as it fills whole ones. To be
/// asked before anything is written there. A system that grants none says so, and nothing changes.
pub(crate) fn ask_for_huge_pages<T>(table: &Vec<T>) {
    let start = table.as_ptr().addr();
    let end = start.saturating_add(table.capacity().saturating_mul(size_of::<T>()));
    let first = start.checked_next_multiple_of(HUGE_PAGE).unwrap_or(usize::MAX);
    let length = end.saturating_sub(first) & !(HUGE_PAGE - 1);
    if length == 0 {
        return;
    }
    let from = table.as_ptr().wrapping_byte_add(first.saturating_sub(start));
    // SAFETY: all of `from..from + length` is inside the one allocation that `table` owns, and
    // MADV_HUGEPAGE changes neither what stands there nor who may read it (madvise(2)).
    let _refused = unsafe { libc::madvise(from.cast_mut().cast(), length, libc::MADV_HUGEPAGE) };
}

#[cfg(test)]
mod tests {
    use super::HUGE_PAGE;
    use super::ask_for_huge_pages;

    #[test]
    fn what_stands_in_a_table_stays() {
        let mut table = Vec::with_capacity(HUGE_PAGE);
        ask_for_huge_pages(&table);
        table.extend((0..HUGE_PAGE).map(u64::try_from).map(Result::unwrap));
        ask_for_huge_pages(&table);
        assert!(table.iter().zip(0..).all(|(word, number)| *word == number));
        ask_for_huge_pages(&vec![1_u8; 100]);
        ask_for_huge_pages::<u64>(&Vec::new());
    }
}
