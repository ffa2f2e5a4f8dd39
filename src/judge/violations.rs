//! From a cause to the violation that the audit tells.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::facts::Outcome;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::audit::Nearest;
use crate::judge::audit::Violation;
use crate::judge::community_id::community_id;
use crate::judge::conversation::Conversation;
use crate::judge::ledger;
use crate::judge::ledger::Cause;
use crate::judge::message::Sentences;
use crate::judge::summary::spoken;
use crate::policy::case::Spoken;
use crate::verdict::Reason;
use crate::verdict::Severity;

impl Judge {
    /// Violations, worst first, of conversations that are a cause of something.
    pub(super) fn violations(&self, conversations: &[&Conversation]) -> Vec<Violation> {
        let causes = ledger::causes(conversations.iter().copied());
        let mut violations: Vec<Violation> =
            causes.iter().filter_map(|cause| self.violation(cause)).collect();
        violations.sort_by(|a, b| {
            let key = |v: &Violation| (v.orig.addr, v.resp.addr, v.transport, v.port, v.reason, v.id);
            b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
        });
        violations
    }

    fn violation(&self, cause: &Cause<'_>) -> Option<Violation> {
        let all = &cause.conversations;
        let first = *all.iter().min_by_key(|conversation| (conversation.first_seen, conversation.key()))?;
        let best = *all.iter().max_by_key(|conversation| conversation.outcome)?;
        let (orig, resp) = Self::parties(first);
        let (flow, flow_orig) = first.first_flow();
        let sum = |of: fn(&Conversation) -> u64| {
            all.iter().fold(0_u64, |sum, conversation| sum.saturating_add(of(conversation)))
        };
        let named = all.iter().find(|conversation| matches!(conversation.spoken, Spoken::Known(..)));
        let told = named.copied().unwrap_or(first);
        let (service, certainty) = spoken(told);
        let sentences = Sentences { policy: &self.policy, orig: &orig, resp: &resp };
        let severity = self.severity(cause, orig.roles, best.outcome);
        Some(Violation {
            id: cause.id,
            reason: cause.reason,
            also: cause.also.clone(),
            severity,
            rule: cause.rule.clone(),
            nearest: cause.nearest.as_ref().and_then(|(rule, field)| {
                let pack = Arc::clone(&self.policy.rule(rule)?.pack.0);
                Some(Nearest { rule: rule.clone(), pack, field: *field })
            }),
            controls: self.controls(cause),
            transport: first.transport,
            port: if cause.sweep.is_some() { None } else { first.port },
            service: if cause.sweep.is_some() { None } else { service },
            certainty: if cause.sweep.is_some() { None } else { certainty },
            content: told.content.map(|(content, _)| content),
            initiation: all.iter().map(|conversation| conversation.initiation).max()?,
            outcome: best.outcome,
            first_seen: first.first_seen,
            last_seen: all.iter().map(|conversation| conversation.last_seen).max()?,
            count: sum(|conversation| conversation.count),
            flows: sum(Conversation::flows),
            octets: sum(|conversation| conversation.octets),
            evidence: cause.objection.and_then(|objection| objection.evidence).or(told.evidence()),
            community_id: community_id(&flow, flow_orig),
            message: sentences.violation(&self.retold(cause, told, best)),
            sweep: cause.sweep,
            orig,
            resp,
        })
    }

    /// The cause with one conversation that tells most: the service of one, the outcome of another.
    fn retold<'a>(&self, cause: &Cause<'a>, told: &'a Conversation, best: &'a Conversation) -> Cause<'a> {
        let mut retold = cause.clone();
        let telling = if matches!(told.spoken, Spoken::Known(..)) { told } else { best };
        retold.conversations.insert(0, telling);
        retold
    }

    fn severity(&self, cause: &Cause<'_>, orig: RoleSet, outcome: Outcome) -> Severity {
        let changed = self.policy.site().and_then(|site| {
            site.severities.iter().find(|(reason, _)| *reason == cause.reason).map(|(_, severity)| *severity)
        });
        let asserted = cause.rule.as_ref().and_then(|id| self.policy.assertion(id)?.severity);
        let own = || match cause.reason {
            Reason::Sweep => cause
                .also
                .iter()
                .map(|reason| ledger::severity_of(*reason, orig))
                .max()
                .unwrap_or(Severity::Medium),
            reason => ledger::severity_of(reason, orig),
        };
        let severity = changed.or(asserted).unwrap_or_else(own);
        if outcome <= Outcome::Refused { severity.lowered() } else { severity }
    }

    fn controls(&self, cause: &Cause<'_>) -> Vec<Arc<str>> {
        let mut controls = BTreeSet::new();
        for id in cause.rule.iter().chain(cause.nearest.iter().map(|(rule, _)| rule)) {
            controls.extend(self.policy.rule(id).iter().flat_map(|rule| rule.controls.iter().cloned()));
            controls.extend(
                self.policy.assertion(id).iter().flat_map(|assertion| assertion.controls.iter().cloned()),
            );
        }
        controls.into_iter().collect()
    }
}
