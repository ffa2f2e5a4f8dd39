//! The ledger: one violation per cause, sweeps folded, totals exact.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use foldhash::fast::FixedState;
use sha2::Digest;
use sha2::Sha256;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::judge::audit::SweepTotals;
use crate::judge::conversation::Conversation;
use crate::judge::conversation::ConversationKey;
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

/// What makes a cause: the same reason, hosts, transport and service port. Its hash is the identifier.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct CauseKey {
    orig: Addr,
    resp: Addr,
    transport: Transport,
    port: Option<u16>,
    vlan: u16,
    reason: Reason,
}

/// Every cause that the conversations show, sweeps folded.
pub fn causes<'a>(conversations: impl Iterator<Item = &'a Conversation>) -> Vec<Cause<'a>> {
    // The sort is stable, so that the causes of one key stay in the order of appearance.
    let mut found: Vec<(CauseKey, Cause<'a>)> = conversations.flat_map(causes_of).collect();
    found.sort_by_key(|(key, _)| *key);
    let mut causes: Vec<(CauseKey, Cause<'a>)> = Vec::new();
    for (key, cause) in found {
        match causes.last_mut() {
            Some((held_key, held)) if *held_key == key => join(held, cause),
            _ => causes.push((key, cause)),
        }
    }
    fold_sweeps(causes)
}

fn join<'a>(held: &mut Cause<'a>, other: Cause<'a>) {
    for reason in other.also {
        if !held.also.contains(&reason) {
            held.also.push(reason);
        }
    }
    held.expired = held.expired.take().or(other.expired);
    held.conversations.extend(other.conversations);
}

fn causes_of(conversation: &Conversation) -> Vec<(CauseKey, Cause<'_>)> {
    let make = |reason, also: &[Reason], rule: &Option<RuleId>| Cause {
        id: 0,
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
    let objections: &[Objection] = match conversation.ruling.as_deref() {
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
    causes.into_iter().map(|cause| (key_of(cause.reason, conversation), cause)).collect()
}

fn key_of(reason: Reason, conversation: &Conversation) -> CauseKey {
    let ConversationKey { orig, resp, transport, port, vlan, .. } = conversation.key();
    CauseKey { orig, resp, transport, port, vlan, reason }
}

/// Hash of reason, both hosts, transport and service port: the same cause has it in every run.
fn identifier(key: &CauseKey) -> u64 {
    let port = key.port.map(|port| port.to_string()).unwrap_or_default();
    let vlan = if key.vlan == 0 { String::new() } else { format!("|vlan {}", key.vlan) };
    hash(&format!("{}|{}|{}|{}|{port}{vlan}", key.reason, key.orig, key.resp, key.transport))
}

fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |sum, octet| sum << 8 | u64::from(*octet))
}

/// Structural causes of one source against too many responders or ports become one. `causes` are in the
/// order of their sources.
fn fold_sweeps(causes: Vec<(CauseKey, Cause<'_>)>) -> Vec<Cause<'_>> {
    let mut tried: BTreeMap<Addr, Tried> = BTreeMap::new();
    for (key, _) in causes.iter().filter(|(_, cause)| counts_for_sweep(cause)) {
        let tried = tried.entry(key.orig).or_default();
        tried.responders.insert(key.resp);
        tried.ports.insert((key.transport, key.port));
    }
    tried.retain(|_, tried| tried.responders.len().max(tried.ports.len()) > SWEEP_THRESHOLD);
    let mut swept: BTreeMap<Addr, Vec<Cause<'_>>> = BTreeMap::new();
    let mut kept = Vec::new();
    for (key, mut cause) in causes {
        if counts_for_sweep(&cause) && tried.contains_key(&key.orig) {
            swept.entry(key.orig).or_default().push(cause);
        } else {
            cause.id = identifier(&key);
            kept.push(cause);
        }
    }
    let mut sweeps =
        swept.iter().filter_map(|(orig, causes)| sweep(*orig, tried.get(orig)?, causes)).collect();
    kept.append(&mut sweeps);
    kept
}

/// What one source tried.
#[derive(Debug, Default)]
struct Tried {
    responders: HashSet<Addr, FixedState>,
    ports: HashSet<(Transport, Option<u16>), FixedState>,
}

/// Hygiene is about what is allowed, and an initiator that is not known swept nothing.
fn counts_for_sweep(cause: &Cause<'_>) -> bool {
    cause.objection.is_none()
        && cause.conversations.iter().any(|conversation| conversation.initiation >= Initiation::Inferred)
}

fn sweep<'a>(orig: Addr, tried: &Tried, causes: &[Cause<'a>]) -> Option<Cause<'a>> {
    let mut conversations: Vec<&'a Conversation> = Vec::new();
    let mut reasons = BTreeSet::new();
    for cause in causes {
        conversations.extend(&cause.conversations);
        reasons.insert(cause.reason);
    }
    conversations.sort_by_key(|conversation| (conversation.first_seen, conversation.key()));
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
