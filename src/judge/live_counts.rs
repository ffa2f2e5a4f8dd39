//! What a watching judge counted since it began. Nothing here ever becomes less, whatever is forgotten,
//! withdrawn or reloaded.

use std::collections::BTreeMap;

use crate::inventory::role::Role;
use crate::judge::audit::Violation;
use crate::judge::count::kind_of;
use crate::judge::durations::Measured;
use crate::policy::case::Ruling;
use crate::policy::rule::RuleId;
use crate::service::Service;
use crate::time::Span;
use crate::time::Timestamp;
use crate::verdict::Reason;
use crate::verdict::Severity;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// Most series of octets: every pair of roles and service together could be more.
const BYTES_CAP: usize = 5_000;

/// By what violations are counted.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ViolationKey {
    /// The rule or assertion that is broken.
    pub rule: Option<RuleId>,
    /// The reason.
    pub reason: Reason,
    /// How bad.
    pub severity: Severity,
    /// The label of the initiator.
    pub orig: Role,
    /// The label of the responder.
    pub resp: Role,
}

impl ViolationKey {
    /// That of a violation.
    pub fn of(violation: &Violation) -> Self {
        Self {
            rule: violation.rule.clone(),
            reason: violation.reason,
            severity: violation.severity,
            orig: violation.orig.role,
            resp: violation.resp.role,
        }
    }
}

/// By what octets are counted: service and both labels; `None` for what found no series of its own.
pub type BytesKey = Option<(Option<Service>, Role, Role)>;

/// The counts.
#[derive(Clone, Debug)]
pub struct LiveCounts {
    /// Violations that opened.
    pub violations: BTreeMap<ViolationKey, u64>,
    /// Capture time of the last packet of a violation, by rule or assertion.
    pub last_violation: BTreeMap<Option<RuleId>, Timestamp>,
    /// Violations that were withdrawn.
    pub withdrawn: u64,
    /// Violations beyond the ledger's cap.
    pub folded: u64,
    /// Conversations that got a verdict; one whose verdict changes counts again.
    pub conversations: BTreeMap<VerdictKind, u64>,
    /// Those whose verdict is withheld, by cause.
    pub withheld: BTreeMap<Withheld, u64>,
    /// Conversations that a rule allowed.
    pub rules: BTreeMap<RuleId, u64>,
    /// Octets on the wire.
    pub bytes: BTreeMap<BytesKey, u64>,
    /// TCP flows of which one direction only was seen, and both.
    pub one_way: u64,
    /// TCP flows of which both directions were seen.
    pub two_way: u64,
    /// From a conversation's first packet to its first verdict.
    pub delay: Option<Measured>,
}

impl Default for LiveCounts {
    fn default() -> Self {
        Self {
            violations: BTreeMap::new(),
            last_violation: BTreeMap::new(),
            withdrawn: 0,
            folded: 0,
            conversations: BTreeMap::new(),
            withheld: BTreeMap::new(),
            rules: BTreeMap::new(),
            bytes: BTreeMap::new(),
            one_way: 0,
            two_way: 0,
            delay: Measured::none(),
        }
    }
}

impl LiveCounts {
    /// Counts a verdict.
    pub(super) fn judged(&mut self, ruling: &Ruling) {
        add(self.conversations.entry(kind_of(Some(ruling))).or_default(), 1);
        match ruling {
            Ruling::Allowed { rule, .. } => match self.rules.get_mut(rule) {
                Some(count) => add(count, 1),
                None => {
                    self.rules.insert(rule.clone(), 1);
                }
            },
            Ruling::Withheld { why, .. } => add(self.withheld.entry(*why).or_default(), 1),
            Ruling::Violation { .. } | Ruling::OutOfScope | Ruling::NoPolicy => {}
        }
    }

    /// Counts how long a conversation's first verdict took.
    pub(super) fn took(&mut self, delay: Span) {
        if let Some(measured) = &mut self.delay {
            measured.record(delay);
        }
    }

    /// Counts octets.
    pub(super) fn carried(&mut self, service: Option<Service>, orig: Role, resp: Role, octets: u64) {
        let mut key = Some((service, orig, resp));
        if self.bytes.len() >= BYTES_CAP && !self.bytes.contains_key(&key) {
            key = None;
        }
        add(self.bytes.entry(key).or_default(), octets);
    }

    /// Counts a violation that opened.
    pub(super) fn opened(&mut self, violation: &Violation) {
        add(self.violations.entry(ViolationKey::of(violation)).or_default(), 1);
    }

    /// Notes when a violation was last seen.
    pub(super) fn seen(&mut self, violation: &Violation) {
        let last = self.last_violation.entry(violation.rule.clone()).or_insert(violation.last_seen);
        *last = violation.last_seen.max(*last);
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
