//! The audit: everything that the judge found, owned, sorted and final.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::inventory::Inventory;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::TOGETHER;
use crate::judge::audit::Advice;
use crate::judge::audit::Audit;
use crate::judge::audit::ConversationRecord;
use crate::judge::audit::HostRecord;
use crate::judge::audit::JudgedFlow;
use crate::judge::audit::Party;
use crate::judge::conversation::Conversation;
use crate::judge::count::Count;
use crate::judge::count::kind_of;
use crate::judge::flows::Flows;
use crate::judge::live::ClosedFlow;
use crate::judge::message::Sentences;
use crate::judge::order;
use crate::judge::related::Related;
use crate::judge::seats::Seats;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::rule::RuleId;
use crate::service::Certainty;
use crate::service::Service;
use crate::verdict::Reason;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

impl Judge {
    /// Ends the run: infers roles where there is no site, makes every ruling that is missing and hands
    /// everything out. All flows must have been closed.
    pub fn finish(mut self) -> (Audit, Inventory) {
        self.flows = Flows::default();
        self.related = Related::default();
        self.inventory.settle();
        self.rule_all();
        let mut seats = std::mem::take(&mut self.seats);
        let conversations: Vec<&Conversation> =
            self.conversations.iter().filter(|conversation| !conversation.is_abandoned()).collect();
        let mut count = Count::of(&conversations, self.totals);
        count.totals.folded = self.folded.values().fold(0, |sum, count| sum.saturating_add(*count));
        let sorted = order::by_key(&conversations);
        drop(conversations);
        let audit = Audit {
            site: self.policy.site().map(|site| Arc::clone(&site.name)),
            policy_hash: self.policy.hash(),
            violations: self.violations(&count.causing),
            advice: self.advice(&count.advised),
            conversations: self.records(&sorted),
            flows: self.judged_flows(),
            hosts: self.hosts(&sorted, &mut seats),
            durations: self.durations.clone(),
            rules: count.rule_hits(&self),
            totals: count.totals,
            complete: self.totals.folded_flows == 0,
            folded: self.folded_violations(),
        };
        (audit, self.inventory)
    }

    /// A conversation's ends: as they were declared when the conversation began, or as they were inferred at
    /// the end of the run.
    pub(super) fn parties(conversation: &Conversation) -> (Party, Party) {
        let (orig, resp) = conversation.addrs();
        (conversation.orig.party(orig), conversation.resp.party(resp))
    }

    /// Label and roles that an end of the conversation is judged with.
    fn party_in(conversation: &Conversation, addr: Addr) -> Option<(Role, RoleSet)> {
        let (orig, resp) = conversation.addrs();
        let ends = [(orig, &conversation.orig), (resp, &conversation.resp)];
        let (_, held) = ends.into_iter().find(|(end, _)| *end == addr)?;
        Some((held.kind().role, held.kind().roles))
    }

    fn advice(&self, conversations: &[&Conversation]) -> Vec<Advice> {
        let mut found: BTreeMap<(Arc<str>, Addr, Addr, Option<u16>), Advice> = BTreeMap::new();
        for conversation in conversations {
            let Some(Ruling::Allowed { rule, advice, .. }) = conversation.ruling.as_deref() else {
                continue;
            };
            for code in advice {
                let (orig, resp) = conversation.addrs();
                let key = (Arc::clone(code), orig, resp, conversation.port);
                if let Some(held) = found.get_mut(&key) {
                    held.conversations = held.conversations.saturating_add(1);
                    continue;
                }
                let (orig, resp) = Self::parties(conversation);
                let sentences = Sentences { policy: &self.policy, orig: &orig, resp: &resp };
                let message = sentences.advice(code, rule, conversation);
                let advice = Advice {
                    code: Arc::clone(code),
                    rule: rule.clone(),
                    transport: conversation.transport,
                    port: conversation.port,
                    conversations: 1,
                    message,
                    orig,
                    resp,
                };
                found.insert(key, advice);
            }
        }
        found.into_values().collect()
    }

    /// The records of these conversations, in their order.
    fn records(&self, sorted: &[&Conversation]) -> Vec<ConversationRecord> {
        let mut records = Vec::with_capacity(sorted.len());
        for some in sorted.chunks(TOGETHER) {
            // They lie strewn about: read first, so that the processor waits for all of them at a time.
            let read = |sum, one: &&Conversation| sum ^ one.count ^ one.first_seen.nanos().unsigned_abs();
            black_box(some.iter().fold(0, read));
            records.extend(some.iter().map(|conversation| self.record(conversation)));
        }
        records
    }

    fn record(&self, conversation: &Conversation) -> ConversationRecord {
        let (orig, resp) = Self::parties(conversation);
        let (service, certainty) = spoken(conversation);
        let told = told(conversation.ruling.as_deref());
        let explanation = told.withheld.map(|why| {
            let sentences = Sentences { policy: &self.policy, orig: &orig, resp: &resp };
            sentences.withheld(why, told.rule.as_ref(), conversation)
        });
        ConversationRecord {
            transport: conversation.transport,
            port: conversation.port,
            service,
            certainty: told.certainty.or(certainty),
            content: conversation.content.map(|(content, _)| content),
            initiation: conversation.initiation,
            outcome: conversation.outcome,
            verdict: told.kind,
            rule: told.rule,
            reason: told.reason,
            withheld: told.withheld,
            explanation,
            count: conversation.count,
            flows: conversation.flows(),
            packets: conversation.packets,
            octets: conversation.octets,
            orig,
            resp,
        }
    }

    fn judged_flows(&self) -> Vec<JudgedFlow> {
        let mut flows: Vec<JudgedFlow> = self.closed.iter().map(|closed| self.judged_flow(closed)).collect();
        flows.sort_by_key(|flow| flow.facts.number);
        flows
    }

    fn judged_flow(&self, closed: &ClosedFlow) -> JudgedFlow {
        let home = closed.conversation.map(|index| self.conversations.resolve(index));
        let conversation = home.and_then(|index| self.conversations.get(index));
        let shared = conversation.and_then(|conversation| conversation.ruling.as_deref());
        let told = told(shared.or(closed.folded.as_deref()));
        let roles = [closed.facts.key.a, closed.facts.key.b].map(|addr| {
            let shared = conversation.and_then(|conversation| Self::party_in(conversation, addr));
            shared.unwrap_or_else(|| {
                let host = self.inventory.host(addr);
                (host.label, host.roles)
            })
        });
        let spoken = match closed.state.spoken() {
            Spoken::Known(service, certainty) => Some((service, certainty)),
            _ => None,
        };
        let initiation = closed.orientation.initiation;
        let known = initiation > Initiation::Unknown;
        JudgedFlow {
            orig: known.then_some(closed.orientation.orig),
            initiation,
            service: spoken.map(|(service, _)| service),
            certainty: spoken.map(|(_, certainty)| certainty),
            content: closed.state.content.map(|(content, _)| content),
            content_certainty: closed.state.content.map(|(_, certainty)| certainty),
            tls_version: closed.state.tls_version(),
            details: closed.details.clone(),
            roles,
            verdict: told.kind,
            rule: told.rule,
            reason: told.reason.map(Reason::as_str).or(told.withheld.map(Withheld::as_str)),
            facts: closed.facts.clone(),
        }
    }

    /// Both ends of these conversations, which are in their order.
    fn hosts(&self, sorted: &[&Conversation], seats: &mut Seats) -> Vec<HostRecord> {
        let host = |addr| {
            let seat = seats.seat_of(&self.inventory, addr);
            let standing = seat.kind().standing();
            HostRecord {
                monitored: self.inventory.is_monitored(addr),
                declared: standing == Standing::Declared,
                certainty: match standing {
                    Standing::Inferred(certainty) => Some(certainty),
                    _ => None,
                },
                party: seat.into_party(addr),
            }
        };
        order::ends(sorted).into_iter().map(host).collect()
    }
}

/// What the record of a ruling says.
struct Told {
    kind: VerdictKind,
    rule: Option<RuleId>,
    reason: Option<Reason>,
    withheld: Option<Withheld>,
    certainty: Option<Certainty>,
}

fn told(ruling: Option<&Ruling>) -> Told {
    let mut told = Told { kind: kind_of(ruling), rule: None, reason: None, withheld: None, certainty: None };
    match ruling {
        None | Some(Ruling::NoPolicy | Ruling::OutOfScope) => {}
        Some(Ruling::Allowed { rule, certainty, objections, .. }) => {
            told.rule = Some(rule.clone());
            told.reason = objections.first().map(|objection| objection.reason);
            told.certainty = Some(*certainty);
        }
        Some(Ruling::Violation { reason, rule, .. }) => {
            told.rule = rule.clone();
            told.reason = Some(*reason);
        }
        Some(Ruling::Withheld { why, rule, .. }) => {
            told.rule = rule.clone();
            told.withheld = Some(*why);
        }
    }
    told
}

/// What a conversation speaks, and how sure that is.
pub(super) fn spoken(conversation: &Conversation) -> (Option<Service>, Option<Certainty>) {
    match conversation.spoken {
        Spoken::Known(service, certainty) => (Some(service), Some(certainty)),
        _ => (None, None),
    }
}
