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

/// How many octets behind the checksum go in: past TCP's sequence numbers and IP's identification, they
/// only have to tell datagrams apart that a host sends in one burst without identification. Behind the
/// longest options of TCP these are 38 octets of payload.
const TAIL: usize = 80;

/// What goes in of an innermost packet. Hop limit, IPv4 checksum and everything below IP are left out,
/// so that a copy that was routed or retagged in between hashes alike.
pub(super) struct Print<'a> {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) ip_octets: u32,
    pub(super) ip_id: u32,
    pub(super) protocol: u8,
    /// Up to sixteen octets of the transport header, up to its checksum; the first one lowest.
    pub(super) head: u128,
    /// Everything after the checksum; only the first [`TAIL`] octets go in.
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
    let tail = print.tail.get(..TAIL).unwrap_or(print.tail);
    let length = u64::try_from(tail.len()).unwrap_or(0);
    let (one, two) = both(absorb(two, print.head), three ^ length, tail);
    fold(ends ^ one, two ^ last)
}

/// Goes through up to [`TAIL`] octets in two chains. Five times sixteen octets whatever their number,
/// some of them again: how many there are cannot be guessed, so that a loop would cost more.
#[inline]
fn both(one: u64, two: u64, octets: &[u8]) -> (u64, u64) {
    let Some(latest) = octets.len().checked_sub(16) else { return (one, absorb(two, short(octets))) };
    let word = |at: usize| {
        let octets = octets.get(at.min(latest)..).and_then(<[u8]>::first_chunk);
        octets.map_or(0, |octets| u128::from_le_bytes(*octets))
    };
    let one = absorb(absorb(absorb(one, word(0)), word(32)), word(64));
    (one, absorb(absorb(two, word(16)), word(48)))
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

    fn print(head: u128, tail: &[u8]) -> Print<'_> {
        let (src, dst) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        Print { src, dst, ip_octets: 1500, ip_id: 7, protocol: 6, head, tail }
    }

    #[test]
    fn a_changed_bit_anywhere_changes_the_hash_at_every_length() {
        for length in 0..=80 {
            let whole = fingerprint(&print(7, OCTETS.get(..length).unwrap()));
            for at in 0..length {
                let mut other = OCTETS;
                *other.get_mut(at).unwrap() ^= 0x10;
                let changed = fingerprint(&print(7, other.get(..length).unwrap()));
                assert_ne!(changed, whole, "octet {at} of {length}");
            }
        }
    }

    #[test]
    fn what_the_headers_say_goes_in_field_by_field() {
        let plain = print(7, &OCTETS);
        let whole = fingerprint(&plain);
        let turned = Print { src: plain.dst, dst: plain.src, ..print(7, &OCTETS) };
        let longer = Print { ip_octets: 1501, ..print(7, &OCTETS) };
        let next = Print { ip_id: 8, ..print(7, &OCTETS) };
        let udp = Print { protocol: 17, ..print(7, &OCTETS) };
        for other in [turned, longer, next, udp, print(8, &OCTETS)] {
            assert_ne!(fingerprint(&other), whole);
        }
        assert_ne!(fingerprint(&print(7, &[])), fingerprint(&print(7, &[0])));
    }
}
