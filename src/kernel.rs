//! What is asked of the kernel and has no safe form elsewhere: huge pages for the great tables, and the
//! options of packet sockets. The one file with `unsafe`.
//!
//! A table of a million flows is far greater than what the processor remembers of small pages' places, so
//! that with those each look-up costs a walk through the page tables as well.

#![expect(
    unsafe_code,
    reason = "no crate offers madvise for a Vec, nor fan-out of packet sockets, in a safe form"
)]

#[cfg(feature = "live")]
use std::io;
#[cfg(feature = "live")]
use std::os::fd::AsRawFd;
#[cfg(feature = "live")]
use std::os::fd::BorrowedFd;

/// The level of the options of packet sockets (`SOL_PACKET`, packet(7)).
#[cfg(feature = "live")]
const PACKET_LEVEL: libc::c_int = 263;

/// The option that holds the program of a fan-out group (`PACKET_FANOUT_DATA`, linux/if_packet.h).
#[cfg(feature = "live")]
const FANOUT_DATA: libc::c_int = 22;

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

/// Sets an option of a packet socket whose value is a number.
///
/// # Errors
/// What the kernel says.
#[cfg(feature = "live")]
pub(crate) fn set_packet_option(socket: BorrowedFd<'_>, option: i32, value: i32) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(0);
    // SAFETY: `value` lives through the call and is as long as `length` says; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), PACKET_LEVEL, option, (&raw const value).cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An option of a packet socket whose value is a number.
///
/// # Errors
/// What the kernel says.
#[cfg(feature = "live")]
pub(crate) fn packet_option(socket: BorrowedFd<'_>, option: i32) -> io::Result<u32> {
    let mut value = 0_u32;
    let mut length = libc::socklen_t::try_from(size_of::<u32>()).unwrap_or(0);
    // SAFETY: `value` and `length` live through the call, and the kernel writes at most `length` octets, which
    // are all of `value`, for which any bits are a value.
    let result = unsafe {
        let (value, length) = ((&raw mut value).cast(), &raw mut length);
        libc::getsockopt(socket.as_raw_fd(), PACKET_LEVEL, option, value, length)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Gives the fan-out group of `socket` the classic BPF program that chooses among its members.
///
/// # Errors
/// What the kernel says, for instance that it does not accept the program.
#[cfg(feature = "live")]
pub(crate) fn set_fanout_program(socket: BorrowedFd<'_>, program: &[libc::sock_filter]) -> io::Result<()> {
    let mut instructions = program.to_vec();
    let program = libc::sock_fprog {
        len: u16::try_from(instructions.len()).map_err(io::Error::other)?,
        filter: instructions.as_mut_ptr(),
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or(0);
    // SAFETY: the option's value is a sock_fprog of `length` octets, whose `filter` points to `len`
    // instructions; both live through the call, and the kernel copies them.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), PACKET_LEVEL, FANOUT_DATA, (&raw const program).cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
