//! What holds for every pcapng block: its lengths, and how its options are written.

use crate::capture::layout::ByteOrder;
use crate::capture::layout::Damage;
use crate::capture::layout::MAX_RECORD;

/// Octets of the length that ends a block.
pub(super) const BLOCK_END: u32 = 4;

/// An option's code and value, and what follows it.
pub(super) type TypedOption<'a> = (u16, &'a [u8], &'a [u8]);

/// Reads one option (§3.5); `None` at the end of them, an error if it runs past `options`.
pub(super) fn next_option(order: ByteOrder, options: &[u8]) -> Result<Option<TypedOption<'_>>, ()> {
    let Some((head, rest)) = options.split_first_chunk::<4>() else {
        return if options.is_empty() { Ok(None) } else { Err(()) };
    };
    let (code, length) = (order.u16(head, 0), usize::from(order.u16(head, 2)));
    if code == 0 {
        return Ok(None);
    }
    let value = rest.get(..length).ok_or(())?;
    let padded = length.checked_next_multiple_of(4).unwrap_or(length);
    Ok(Some((code, value, rest.get(padded..).unwrap_or_default())))
}

/// Refuses a block length that cannot be: below `fixed` and the trailing length, above the cap, or
/// not a multiple of four (§3.1).
pub(super) fn check_size(at: u64, size: u32, fixed: u32) -> Result<(), Damage> {
    let least = fixed.saturating_add(BLOCK_END);
    if size < least || !size.is_multiple_of(4) {
        return Err(bad(at, format!("a block length of {size}")));
    }
    if size > MAX_RECORD {
        return Err(bad(
            at,
            format!("a block length of {size}, where {MAX_RECORD} is the most that we read"),
        ));
    }
    Ok(())
}

/// Refuses a block whose length is not repeated at its end.
pub(super) fn check_trailer(at: u64, size: u32, trailer: u32) -> Result<(), Damage> {
    if trailer == size {
        return Ok(());
    }
    Err(bad(at, format!("a block length of {size}, repeated as {trailer} at its end")))
}

/// Damage of the block that starts at octet `at`.
pub(super) fn bad(at: u64, what: String) -> Damage {
    Damage::Bad { at, what }
}
