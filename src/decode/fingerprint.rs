//! A hash by which a mirror's second copy of a packet is known.

use std::hash::BuildHasher;
use std::hash::Hasher;

use foldhash::fast::FixedState;

use super::context::Context;

/// Any number will do; it is fixed so that every run gives the same hashes.
const SEED: u64 = 0xca3e_5e47;

/// How many octets of payload go in: past TCP's sequence numbers and IP's identification, they
/// only have to tell datagrams apart that a host sends in one burst without identification.
const PAYLOAD_OCTETS: usize = 64;

/// Hash of an innermost packet. `header` is the transport header without its checksum, in two
/// parts; hop limit, IPv4 checksum and everything below IP are left out, so that a copy that was
/// routed or retagged in between hashes alike.
///
/// A host that writes IPv4 identification 0 into every packet (allowed with "don't fragment", RFC
/// 6864) is told from its own retransmission by TCP's timestamps only.
pub(super) fn fingerprint(context: &Context, header: [&[u8]; 2], payload: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(SEED).build_hasher();
    hasher.write_u128(context.src.bits());
    hasher.write_u128(context.dst.bits());
    hasher.write_u64(u64::from(context.ip_octets) << 32 | u64::from(context.ip_id));
    hasher.write_u8(context.protocol);
    for part in header {
        hasher.write(part);
    }
    hasher.write(payload.get(..PAYLOAD_OCTETS).unwrap_or(payload));
    hasher.finish()
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
