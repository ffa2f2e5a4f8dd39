//! The border between the flow table and what hangs on a flow.

use crate::flow::FlowFacts;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::flow::key::FlowNumber;
use crate::time::Timestamp;

/// In-order octets of one side (TCP; the first data wins an overlap), or one datagram.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The flow's 5-tuple.
    pub key: &'a FlowKey,
    /// Who sent them.
    pub side: Side,
    /// Packet that brought them.
    pub packet: u64,
    /// Its capture time.
    pub time: Timestamp,
    /// The octets that were captured.
    pub octets: &'a [u8],
    /// Position of the first of them in what this side sent since we look, from 0.
    pub offset: u32,
    /// TCP: this side's SYN was seen (or proved by the other side's), so that offset 0 is its start.
    pub from_start: bool,
    /// More octets follow on the wire that were not captured (snap length), or were lost here.
    pub cut: bool,
}

/// What the flow stage should do next for this side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Interest {
    /// Go on handing octets over.
    More,
    /// This side's octets are not needed any more; stop reassembling it.
    Enough,
}

/// What the receiver of octets says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reaction {
    /// Whether each side is still wanted, `[A, B]`.
    pub interest: [Interest; 2],
    /// The octets prove who opened the flow.
    pub initiator: Option<Side>,
}

/// Receives what the flow table sees, in the order of packets. `A` is what it hangs on each flow.
pub trait FlowSink<A> {
    /// A flow appeared: gives what to hang on it.
    fn opened(&mut self, flow: FlowNumber, time: Timestamp, opening: &Opening) -> A;
    /// Octets came.
    fn octets(&mut self, flow: FlowNumber, attached: &mut A, chunk: &Chunk<'_>) -> Reaction;
    /// Octets of `side` are missing: what comes next does not continue what came last.
    fn gap(
        &mut self,
        flow: FlowNumber,
        attached: &mut A,
        key: &FlowKey,
        side: Side,
        time: Timestamp,
    ) -> Reaction;
    /// No more octets will come: the last chance to say what they were. [`FlowSink::closed`] follows.
    fn ending(&mut self, flow: FlowNumber, attached: &mut A, key: &FlowKey, time: Timestamp) -> Reaction;
    /// It is known (better) who opened it.
    fn initiated(&mut self, flow: FlowNumber, time: Timestamp, side: Side, initiation: Initiation);
    /// The flow got further.
    fn reached(&mut self, flow: FlowNumber, time: Timestamp, outcome: Outcome);
    /// What was counted so far.
    fn tally(&mut self, flow: FlowNumber, time: Timestamp, tallies: &[SideTally; 2]);
    /// The flow is over; `time` is that of the packet that made it so.
    fn closed(&mut self, time: Timestamp, attached: A, facts: FlowFacts);
}
