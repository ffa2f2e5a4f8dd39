//! What all conversations come to, in one walk over them: totals, how often each rule allowed something, and
//! the few conversations that there is more to tell of.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::judge::Judge;
use crate::judge::audit::JudgeTotals;
use crate::judge::audit::RuleHits;
use crate::judge::conversation::Conversation;
use crate::policy::case::Ruling;
use crate::policy::rule::RuleId;
use crate::verdict::VerdictKind;

/// What was counted.
pub(super) struct Count<'c> {
    /// The totals of the run.
    pub(super) totals: JudgeTotals,
    /// Conversations that are a cause of something.
    pub(super) causing: Vec<&'c Conversation>,
    /// Conversations that there is advice on.
    pub(super) advised: Vec<&'c Conversation>,
    hits: HashMap<&'c RuleId, u64, FixedState>,
}

impl<'c> Count<'c> {
    /// Counts these conversations on top of `totals`.
    pub(super) fn of(conversations: &[&'c Conversation], totals: JudgeTotals) -> Self {
        let (causing, advised) = (Vec::new(), Vec::new());
        let mut count = Self { totals, causing, advised, hits: HashMap::default() };
        // Most have the same ruling as the one before.
        for alike in conversations.chunk_by(|one, other| has_same_ruling(one, other)) {
            count.add(alike);
        }
        count
    }

    /// Adds conversations that share a ruling.
    fn add(&mut self, alike: &[&'c Conversation]) {
        let ruling = alike.first().and_then(|conversation| conversation.ruling.as_deref());
        let kind = kind_of(ruling);
        let many = u64::try_from(alike.len()).unwrap_or(u64::MAX);
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        let (mut packets, mut flows) = (0, 0);
        for conversation in alike {
            add(&mut self.totals.duplicate_packets, conversation.duplicates());
            add(&mut packets, conversation.packets);
            add(&mut flows, conversation.count.saturating_add(conversation.related()));
        }
        let totals = &mut self.totals;
        add(&mut totals.conversations, many);
        let (all_packets, all_flows, verdicts) = match kind {
            VerdictKind::OutOfScope => {
                (&mut totals.out_of_scope_packets, &mut totals.out_of_scope_flows, &mut totals.out_of_scope)
            }
            VerdictKind::Allowed => {
                (&mut totals.judged_packets, &mut totals.judged_flows, &mut totals.allowed)
            }
            VerdictKind::Violation => {
                (&mut totals.judged_packets, &mut totals.judged_flows, &mut totals.violating)
            }
            VerdictKind::Withheld => {
                (&mut totals.judged_packets, &mut totals.judged_flows, &mut totals.withheld)
            }
            VerdictKind::NoPolicy => {
                (&mut totals.judged_packets, &mut totals.judged_flows, &mut totals.no_policy)
            }
        };
        add(all_packets, packets);
        add(all_flows, flows);
        add(verdicts, many);
        self.note(ruling, alike, many);
    }

    fn note(&mut self, ruling: Option<&'c Ruling>, alike: &[&'c Conversation], many: u64) {
        if let Some(Ruling::Allowed { rule, advice, .. }) = ruling {
            let hits = self.hits.entry(rule).or_default();
            *hits = hits.saturating_add(many);
            if !advice.is_empty() {
                self.advised.extend(alike);
            }
        }
        if is_cause(ruling) {
            self.causing.extend(alike);
        }
    }

    /// How often each rule of the judge's policy allowed something.
    pub(super) fn rule_hits(&self, judge: &Judge) -> Vec<RuleHits> {
        let rules = judge.policy.rules();
        let hits = rules.map(|rule| RuleHits {
            rule: rule.id.clone(),
            pack: Arc::clone(&rule.pack.0),
            conversations: self.hits.get(&rule.id).copied().unwrap_or(0),
        });
        hits.collect()
    }
}

/// Whether a conversation with this ruling is a cause of something.
pub(super) fn is_cause(ruling: Option<&Ruling>) -> bool {
    match ruling {
        Some(Ruling::Allowed { objections, .. } | Ruling::Withheld { objections, .. }) => {
            !objections.is_empty()
        }
        Some(Ruling::Violation { .. }) => true,
        None | Some(Ruling::OutOfScope | Ruling::NoPolicy) => false,
    }
}

fn has_same_ruling(one: &Conversation, other: &Conversation) -> bool {
    match (&one.ruling, &other.ruling) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The kind of a verdict.
pub(super) fn kind_of(ruling: Option<&Ruling>) -> VerdictKind {
    match ruling {
        None | Some(Ruling::NoPolicy) => VerdictKind::NoPolicy,
        Some(Ruling::OutOfScope) => VerdictKind::OutOfScope,
        Some(Ruling::Allowed { objections, .. }) if objections.is_empty() => VerdictKind::Allowed,
        Some(Ruling::Allowed { .. } | Ruling::Violation { .. }) => VerdictKind::Violation,
        Some(Ruling::Withheld { .. }) => VerdictKind::Withheld,
    }
}
