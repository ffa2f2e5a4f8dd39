//! Takes events in: flows open, show themselves and close.

use std::hint::black_box;
use std::sync::Arc;

use crate::event::Event;
use crate::event::EventKind;
use crate::flow::FlowFacts;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::flow::key::FlowNumber;
use crate::inventory::is_group;
use crate::judge::Judge;
use crate::judge::TOGETHER;
use crate::judge::details::Details;
use crate::judge::flow_state::FlowState;
use crate::judge::flows::Gone;
use crate::judge::flows::Place;
use crate::judge::live::ClosedFlow;
use crate::judge::live::LiveFlow;
use crate::recognise::Finding;
use crate::recognise::finding::MediaAnnouncement;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

impl Judge {
    /// Takes events in, in their order.
    pub fn take(&mut self, events: impl IntoIterator<Item = Event>) {
        // Of a vector this moves nothing.
        let mut events = events.into_iter().collect::<Vec<Event>>().into_iter();
        loop {
            let next = events.as_slice();
            let next = next.get(..TOGETHER).unwrap_or(next);
            let count = next.len();
            if count == 0 {
                break;
            }
            // Nobody wants the sum; it keeps the reads from being left out.
            black_box(self.warm(next));
            for event in next {
                self.take_one(&event.kind, event.time);
            }
            // Lets go of all of them where they are.
            drop(events.nth(count.saturating_sub(1)));
        }
    }

    /// Reads what events will be about, so that the processor waits for all of it at a time: what one event
    /// needs first, for all of them, and then what is found by that.
    fn warm(&self, events: &[Event]) -> u64 {
        let mut places = [Place::default(); TOGETHER];
        let mut sum = 0;
        for (event, place) in events.iter().zip(&mut places) {
            match &event.kind {
                EventKind::Opened(flow, opening) => {
                    let [a, b] = opening.macs;
                    sum ^= self.inventory.warm(opening.key.a, a) ^ self.inventory.warm(opening.key.b, b);
                    sum ^= self.flows.warm_bucket(*flow);
                }
                EventKind::Closed(facts) => {
                    let FlowKey { a, b, .. } = facts.key;
                    sum ^= self.inventory.warm(a, None) ^ self.inventory.warm(b, None);
                    *place = self.flows.warm(facts.number);
                }
                kind => *place = flow_of(kind).map(|flow| self.flows.warm(flow)).unwrap_or_default(),
            }
        }
        let places = places.iter().take(events.len());
        places.fold(u64::from(sum), |sum, place| sum ^ self.flows.warm_at(*place))
    }

    fn take_one(&mut self, kind: &EventKind, time: Timestamp) {
        if let Some(watch) = &mut self.watch {
            watch.expect(kind, time, self.settings.deadline);
        }
        match kind {
            EventKind::Opened(flow, opening) => self.opened(*flow, opening, time),
            EventKind::Seen(addr, mac) => {
                self.inventory.sees(*addr, *mac, time, false);
            }
            EventKind::Closed(facts) => self.closed(facts, time),
            kind => {
                let Some(flow) = flow_of(kind) else {
                    return;
                };
                if self.flows.note(flow, kind, time, self.settings.deadline) {
                    return;
                }
                let mut live = self.flows.lift(flow);
                self.learn(flow, live.as_deref_mut(), kind, time);
                if let Some(mut live) = live {
                    self.update(&mut live, kind, time);
                    self.flows.put(flow, live);
                }
            }
        }
    }

    fn opened(&mut self, flow: FlowNumber, opening: &Opening, time: Timestamp) {
        self.totals.flows = self.totals.flows.saturating_add(1);
        let FlowKey { a, b, transport, .. } = opening.key;
        for (addr, mac) in [a, b].into_iter().zip(opening.macs) {
            if let Some(mac) = mac.filter(|mac| !mac.is_group() && !is_group(addr)) {
                self.inventory.sees(addr, mac, time, false);
            }
        }
        let (asker, service) = (opening.key.end(opening.first), opening.key.end(opening.first.other()));
        let has_kin = transport == Transport::Udp && self.inventory.is_group(service.0);
        if has_kin {
            self.related.asked(flow, asker, service.1, time);
        }
        let names = [a, b].map(|addr| self.names.of(addr));
        if names.iter().all(|names| names.is_empty()) {
            self.flows.open(flow, opening, time, has_kin);
            return;
        }
        let mut state = FlowState::new(opening, time);
        for (addr, names) in [a, b].into_iter().zip(names) {
            if self.inventory.is_internet(addr) {
                names.iter().for_each(|name| state.traits_mut().resolved(Arc::clone(name)));
            }
        }
        if state.some_traits().is_some() {
            self.flows
                .open_grown(flow, LiveFlow { state, details: None, joined: None, has_kin, has_sides: false });
        } else {
            self.flows.open(flow, opening, time, has_kin);
        }
    }

    /// What a finding says about hosts, whatever flow it is of, and for the flow's record.
    fn learn(
        &mut self,
        flow: FlowNumber,
        mut live: Option<&mut LiveFlow>,
        kind: &EventKind,
        time: Timestamp,
    ) {
        let EventKind::Found(_, side, finding, _) = kind else {
            return;
        };
        if self.settings.keep_flows
            && let Some(live) = live.as_deref_mut()
        {
            Details::note(&mut live.details, finding);
        }
        match finding {
            Finding::Resolved { name, addr } => self.names.resolved(name, *addr),
            Finding::Lease { addr, mac } => {
                self.inventory.sees(*addr, *mac, time, true);
            }
            Finding::Media(media) => {
                if let Some(live) = live {
                    self.announced((flow, live), *side, media, time);
                }
            }
            _ => {}
        }
    }

    /// Notes media that a session announces, and who of its ends wants them: who receives them; in a call,
    /// where either end wants some, who told of it; else who opened the session.
    fn announced(
        &mut self,
        (flow, live): (FlowNumber, &mut LiveFlow),
        side: Side,
        media: &MediaAnnouncement,
        time: Timestamp,
    ) {
        live.has_kin = true;
        let key = live.state.key;
        let receives = [Side::A, Side::B].into_iter().find(|side| key.end(*side).0 == media.receiver);
        let is_call = live.state.service.is_some_and(|(service, ..)| service == Service::Sip);
        let client = match receives {
            Some(receiver) => receiver,
            None if is_call => side,
            None => live.state.initiator.unwrap_or(Side::B),
        };
        let (server, client) = (key.end(client.other()).0, key.end(client).0);
        self.related.announce(flow, (server, client), media, time);
        if live.joined.is_none() {
            live.joined = Some(Box::new(self.settle(&live.state).0));
        }
    }

    fn update(&mut self, live: &mut LiveFlow, kind: &EventKind, time: Timestamp) {
        live.state.take(kind, time);
        if let EventKind::Tally(_, tallies) = kind {
            self.count_sides(live, tallies);
        }
        match &mut live.joined {
            Some(joined) => self.absorb(&live.state, joined),
            None if time.since(live.state.first_seen) >= self.settings.deadline => {
                live.joined = Some(Box::new(self.settle(&live.state).0));
            }
            None => {}
        }
    }

    fn closed(&mut self, facts: &FlowFacts, time: Timestamp) {
        self.count(facts);
        match self.flows.remove(facts.number) {
            Some(Gone::Little(mut live)) => self.close(&mut live, facts, time),
            Some(Gone::Grown(mut live)) => self.close(&mut live, facts, time),
            None => {}
        }
    }

    fn close(&mut self, live: &mut LiveFlow, facts: &FlowFacts, time: Timestamp) {
        live.state.close(facts);
        self.count_sides(live, &facts.tallies);
        let (joined, seats) = match live.joined.take() {
            Some(mut joined) => {
                self.absorb(&live.state, &mut joined);
                (*joined, None)
            }
            None => self.settle(&live.state),
        };
        let service = live.state.service.map(|(service, ..)| service);
        self.durations.record(service, facts.last_seen.since(facts.first_seen));
        let mut folded = None;
        match joined.conversation {
            None => folded = Some(self.fold(&live.state, joined.orientation, seats)),
            // What was closed to make room may go on.
            Some(conversation) if live.has_kin => {
                self.related.ended(facts.number, conversation, (!facts.evicted).then_some(time));
            }
            Some(_) => {}
        }
        if self.settings.keep_flows {
            let (conversation, orientation) = (joined.conversation, joined.orientation);
            let nothing = FlowState::opened(facts.key, time);
            let (state, details) = (std::mem::replace(&mut live.state, nothing), live.details.take());
            let facts = facts.clone();
            self.closed.push(ClosedFlow { facts, state, details, orientation, conversation, folded });
        }
    }

    /// Counts, for who watches, a flow as seen one way or both, as soon as that is told.
    fn count_sides(&mut self, live: &mut LiveFlow, [a, b]: &[SideTally; 2]) {
        let Some(watch) = &mut self.watch else { return };
        let FlowState { key, initiation, outcome, .. } = live.state;
        let attempted = initiation == Initiation::Observed && outcome == Outcome::Attempted;
        if key.transport != Transport::Tcp || attempted || std::mem::replace(&mut live.has_sides, true) {
            return;
        }
        let one_way = a.packets == 0 || b.packets == 0;
        let count = if one_way { &mut watch.counts.one_way } else { &mut watch.counts.two_way };
        *count = count.saturating_add(1);
    }

    fn count(&mut self, facts: &FlowFacts) {
        let add = |sum: &mut u64, holds: bool| *sum = sum.saturating_add(u64::from(holds));
        let [a, b] = &facts.tallies;
        let one_way = a.packets == 0 || b.packets == 0;
        let is_tcp = facts.key.transport == Transport::Tcp;
        // An attempt that nobody answers is no sign of a one-way mirror.
        let attempted = facts.initiation == Initiation::Observed && facts.outcome == Outcome::Attempted;
        add(&mut self.totals.one_way_flows, is_tcp && one_way && !attempted);
        add(&mut self.totals.two_way_flows, is_tcp && !one_way);
        // A datagram's flow has no beginning that could have been missed.
        add(&mut self.totals.midstream_flows, is_tcp && facts.midstream);
    }
}

fn flow_of(kind: &EventKind) -> Option<FlowNumber> {
    match kind {
        EventKind::Opened(flow, _)
        | EventKind::Initiated(flow, ..)
        | EventKind::Identified(flow, ..)
        | EventKind::Unrecognised { flow, .. }
        | EventKind::Found(flow, ..)
        | EventKind::Reached(flow, _)
        | EventKind::Tally(flow, _) => Some(*flow),
        EventKind::Closed(facts) => Some(facts.number),
        EventKind::Seen(..) => None,
    }
}
