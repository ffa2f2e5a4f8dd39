//! One conversation as the policy sees it, and what it says of it.

use std::sync::Arc;

use crate::addr::Addr;
use crate::evidence::Evidence;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::policy::rule::RuleId;
use crate::recognise::finding::CertificateFacts;
use crate::recognise::finding::TlsVersion;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;
use crate::verdict::Field;
use crate::verdict::Reason;
use crate::verdict::Withheld;

/// One end, as far as the policy needs it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct End {
    /// Its address.
    pub addr: Addr,
    /// The first role that the site names, or the strongest inferred one.
    pub label: Role,
    /// All roles; `unknown` alone if there are none.
    pub roles: RoleSet,
    /// Whether the roles may judge: declared, inferred with a signature, or an address kind.
    pub judges: bool,
    /// Whether it belongs to the monitored site.
    pub monitored: bool,
    /// Which packs of the policy its zones put in force, one bit for each.
    pub packs: u64,
    /// Kinds of its zones: `dmz`.
    pub zone_kinds: Vec<Arc<str>>,
}

/// What is spoken, as far as it is known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Spoken {
    /// This service.
    Known(Service, Certainty),
    /// No octet of payload was captured.
    Nothing,
    /// Some octets, too few or cut, that nobody could tell.
    TooLittle,
    /// Enough octets, and nobody recognised them.
    Unrecognised,
}

/// Facts beyond the carrier that hygiene looks at. Merged over the flows of a conversation: the
/// weakest TLS version, the first proof of each weakness.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    /// The weakest TLS version that was agreed on.
    pub tls_version: Option<Box<(TlsVersion, Evidence)>>,
    /// The weakest "highest version offered" of flows whose server side was not seen.
    pub tls_offered: Option<Box<(TlsVersion, Evidence)>>,
    /// Certificates that servers showed, distinct by leaf; at most [`Traits::CERTIFICATES`].
    pub certificates: Vec<(Arc<CertificateFacts>, Timestamp, Evidence)>,
    /// A password went over the wire in clear (Basic without TLS).
    pub basic: Option<Box<Evidence>>,
    /// The server gave out media without authentication.
    pub unauthenticated: Option<Box<Evidence>>,
    /// The maker's documented password was used.
    pub factory_password: Option<Box<Evidence>>,
    /// SMB 1 was agreed on.
    pub smb1: Option<Box<Evidence>>,
    /// Fragments or segments overlapped and differed.
    pub evasion: bool,
    /// Names that the client called the responder by: SNI, HTTP Host; at most [`Traits::NAMES`].
    pub names: Words,
    /// Names that DNS gave the responder's address for; at most [`Traits::NAMES`]. An address has more
    /// names than those that were seen to be asked for.
    pub resolved: Words,
    /// Contents seen; a closed set.
    pub contents: Contents,
}

impl Traits {
    /// Most certificates kept for a conversation.
    pub const CERTIFICATES: usize = 4;
    /// Most names kept for a conversation.
    pub const NAMES: usize = 8;

    /// Nothing is known.
    pub const NONE: Self = Self {
        tls_version: None,
        tls_offered: None,
        certificates: Vec::new(),
        basic: None,
        unauthenticated: None,
        factory_password: None,
        smb1: None,
        evasion: false,
        names: Words(Vec::new()),
        resolved: Words(Vec::new()),
        contents: Contents(0),
    };

    /// Takes over what `other` knows more.
    pub fn merge(&mut self, other: &Self) {
        weaker(&mut self.tls_version, &other.tls_version);
        weaker(&mut self.tls_offered, &other.tls_offered);
        for shown in &other.certificates {
            let known =
                self.certificates.iter().any(|(facts, ..)| facts.fingerprints == shown.0.fingerprints);
            if !known && self.certificates.len() < Self::CERTIFICATES {
                self.certificates.push(shown.clone());
            }
        }
        first(&mut self.basic, &other.basic);
        first(&mut self.unauthenticated, &other.unauthenticated);
        first(&mut self.factory_password, &other.factory_password);
        first(&mut self.smb1, &other.smb1);
        self.evasion |= other.evasion;
        self.names.merge(&other.names);
        self.resolved.merge(&other.resolved);
        self.contents.merge(other.contents);
    }

    /// Adds a name that DNS gave the responder's address for.
    pub fn resolved(&mut self, name: Arc<str>) {
        self.resolved.add(&name);
    }

    /// Adds a name that the client called the responder by.
    pub fn name(&mut self, name: Arc<str>) {
        self.names.add(&name);
    }
}

/// A few distinct words in their order, in little memory: at most [`Traits::NAMES`].
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Words(Vec<Arc<str>>);

impl Words {
    /// Adds a word, if there is room.
    pub fn add(&mut self, word: &Arc<str>) {
        if self.0.len() >= Traits::NAMES {
            return;
        }
        if let Err(place) = self.0.binary_search(word) {
            // Most have one and no more.
            self.0.reserve_exact(1);
            self.0.insert(place, Arc::clone(word));
        }
    }

    fn merge(&mut self, other: &Self) {
        other.iter().for_each(|word| self.add(word));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words, ascending.
    pub fn iter(&self) -> std::slice::Iter<'_, Arc<str>> {
        self.0.iter()
    }
}

/// A set of contents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Contents(u32);

impl Contents {
    /// Adds one.
    pub fn insert(&mut self, content: Content) {
        self.0 |= Self::bit(content);
    }

    /// Whether it is there.
    pub fn contains(self, content: Content) -> bool {
        self.0 & Self::bit(content) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds all of these.
    pub fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn bit(content: Content) -> u32 {
        let place =
            Content::ALL.iter().position(|one| *one == content).and_then(|place| u32::try_from(place).ok());
        place.and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
    }
}

type Agreed = Option<Box<(TlsVersion, Evidence)>>;

fn weaker(mine: &mut Agreed, theirs: &Agreed) {
    let Some(theirs) = theirs else { return };
    if mine.as_ref().is_none_or(|mine| mine.0 > theirs.0) {
        *mine = Some(theirs.clone());
    }
}

fn first(mine: &mut Option<Box<Evidence>>, theirs: &Option<Box<Evidence>>) {
    if mine.is_none() {
        mine.clone_from(theirs);
    }
}

/// One conversation, all that a verdict may depend on.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Who opened it, or is taken to have.
    pub orig: &'a End,
    /// The other end.
    pub resp: &'a End,
    /// How we know who opened it.
    pub initiation: Initiation,
    /// What carries it.
    pub transport: Transport,
    /// The responder's port; `None` where no end's port is a service's.
    pub port: Option<u16>,
    /// What is spoken.
    pub spoken: Spoken,
    /// Some of its flows spoke in clear, so far as octets were recognised.
    pub clear: bool,
    /// What else is known.
    pub traits: &'a Traits,
    /// How far it got at best.
    pub outcome: Outcome,
    /// Packet time of the last packet, for exceptions that expire.
    pub time: Timestamp,
}

/// What the policy says.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// Neither end is of the monitored site.
    OutOfScope,
    /// There are no rules.
    NoPolicy,
    /// A rule allows it; hygiene may object all the same.
    Allowed {
        /// The rule or exception.
        rule: RuleId,
        /// How sure we are that the right thing is spoken.
        certainty: Certainty,
        /// Codes of advice.
        advice: Vec<Arc<str>>,
        /// Hygiene's objections, one for each reason.
        objections: Vec<Objection>,
    },
    /// Nothing allows it.
    Violation {
        /// The first reason that holds.
        reason: Reason,
        /// The others that hold too.
        also: Vec<Reason>,
        /// The rule or assertion that it breaks.
        rule: Option<RuleId>,
        /// The nearest rule and what did not fit.
        nearest: Option<(RuleId, Field)>,
        /// An exception that would have allowed it, had it not expired.
        expired: Option<RuleId>,
        /// Objections that are raised always: the factory password, evasion.
        objections: Vec<Objection>,
    },
    /// It cannot be known.
    Withheld {
        /// Why.
        why: Withheld,
        /// The rule that it hangs on.
        rule: Option<RuleId>,
        /// Objections that are raised always: the factory password, evasion.
        objections: Vec<Objection>,
    },
}

/// A weakness found on top of the structural verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    /// `cleartext`, `weak-tls`, `weak-protocol`, `factory-password` or `evasion`.
    pub reason: Reason,
    /// The assertion or rule that demands better.
    pub rule: Option<RuleId>,
    /// What exactly, as the end of a sentence: `TLS 1.0 was agreed on`.
    pub what: String,
    /// The proof.
    pub evidence: Option<Evidence>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_has_a_place_of_its_own() {
        let mut contents = Contents::default();
        for content in Content::ALL {
            assert!(!contents.contains(*content));
            contents.insert(*content);
            assert!(contents.contains(*content) && !contents.is_empty());
        }
    }
}
