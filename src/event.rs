//! What workers tell the judge, in the order of packets.

use crate::addr::Addr;
use crate::addr::Mac;
use crate::evidence::Evidence;
use crate::flow::FlowFacts;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::flow::key::FlowNumber;
use crate::recognise::Finding;
use crate::recognise::Recognition;
use crate::time::Timestamp;

/// Total order over all events of a run, the same for any number of workers: a packet belongs to
/// one shard only, and at the end flows close in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Stamp {
    /// The packet that caused it; `u64::MAX` at the end of the run.
    pub packet: u64,
    /// Order among the events of that packet (at the end: the flow's number first).
    pub sequence: u64,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the order.
    pub stamp: Stamp,
    /// Capture time of the packet that caused it.
    pub time: Timestamp,
    /// What it was.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A flow appeared.
    Opened(FlowNumber, Opening),
    /// It is known (better) who opened it.
    Initiated(FlowNumber, Side, Initiation),
    /// A side's octets were recognised. The first comes first; a stronger or later truth may follow.
    Identified(FlowNumber, Side, Recognition, Evidence),
    /// The heads of both sides are finished and nobody recognised them; how many octets of payload
    /// each side had shown, and whether some were cut away or lost.
    Unrecognised {
        /// Which flow.
        flow: FlowNumber,
        /// Octets that the recognisers saw, `[A, B]`.
        seen: [u32; 2],
        /// Octets were cut by the snap length or lost.
        cut: bool,
    },
    /// A follower learned something.
    Found(FlowNumber, Side, Finding, Evidence),
    /// The flow got further.
    Reached(FlowNumber, Outcome),
    /// What was counted so far, at most once a minute of packet time, for long flows.
    Tally(FlowNumber, [SideTally; 2]),
    /// The flow ended, expired, or the run did.
    Closed(Box<FlowFacts>),
    /// A host was seen with this MAC (ARP, neighbour discovery, DHCP).
    Seen(Addr, Mac),
}
