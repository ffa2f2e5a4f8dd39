//! What the reading thread finds out about a packet before a table sees it: the hash of its flow, its
//! shard, and whether it is the second copy of a mirror.
//!
//! Copies are known here and not in the table, because one memory for the whole capture stays in the
//! processor's cache, and because the order of all packets, whoever takes them, is known here only.

use crate::decode::Segment;
use crate::decode::segment::IcmpError;
use crate::flow::FlowKey;
use crate::flow::FlowSettings;
use crate::flow::Side;
use crate::flow::mirror::Likeness;
use crate::flow::mirror::Mirror;
use crate::flow::shard::Hashes;
use crate::time::Span;
use crate::time::Timestamp;

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trace {
    /// Hash of the flow's key.
    pub hash: u32,
    /// The shard of the address pair.
    pub shard: u8,
    /// Which end of the flow sent it.
    pub side: Side,
    /// What its copy is known by.
    likeness: Likeness,
    /// It was here already, no longer ago than a mirror takes for its second copy.
    pub is_copy: bool,
}

/// Finds traces, packet by packet in the order of capture.
#[derive(Debug)]
pub struct Tracer {
    hashes: Hashes,
    key_by_vlan: bool,
    window: Span,
    mirror: Mirror,
}

impl Trace {
    /// That of what is of no flow.
    pub const NOWHERE: Self =
        Self { hash: 0, shard: 0, side: Side::A, likeness: Likeness::new(0, 0), is_copy: false };
}

impl Tracer {
    /// One that has seen nothing.
    pub fn new(settings: &FlowSettings) -> Self {
        let hashes = Hashes::new(settings.seed);
        let (key_by_vlan, window) = (settings.key_by_vlan, settings.mirror_window);
        Self { hashes, key_by_vlan, window, mirror: Mirror::default() }
    }

    /// That of a packet, of which [`Tracer::is_copy`] was not asked yet.
    ///
    /// hot: once per packet
    #[inline]
    pub fn trace(&self, segment: &Segment) -> Trace {
        let (key, side) = FlowKey::of(segment, self.key_by_vlan);
        let (hash, shard) = self.hashes.of(&key);
        let likeness = Likeness::new(segment.fingerprint, hash);
        Trace { hash, shard, side, likeness, is_copy: false }
    }

    /// Reads what [`Tracer::is_copy`] will need: for many packets one after the other their ways to memory
    /// overlap, if nothing else stands between them.
    #[inline]
    pub fn touch(&self, trace: Trace) -> u64 {
        self.mirror.touch(trace.likeness)
    }

    /// Whether the next packet, which has this trace and capture time, is the second copy of one that was
    /// here.
    ///
    /// hot: once per packet
    #[inline]
    pub fn is_copy(&mut self, trace: Trace, time: Timestamp) -> bool {
        self.mirror.is_copy(trace.likeness, time, self.window)
    }

    /// That of the next packet, with the answer of [`Tracer::is_copy`].
    pub fn next(&mut self, segment: &Segment) -> Trace {
        let trace = self.trace(segment);
        Trace { is_copy: self.is_copy(trace, segment.time), ..trace }
    }

    /// That of the packet that an ICMP error complains of; nobody knows its VLAN.
    pub fn trace_error(&self, error: &IcmpError) -> Trace {
        let (from, to) = ((error.src, error.src_port), (error.dst, error.dst_port));
        let (key, side) = FlowKey::canonical(from, to, error.transport, 0);
        let (hash, shard) = self.hashes.of(&key);
        Trace { hash, shard, side, ..Trace::NOWHERE }
    }
}
