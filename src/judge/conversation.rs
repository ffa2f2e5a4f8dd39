//! Conversations: all traffic between an initiator, a responder and a service port.

use std::sync::Arc;

use crate::addr::Addr;
use crate::evidence::Evidence;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::flow_state::FlowState;
use crate::judge::pair::Pair;
use crate::judge::seats::Seat;
use crate::judge::tuples::Tuples;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;
use crate::verdict::VerdictKind;

/// What makes two flows one conversation.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConversationKey {
    /// Who opened it, or is taken to have.
    pub orig: Addr,
    /// The other end.
    pub resp: Addr,
    /// What carries it.
    pub transport: Transport,
    /// The service port; `None` where both are ephemeral and the initiator is not known.
    pub port: Option<u16>,
    /// What is spoken.
    pub service: Option<Service>,
    /// The VLAN if the site keys by VLAN, else 0: the same addresses there are other hosts.
    pub vlan: u16,
    /// Roles of both ends as declared when the flow appeared: an address that changes hands by DHCP
    /// does not hand its conversations on. `None` without a site.
    pub roles: Option<(RoleSet, RoleSet)>,
    /// Hash of the name that the client called a responder on the internet by: one address serves many,
    /// and only some may be allowed.
    pub called: Option<u64>,
}

/// One conversation: the unit of judgement. Its key is kept in parts; there are many conversations.
#[derive(Clone, Debug)]
pub struct Conversation {
    addrs: Pair,
    /// Who opened it.
    pub orig: Seat,
    /// The other end.
    pub resp: Seat,
    /// What carries it.
    pub transport: Transport,
    /// The service port; `None` where both are ephemeral and the initiator is not known.
    pub port: Option<u16>,
    service: Option<Service>,
    vlan: u16,
    /// The roles of both ends, as their seats have them, are part of the key.
    keyed_by_roles: bool,
    /// The best of its flows.
    pub initiation: Initiation,
    /// What is spoken; the best of its flows.
    pub spoken: Spoken,
    /// What is known inside it.
    pub content: Option<(Content, Certainty)>,
    /// How far it got at best.
    pub outcome: Outcome,
    /// How many of its flows speak in clear.
    pub clear_flows: u32,
    /// Packet time of its first packet.
    pub first_seen: Timestamp,
    /// Packet time of its last packet.
    pub last_seen: Timestamp,
    /// Openings.
    pub count: u64,
    /// Packets, both ways, duplicates left out.
    pub packets: u64,
    /// Octets on the wire, both ways.
    pub octets: u64,
    /// Ports of its first flow: the initiator's, the responder's.
    first_ports: (u16, u16),
    /// Ports of the first of its 5-tuples.
    one: Option<(u16, u16)>,
    more: Option<Box<More>>,
    /// The verdict, once made; many share one.
    pub ruling: Option<Arc<Ruling>>,
    /// The verdict that a judge that watches counted it under.
    pub told: Option<VerdictKind>,
}

/// What is known of some conversations only.
#[derive(Clone, Debug, Default)]
struct More {
    called: Option<u64>,
    /// The proof of the service.
    evidence: Option<Evidence>,
    /// Facts of its flows, merged.
    traits: Option<Box<Traits>>,
    /// Flows that share its verdict, each time they appear: media, answers to a question.
    related: u64,
    /// Second copies of a mirror.
    duplicates: u64,
    /// 5-tuples but the first.
    tuples: Option<Box<Tuples>>,
}

/// What shared the verdict of a conversation that all openings left.
#[derive(Debug)]
pub struct Legacy {
    packets: u64,
    octets: u64,
    last_seen: Timestamp,
    related: u64,
    duplicates: u64,
    tuples: Tuples,
}

static NO_TRAITS: Traits = Traits::NONE;

impl Conversation {
    /// An empty conversation of this flow, before [`Conversation::absorb`].
    pub fn new(key: &ConversationKey, ends: (Seat, Seat), flow: &FlowState, orig: Side) -> Self {
        let more = key.called.map(|called| Box::new(More { called: Some(called), ..More::default() }));
        Self {
            addrs: Pair::of(key.orig, key.resp),
            orig: ends.0,
            resp: ends.1,
            transport: key.transport,
            port: key.port,
            service: key.service,
            vlan: key.vlan,
            keyed_by_roles: key.roles.is_some(),
            initiation: Initiation::Unknown,
            spoken: Spoken::Nothing,
            content: None,
            outcome: Outcome::Attempted,
            clear_flows: 0,
            first_seen: flow.first_seen,
            last_seen: flow.last_seen,
            count: 0,
            packets: 0,
            octets: 0,
            first_ports: ports(&flow.key, orig),
            one: None,
            more,
            ruling: None,
            told: None,
        }
    }

    /// What makes it.
    pub fn key(&self) -> ConversationKey {
        let roles = (self.orig.kind().roles, self.resp.kind().roles);
        let (orig, resp) = self.addrs();
        ConversationKey {
            orig,
            resp,
            transport: self.transport,
            port: self.port,
            service: self.service,
            vlan: self.vlan,
            roles: self.keyed_by_roles.then_some(roles),
            called: self.more.as_ref().and_then(|more| more.called),
        }
    }

    /// Whether this is what makes it.
    pub fn has(&self, key: &ConversationKey) -> bool {
        self.addrs() == (key.orig, key.resp) && self.key() == *key
    }

    /// The addresses of who opened it and of the other end.
    pub fn addrs(&self) -> (Addr, Addr) {
        self.addrs.both()
    }

    /// Facts of its flows, merged.
    pub fn traits(&self) -> &Traits {
        self.more.as_ref().and_then(|more| more.traits.as_deref()).unwrap_or(&NO_TRAITS)
    }

    /// Whether nothing is known beside what most conversations have.
    pub fn is_plain(&self) -> bool {
        let traits = self.more.as_ref().and_then(|more| more.traits.as_deref());
        traits.is_none_or(|traits| *traits == NO_TRAITS)
    }

    /// The proof of the service.
    pub fn evidence(&self) -> Option<Evidence> {
        self.more.as_ref()?.evidence
    }

    /// Flows that share its verdict, each time they appear: media, answers to a question.
    pub fn related(&self) -> u64 {
        self.more.as_ref().map_or(0, |more| more.related)
    }

    /// Second copies of a mirror.
    pub fn duplicates(&self) -> u64 {
        self.more.as_ref().map_or(0, |more| more.duplicates)
    }

    /// The 5-tuple of its first flow, and the initiator's side.
    pub fn first_flow(&self) -> (FlowKey, Side) {
        let ((orig, resp), ports) = (self.addrs(), self.first_ports);
        FlowKey::canonical((orig, ports.0), (resp, ports.1), self.transport, self.vlan)
    }

    /// Distinct 5-tuples, those of its media among them.
    pub fn flows(&self) -> u64 {
        let more = self.tuples().map_or(0, Tuples::count);
        more.saturating_add(u64::from(self.one.is_some()))
    }

    /// Takes a flow's facts over.
    pub fn absorb(&mut self, flow: &FlowState, orig: Side, initiation: Initiation) {
        self.initiation = self.initiation.max(initiation);
        // Nobody answers for a group: what was sent to it has arrived.
        let arrived = flow.has_payload() && self.resp.kind().roles.has(Role::Group);
        self.outcome = self.outcome.max(if arrived { Outcome::Data } else { flow.outcome });
        self.spoken = better(self.spoken, flow.spoken());
        if let Some((_, _, evidence)) = flow.service {
            self.more().evidence.get_or_insert(evidence);
        }
        if let Some((content, certainty)) = flow.content
            && self.content.is_none_or(|(_, held)| certainty > held)
        {
            self.content = Some((content, certainty));
        }
        if !flow.contents.is_empty() {
            self.more().traits.get_or_insert_default().contents.merge(flow.contents);
        }
        if let Some(traits) = flow.some_traits() {
            self.more().traits.get_or_insert_default().merge(traits);
        }
        if flow.first_seen < self.first_seen {
            self.first_seen = flow.first_seen;
            self.first_ports = ports(&flow.key, orig);
        }
        self.last_seen = self.last_seen.max(flow.last_seen);
        self.ruling = None;
    }

    /// Takes what was counted over, less what was counted before: packets, octets, duplicates.
    pub fn count_up(&mut self, now: [u64; 3], before: [u64; 3]) {
        let [packets, octets, duplicates] = now;
        let [packets_before, octets_before, duplicates_before] = before;
        let add = |sum: &mut u64, now: u64, before| *sum = sum.saturating_add(now.saturating_sub(before));
        add(&mut self.packets, packets, packets_before);
        add(&mut self.octets, octets, octets_before);
        if duplicates > duplicates_before {
            add(&mut self.more().duplicates, duplicates, duplicates_before);
        }
    }

    /// Counts an opening; `room` is for how many 5-tuples there is memory.
    pub fn open(&mut self, key: &FlowKey, orig: Side, room: &mut usize) {
        self.count = self.count.saturating_add(1);
        let ports = ports(key, orig);
        if self.one.is_none() && !self.tuples().is_some_and(Tuples::has_openings) {
            self.one = Some(ports);
        } else if self.one != Some(ports) {
            self.more().tuples.get_or_insert_default().open(ports, room);
        }
    }

    /// Counts a flow that shares the verdict.
    pub fn relate(&mut self, key: &FlowKey, room: &mut usize) {
        let more = self.more();
        more.related = more.related.saturating_add(1);
        more.tuples.get_or_insert_default().relate(key, room);
    }

    /// Lets a flow go that turned out to be of another conversation, with what was counted of it.
    /// Its facts stay; they were true of these two hosts.
    pub fn leave(&mut self, key: &FlowKey, orig: Side, counted: [u64; 3], room: &mut usize) {
        let [packets, octets, duplicates] = counted;
        self.packets = self.packets.saturating_sub(packets);
        self.octets = self.octets.saturating_sub(octets);
        self.count = self.count.saturating_sub(1);
        self.ruling = None;
        let ports = ports(key, orig);
        let is_first = self.one == Some(ports);
        if is_first {
            self.one = None;
        }
        let Some(more) = &mut self.more else { return };
        more.duplicates = more.duplicates.saturating_sub(duplicates);
        if let Some(tuples) = more.tuples.as_mut().filter(|_| !is_first) {
            tuples.leave(ports, room);
        }
    }

    /// Gives away what shared the verdict, when all openings left.
    pub fn bequeath(&mut self) -> Legacy {
        let more = self.more.as_mut();
        let mut legacy = Legacy {
            packets: std::mem::take(&mut self.packets),
            octets: std::mem::take(&mut self.octets),
            last_seen: self.last_seen,
            related: 0,
            duplicates: 0,
            tuples: Tuples::default(),
        };
        if let Some(more) = more {
            legacy.related = std::mem::take(&mut more.related);
            legacy.duplicates = std::mem::take(&mut more.duplicates);
            if let Some(tuples) = &mut more.tuples {
                tuples.hand_over(&mut legacy.tuples);
            }
        }
        legacy
    }

    /// Takes over what shared the verdict of a conversation that all openings left.
    pub fn inherit(&mut self, mut legacy: Legacy) {
        self.count_up([legacy.packets, legacy.octets, legacy.duplicates], [0; 3]);
        self.last_seen = self.last_seen.max(legacy.last_seen);
        let more = self.more();
        more.related = more.related.saturating_add(legacy.related);
        legacy.tuples.hand_over(more.tuples.get_or_insert_default());
    }

    /// How many 5-tuples it takes memory for.
    pub fn kept_tuples(&self) -> usize {
        self.tuples().map_or(0, Tuples::kept)
    }

    /// Whether all its flows left.
    pub fn is_abandoned(&self) -> bool {
        self.count == 0
    }

    fn tuples(&self) -> Option<&Tuples> {
        self.more.as_ref()?.tuples.as_deref()
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

fn ports(key: &FlowKey, orig: Side) -> (u16, u16) {
    (key.end(orig).1, key.end(orig.other()).1)
}

/// Of two flows' speech the one that says more; what was recognised counts before what was not.
fn better(one: Spoken, other: Spoken) -> Spoken {
    let weight = |spoken: Spoken| match spoken {
        Spoken::Known(_, certainty) => (3, Some(certainty)),
        Spoken::Unrecognised => (2, None),
        Spoken::TooLittle => (1, None),
        Spoken::Nothing => (0, None),
    };
    if weight(other) > weight(one) { other } else { one }
}
