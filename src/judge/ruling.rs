//! From a conversation to the policy's case and back: who the ends are for the policy, both ways of
//! reading where the initiator is unknown, and what folds beyond the cap.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flow::facts::Initiation;
use crate::flow::key::FlowNumber;
use crate::inventory::HostView;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::conversation::Conversation;
use crate::judge::conversation::ConversationKey;
use crate::judge::orient::Orientation;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::decide::decide;
use crate::policy::rule::RuleId;
use crate::service::Certainty;
use crate::verdict::Reason;
use crate::verdict::Withheld;

/// Violations beyond the cap on conversations: by reason, rule and role pair, with exact counts.
pub type Folded = BTreeMap<FoldKey, u64>;

/// What folded violations are counted by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct FoldKey {
    /// The reason.
    pub reason: Reason,
    /// The rule or assertion.
    pub rule: Option<RuleId>,
    /// The label of the initiator.
    pub orig: Role,
    /// The label of the responder.
    pub resp: Role,
}

impl Judge {
    /// Makes the rulings that are missing. Every ruling is a function of the conversation's facts, the
    /// policy and the inventory.
    pub(super) fn rule_all(&mut self) {
        let mut rulings = Vec::new();
        for (index, conversation) in self.conversations.iter() {
            if conversation.ruling.is_none() || self.policy.site().is_none() {
                rulings.push((index, self.rule_on(conversation)));
            }
        }
        for (index, ruling) in rulings {
            if let Some(conversation) = self.conversations.get_mut(index) {
                conversation.ruling = Some(ruling);
            }
        }
    }

    fn rule_on(&self, conversation: &Conversation) -> Ruling {
        let (orig, resp) = self.view(conversation);
        let (orig, resp) = (self.end(&orig), self.end(&resp));
        let case = |orig, resp, port| Case {
            orig,
            resp,
            initiation: conversation.initiation,
            transport: conversation.key.transport,
            port,
            spoken: conversation.spoken,
            traits: &conversation.traits,
            outcome: conversation.outcome,
            time: conversation.last_seen,
        };
        let forward = decide(&self.policy, &self.inventory, &case(&orig, &resp, conversation.key.port));
        if conversation.initiation > Initiation::Unknown {
            return forward;
        }
        // Nobody knows who opened it: only what holds both ways round may be said.
        let side = conversation.first_flow.1;
        let port = conversation.first_flow.0.end(side).1;
        let backward = decide(&self.policy, &self.inventory, &case(&resp, &orig, Some(port)));
        both_ways(forward, backward)
    }

    /// One end as the policy sees it.
    pub(super) fn end(&self, host: &HostView) -> End {
        let judges = match host.standing {
            Standing::Declared | Standing::Address => true,
            Standing::Inferred(certainty) => certainty == Certainty::Signature,
            Standing::Unlisted => self.policy.site().is_some(),
        };
        let unknown = RoleSet::of(&[Role::Unknown]);
        let roles = if judges && !host.roles.is_empty() { host.roles } else { unknown };
        let named = self.inventory.packs_of(host.addr);
        End {
            addr: host.addr,
            label: if judges { host.label } else { Role::Unknown },
            roles,
            judges,
            monitored: self.inventory.is_monitored(host.addr),
            packs: self.policy.bits_everywhere() | self.policy.bits_of(named.iter()),
            zone_kinds: self.inventory.zones(host.addr).filter_map(|zone| zone.kind.clone()).collect(),
        }
    }

    /// Judges a flow that finds the table of conversations full, and counts what comes of it.
    pub(super) fn fold(&mut self, flow: FlowNumber, key: ConversationKey, orientation: Orientation) {
        let Some(live) = self.flows.get(&flow) else {
            return;
        };
        let ends = (Arc::new(self.inventory.host(key.orig)), Arc::new(self.inventory.host(key.resp)));
        let (orig, resp) = (ends.0.label, ends.1.label);
        let mut conversation = Conversation::new(key, ends, &live.state, orientation.orig);
        conversation.absorb(&live.state, orientation.orig, orientation.initiation);
        if let Ruling::Violation { reason, rule, .. } = self.rule_on(&conversation) {
            let count = self.folded.entry(FoldKey { reason, rule, orig, resp }).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// What may be said of a conversation that reads `forward` one way and `backward` the other.
fn both_ways(forward: Ruling, backward: Ruling) -> Ruling {
    match (&forward, &backward) {
        (Ruling::Allowed { .. }, Ruling::Allowed { .. })
        | (Ruling::OutOfScope, _)
        | (Ruling::NoPolicy, _)
        | (Ruling::Withheld { .. }, Ruling::Withheld { .. })
        | (Ruling::Violation { .. }, Ruling::Violation { .. }) => forward,
        // Isolation and the internet are broken whoever began.
        (Ruling::Violation { reason: Reason::Internet | Reason::Isolation, .. }, _) => forward,
        _ => {
            let rule = match (&forward, &backward) {
                (Ruling::Allowed { rule, .. }, _) | (_, Ruling::Allowed { rule, .. }) => Some(rule.clone()),
                _ => None,
            };
            let objections = match forward {
                Ruling::Violation { objections, .. } | Ruling::Withheld { objections, .. } => objections,
                _ => Vec::new(),
            };
            Ruling::Withheld { why: Withheld::InitiatorUnknown, rule, objections }
        }
    }
}
