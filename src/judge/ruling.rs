//! From a conversation to the policy's case and back: who the ends are for the policy, both ways of
//! reading where the initiator is unknown, and what folds beyond the cap.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::HostView;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::audit::FoldedViolations;
use crate::judge::conversation::Conversation;
use crate::judge::flow_state::FlowState;
use crate::judge::orient::Orientation;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::policy::decide::decide;
use crate::policy::rule::RuleId;
use crate::service::Certainty;
use crate::service::Transport;
use crate::verdict::Reason;
use crate::verdict::Withheld;

/// What violations beyond the cap on conversations are counted by.
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

/// Rulings that were made before. A ruling is a function of its case; of most conversations little is
/// known, so that many have the same case.
#[derive(Debug, Default)]
pub(super) struct Memory {
    views: HashMap<Addr, Arc<HostView>, FixedState>,
    ends: HashMap<(Addr, *const HostView), u32, FixedState>,
    kinds: HashMap<End, u32, FixedState>,
    list: Vec<End>,
    rulings: HashMap<Known, Arc<Ruling>, FixedState>,
}

/// All that a ruling depends on, where there are no traits: both ends' kinds, initiator, transport,
/// ports, what is spoken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Known {
    ends: (u32, u32),
    initiation: Initiation,
    transport: Transport,
    ports: (Option<u16>, Option<u16>),
    spoken: Spoken,
    clear: bool,
    outcome: Outcome,
}

impl Judge {
    /// Makes the rulings that are missing. Every ruling is a function of the conversation's facts, the
    /// policy and the inventory.
    pub(super) fn rule_all(&mut self) {
        let mut memory = Memory::default();
        let mut rulings = Vec::new();
        for conversation in self.conversations.iter() {
            let missing = conversation.ruling.is_none() || self.policy.site().is_none();
            rulings.push(missing.then(|| self.recall(conversation, &mut memory)));
        }
        for (conversation, ruling) in self.conversations.iter_mut().zip(rulings) {
            conversation.ruling = ruling.or(conversation.ruling.take());
        }
        self.views = memory.views;
    }

    /// The ruling on a conversation, from memory if its like was ruled on before.
    fn recall(&self, conversation: &Conversation, memory: &mut Memory) -> Arc<Ruling> {
        let (orig, resp) = match self.policy.site() {
            Some(_) => (Arc::clone(&conversation.orig), Arc::clone(&conversation.resp)),
            None => (memory.view(self, conversation.key.orig), memory.view(self, conversation.key.resp)),
        };
        let ends = (memory.end(self, &orig), memory.end(self, &resp));
        let known = Known {
            ends,
            initiation: conversation.initiation,
            transport: conversation.key.transport,
            ports: ports_of(conversation),
            spoken: conversation.spoken,
            clear: conversation.clear_flows > 0,
            outcome: conversation.outcome,
        };
        let is_plain = *conversation.traits() == Traits::NONE && !self.policy.expires();
        if let Some(ruling) = memory.rulings.get(&known).filter(|_| is_plain) {
            return Arc::clone(ruling);
        }
        let ruling = Arc::new(match (memory.kind(ends.0), memory.kind(ends.1)) {
            (Some(orig), Some(resp)) => self.rule_between(conversation, orig, resp),
            _ => self.rule_between(conversation, &self.end(&orig), &self.end(&resp)),
        });
        if is_plain {
            memory.rulings.insert(known, Arc::clone(&ruling));
        }
        ruling
    }

    fn rule_between(&self, conversation: &Conversation, orig: &End, resp: &End) -> Ruling {
        let case = |orig, resp, port| Case {
            orig,
            resp,
            initiation: conversation.initiation,
            transport: conversation.key.transport,
            port,
            spoken: conversation.spoken,
            clear: conversation.clear_flows > 0,
            traits: conversation.traits(),
            outcome: conversation.outcome,
            time: conversation.last_seen,
        };
        let (port, other_port) = ports_of(conversation);
        let forward = decide(&self.policy, &self.inventory, &case(orig, resp, port));
        if conversation.initiation > Initiation::Unknown {
            return forward;
        }
        // Nobody knows who opened it: only what holds both ways round may be said.
        let backward = decide(&self.policy, &self.inventory, &case(resp, orig, other_port));
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

    /// Judges a flow that found the table of conversations full, at its end, and counts what comes of it.
    pub(super) fn fold(&mut self, state: &FlowState, orientation: Orientation) -> Arc<Ruling> {
        let addr = |side| state.key.end(side).0;
        let ends = (addr(orientation.orig), addr(orientation.orig.other()));
        let ends = (Arc::new(self.inventory.host(ends.0)), Arc::new(self.inventory.host(ends.1)));
        let (orig, resp) = (ends.0.label, ends.1.label);
        let kinds = (self.end(&ends.0), self.end(&ends.1));
        let key = self.conversation_key(state, orientation, (&ends.0, &ends.1));
        let mut conversation = Conversation::new(key, ends, state, orientation.orig);
        conversation.clear_flows = u32::from(state.is_clear());
        conversation.absorb(state, orientation.orig, orientation.initiation);
        let ruling = self.rule_between(&conversation, &kinds.0, &kinds.1);
        self.totals.add_folded(&ruling, state);
        let always = match &ruling {
            Ruling::Allowed { objections, .. }
            | Ruling::Violation { objections, .. }
            | Ruling::Withheld { objections, .. } => objections.as_slice(),
            Ruling::OutOfScope | Ruling::NoPolicy => &[],
        };
        let mut found: Vec<(Reason, Option<RuleId>)> =
            always.iter().map(|objection| (objection.reason, objection.rule.clone())).collect();
        if let Ruling::Violation { reason, rule, .. } = &ruling {
            found.push((*reason, rule.clone()));
        }
        for (reason, rule) in found {
            let count = self.folded.entry(FoldKey { reason, rule, orig, resp }).or_default();
            *count = count.saturating_add(1);
        }
        Arc::new(ruling)
    }

    /// What was folded, by reason, rule and roles.
    pub(super) fn folded_violations(&self) -> Vec<FoldedViolations> {
        let each = self.folded.iter().map(|(key, flows)| FoldedViolations {
            reason: key.reason,
            rule: key.rule.clone(),
            orig_role: key.orig,
            resp_role: key.resp,
            flows: *flows,
        });
        each.collect()
    }
}

impl Memory {
    /// What is known of a host at the end of the run.
    fn view(&mut self, judge: &Judge, addr: Addr) -> Arc<HostView> {
        let view = self.views.entry(addr).or_insert_with(|| Arc::new(judge.inventory.host(addr)));
        Arc::clone(view)
    }

    /// The number of a host's kind: hosts of one kind are the same to the policy.
    fn end(&mut self, judge: &Judge, view: &Arc<HostView>) -> u32 {
        let (ends, kinds, list) = (&mut self.ends, &mut self.kinds, &mut self.list);
        *ends.entry((view.addr, Arc::as_ptr(view))).or_insert_with(|| {
            let mut end = judge.end(view);
            if !judge.policy.tells_hosts_apart() {
                end.addr = Addr::v4([0; 4]);
            }
            let next = u32::try_from(list.len()).unwrap_or(u32::MAX);
            *kinds.entry(end).or_insert_with_key(|end| {
                list.push(end.clone());
                next
            })
        })
    }

    fn kind(&self, number: u32) -> Option<&End> {
        self.list.get(usize::try_from(number).ok()?)
    }
}

/// The responder's port, and what it would be if the other end were the responder.
fn ports_of(conversation: &Conversation) -> (Option<u16>, Option<u16>) {
    let (flow, orig) = conversation.first_flow;
    let port = conversation.key.port;
    (port, port.map(|_| flow.end(orig).1))
}

/// What may be said of a conversation that reads `forward` one way and `backward` the other.
fn both_ways(forward: Ruling, backward: Ruling) -> Ruling {
    match (&forward, &backward) {
        (Ruling::Allowed { .. }, Ruling::Allowed { .. })
        | (Ruling::OutOfScope, _)
        | (Ruling::NoPolicy, _)
        | (Ruling::Withheld { .. }, Ruling::Withheld { .. })
        | (Ruling::Violation { .. }, Ruling::Violation { .. }) => forward,
        _ => {
            let rule = match (&forward, &backward) {
                (Ruling::Allowed { rule, .. }, _) | (_, Ruling::Allowed { rule, .. }) => Some(rule.clone()),
                _ => None,
            };
            let mut objections = match forward {
                Ruling::Violation { objections, .. }
                | Ruling::Withheld { objections, .. }
                | Ruling::Allowed { objections, .. } => objections,
                Ruling::OutOfScope | Ruling::NoPolicy => Vec::new(),
            };
            objections
                .retain(|objection| matches!(objection.reason, Reason::FactoryPassword | Reason::Evasion));
            Ruling::Withheld { why: Withheld::InitiatorUnknown, rule, objections }
        }
    }
}
