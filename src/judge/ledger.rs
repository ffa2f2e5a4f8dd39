//! The ledger: one violation per cause, sweeps folded, totals exact.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::judge::audit::SweepTotals;
use crate::judge::conversation::Conversation;
use crate::policy::case::Objection;
use crate::policy::case::Ruling;
use crate::policy::rule::RuleId;
use crate::service::Transport;
use crate::verdict::Field;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// A source with violations against more responders or more ports than this is a sweep (`policy.md` §5).
pub const SWEEP_THRESHOLD: usize = 16;

/// One cause: a reason, two hosts, a transport, a service port, and the conversations that show it.
#[derive(Clone, Debug)]
pub struct Cause<'a> {
    /// Stable identifier.
    pub id: u64,
    /// The reason.
    pub reason: Reason,
    /// The others that hold too.
    pub also: Vec<Reason>,
    /// The rule or assertion that is broken.
    pub rule: Option<RuleId>,
    /// The nearest rule.
    pub nearest: Option<(RuleId, Field)>,
    /// An exception that expired.
    pub expired: Option<RuleId>,
    /// Hygiene's words, if it is hygiene.
    pub objection: Option<&'a Objection>,
    /// The conversations, in the order of appearance; never empty.
    pub conversations: Vec<&'a Conversation>,
    /// Set for a sweep.
    pub sweep: Option<SweepTotals>,
}

/// Every cause that the conversations show, by identifier, sweeps folded.
pub fn causes<'a>(conversations: impl Iterator<Item = &'a Conversation>) -> Vec<Cause<'a>> {
    let mut causes: BTreeMap<u64, Cause<'a>> = BTreeMap::new();
    for conversation in conversations {
        for cause in causes_of(conversation) {
            match causes.get_mut(&cause.id) {
                Some(held) => join(held, cause),
                None => {
                    causes.insert(cause.id, cause);
                }
            }
        }
    }
    fold_sweeps(causes.into_values().collect())
}

fn join<'a>(held: &mut Cause<'a>, other: Cause<'a>) {
    for reason in other.also {
        if !held.also.contains(&reason) {
            held.also.push(reason);
        }
    }
    held.conversations.extend(other.conversations);
}

fn causes_of(conversation: &Conversation) -> Vec<Cause<'_>> {
    let make = |reason, also: &[Reason], rule: &Option<RuleId>| Cause {
        id: identifier(reason, conversation),
        reason,
        also: also.to_vec(),
        rule: rule.clone(),
        nearest: None,
        expired: None,
        objection: None,
        conversations: vec![conversation],
        sweep: None,
    };
    let mut causes = Vec::new();
    let objections: &[Objection] = match &conversation.ruling {
        Some(Ruling::Violation { reason, also, rule, nearest, expired, objections }) => {
            let mut cause = make(*reason, also, rule);
            cause.nearest = nearest.clone();
            cause.expired = expired.clone();
            causes.push(cause);
            objections
        }
        Some(Ruling::Allowed { objections, .. } | Ruling::Withheld { objections, .. }) => objections,
        _ => &[],
    };
    for objection in objections {
        let mut cause = make(objection.reason, &[], &objection.rule);
        cause.objection = Some(objection);
        causes.push(cause);
    }
    causes
}

/// Hash of reason, both hosts, transport and service port: the same cause has it in every run.
fn identifier(reason: Reason, conversation: &Conversation) -> u64 {
    let key = &conversation.key;
    let port = key.port.map(|port| port.to_string()).unwrap_or_default();
    hash(&format!("{reason}|{}|{}|{}|{port}", key.orig, key.resp, key.transport))
}

fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |sum, octet| sum << 8 | u64::from(*octet))
}

/// Structural causes of one source against too many responders or ports become one.
fn fold_sweeps(causes: Vec<Cause<'_>>) -> Vec<Cause<'_>> {
    let mut tried: BTreeMap<Addr, Tried> = BTreeMap::new();
    for cause in causes.iter().filter(|cause| counts_for_sweep(cause)) {
        for conversation in &cause.conversations {
            let tried = tried.entry(conversation.key.orig).or_default();
            tried.responders.insert(conversation.key.resp);
            tried.ports.insert((conversation.key.transport, conversation.key.port));
        }
    }
    tried.retain(|_, tried| tried.responders.len().max(tried.ports.len()) > SWEEP_THRESHOLD);
    let source = |cause: &Cause<'_>| cause.conversations.first().map(|conversation| conversation.key.orig);
    let is_swept = |cause: &Cause<'_>| {
        counts_for_sweep(cause) && source(cause).is_some_and(|orig| tried.contains_key(&orig))
    };
    let (swept, mut kept): (Vec<Cause<'_>>, Vec<Cause<'_>>) = causes.into_iter().partition(is_swept);
    for (orig, tried) in &tried {
        let mine = swept.iter().filter(|cause| source(cause) == Some(*orig));
        kept.extend(sweep(*orig, tried, mine));
    }
    kept
}

/// What one source tried.
#[derive(Debug, Default)]
struct Tried {
    responders: BTreeSet<Addr>,
    ports: BTreeSet<(Transport, Option<u16>)>,
}

/// Hygiene is about what is allowed, and an initiator that is not known swept nothing.
fn counts_for_sweep(cause: &Cause<'_>) -> bool {
    cause.objection.is_none()
        && cause.conversations.iter().all(|conversation| conversation.initiation >= Initiation::Inferred)
}

fn sweep<'a: 'b, 'b>(
    orig: Addr,
    tried: &Tried,
    causes: impl Iterator<Item = &'b Cause<'a>>,
) -> Option<Cause<'a>> {
    let mut conversations: Vec<&'a Conversation> = Vec::new();
    let mut reasons = BTreeSet::new();
    for cause in causes {
        conversations.extend(&cause.conversations);
        reasons.insert(cause.reason);
    }
    conversations.sort_by_key(|conversation| (conversation.first_seen, conversation.key));
    let count = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    let with = |outcomes: &[Outcome]| {
        count(conversations.iter().filter(|conversation| outcomes.contains(&conversation.outcome)).count())
    };
    let totals = SweepTotals {
        responders: count(tried.responders.len()),
        ports: count(tried.ports.len()),
        conversations: count(conversations.len()),
        attempted: with(&[Outcome::Attempted]),
        refused: with(&[Outcome::Refused]),
        answered: with(&[Outcome::Established, Outcome::Data]),
    };
    conversations.first()?;
    Some(Cause {
        id: hash(&format!("{}|{orig}", Reason::Sweep)),
        reason: Reason::Sweep,
        also: reasons.into_iter().collect(),
        rule: None,
        nearest: None,
        expired: None,
        objection: None,
        conversations,
        sweep: Some(totals),
    })
}

/// How bad a reason is (`policy.md` §5), before the site's changes.
pub fn severity_of(reason: Reason, orig: RoleSet) -> Severity {
    let cameras = roles_named("any-camera").unwrap_or_default();
    match reason {
        Reason::Internet | Reason::FactoryPassword => Severity::Critical,
        Reason::Isolation if orig.meets(cameras) => Severity::Critical,
        Reason::Isolation | Reason::NoRule | Reason::WrongService | Reason::LocalOnly | Reason::Evasion => {
            Severity::High
        }
        Reason::UnknownDevice => Severity::Low,
        _ => Severity::Medium,
    }
}
