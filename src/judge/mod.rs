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
mod joining;
pub mod ledger;
pub mod message;
pub mod names;
pub mod orient;
pub mod related;
pub mod ruling;
pub mod summary;
pub mod tuples;
pub mod wording;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::addr::Addr;
use crate::event::Event;
use crate::event::EventKind;
use crate::flow::FlowFacts;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::inventory::HostView;
use crate::inventory::Inventory;
use crate::judge::audit::JudgeTotals;
use crate::judge::conversations::ConversationIndex;
use crate::judge::conversations::Conversations;
use crate::judge::details::Details;
use crate::judge::durations::Durations;
use crate::judge::flow_state::FlowState;
use crate::judge::names::Names;
use crate::judge::orient::Orientation;
use crate::judge::related::Related;
use crate::judge::ruling::FoldKey;
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
    /// Most conversations kept; default 327,680. Beyond it violations fold by reason, rule and role pair;
    /// totals stay exact and `complete` is false. The last eighth is for initiators that the site
    /// declares, each with a 64th of the whole at most.
    ///
    /// Memory of the judge, at most:
    ///
    /// ```text
    /// conversations × 640 octets (record, index, both ends) + what octets told of them (names, certificates)
    ///   + 4,194,304 further 5-tuples × 16 octets + flows of the flow table × 512 octets
    ///   + 65,536 × (announced media 160 + questions 120 + ended sessions 80 + resolved addresses 300) octets
    /// ```
    pub conversations: usize,
    /// Keep every closed flow for the flow log, which takes about 1 KiB for each flow of the run and has
    /// no other bound. Default off.
    pub keep_flows: bool,
    /// How long a flow may show itself before it is judged. Default 5 s of packet time.
    pub deadline: Span,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self { conversations: 327_680, keep_flows: false, deadline: Span::from_secs(5) }
    }
}

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
    flows: HashMap<FlowNumber, Box<LiveFlow>, foldhash::fast::FixedState>,
    conversations: Conversations,
    related: Related,
    names: Names,
    closed: Vec<ClosedFlow>,
    folded: BTreeMap<FoldKey, u64>,
    /// Hosts as they were last seen, with the inventory's state of that moment, so that conversations share what is known of them.
    views: HashMap<Addr, (u64, Arc<HostView>), foldhash::fast::FixedState>,
    totals: JudgeTotals,
    durations: Durations,
}

impl Judge {
    /// A judge with these rules and this inventory.
    pub fn new(policy: Arc<Policy>, inventory: Inventory, settings: JudgeSettings) -> Self {
        Self {
            policy,
            inventory,
            settings,
            flows: HashMap::default(),
            conversations: Conversations::new(settings.conversations),
            related: Related::default(),
            names: Names::default(),
            closed: Vec::new(),
            folded: BTreeMap::new(),
            views: HashMap::default(),
            totals: JudgeTotals::default(),
            durations: Durations::default(),
        }
    }

    /// Takes events in, in their order.
    pub fn take(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.take_one(event.kind, event.time);
        }
    }

    fn take_one(&mut self, kind: EventKind, time: Timestamp) {
        match kind {
            EventKind::Opened(flow, opening) => self.opened(flow, &opening, time),
            EventKind::Seen(addr, mac) => {
                self.inventory.sees(addr, mac, time, false);
            }
            EventKind::Closed(facts) => self.closed(*facts, time),
            kind => {
                let Some(flow) = flow_of(&kind) else {
                    return;
                };
                self.learn(flow, &kind, time);
                self.update(flow, &kind, time);
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
            if self.inventory.is_internet(addr) {
                self.names.of(addr).iter().for_each(|name| state.traits_mut().resolved(Arc::clone(name)));
            }
        }
        let (asker, service) = (opening.key.end(opening.first), opening.key.end(opening.first.other()));
        let has_kin = opening.key.transport == Transport::Udp && self.inventory.is_group(service.0);
        if has_kin {
            self.related.asked(flow, asker, service.1, time);
        }
        let live = LiveFlow { state, details: None, opened_at: time, joined: None, has_kin };
        self.flows.insert(flow, Box::new(live));
    }

    /// What a finding says about hosts, whatever flow it is of, and for the flow's record.
    fn learn(&mut self, flow: FlowNumber, kind: &EventKind, time: Timestamp) {
        let EventKind::Found(_, side, finding, _) = kind else {
            return;
        };
        if self.settings.keep_flows
            && let Some(live) = self.flows.get_mut(&flow)
        {
            Details::note(&mut live.details, finding);
        }
        match finding {
            Finding::Resolved { name, addr } => self.names.resolved(name, *addr),
            Finding::Lease { addr, mac } => {
                self.inventory.sees(*addr, *mac, time, true);
            }
            Finding::Media(media) => self.announced(flow, *side, media, time),
            _ => {}
        }
    }

    /// Notes media that a session announces, and who of its ends wants them: who receives them; in a call,
    /// where either end wants some, who told of it; else who opened the session.
    fn announced(&mut self, flow: FlowNumber, side: Side, media: &MediaAnnouncement, time: Timestamp) {
        let Some(live) = self.flows.get_mut(&flow) else {
            return;
        };
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
        self.settle(flow);
    }

    fn update(&mut self, flow: FlowNumber, kind: &EventKind, time: Timestamp) {
        let Some(live) = self.flows.get_mut(&flow) else {
            return;
        };
        live.state.take(kind, time);
        let due = time.since(live.opened_at) >= self.settings.deadline;
        if live.joined.is_some() {
            self.absorb(flow);
        } else if due {
            self.settle(flow);
        }
    }

    fn closed(&mut self, facts: FlowFacts, time: Timestamp) {
        let number = facts.number;
        self.count(&facts);
        if let Some(live) = self.flows.get_mut(&number) {
            live.state.close(&facts);
        }
        self.settle(number);
        self.absorb(number);
        let Some(live) = self.flows.remove(&number) else {
            return;
        };
        let service = live.state.service.map(|(service, ..)| service);
        self.durations.record(service, facts.last_seen.since(facts.first_seen));
        let Some(joined) = live.joined else {
            return;
        };
        let mut folded = None;
        match joined.conversation {
            None => folded = Some(self.fold(&live.state, joined.orientation)),
            // What was closed to make room may go on.
            Some(conversation) if live.has_kin => {
                self.related.ended(number, conversation, (!facts.evicted).then_some(time));
            }
            Some(_) => {}
        }
        if self.settings.keep_flows {
            let (conversation, orientation) = (joined.conversation, joined.orientation);
            let LiveFlow { state, details, .. } = *live;
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
    use super::LiveFlow;

    #[test]
    fn a_flow_takes_no_more_memory_than_the_settings_say() {
        let size = size_of::<LiveFlow>();
        assert!(size <= 512, "{size} octets");
    }
}
