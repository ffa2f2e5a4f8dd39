//! Which of the 256 shards an address pair belongs to, and the hashes of the flow table.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::decode::Segment;
use crate::flow::FlowKey;

/// The shard of all flows between two addresses, whichever of them sends.
///
/// An RTSP connection and its unicast media share a shard, and so do all fragments of a packet.
pub fn shard_of(one: Addr, other: Addr, seed: u64) -> u8 {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    let [shard, ..] = FixedState::with_seed(seed).hash_one((low.bits(), high.bits())).to_be_bytes();
    shard
}

/// Hash of a flow's key for the table of a shard.
pub(super) fn key_hash(key: &FlowKey, seed: u64) -> u32 {
    let ports = u64::from(key.a_port) << 48
        | u64::from(key.b_port) << 32
        | u64::from(key.vlan) << 16
        | u64::from(key.transport.number());
    let hash = FixedState::with_seed(!seed).hash_one((key.a.bits(), key.b.bits(), ports));
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// Hash of a flow's first packet. Written out here, so that a `uid` does not change with a
/// dependency's version.
pub(super) fn uid_of(segment: &Segment, key: &FlowKey, seed: u64) -> u64 {
    let words = [
        seed,
        u64::from_be_bytes(segment.time.nanos().to_be_bytes()),
        segment.number,
        segment.fingerprint,
        fold(key.a.bits()),
        fold(key.b.bits()),
        u64::from(key.a_port) << 40
            | u64::from(key.b_port) << 24
            | u64::from(key.vlan) << 8
            | u64::from(key.transport.number()),
    ];
    words.into_iter().fold(0x9e37_79b9_7f4a_7c15, |hash, word| mix(hash ^ word))
}

/// Both halves of an address in one word.
fn fold(bits: u128) -> u64 {
    let [high, low] = [bits >> 64, bits & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0));
    mix(high) ^ low
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
