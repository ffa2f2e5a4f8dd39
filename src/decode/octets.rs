//! Bounds-checked reads of numbers in network byte order.

/// The `N` octets at `at`, if they are there.
pub(super) fn array<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..)?.first_chunk::<N>().copied()
}

/// The octet at `at`.
pub(super) fn be8(octets: &[u8], at: usize) -> Option<u8> {
    octets.get(at).copied()
}

/// The 16-bit number at `at`.
pub(super) fn be16(octets: &[u8], at: usize) -> Option<u16> {
    array(octets, at).map(u16::from_be_bytes)
}

/// `length` as the 32-bit number that a segment keeps; a frame is never that long.
pub(super) fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
