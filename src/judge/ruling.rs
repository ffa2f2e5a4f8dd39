//! From a conversation to the policy's case and back: who the ends are for the policy, both ways of
//! reading where the initiator is unknown, and what folds beyond the cap.

use std::borrow::Cow;
use std::sync::Arc;

use crate::addr::Addr;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::inventory::HostView;
use crate::inventory::Inventory;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::audit::FoldedViolations;
use crate::judge::conversation::Conversation;
use crate::judge::conversations::ConversationIndex;
use crate::judge::flow_state::FlowState;
use crate::judge::memory::Known;
use crate::judge::memory::Memory;
use crate::judge::orient::Orientation;
use crate::judge::seats::Seat;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::decide::decide;
use crate::policy::force::Policy;
use crate::policy::rule::RuleId;
use crate::service::Certainty;
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

/// Who rules: the policy, on what the inventory knows.
struct Court<'a> {
    policy: &'a Policy,
    inventory: &'a Inventory,
}

impl Judge {
    /// Makes the rulings that are missing. Every ruling is a function of the conversation's facts, the
    /// policy and the inventory. Without a site the ends are who they are inferred to be by now.
    pub(super) fn rule_all(&mut self) {
        let infers = self.policy.site().is_none();
        let court = Court { policy: &self.policy, inventory: &self.inventory };
        for conversation in self.conversations.iter_mut() {
            if infers {
                let (orig, resp) = conversation.addrs();
                conversation.orig = self.seats.seat_of(&self.inventory, orig);
                conversation.resp = self.seats.seat_of(&self.inventory, resp);
            }
            if infers || conversation.ruling.is_none() {
                conversation.ruling = Some(court.recall(conversation, &mut self.memory));
            }
        }
    }

    /// The ruling on a conversation during a watch, made anew if something changed; `None` if all its flows left.
    pub(super) fn rule_again(&mut self, index: ConversationIndex) -> Option<Arc<Ruling>> {
        let conversation = self.conversations.get_mut(index).filter(|held| !held.is_abandoned())?;
        let court = Court { policy: &self.policy, inventory: &self.inventory };
        if conversation.ruling.is_none() {
            conversation.ruling = Some(court.recall(conversation, &mut self.memory));
        }
        conversation.ruling.clone()
    }

    /// The numbers of both ends' kinds, where no verdict depends on which host of a kind it is.
    pub(super) fn remember_ends(&mut self, addrs: [Addr; 2], seats: &[Seat; 2]) -> Option<[u32; 2]> {
        if self.memory.tells_hosts_apart() {
            return None;
        }
        let ([a, b], [seat_a, seat_b]) = (addrs, seats);
        let (policy, inventory) = (&*self.policy, &self.inventory);
        let numbers = [(seat_a, a), (seat_b, b)];
        Some(numbers.map(|(seat, addr)| self.memory.end(policy, inventory, seat, addr)))
    }

    /// Judges a flow that found the table of conversations full, at its end, and counts what comes of it.
    /// `seats` are both ends' as they are now, if they are known.
    pub(super) fn fold(
        &mut self,
        state: &FlowState,
        orientation: Orientation,
        seats: Option<[Seat; 2]>,
    ) -> Arc<Ruling> {
        let [a, b] = seats.unwrap_or_else(|| self.seats_of(&state.key));
        let (orig, resp) = if orientation.orig == Side::A { (a, b) } else { (b, a) };
        let key = self.conversation_key(state, orientation, (&orig, &resp));
        let ends = (orig, resp);
        let (orig, resp) = (ends.0.kind().role, ends.1.kind().role);
        let mut conversation = Conversation::new(&key, ends, state, orientation.orig);
        conversation.clear_flows = u32::from(state.is_clear());
        conversation.absorb(state, orientation.orig, orientation.initiation);
        let ruling = self.rule_on(&conversation);
        self.totals.add_folded(&ruling, state);
        if let Some(watch) = &mut self.watch {
            let [_, octets, _] = state.counts;
            watch.counts.carried(state.service.map(|(service, ..)| service), orig, resp, octets);
            watch.counts.judged(&ruling);
        }
        let always = match &*ruling {
            Ruling::Allowed { objections, .. }
            | Ruling::Violation { objections, .. }
            | Ruling::Withheld { objections, .. } => objections.as_slice(),
            Ruling::OutOfScope | Ruling::NoPolicy => &[],
        };
        let mut found: Vec<(Reason, Option<RuleId>)> =
            always.iter().map(|objection| (objection.reason, objection.rule.clone())).collect();
        if let Ruling::Violation { reason, rule, .. } = &*ruling {
            found.push((*reason, rule.clone()));
        }
        for (reason, rule) in found {
            let count = self.folded.entry(FoldKey { reason, rule, orig, resp }).or_default();
            *count = count.saturating_add(1);
            if let Some(watch) = &mut self.watch {
                watch.counts.folded = watch.counts.folded.saturating_add(1);
            }
        }
        ruling
    }

    /// The ruling on a conversation during the run, when what tells hosts apart may change yet.
    fn rule_on(&mut self, conversation: &Conversation) -> Arc<Ruling> {
        let court = Court { policy: &self.policy, inventory: &self.inventory };
        if self.memory.tells_hosts_apart() {
            return Arc::new(court.rule_now(conversation));
        }
        court.recall(conversation, &mut self.memory)
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

impl Court<'_> {
    /// The ruling on a conversation, from memory if its like was ruled on before.
    fn recall(&self, conversation: &Conversation, memory: &mut Memory) -> Arc<Ruling> {
        let (orig, resp) = conversation.addrs();
        let ends = [(&conversation.orig, orig), (&conversation.resp, resp)];
        let [orig, resp] = ends.map(|(seat, addr)| memory.end(self.policy, self.inventory, seat, addr));
        let ends = (orig, resp);
        let known = Known {
            ends,
            initiation: conversation.initiation,
            transport: conversation.transport,
            // Only who does not know the responder reads it the other way round, too.
            ports: match (conversation.initiation, ports_of(conversation)) {
                (Initiation::Unknown, ports) => ports,
                (_, (port, _)) => (port, None),
            },
            spoken: conversation.spoken,
            clear: conversation.clear_flows > 0,
            outcome: conversation.outcome,
        };
        let is_plain = conversation.is_plain() && !memory.expires();
        if let Some(ruling) = memory.ruling(&known).filter(|_| is_plain) {
            return Arc::clone(ruling);
        }
        let ruling = match (memory.kind(ends.0), memory.kind(ends.1)) {
            (Some(orig), Some(resp)) => self.rule_between(conversation, orig, resp),
            _ => self.rule_now(conversation),
        };
        let ruling = memory.share(ruling);
        if is_plain {
            memory.note(known, &ruling);
        }
        ruling
    }

    /// The ruling on a conversation, from nothing but its facts.
    fn rule_now(&self, conversation: &Conversation) -> Ruling {
        let (orig, resp) = conversation.addrs();
        let orig = end_of(self.policy, self.inventory, &conversation.orig.view(orig));
        let resp = end_of(self.policy, self.inventory, &conversation.resp.view(resp));
        self.rule_between(conversation, &orig, &resp)
    }

    fn rule_between(&self, conversation: &Conversation, orig: &End, resp: &End) -> Ruling {
        let case = |orig, resp, port| Case {
            orig,
            resp,
            initiation: conversation.initiation,
            transport: conversation.transport,
            port,
            spoken: conversation.spoken,
            clear: conversation.clear_flows > 0,
            traits: conversation.traits(),
            outcome: conversation.outcome,
            time: conversation.last_seen,
        };
        let (port, other_port) = ports_of(conversation);
        let forward = decide(self.policy, self.inventory, &case(orig, resp, port));
        if conversation.initiation > Initiation::Unknown {
            return forward;
        }
        // Nobody knows who opened it: only what holds both ways round may be said.
        let backward = decide(self.policy, self.inventory, &case(resp, orig, other_port));
        both_ways(forward, backward)
    }
}

/// Both ends as the policy sees them: their addresses, who sits there, and the numbers of their kinds, where
/// they are known.
pub(super) fn ends<'m>(
    policy: &Policy,
    inventory: &Inventory,
    memory: &'m Memory,
    (addrs, seats, numbers): ([Addr; 2], &[Seat; 2], Option<[u32; 2]>),
) -> [Cow<'m, End>; 2] {
    let [a, b] = numbers.map(|numbers| numbers.map(|number| memory.kind(number))).unwrap_or_default();
    let ([addr_a, addr_b], [seat_a, seat_b]) = (addrs, seats);
    [(a, seat_a, addr_a), (b, seat_b, addr_b)].map(|(known, seat, addr)| match known {
        Some(end) => Cow::Borrowed(end),
        None => Cow::Owned(end_of(policy, inventory, &seat.view(addr))),
    })
}

/// One end as the policy sees it.
pub(super) fn end_of(policy: &Policy, inventory: &Inventory, host: &HostView) -> End {
    let judges = match host.standing {
        Standing::Declared | Standing::Address => true,
        Standing::Inferred(certainty) => certainty == Certainty::Signature,
        Standing::Unlisted => policy.site().is_some(),
    };
    let unknown = RoleSet::of(&[Role::Unknown]);
    let roles = if judges && !host.roles.is_empty() { host.roles } else { unknown };
    let named = inventory.packs_of(host.addr);
    End {
        addr: host.addr,
        label: if judges { host.label } else { Role::Unknown },
        roles,
        judges,
        monitored: inventory.is_monitored(host.addr),
        packs: policy.bits_everywhere() | policy.bits_of(named.iter()),
        zone_kinds: inventory.zones(host.addr).filter_map(|zone| zone.kind.clone()).collect(),
    }
}

/// The responder's port, and what it would be if the other end were the responder.
fn ports_of(conversation: &Conversation) -> (Option<u16>, Option<u16>) {
    let (flow, orig) = conversation.first_flow();
    let port = conversation.port;
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
