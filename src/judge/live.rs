//! What the judge keeps of a flow: while it goes on, and of each that is over for the flow log.

use std::sync::Arc;

use crate::flow::FlowFacts;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::judge::conversations::ConversationIndex;
use crate::judge::details::Details;
use crate::judge::flow_state::FlowState;
use crate::judge::orient::Orientation;
use crate::policy::case::Ruling;
use crate::service::Service;

/// A flow that is over, kept for the flow log.
#[derive(Debug)]
pub(super) struct ClosedFlow {
    pub(super) facts: FlowFacts,
    pub(super) state: FlowState,
    pub(super) details: Option<Box<Details>>,
    pub(super) orientation: Orientation,
    pub(super) conversation: Option<ConversationIndex>,
    /// Its own verdict, if no conversation has it.
    pub(super) folded: Option<Arc<Ruling>>,
}

/// A flow that is going on, and where its counts went so far.
#[derive(Debug)]
pub(super) struct LiveFlow {
    pub(super) state: FlowState,
    /// What flow records say beside; only where they are kept.
    pub(super) details: Option<Box<Details>>,
    /// Where it is counted, once it is settled.
    pub(super) joined: Option<Box<Joined>>,
    /// It announced media or asked a group, so that other flows may belong to it.
    pub(super) has_kin: bool,
    /// Whether a judge that watches has counted it as seen one way or both.
    pub(super) has_sides: bool,
}

/// Where a flow's counts went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    pub(super) conversation: Option<ConversationIndex>,
    pub(super) orientation: Orientation,
    /// It shares the verdict of another flow's conversation.
    pub(super) related: bool,
    /// Packets, octets and duplicates that the conversation was told of.
    pub(super) counted: [u64; 3],
    /// Octets that were counted by roles, wherever it was then.
    pub(super) carried: u64,
    /// The conversation counts it as one that speaks in clear.
    pub(super) clear: bool,
    /// What its place was chosen by.
    pub(super) grounds: Grounds,
}

/// What tells a flow's conversation. Where it did not change, neither did the conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Grounds {
    pub(super) initiator: Option<Side>,
    pub(super) initiation: Initiation,
    pub(super) service: Option<Service>,
    pub(super) called: Option<u64>,
}
