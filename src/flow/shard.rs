//! Which of the 256 shards an address pair belongs to, and the hashes of the flow table.

use crate::addr::Addr;
use crate::decode::Segment;
use crate::flow::FlowKey;
use crate::service::Transport;

/// The hash of flows' keys, and the shards of their address pairs.
///
/// Each end is hashed by multiplications of 64 by 64 bits whose halves are folded together (as in wyhash
/// and foldhash), first its address, then its port; the ends are added, so that the order in which they are
/// given does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Hashes {
    high: u64,
    low: u64,
    last: u64,
}

impl Hashes {
    /// Those of a run with this seed.
    pub const fn new(seed: u64) -> Self {
        Self { high: mix(seed), low: mix(!seed), last: mix(seed.rotate_left(32)) | 1 }
    }

    /// The hash of a key, and its shard: the same for all flows between two addresses, whichever of them
    /// sends. An RTSP connection and its unicast media share a shard, and so do all fragments of a packet.
    pub fn of(&self, key: &FlowKey) -> (u32, u8) {
        self.of_ends((key.a, key.a_port), (key.b, key.b_port), key.transport, key.vlan)
    }

    /// The same of a key with these ends, given in any order.
    ///
    /// hot: once per packet
    #[inline]
    pub(super) fn of_ends(
        &self,
        one: (Addr, u16),
        other: (Addr, u16),
        transport: Transport,
        vlan: u16,
    ) -> (u32, u8) {
        let (a, b) = (self.end(one.0.bits()), self.end(other.0.bits()));
        let [shard, ..] = self.ended(a.wrapping_add(b)).to_be_bytes();
        let with_port = |end: u64, port: u16| product(end ^ u64::from(port).wrapping_mul(PORT), self.last);
        let rest = u64::from(vlan) << 16 | u64::from(transport.number());
        let hash =
            with_port(a, one.1).wrapping_add(with_port(b, other.1)).wrapping_add(rest.wrapping_mul(PORT));
        (u32::try_from(hash >> 32).unwrap_or(0), shard)
    }

    #[inline]
    fn end(&self, bits: u128) -> u64 {
        let [high, low] = halves(bits);
        product(high ^ self.high, low ^ self.low)
    }

    #[inline]
    fn ended(&self, sum: u64) -> u64 {
        product(sum ^ self.high, self.last)
    }
}

/// An odd number whose bits nobody chose: the golden ratio.
const PORT: u64 = 0x9e37_79b9_7f4a_7c15;

/// The halves of a product, one on the other.
#[inline]
fn product(one: u64, other: u64) -> u64 {
    let [high, low] = halves(u128::from(one).wrapping_mul(u128::from(other)));
    high ^ low
}

#[inline]
fn halves(bits: u128) -> [u64; 2] {
    [bits >> 64, bits & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0))
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
    let [high, low] = halves(bits);
    mix(high) ^ low
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
