//! A hash by which a mirror's second copy of a packet is known.
//!
//! Written out here: it is taken of every packet, and it goes into the names of flows, which shall not
//! change with a dependency's version. Sixteen octets go into each multiplication of 64 by 64 bits,
//! whose halves are folded together (as in wyhash and foldhash), in three chains that do not wait for
//! each other.

use std::hash::BuildHasher;
use std::hash::Hasher;

use foldhash::fast::FixedState;

use crate::addr::Addr;

/// Any number will do; it is fixed so that every run gives the same hashes.
const SEED: u64 = 0xca3e_5e47;

/// Where the chains start, and what each multiplication's second factor is mixed with: the first digits
/// of pi, which nobody chose.
const KEYS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

/// How many octets of payload go in: past TCP's sequence numbers and IP's identification, they
/// only have to tell datagrams apart that a host sends in one burst without identification.
pub(super) const PAYLOAD_OCTETS: usize = 64;

/// What goes in of an innermost packet. Hop limit, IPv4 checksum and everything below IP are left out,
/// so that a copy that was routed or retagged in between hashes alike.
pub(super) struct Print<'a> {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) ip_octets: u32,
    pub(super) ip_id: u32,
    pub(super) protocol: u8,
    /// The transport header up to its checksum.
    pub(super) head: &'a [u8],
    /// The transport header after its checksum, and the first [`PAYLOAD_OCTETS`] of payload.
    pub(super) tail: &'a [u8],
}

/// Hash of an innermost packet.
///
/// A host that writes IPv4 identification 0 into every packet (allowed with "don't fragment", RFC
/// 6864) is told from its own retransmission by TCP's timestamps only.
///
/// hot: once per frame
#[inline]
pub(super) fn fingerprint(print: &Print<'_>) -> u64 {
    let [one, two, three, last] = KEYS;
    let ip = u128::from(print.ip_octets) << 64 | u128::from(print.ip_id) << 8 | u128::from(print.protocol);
    let ends = absorb(absorb(absorb(one, print.src.bits()), print.dst.bits()), ip);
    let head = print.head.first_chunk().map_or_else(|| short(print.head), |head| u128::from_le_bytes(*head));
    let length = u64::try_from(print.tail.len()).unwrap_or(0);
    let (one, two) = both(absorb(two, head), three ^ length, print.tail);
    fold(ends ^ one, two ^ last)
}

/// Goes through all octets in two chains.
#[inline]
fn both(mut one: u64, mut two: u64, octets: &[u8]) -> (u64, u64) {
    let (pairs, rest) = octets.as_chunks::<32>();
    for pair in pairs {
        let (halves, _) = pair.as_chunks::<16>();
        if let [first, second] = halves {
            one = absorb(one, u128::from_le_bytes(*first));
            two = absorb(two, u128::from_le_bytes(*second));
        }
    }
    if let Some(first) = rest.first_chunk() {
        one = absorb(one, u128::from_le_bytes(*first));
    }
    // The last sixteen, some of them a second time: no octet is left out.
    let last = octets.last_chunk().map_or_else(|| short(octets), |last| u128::from_le_bytes(*last));
    (one, absorb(two, last))
}

/// Fewer than sixteen octets in one word, some of them twice; their number is not in it.
#[inline]
fn short(octets: &[u8]) -> u128 {
    if let (Some(first), Some(last)) = (octets.first_chunk(), octets.last_chunk()) {
        return u128::from(u64::from_le_bytes(*first)) << 64 | u128::from(u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (octets.first_chunk(), octets.last_chunk()) {
        return u128::from(u32::from_le_bytes(*first)) << 64 | u128::from(u32::from_le_bytes(*last));
    }
    octets.iter().fold(0, |word, octet| word << 8 | u128::from(*octet))
}

/// Takes sixteen octets into a chain.
#[inline]
fn absorb(chain: u64, word: u128) -> u64 {
    let (high, low) = halves(word);
    let [_, key, ..] = KEYS;
    fold(low ^ chain, high ^ key)
}

/// The product's halves, one on the other.
#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let (high, low) = halves(u128::from(one).wrapping_mul(u128::from(other)));
    high ^ low
}

#[inline]
fn halves(word: u128) -> (u64, u64) {
    let half = |word: u128| u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
    (half(word >> 64), half(word))
}

/// Hash of one fragment: what it says of its place, and its octets.
pub(super) fn of_fragment(start: usize, more: bool, wire: usize, octets: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(SEED).build_hasher();
    hasher.write_usize(start);
    hasher.write_usize(wire);
    hasher.write_u8(u8::from(more));
    hasher.write(octets);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::Print;
    use super::fingerprint;
    use crate::addr::Addr;

    const OCTETS: [u8; 96] = [0x5a; 96];

    fn print<'a>(head: &'a [u8], tail: &'a [u8]) -> Print<'a> {
        let (src, dst) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        Print { src, dst, ip_octets: 1500, ip_id: 7, protocol: 6, head, tail }
    }

    #[test]
    fn a_changed_bit_anywhere_changes_the_hash_at_every_length() {
        for length in 0..OCTETS.len() {
            let (head, tail) = (OCTETS.get(..length.min(16)).unwrap(), OCTETS.get(..length).unwrap());
            let whole = fingerprint(&print(head, tail));
            for at in 0..length {
                let mut other = OCTETS;
                *other.get_mut(at).unwrap() ^= 0x10;
                let changed = other.get(..length).unwrap();
                assert_ne!(fingerprint(&print(head, changed)), whole, "octet {at} of {length} of the tail");
                let changed = other.get(..length.min(16)).unwrap();
                assert_eq!(fingerprint(&print(changed, tail)) == whole, at >= 16, "octet {at} of the head");
            }
        }
    }

    #[test]
    fn what_the_ip_header_says_goes_in_field_by_field() {
        let plain = print(&OCTETS, &OCTETS);
        let whole = fingerprint(&plain);
        let turned = Print { src: plain.dst, dst: plain.src, ..print(&OCTETS, &OCTETS) };
        let longer = Print { ip_octets: 1501, ..print(&OCTETS, &OCTETS) };
        let next = Print { ip_id: 8, ..print(&OCTETS, &OCTETS) };
        let udp = Print { protocol: 17, ..print(&OCTETS, &OCTETS) };
        for other in [turned, longer, next, udp] {
            assert_ne!(fingerprint(&other), whole);
        }
        assert_ne!(fingerprint(&print(&OCTETS, &[])), fingerprint(&print(&OCTETS, &[0])));
    }
}
