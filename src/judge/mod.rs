//! Events in, ledger out: the pure state machine that owns conversations, roles and violations.
//!
//! Flows gather facts until they are *settled*: they ended, or the identification deadline passed.
//! A settled flow joins its conversation; what is learned later is absorbed there. Rulings are made
//! when they are asked for, from the facts that a conversation then has, so that neither the number
//! of workers nor the size of batches can change them.

pub mod audit;
pub mod community_id;
pub mod conversation;
pub mod flow_state;
pub mod ledger;
pub mod message;
pub mod names;
pub mod orient;
pub mod related;
pub mod ruling;
pub mod summary;

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
use crate::inventory::Act;
use crate::inventory::HostView;
use crate::inventory::Inventory;
use crate::inventory::Observation;
use crate::inventory::role::RoleSet;
use crate::judge::audit::JudgeTotals;
use crate::judge::conversation::Conversation;
use crate::judge::conversation::ConversationIndex;
use crate::judge::conversation::ConversationKey;
use crate::judge::conversation::Conversations;
use crate::judge::flow_state::FlowState;
use crate::judge::names::Names;
use crate::judge::orient::Orientation;
use crate::judge::related::Related;
use crate::judge::ruling::Folded;
use crate::policy::force::Policy;
use crate::recognise::Finding;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// What bounds the judge.
#[derive(Clone, Copy, Debug)]
pub struct JudgeSettings {
    /// Most conversations kept. Default 262 144, about 600 octets each: 150 MiB. Beyond it violations
    /// fold by reason, rule and role pair; totals stay exact and `complete` is false.
    pub conversations: usize,
    /// Keep every closed flow for the flow log. Default off; about 400 octets a flow.
    pub keep_flows: bool,
    /// How long a flow may show itself before it is judged. Default 5 s of packet time.
    pub deadline: Span,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self { conversations: 262_144, keep_flows: false, deadline: Span::from_secs(5) }
    }
}

/// A flow that is over, kept for the flow log.
#[derive(Debug)]
struct ClosedFlow {
    facts: FlowFacts,
    state: FlowState,
    orientation: Orientation,
    conversation: Option<ConversationIndex>,
}

/// A flow that is going on, and where its counts went so far.
#[derive(Debug)]
struct LiveFlow {
    state: FlowState,
    opened_at: Timestamp,
    joined: Option<Joined>,
    /// It announced media or asked a group, so that other flows may belong to it.
    has_kin: bool,
}

#[derive(Clone, Copy, Debug)]
struct Joined {
    conversation: Option<ConversationIndex>,
    orientation: Orientation,
    media: bool,
    counted: [u64; 3],
}

/// The judge of one run.
#[derive(Debug)]
pub struct Judge {
    policy: Arc<Policy>,
    inventory: Inventory,
    settings: JudgeSettings,
    flows: HashMap<FlowNumber, LiveFlow, foldhash::fast::FixedState>,
    conversations: Conversations,
    related: Related,
    names: Names,
    closed: Vec<ClosedFlow>,
    folded: Folded,
    totals: JudgeTotals,
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
            folded: Folded::default(),
            totals: JudgeTotals::default(),
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
                self.names.of(addr).iter().for_each(|name| state.traits.name(Arc::clone(name)));
            }
        }
        let (asker, service) = (opening.key.end(opening.first), opening.key.end(opening.first.other()));
        let has_kin = opening.key.transport == Transport::Udp && self.inventory.is_group(service.0);
        if has_kin {
            self.related.asked(flow, asker, service.1, time);
        }
        self.flows.insert(flow, LiveFlow { state, opened_at: time, joined: None, has_kin });
    }

    /// What a finding says about hosts, whatever flow it is of.
    fn learn(&mut self, flow: FlowNumber, kind: &EventKind, time: Timestamp) {
        let EventKind::Found(_, _, finding, _) = kind else {
            return;
        };
        match finding {
            Finding::Resolved { name, addr } => self.names.resolved(name, *addr),
            Finding::Lease { addr, mac } => {
                self.inventory.sees(*addr, *mac, time, true);
            }
            Finding::Media(media) => {
                let Some(live) = self.flows.get(&flow) else {
                    return;
                };
                let receiver = live.state.key.end(Side::A).0 == media.receiver;
                let server = if receiver { live.state.key.b } else { self.server_of(live) };
                self.related.announce(flow, server, media, time);
                if let Some(live) = self.flows.get_mut(&flow) {
                    live.has_kin = true;
                }
                self.settle(flow);
            }
            _ => {}
        }
    }

    fn server_of(&self, live: &LiveFlow) -> Addr {
        let orig = live.state.initiator.unwrap_or(Side::B);
        live.state.key.end(orig.other()).0
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
        self.update(number, &EventKind::Closed(Box::new(facts.clone())), time);
        self.settle(number);
        let Some(live) = self.flows.remove(&number) else {
            return;
        };
        let Some(joined) = live.joined else {
            return;
        };
        if let Some(conversation) = joined.conversation
            && live.has_kin
        {
            self.related.ended(number, conversation);
        }
        if self.settings.keep_flows {
            let (conversation, orientation) = (joined.conversation, joined.orientation);
            self.closed.push(ClosedFlow { facts, state: live.state, orientation, conversation });
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
        add(&mut self.totals.midstream_flows, facts.midstream);
    }

    /// Lets a flow join its conversation, if it has not yet.
    fn settle(&mut self, flow: FlowNumber) {
        let Some(live) = self.flows.get(&flow) else {
            return;
        };
        if live.joined.is_some() {
            return;
        }
        let (conversation, orientation, media) = match self.related_to(&live.state) {
            Some((index, orientation)) => (Some(index), orientation, true),
            None => {
                let orientation = orient::orient(&self.policy, &self.inventory, &live.state);
                (self.join(flow, orientation), orientation, false)
            }
        };
        self.observe(flow, orientation);
        if let Some(live) = self.flows.get_mut(&flow) {
            live.joined = Some(Joined { conversation, orientation, media, counted: [0; 3] });
        }
        if let Some(index) = conversation
            && let Some(conversation) = self.conversations.get_mut(index)
        {
            if media {
                conversation.media_flows = conversation.media_flows.saturating_add(1);
            } else {
                conversation.count = conversation.count.saturating_add(1);
            }
        }
        self.absorb(flow);
    }

    /// The conversation that this flow's verdict is shared with: media with its session, a unicast
    /// answer with the question.
    fn related_to(&self, state: &FlowState) -> Option<(ConversationIndex, Orientation)> {
        if state.key.transport != Transport::Udp {
            return None;
        }
        if let Some((side, expected)) = self.related.announced(&state.key, state.first_seen) {
            let other = state.key.end(side.other()).0;
            let (server, receiver) = (expected.server, expected.receiver);
            let plays = |addr: Addr, part: Addr| {
                addr == part
                    || self.inventory.same_host(addr, part)
                    || self.inventory.is_group(part)
                    || self.inventory.host(addr).roles.meets(self.inventory.host(part).roles)
            };
            let here = state.key.end(side).0;
            if (here == receiver && plays(other, server)) || (here != receiver && plays(other, receiver)) {
                let index = self.home_of(expected.session)?;
                let orig = if here == receiver { side } else { side.other() };
                return Some((index, Orientation { orig, initiation: Initiation::Inferred, port: None }));
            }
        }
        let (asker, question) = self.related.answers(&state.key, state.first_seen)?;
        let index = self.home_of(question)?;
        let port = Some(state.key.end(asker.other()).1);
        Some((index, Orientation { orig: asker, initiation: Initiation::Inferred, port }))
    }

    fn home_of(&self, flow: FlowNumber) -> Option<ConversationIndex> {
        match self.flows.get(&flow) {
            Some(live) => live.joined.and_then(|joined| joined.conversation),
            None => self.related.home_of(flow),
        }
    }

    fn join(&mut self, flow: FlowNumber, orientation: Orientation) -> Option<ConversationIndex> {
        let live = self.flows.get(&flow)?;
        let state = &live.state;
        let (orig, resp) = (state.key.end(orientation.orig).0, state.key.end(orientation.orig.other()).0);
        let ends = (Arc::new(self.inventory.host(orig)), Arc::new(self.inventory.host(resp)));
        // Declared roles belong to the moment; inferred ones to the end of the run.
        let roles = match self.policy.site() {
            Some(_) => (ends.0.roles, ends.1.roles),
            None => (RoleSet::EMPTY, RoleSet::EMPTY),
        };
        let service = state.service.map(|(service, ..)| service);
        let (transport, port) = (state.key.transport, orientation.port);
        let key = ConversationKey { orig, resp, transport, port, service, roles };
        let index = self.conversations.entry(key, || Conversation::new(key, ends, state, orientation.orig));
        if index.is_none() {
            self.fold(flow, key, orientation);
        }
        index
    }

    /// Hands a joined flow's facts and counts on; moves it if it turned out to be another's.
    fn absorb(&mut self, flow: FlowNumber) {
        self.reconsider(flow);
        let Some(live) = self.flows.get_mut(&flow) else {
            return;
        };
        let Some(joined) = live.joined.as_mut() else {
            return;
        };
        let Some(conversation) = joined.conversation.and_then(|index| self.conversations.get_mut(index))
        else {
            return;
        };
        let [a, b] = live.state.tallies;
        let now = [
            a.packets.saturating_add(b.packets),
            a.wire_octets.saturating_add(b.wire_octets),
            a.duplicate_packets.saturating_add(b.duplicate_packets),
        ];
        let [packets, octets, duplicates] = joined.counted;
        let [packets_now, octets_now, duplicates_now] = now;
        let add = |sum: u64, now: u64, before: u64| sum.saturating_add(now.saturating_sub(before));
        conversation.packets = add(conversation.packets, packets_now, packets);
        conversation.octets = add(conversation.octets, octets_now, octets);
        conversation.duplicates = add(conversation.duplicates, duplicates_now, duplicates);
        joined.counted = now;
        if joined.media {
            conversation.last_seen = conversation.last_seen.max(live.state.last_seen);
        } else {
            conversation.absorb(&live.state, joined.orientation.orig, joined.orientation.initiation);
        }
    }

    /// Moves a joined flow to another conversation where later evidence changed its key: the initiator
    /// turned out to be the other end, or a service was recognised late.
    fn reconsider(&mut self, flow: FlowNumber) {
        let Some((live, joined)) = self.flows.get(&flow).and_then(|live| Some((live, live.joined?))) else {
            return;
        };
        let Some(old) = joined.conversation.filter(|_| !joined.media) else {
            return;
        };
        let orientation = orient::orient(&self.policy, &self.inventory, &live.state);
        let service = live.state.service.map(|(service, ..)| service);
        let same = self.conversations.get(old).is_some_and(|conversation| {
            conversation.key.service == service
                && conversation.key.orig == live.state.key.end(orientation.orig).0
                && conversation.key.port == orientation.port
        });
        if same {
            if let Some(joined) = self.flows.get_mut(&flow).and_then(|live| live.joined.as_mut()) {
                joined.orientation = orientation;
            }
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(old) {
            conversation.leave(joined.counted, live.state.key.end(joined.orientation.orig).1);
        }
        let conversation = self.join(flow, orientation);
        if let Some(conversation) = conversation.and_then(|index| self.conversations.get_mut(index)) {
            conversation.count = conversation.count.saturating_add(1);
        }
        if let Some(live) = self.flows.get_mut(&flow) {
            live.joined = Some(Joined { conversation, orientation, media: false, counted: [0; 3] });
        }
    }

    /// Tells the inventory what a settled flow shows of its ends.
    fn observe(&mut self, flow: FlowNumber, orientation: Orientation) {
        let Some(live) = self.flows.get(&flow) else {
            return;
        };
        let state = &live.state;
        let service = state.service.map(|(service, certainty, _)| (service, certainty));
        let port = orientation.port.unwrap_or(state.key.end(orientation.orig.other()).1);
        let observations = [(orientation.orig, Act::Client), (orientation.orig.other(), Act::Server)];
        let observations = observations.map(|(side, act)| Observation {
            host: state.key.end(side).0,
            peer: state.key.end(side.other()).0,
            act,
            initiation: orientation.initiation,
            port,
            service,
            content: state.content,
            device: *side.of(&state.devices),
        });
        observations.iter().for_each(|observation| self.inventory.observe(observation));
    }

    /// The inventory, for the draft of a site file.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    fn view(&self, conversation: &Conversation) -> (Arc<HostView>, Arc<HostView>) {
        match self.policy.site() {
            Some(_) => (Arc::clone(&conversation.orig), Arc::clone(&conversation.resp)),
            None => {
                let host = |addr| Arc::new(self.inventory.host(addr));
                (host(conversation.key.orig), host(conversation.key.resp))
            }
        }
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
