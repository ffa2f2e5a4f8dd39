//! What a watching judge tells: how violations come, change and go.

use std::sync::Arc;

use crate::judge::audit::Party;
use crate::judge::audit::Violation;
use crate::time::Timestamp;

/// What became of a violation.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Change {
    /// It was found.
    Opened,
    /// It was closed before, and goes on.
    Reopened,
    /// It was counted ten times as often, or it is worse than it was told.
    Tally,
    /// Nothing was heard of it for the quiet time.
    Closed,
    /// It is one of many of its source now, which are told as one sweep.
    Folded,
    /// It is none: better evidence on a role or on who opened it, or other rules.
    Withdrawn,
}

impl Change {
    /// As records have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Tally => "tally",
            Self::Closed => "closed",
            Self::Folded => "folded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A violation that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// What became of it.
    pub change: Change,
    /// When that was said, in the time of packets.
    pub time: Timestamp,
    /// The violation as it is now; of one that went, as it was last.
    pub violation: Arc<Violation>,
    /// Hash of the rules and the site that say so.
    pub policy_hash: u64,
}

/// A host that lately had a part in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct HostNote {
    /// Who it is.
    pub party: Party,
    /// Whether it belongs to the monitored site.
    pub monitored: bool,
    /// Whether the site declares its role.
    pub declared: bool,
    /// Capture time of the last packet that was told of.
    pub last_seen: Timestamp,
}

/// What came of a step of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Violations that changed, in the order of their identifiers within each source.
    pub transitions: Vec<Transition>,
    /// Hosts of conversations that were told of since the last step, each once.
    pub hosts: Vec<HostNote>,
}
