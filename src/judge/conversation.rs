//! Conversations: all traffic between an initiator, a responder and a service port.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::addr::Addr;
use crate::evidence::Evidence;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::HostView;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::flow_state::FlowState;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

/// Index of a conversation in its table.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConversationIndex(pub usize);

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
    /// Roles of both ends as declared when the flow appeared: an address that changes hands by DHCP
    /// does not hand its conversations on.
    pub roles: (RoleSet, RoleSet),
}

/// One conversation: the unit of judgement.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What makes it.
    pub key: ConversationKey,
    /// Who opened it.
    pub orig: Arc<HostView>,
    /// The other end.
    pub resp: Arc<HostView>,
    /// The best of its flows.
    pub initiation: Initiation,
    /// What is spoken; the best of its flows.
    pub spoken: Spoken,
    /// What is known inside it.
    pub content: Option<(Content, Certainty)>,
    /// The proof of the service.
    pub evidence: Option<Evidence>,
    /// How far it got at best.
    pub outcome: Outcome,
    /// Facts of its flows, merged.
    pub traits: Traits,
    /// Packet time of its first packet.
    pub first_seen: Timestamp,
    /// Packet time of its last packet.
    pub last_seen: Timestamp,
    /// Openings.
    pub count: u64,
    /// Distinct initiator ports, so 5-tuples.
    ports: HashSet<u16, foldhash::fast::FixedState>,
    /// Media flows that share its verdict.
    pub media_flows: u64,
    /// Packets, both ways, duplicates left out.
    pub packets: u64,
    /// Octets on the wire, both ways.
    pub octets: u64,
    /// Second copies of a mirror.
    pub duplicates: u64,
    /// The 5-tuple of its first flow, seen from the initiator.
    pub first_flow: (FlowKey, Side),
    /// The verdict, once made.
    pub ruling: Option<Ruling>,
}

impl Conversation {
    /// Distinct 5-tuples.
    pub fn flows(&self) -> u64 {
        u64::try_from(self.ports.len()).unwrap_or(u64::MAX)
    }

    /// Takes a flow's facts over.
    pub fn absorb(&mut self, flow: &FlowState, orig: Side, initiation: Initiation) {
        self.initiation = self.initiation.max(initiation);
        // Nobody answers for a group: what was sent to it has arrived.
        let arrived = self.resp.roles.has(Role::Group) && flow.has_payload();
        self.outcome = self.outcome.max(if arrived { Outcome::Data } else { flow.outcome });
        self.spoken = better(self.spoken, flow.spoken());
        if self.evidence.is_none() {
            self.evidence = flow.service.map(|(_, _, evidence)| evidence);
        }
        if let Some((content, certainty)) = flow.content
            && self.content.is_none_or(|(_, held)| certainty > held)
        {
            self.content = Some((content, certainty));
        }
        self.traits.merge(&flow.traits);
        if flow.first_seen < self.first_seen {
            self.first_seen = flow.first_seen;
            self.first_flow = (flow.key, orig);
        }
        self.last_seen = self.last_seen.max(flow.last_seen);
        self.ports.insert(flow.key.end(orig).1);
        self.ruling = None;
    }
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

/// All conversations of a run, in the order of their appearance.
#[derive(Debug)]
pub struct Conversations {
    index: HashMap<ConversationKey, usize, foldhash::fast::FixedState>,
    table: Vec<Conversation>,
    cap: usize,
}

impl Conversations {
    /// An empty table for at most `cap` conversations; each takes about 600 octets, plus 8 for every
    /// 5-tuple.
    pub fn new(cap: usize) -> Self {
        Self { index: HashMap::default(), table: Vec::new(), cap }
    }

    /// The conversation with this key, made if need be; `None` if the table is full.
    pub fn entry(
        &mut self,
        key: ConversationKey,
        make: impl FnOnce() -> Conversation,
    ) -> Option<ConversationIndex> {
        if let Some(index) = self.index.get(&key) {
            return Some(ConversationIndex(*index));
        }
        if self.table.len() >= self.cap {
            return None;
        }
        let index = self.table.len();
        self.index.insert(key, index);
        self.table.push(make());
        Some(ConversationIndex(index))
    }

    /// One of them.
    pub fn get(&self, index: ConversationIndex) -> Option<&Conversation> {
        self.table.get(index.0)
    }

    /// One of them, to change.
    pub fn get_mut(&mut self, index: ConversationIndex) -> Option<&mut Conversation> {
        self.table.get_mut(index.0)
    }

    /// All, with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (ConversationIndex, &Conversation)> {
        self.table.iter().enumerate().map(|(index, conversation)| (ConversationIndex(index), conversation))
    }

    /// All, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Conversation> {
        self.table.iter_mut()
    }
}

impl Conversation {
    /// An empty conversation of this flow, before [`Conversation::absorb`].
    pub fn new(
        key: ConversationKey,
        ends: (Arc<HostView>, Arc<HostView>),
        flow: &FlowState,
        orig: Side,
    ) -> Self {
        Self {
            key,
            orig: ends.0,
            resp: ends.1,
            initiation: Initiation::Unknown,
            spoken: Spoken::Nothing,
            content: None,
            evidence: None,
            outcome: Outcome::Attempted,
            traits: Traits::default(),
            first_seen: flow.first_seen,
            last_seen: flow.last_seen,
            count: 0,
            ports: HashSet::default(),
            media_flows: 0,
            packets: 0,
            octets: 0,
            duplicates: 0,
            first_flow: (flow.key, orig),
            ruling: None,
        }
    }
}

impl Conversation {
    /// Lets a flow go that turned out to be of another conversation, with what was counted of it:
    /// packets, octets, duplicates. Its facts stay; they were true of these two hosts.
    pub fn leave(&mut self, counted: [u64; 3], port: u16) {
        let [packets, octets, duplicates] = counted;
        self.packets = self.packets.saturating_sub(packets);
        self.octets = self.octets.saturating_sub(octets);
        self.duplicates = self.duplicates.saturating_sub(duplicates);
        self.count = self.count.saturating_sub(1);
        if self.count == 0 {
            self.ports.clear();
            self.media_flows = 0;
        } else {
            self.ports.remove(&port);
        }
        self.ruling = None;
    }

    /// Whether all its flows left.
    pub fn is_abandoned(&self) -> bool {
        self.count == 0
    }
}
