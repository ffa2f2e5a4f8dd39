//! The identity of a flow, the same for both directions.

use crate::addr::Addr;
use crate::decode::Segment;
use crate::service::Transport;

/// How many shards the flow table has, whatever the number of workers.
pub const SHARDS: usize = 256;

/// Number of the packet that opened the flow: unique in a run, the same for any number of workers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowNumber(pub u64);

/// An innermost 5-tuple, its ends in canonical order: `(a, a_port) <= (b, b_port)`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowKey {
    /// The lower end's address.
    pub a: Addr,
    /// The higher end's address.
    pub b: Addr,
    /// The lower end's port.
    pub a_port: u16,
    /// The higher end's port.
    pub b_port: u16,
    /// What carries it.
    pub transport: Transport,
    /// Innermost VLAN identifier if the site keys by VLAN, else 0.
    pub vlan: u16,
}

/// One end of a flow. Says nothing of who opened it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// The end in `a` of the key.
    A,
    /// The end in `b` of the key.
    B,
}

impl Side {
    /// The end that sent `segment`.
    #[inline]
    pub(super) fn sent_by(segment: &Segment) -> Self {
        let (from, to) = ((segment.src, segment.src_port), (segment.dst, segment.dst_port));
        if from <= to { Self::A } else { Self::B }
    }

    /// The opposite end.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Of a pair kept per side, this side's.
    pub const fn of<T>(self, pair: &[T; 2]) -> &T {
        let [a, b] = pair;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }

    /// Of a pair kept per side, this side's, to change.
    pub const fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        let [a, b] = pair;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }
}

impl FlowKey {
    /// The key of `segment` and the side that sent it.
    #[inline]
    pub fn of(segment: &Segment, by_vlan: bool) -> (Self, Side) {
        let side = Side::sent_by(segment);
        (Self::sided(segment, side, by_vlan), side)
    }

    /// The key of `segment`, which is known to come from `side`.
    #[inline]
    pub fn sided(segment: &Segment, side: Side, by_vlan: bool) -> Self {
        let vlan = Self::vlan_of(segment, by_vlan);
        let ends = [(segment.src, segment.src_port), (segment.dst, segment.dst_port)];
        let ((a, a_port), (b, b_port)) = (*side.of(&ends), *side.other().of(&ends));
        Self { a, b, a_port, b_port, transport: segment.transport, vlan }
    }

    /// The VLAN that goes into the key of `segment`.
    #[inline]
    pub(super) fn vlan_of(segment: &Segment, by_vlan: bool) -> u16 {
        if by_vlan { segment.vlans.ids().last().copied().unwrap_or(0) } else { 0 }
    }

    /// The key of these two ends, and which side the first one is.
    pub fn canonical(from: (Addr, u16), to: (Addr, u16), transport: Transport, vlan: u16) -> (Self, Side) {
        let (low, high, side) = if from <= to { (from, to, Side::A) } else { (to, from, Side::B) };
        let key = Self { a: low.0, b: high.0, a_port: low.1, b_port: high.1, transport, vlan };
        (key, side)
    }

    /// Address and port of an end.
    pub const fn end(&self, side: Side) -> (Addr, u16) {
        match side {
            Side::A => (self.a, self.a_port),
            Side::B => (self.b, self.b_port),
        }
    }
}
