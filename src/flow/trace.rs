//! What the reading thread finds out about a packet before a table sees it: the hash of its flow and its
//! shard, by which it is known whose packet it is.

use crate::decode::Segment;
use crate::decode::segment::IcmpError;
use crate::flow::FlowKey;
use crate::flow::FlowSettings;
use crate::flow::Side;
use crate::flow::shard::Hashes;

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trace {
    /// Hash of the flow's key.
    pub hash: u32,
    /// The shard of the address pair.
    pub shard: u8,
    /// Which end of the flow sent it.
    pub side: Side,
}

/// Finds traces.
#[derive(Clone, Copy, Debug)]
pub struct Tracer {
    hashes: Hashes,
    key_by_vlan: bool,
}

impl Trace {
    /// That of what is of no flow.
    pub const NOWHERE: Self = Self { hash: 0, shard: 0, side: Side::A };
}

impl Tracer {
    /// That of a run.
    pub const fn new(settings: &FlowSettings) -> Self {
        Self { hashes: Hashes::new(settings.seed), key_by_vlan: settings.key_by_vlan }
    }

    /// That of a packet.
    ///
    /// hot: once per packet
    #[inline]
    pub fn trace(&self, segment: &Segment) -> Trace {
        let (from, to) = ((segment.src, segment.src_port), (segment.dst, segment.dst_port));
        let vlan = FlowKey::vlan_of(segment, self.key_by_vlan);
        let (hash, shard) = self.hashes.of_ends(from, to, segment.transport, vlan);
        Trace { hash, shard, side: Side::sent_by(segment) }
    }

    /// That of the packet that an ICMP error complains of; nobody knows its VLAN.
    pub fn trace_error(&self, error: &IcmpError) -> Trace {
        let (from, to) = ((error.src, error.src_port), (error.dst, error.dst_port));
        let (key, side) = FlowKey::canonical(from, to, error.transport, 0);
        let (hash, shard) = self.hashes.of(&key);
        Trace { hash, shard, side }
    }
}
