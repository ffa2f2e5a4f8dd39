//! Events in, ledger out: the pure state machine that owns conversations, roles and violations.
//!
//! Flows gather facts until they are *settled*: they ended, or the identification deadline passed.
//! A settled flow joins its conversation; what is learned later is absorbed there. Rulings are made
//! when they are asked for, from the facts that a conversation then has, so that neither the number
//! of workers nor the size of batches can change them.

pub mod audit;
pub mod community_id;
pub mod conversation;
pub mod conversations;
pub mod details;
pub mod durations;
pub mod flow_state;
mod flows;
mod joining;
pub mod ledger;
pub mod message;
pub mod names;
pub mod orient;
pub mod related;
pub mod ruling;
pub mod seats;
mod slab;
mod slot;
pub mod summary;
pub mod tuples;
pub mod wording;

use std::collections::BTreeMap;
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
use crate::flow::key::FlowNumber;
use crate::inventory::Inventory;
use crate::judge::audit::JudgeTotals;
use crate::judge::conversations::ConversationIndex;
use crate::judge::conversations::Conversations;
use crate::judge::details::Details;
use crate::judge::durations::Durations;
use crate::judge::flow_state::FlowState;
use crate::judge::flows::Flows;
use crate::judge::flows::Place;
use crate::judge::names::Names;
use crate::judge::orient::Orientation;
use crate::judge::related::Related;
use crate::judge::ruling::FoldKey;
use crate::judge::ruling::Memory;
use crate::judge::seats::Seats;
use crate::policy::case::Ruling;
use crate::policy::force::Policy;
use crate::recognise::Finding;
use crate::recognise::finding::MediaAnnouncement;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// What bounds the judge.
#[derive(Clone, Copy, Debug)]
pub struct JudgeSettings {
    /// Most conversations kept; default 655,360. Beyond it violations fold by reason, rule and role pair;
    /// totals stay exact and `complete` is false. The last eighth is for initiators that the site
    /// declares, each with a 64th of the whole at most.
    ///
    /// Memory of the judge, at most:
    ///
    /// ```text
    /// conversations × 176 octets (record, index)
    ///     + 100 for those of which octets told more, or that share their verdict, or were mirrored twice
    ///     + 90 for those with several 5-tuples + what octets told of them (names, certificates)
    ///   + 4,194,304 further 5-tuples × 16 octets
    ///   + flows of the flow table × 52 octets (IPv6: 76) + those of which more than the opening is known × 448 octets
    ///   + 65,536 × (kinds of hosts 150 + addresses with their MAC 300 + what hosts did 200 + rulings 300) octets
    ///   + 65,536 × (announced media 160 + questions 120 + ended sessions 80 + resolved addresses 300) octets
    /// ```
    ///
    /// At the end of the run, when the flows are gone: conversations × 320 octets more, for the audit's
    /// lines on them and on both their ends.
    pub conversations: usize,
    /// Keep every closed flow for the flow log, which takes about 1 KiB for each flow of the run and has
    /// no other bound. Default off.
    pub keep_flows: bool,
    /// How long a flow may show itself before it is judged. Default 5 s of packet time.
    pub deadline: Span,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self { conversations: 655_360, keep_flows: false, deadline: Span::from_secs(5) }
    }
}

/// So many events are looked ahead at a time: few enough that what was fetched for them is still there.
const TOGETHER: usize = 32;

/// A flow that is over, kept for the flow log.
#[derive(Debug)]
struct ClosedFlow {
    facts: FlowFacts,
    state: FlowState,
    details: Option<Box<Details>>,
    orientation: Orientation,
    conversation: Option<ConversationIndex>,
    /// Its own verdict, if no conversation has it.
    folded: Option<Arc<Ruling>>,
}

/// A flow that is going on, and where its counts went so far.
#[derive(Debug)]
struct LiveFlow {
    state: FlowState,
    /// What flow records say beside; only where they are kept.
    details: Option<Box<Details>>,
    opened_at: Timestamp,
    joined: Option<Joined>,
    /// It announced media or asked a group, so that other flows may belong to it.
    has_kin: bool,
}

#[derive(Clone, Copy, Debug)]
struct Joined {
    conversation: Option<ConversationIndex>,
    orientation: Orientation,
    /// It shares the verdict of another flow's conversation.
    related: bool,
    /// Packets, octets and duplicates that the conversation was told of.
    counted: [u64; 3],
    /// The conversation counts it as one that speaks in clear.
    clear: bool,
    /// What its place was chosen by.
    grounds: Grounds,
}

/// What tells a flow's conversation. Where it did not change, neither did the conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Grounds {
    initiator: Option<Side>,
    initiation: Initiation,
    service: Option<Service>,
    called: Option<u64>,
}

/// The judge of one run.
#[derive(Debug)]
pub struct Judge {
    policy: Arc<Policy>,
    inventory: Inventory,
    settings: JudgeSettings,
    flows: Flows,
    conversations: Conversations,
    related: Related,
    names: Names,
    closed: Vec<ClosedFlow>,
    folded: BTreeMap<FoldKey, u64>,
    /// What the ends of conversations have in common.
    seats: Seats,
    /// Rulings that were made.
    memory: Memory,
    totals: JudgeTotals,
    durations: Durations,
}

impl Judge {
    /// A judge with these rules and this inventory.
    pub fn new(policy: Arc<Policy>, inventory: Inventory, settings: JudgeSettings) -> Self {
        Self {
            inventory,
            settings,
            flows: Flows::default(),
            conversations: Conversations::new(settings.conversations),
            related: Related::default(),
            names: Names::default(),
            closed: Vec::new(),
            folded: BTreeMap::new(),
            seats: Seats::default(),
            memory: Memory::of(&policy),
            totals: JudgeTotals::default(),
            durations: Durations::default(),
            policy,
        }
    }

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
            for event in events.by_ref().take(count) {
                self.take_one(event.kind, event.time);
            }
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
                    *place = self.flows.warm(*flow);
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

    fn take_one(&mut self, kind: EventKind, time: Timestamp) {
        match kind {
            EventKind::Opened(flow, opening) => self.opened(flow, &opening, time),
            EventKind::Seen(addr, mac) => {
                self.inventory.sees(addr, mac, time, false);
            }
            EventKind::Closed(facts) => self.closed(facts, time),
            kind => {
                let Some(flow) = flow_of(&kind) else {
                    return;
                };
                if self.flows.note(flow, &kind, time, self.settings.deadline) {
                    return;
                }
                let mut live = self.flows.lift(flow);
                self.learn(flow, live.as_deref_mut(), &kind, time);
                if let Some(mut live) = live {
                    self.update(&mut live, &kind, time);
                    self.flows.put(flow, live);
                }
            }
        }
    }

    fn opened(&mut self, flow: FlowNumber, opening: &Opening, time: Timestamp) {
        self.totals.flows = self.totals.flows.saturating_add(1);
        for side in [Side::A, Side::B] {
            let addr = opening.key.end(side).0;
            if let Some(mac) = *side.of(&opening.macs)
                && !mac.is_group()
                && !addr.is_group()
            {
                self.inventory.sees(addr, mac, time, false);
            }
        }
        let mut state = FlowState::new(opening, time);
        for side in [Side::A, Side::B] {
            let addr = opening.key.end(side).0;
            let names = self.names.of(addr);
            if !names.is_empty() && self.inventory.is_internet(addr) {
                names.iter().for_each(|name| state.traits_mut().resolved(Arc::clone(name)));
            }
        }
        let (asker, service) = (opening.key.end(opening.first), opening.key.end(opening.first.other()));
        let has_kin = opening.key.transport == Transport::Udp && self.inventory.is_group(service.0);
        if has_kin {
            self.related.asked(flow, asker, service.1, time);
        }
        let live = LiveFlow { state, details: None, opened_at: time, joined: None, has_kin };
        self.flows.open(flow, live);
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
        self.settle(live);
    }

    fn update(&mut self, live: &mut LiveFlow, kind: &EventKind, time: Timestamp) {
        live.state.take(kind, time);
        let due = time.since(live.opened_at) >= self.settings.deadline;
        if live.joined.is_some() {
            self.absorb(live);
        } else if due {
            self.settle(live);
        }
    }

    fn closed(&mut self, facts: Box<FlowFacts>, time: Timestamp) {
        let number = facts.number;
        self.count(&facts);
        let Some(mut live) = self.flows.remove(number) else {
            return;
        };
        live.state.close(&facts);
        let seats = if live.joined.is_none() {
            self.settle(&mut live)
        } else {
            self.absorb(&mut live);
            None
        };
        let service = live.state.service.map(|(service, ..)| service);
        self.durations.record(service, facts.last_seen.since(facts.first_seen));
        let Some(joined) = live.joined else {
            return;
        };
        let mut folded = None;
        match joined.conversation {
            None => folded = Some(self.fold(&live.state, joined.orientation, seats)),
            // What was closed to make room may go on.
            Some(conversation) if live.has_kin => {
                self.related.ended(number, conversation, (!facts.evicted).then_some(time));
            }
            Some(_) => {}
        }
        if self.settings.keep_flows {
            let (conversation, orientation) = (joined.conversation, joined.orientation);
            let (LiveFlow { state, details, .. }, facts) = (live, *facts);
            self.closed.push(ClosedFlow { facts, state, details, orientation, conversation, folded });
        }
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

    /// The inventory, for the draft of a site file.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
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

#[cfg(test)]
mod tests {
    use super::ClosedFlow;
    use super::LiveFlow;
    use super::flows;
    use crate::judge::audit::ConversationRecord;
    use crate::judge::audit::HostRecord;
    use crate::judge::audit::Violation;
    use crate::judge::conversation::Conversation;
    use crate::judge::seats::HostKind;

    #[test]
    fn the_sizes_of_all_that_there_are_many_of_are_known() {
        let [ipv4, ipv6] = flows::SLOT_OCTETS;
        let sizes = [
            ("IPv4 flow going on, nothing known but its opening", ipv4, 40),
            ("IPv6 flow going on, nothing known but its opening", ipv6, 64),
            ("flow going on, on top of that when more is known", size_of::<LiveFlow>(), 448),
            ("flow in the flow log", size_of::<ClosedFlow>(), 1024),
            ("conversation", size_of::<Conversation>(), 160),
            ("conversation in the audit", size_of::<ConversationRecord>(), 192),
            ("endpoint in the audit", size_of::<HostRecord>(), 48),
            ("kind of endpoint, shared", size_of::<HostKind>(), 128),
            ("violation", size_of::<Violation>(), 512),
        ];
        for (what, octets, at_most) in sizes {
            println!("{octets:4} octets: {what}");
            assert!(octets <= at_most, "{what}: {octets} octets");
        }
    }
}
