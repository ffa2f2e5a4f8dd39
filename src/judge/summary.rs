//! The audit: everything that the judge found, owned, sorted and final.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
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
use crate::judge::audit::JudgeTotals;
use crate::judge::audit::JudgedFlow;
use crate::judge::audit::Nearest;
use crate::judge::audit::Party;
use crate::judge::audit::RuleHits;
use crate::judge::audit::Violation;
use crate::judge::community_id::community_id;
use crate::judge::conversation::Conversation;
use crate::judge::flows::Flows;
use crate::judge::ledger;
use crate::judge::ledger::Cause;
use crate::judge::live::ClosedFlow;
use crate::judge::message::Sentences;
use crate::judge::related::Related;
use crate::judge::seats::Seats;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::rule::RuleId;
use crate::service::Certainty;
use crate::service::Service;
use crate::verdict::Reason;
use crate::verdict::Severity;
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
        let violations = self.violations(&conversations);
        let audit = Audit {
            site: self.policy.site().map(|site| Arc::clone(&site.name)),
            policy_hash: self.policy.hash(),
            advice: self.advice(&conversations),
            conversations: self.records(&conversations),
            flows: self.judged_flows(),
            hosts: self.hosts(&conversations, &mut seats),
            durations: self.durations.clone(),
            rules: self.rule_hits(&conversations),
            totals: self.totals(&conversations),
            complete: self.totals.folded_flows == 0,
            folded: self.folded_violations(),
            violations,
        };
        (audit, self.inventory)
    }

    /// A conversation's ends: as they were declared when the conversation began, or as they were inferred at
    /// the end of the run.
    fn parties(conversation: &Conversation) -> (Party, Party) {
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

    fn violations(&self, conversations: &[&Conversation]) -> Vec<Violation> {
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

    fn records(&self, conversations: &[&Conversation]) -> Vec<ConversationRecord> {
        // Most differ in who opened them, so that few of the keys themselves are looked at.
        let mut sorted: Vec<(Addr, &Conversation)> =
            conversations.iter().map(|conversation| (conversation.addrs().0, *conversation)).collect();
        sorted.sort_unstable_by(|(orig, one), (other_orig, other)| {
            orig.cmp(other_orig).then_with(|| one.key().cmp(&other.key()))
        });
        let mut records = Vec::with_capacity(sorted.len());
        for some in sorted.chunks(TOGETHER) {
            // They lie strewn about: read first, so that the processor waits for all of them at a time.
            let read = |sum, (_, one): &(Addr, &Conversation)| {
                sum ^ one.count ^ one.first_seen.nanos().unsigned_abs()
            };
            black_box(some.iter().fold(0, read));
            records.extend(some.iter().map(|(_, conversation)| self.record(conversation)));
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

    fn hosts(&self, conversations: &[&Conversation], seats: &mut Seats) -> Vec<HostRecord> {
        let mut addrs: Vec<Addr> =
            conversations.iter().flat_map(|conversation| <[Addr; 2]>::from(conversation.addrs())).collect();
        addrs.sort_unstable();
        addrs.dedup();
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
                party: seat.party(addr),
            }
        };
        addrs.into_iter().map(host).collect()
    }

    fn rule_hits(&self, conversations: &[&Conversation]) -> Vec<RuleHits> {
        let mut hits: HashMap<&RuleId, u64, FixedState> = HashMap::default();
        for conversation in conversations {
            if let Some(Ruling::Allowed { rule, .. }) = conversation.ruling.as_deref() {
                let count = hits.entry(rule).or_default();
                *count = count.saturating_add(1);
            }
        }
        let rules = self.policy.rules();
        rules
            .map(|rule| RuleHits {
                rule: rule.id.clone(),
                pack: Arc::clone(&rule.pack.0),
                conversations: hits.get(&rule.id).copied().unwrap_or(0),
            })
            .collect()
    }

    fn totals(&self, conversations: &[&Conversation]) -> JudgeTotals {
        let mut totals = self.totals;
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        for conversation in conversations {
            add(&mut totals.conversations, 1);
            add(&mut totals.duplicate_packets, conversation.duplicates());
            let kind = kind_of(conversation.ruling.as_deref());
            let flows = conversation.count.saturating_add(conversation.related());
            match kind {
                VerdictKind::OutOfScope => {
                    add(&mut totals.out_of_scope_packets, conversation.packets);
                    add(&mut totals.out_of_scope_flows, flows);
                }
                _ => {
                    add(&mut totals.judged_packets, conversation.packets);
                    add(&mut totals.judged_flows, flows);
                }
            }
            add(
                match kind {
                    VerdictKind::Allowed => &mut totals.allowed,
                    VerdictKind::Violation => &mut totals.violating,
                    VerdictKind::Withheld => &mut totals.withheld,
                    VerdictKind::OutOfScope => &mut totals.out_of_scope,
                    VerdictKind::NoPolicy => &mut totals.no_policy,
                },
                1,
            );
        }
        totals.folded = self.folded.values().fold(0, |sum, count| sum.saturating_add(*count));
        totals
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

fn kind_of(ruling: Option<&Ruling>) -> VerdictKind {
    match ruling {
        None | Some(Ruling::NoPolicy) => VerdictKind::NoPolicy,
        Some(Ruling::OutOfScope) => VerdictKind::OutOfScope,
        Some(Ruling::Allowed { objections, .. }) if objections.is_empty() => VerdictKind::Allowed,
        Some(Ruling::Allowed { .. } | Ruling::Violation { .. }) => VerdictKind::Violation,
        Some(Ruling::Withheld { .. }) => VerdictKind::Withheld,
    }
}

fn spoken(conversation: &Conversation) -> (Option<Service>, Option<Certainty>) {
    match conversation.spoken {
        Spoken::Known(service, certainty) => (Some(service), Some(certainty)),
        _ => (None, None),
    }
}
