//! Turns what the flow table and the watches say into stamped events.

use crate::event::Event;
use crate::event::EventKind;
use crate::event::Stamp;
use crate::flow::FlowFacts;
use crate::flow::FlowKey;
use crate::flow::FlowSink;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::flow::key::FlowNumber;
use crate::flow::sink::Chunk;
use crate::flow::sink::Reaction;
use crate::recognise::attached::Attached;
use crate::recognise::dispatch::Dispatch;
use crate::recognise::heads::HeadPool;
use crate::recognise::watch::Notice;
use crate::recognise::watch::Watching;
use crate::time::Timestamp;

/// Takes what happens over one packet.
pub(super) struct Post<'a> {
    pub(super) dispatch: &'a Dispatch<'a>,
    pub(super) pool: &'a mut HeadPool,
    pub(super) events: &'a mut Vec<Event>,
    pub(super) notices: &'a mut Vec<Notice>,
    /// Capture time of the packet that is being taken.
    pub(super) time: Timestamp,
    /// The stamp of the next event.
    pub(super) stamp: Stamp,
}

impl Post<'_> {
    fn push(&mut self, kind: EventKind) {
        self.events.push(Event { stamp: self.stamp, time: self.time, kind });
        self.stamp.sequence = self.stamp.sequence.saturating_add(1);
    }

    fn watch(&mut self, flow: FlowNumber, ask: impl FnOnce(&mut Watching<'_>) -> Reaction) -> Reaction {
        let mut desk = Watching { dispatch: self.dispatch, pool: self.pool, notices: self.notices };
        let reaction = ask(&mut desk);
        if self.notices.is_empty() {
            return reaction;
        }
        let (time, stamp) = (self.time, &mut self.stamp);
        self.events.extend(self.notices.drain(..).map(|notice| {
            let event = Event { stamp: *stamp, time, kind: kind_of(flow, notice) };
            stamp.sequence = stamp.sequence.saturating_add(1);
            event
        }));
        reaction
    }
}

fn kind_of(flow: FlowNumber, notice: Notice) -> EventKind {
    match notice {
        Notice::Identified(side, recognition, evidence) => {
            EventKind::Identified(flow, side, recognition, evidence)
        }
        Notice::Unrecognised(seen, cut) => EventKind::Unrecognised { flow, seen, cut },
        Notice::Found(side, finding, evidence) => EventKind::Found(flow, side, finding, evidence),
    }
}

impl FlowSink<Attached> for Post<'_> {
    fn opened(&mut self, flow: FlowNumber, _time: Timestamp, opening: &Opening) -> Attached {
        self.push(EventKind::Opened(flow, opening.clone()));
        Attached::default()
    }

    fn octets(&mut self, flow: FlowNumber, attached: &mut Attached, chunk: &Chunk<'_>) -> Reaction {
        self.watch(flow, |desk| attached.octets(chunk, desk))
    }

    fn gap(
        &mut self,
        flow: FlowNumber,
        attached: &mut Attached,
        key: &FlowKey,
        side: Side,
        _time: Timestamp,
    ) -> Reaction {
        self.watch(flow, |desk| attached.gap(key, side, desk))
    }

    fn ending(
        &mut self,
        flow: FlowNumber,
        attached: &mut Attached,
        key: &FlowKey,
        _time: Timestamp,
    ) -> Reaction {
        self.watch(flow, |desk| attached.end(key, desk))
    }

    fn initiated(&mut self, flow: FlowNumber, _time: Timestamp, side: Side, initiation: Initiation) {
        self.push(EventKind::Initiated(flow, side, initiation));
    }

    fn reached(&mut self, flow: FlowNumber, _time: Timestamp, outcome: Outcome) {
        self.push(EventKind::Reached(flow, outcome));
    }

    fn tally(&mut self, flow: FlowNumber, _time: Timestamp, tallies: &[SideTally; 2]) {
        self.push(EventKind::Tally(flow, *tallies));
    }

    fn closed(&mut self, _time: Timestamp, mut attached: Attached, facts: FlowFacts) {
        attached.let_go(self.pool);
        self.push(EventKind::Closed(Box::new(facts)));
    }
}
