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
    /// does not hand its conversations on.
    pub roles: (RoleSet, RoleSet),
    /// Hash of the name that the client called a responder on the internet by: one address serves many,
    /// and only some may be allowed.
    pub called: Option<u64>,
}

/// One conversation: the unit of judgement.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What makes it.
    pub key: ConversationKey,
    /// Who opened it.
    pub orig: Seat,
    /// The other end.
    pub resp: Seat,
    /// The best of its flows.
    pub initiation: Initiation,
    /// What is spoken; the best of its flows.
    pub spoken: Spoken,
    /// What is known inside it.
    pub content: Option<(Content, Certainty)>,
    /// The proof of the service.
    evidence: Option<Box<Evidence>>,
    /// How far it got at best.
    pub outcome: Outcome,
    /// Facts of its flows, merged; most have none.
    traits: Option<Box<Traits>>,
    /// How many of its flows speak in clear.
    pub clear_flows: u32,
    /// Packet time of its first packet.
    pub first_seen: Timestamp,
    /// Packet time of its last packet.
    pub last_seen: Timestamp,
    /// Openings.
    pub count: u64,
    /// Flows that share its verdict, each time they appear: media, answers to a question.
    pub related: u64,
    /// Distinct 5-tuples.
    pub tuples: Tuples,
    /// Packets, both ways, duplicates left out.
    pub packets: u64,
    /// Octets on the wire, both ways.
    pub octets: u64,
    /// Second copies of a mirror.
    pub duplicates: u64,
    /// Ports of its first flow: the initiator's, the responder's.
    first_ports: (u16, u16),
    /// The verdict, once made; many share one.
    pub ruling: Option<Arc<Ruling>>,
}

static NO_TRAITS: Traits = Traits::NONE;

impl Conversation {
    /// An empty conversation of this flow, before [`Conversation::absorb`].
    pub fn new(key: ConversationKey, ends: (Seat, Seat), flow: &FlowState, orig: Side) -> Self {
        Self {
            key,
            orig: ends.0,
            resp: ends.1,
            initiation: Initiation::Unknown,
            spoken: Spoken::Nothing,
            content: None,
            evidence: None,
            outcome: Outcome::Attempted,
            traits: None,
            clear_flows: 0,
            first_seen: flow.first_seen,
            last_seen: flow.last_seen,
            count: 0,
            related: 0,
            tuples: Tuples::default(),
            packets: 0,
            octets: 0,
            duplicates: 0,
            first_ports: ports(&flow.key, orig),
            ruling: None,
        }
    }

    /// Facts of its flows, merged.
    pub fn traits(&self) -> &Traits {
        self.traits.as_deref().unwrap_or(&NO_TRAITS)
    }

    /// The proof of the service.
    pub fn evidence(&self) -> Option<Evidence> {
        self.evidence.as_deref().copied()
    }

    /// The 5-tuple of its first flow, and the initiator's side.
    pub fn first_flow(&self) -> (FlowKey, Side) {
        let ConversationKey { orig, resp, transport, vlan, .. } = self.key;
        FlowKey::canonical((orig, self.first_ports.0), (resp, self.first_ports.1), transport, vlan)
    }

    /// Distinct 5-tuples, those of its media among them.
    pub fn flows(&self) -> u64 {
        self.tuples.count()
    }

    /// Takes a flow's facts over.
    pub fn absorb(&mut self, flow: &FlowState, orig: Side, initiation: Initiation) {
        self.initiation = self.initiation.max(initiation);
        // Nobody answers for a group: what was sent to it has arrived.
        let arrived = flow.has_payload() && self.resp.kind().roles.has(Role::Group);
        self.outcome = self.outcome.max(if arrived { Outcome::Data } else { flow.outcome });
        self.spoken = better(self.spoken, flow.spoken());
        if self.evidence.is_none() {
            self.evidence = flow.service.map(|(_, _, evidence)| Box::new(evidence));
        }
        if let Some((content, certainty)) = flow.content
            && self.content.is_none_or(|(_, held)| certainty > held)
        {
            self.content = Some((content, certainty));
        }
        if let Some(traits) = flow.some_traits() {
            self.traits.get_or_insert_default().merge(traits);
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
        let sums = [&mut self.packets, &mut self.octets, &mut self.duplicates];
        for ((sum, now), before) in sums.into_iter().zip(now).zip(before) {
            *sum = sum.saturating_add(now.saturating_sub(before));
        }
    }

    /// Lets a flow go that turned out to be of another conversation, with what was counted of it.
    /// Its facts stay; they were true of these two hosts.
    pub fn leave(&mut self, counted: [u64; 3]) {
        let sums = [&mut self.packets, &mut self.octets, &mut self.duplicates];
        for (sum, counted) in sums.into_iter().zip(counted) {
            *sum = sum.saturating_sub(counted);
        }
        self.count = self.count.saturating_sub(1);
        self.ruling = None;
    }

    /// Takes over what shared the verdict of a conversation that all openings left.
    pub fn inherit(&mut self, left: &mut Self) {
        left.tuples.hand_over(&mut self.tuples);
        self.related = self.related.saturating_add(std::mem::take(&mut left.related));
        self.count_up([left.packets, left.octets, left.duplicates], [0; 3]);
        (left.packets, left.octets, left.duplicates) = (0, 0, 0);
        self.last_seen = self.last_seen.max(left.last_seen);
    }

    /// Whether all its flows left.
    pub fn is_abandoned(&self) -> bool {
        self.count == 0
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
