//! What an audit found, owned and final: the judge makes it, reports and exports print it.

use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::evidence::Evidence;
use crate::flow::FlowFacts;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::details::Details;
use crate::judge::durations::Durations;
use crate::judge::flow_state::FlowState;
use crate::judge::seats::HostKind;
use crate::policy::case::Ruling;
use crate::policy::rule::RuleId;
use crate::recognise::finding::TlsVersion;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;
use crate::verdict::Field;
use crate::verdict::Reason;
use crate::verdict::Severity;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// One end of a conversation; what it shares with others of its kind is had through it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// Its address.
    pub addr: Addr,
    /// Its MAC, where visible and its own (not a router's).
    pub mac: Option<Mac>,
    /// What it is.
    pub kind: Arc<HostKind>,
}

impl Deref for Party {
    type Target = HostKind;

    fn deref(&self) -> &HostKind {
        &self.kind
    }
}

/// The rule that came nearest, and the one field that failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Nearest {
    /// The rule.
    pub rule: RuleId,
    /// Whose it is.
    pub pack: Arc<str>,
    /// What did not fit.
    pub field: Field,
}

/// A violation: one per cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Hash of reason, both hosts, transport and service port: the same in every run.
    pub id: u64,
    /// The reason.
    pub reason: Reason,
    /// The other reasons that hold too.
    pub also: Vec<Reason>,
    /// How bad.
    pub severity: Severity,
    /// The rule or assertion that it violates, if one does.
    pub rule: Option<RuleId>,
    /// The nearest rule.
    pub nearest: Option<Nearest>,
    /// NIST SP 800-53 controls of the rule, assertion or nearest rule.
    pub controls: Vec<Arc<str>>,
    /// Who opened it (or, unknown, the end with the lower address).
    pub orig: Party,
    /// The other end.
    pub resp: Party,
    /// What carries it.
    pub transport: Transport,
    /// The service port at the responder; `None` where both ports are ephemeral.
    pub port: Option<u16>,
    /// What is spoken.
    pub service: Option<Service>,
    /// How sure that is.
    pub certainty: Option<Certainty>,
    /// What is known inside it.
    pub content: Option<Content>,
    /// How we know who opened it.
    pub initiation: Initiation,
    /// How far it got at best.
    pub outcome: Outcome,
    /// Packet time of the first packet of its first flow.
    pub first_seen: Timestamp,
    /// Packet time of the last packet of its last flow.
    pub last_seen: Timestamp,
    /// Openings.
    pub count: u64,
    /// Distinct 5-tuples.
    pub flows: u64,
    /// Octets on the wire, both ways.
    pub octets: u64,
    /// The proof.
    pub evidence: Option<Evidence>,
    /// Community ID of its first flow.
    pub community_id: String,
    /// One English sentence.
    pub message: String,
    /// Set for a sweep.
    pub sweep: Option<SweepTotals>,
}

/// Exact totals of a sweep.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct SweepTotals {
    /// Distinct responders tried.
    pub responders: u64,
    /// Distinct service ports tried.
    pub ports: u64,
    /// Conversations that violate.
    pub conversations: u64,
    /// Of these, how many stayed without an answer.
    pub attempted: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many got further.
    pub answered: u64,
}

/// Advice beside an allowed conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Stable code: `cleartext`, `weak-protocol`, `admin-access` …
    pub code: Arc<str>,
    /// The rule that allows it.
    pub rule: RuleId,
    /// Who opened it.
    pub orig: Party,
    /// The other end.
    pub resp: Party,
    /// What carries it.
    pub transport: Transport,
    /// The service port.
    pub port: Option<u16>,
    /// How many conversations it is about.
    pub conversations: u64,
    /// One English sentence.
    pub message: String,
}

/// One conversation with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationRecord {
    /// Who opened it.
    pub orig: Party,
    /// The other end.
    pub resp: Party,
    /// What carries it.
    pub transport: Transport,
    /// The service port.
    pub port: Option<u16>,
    /// What is spoken.
    pub service: Option<Service>,
    /// How sure that is.
    pub certainty: Option<Certainty>,
    /// What is known inside it.
    pub content: Option<Content>,
    /// How we know who opened it.
    pub initiation: Initiation,
    /// How far it got at best.
    pub outcome: Outcome,
    /// The verdict.
    pub verdict: VerdictKind,
    /// The rule, exception or assertion that decided.
    pub rule: Option<RuleId>,
    /// The reason of a violation.
    pub reason: Option<Reason>,
    /// Why it is withheld.
    pub withheld: Option<Withheld>,
    /// The explanation of a withheld verdict, one English sentence.
    pub explanation: Option<String>,
    /// Openings.
    pub count: u64,
    /// Distinct 5-tuples.
    pub flows: u64,
    /// Packets, both ways.
    pub packets: u64,
    /// Octets on the wire, both ways.
    pub octets: u64,
}

/// What the verdict part of one flow's record says.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedFlow {
    /// The flow.
    pub facts: FlowFacts,
    /// Who opened it, `assumed` included; `None` if unknown.
    pub orig: Option<Side>,
    /// How we know.
    pub initiation: Initiation,
    /// What is spoken.
    pub service: Option<Service>,
    /// How sure that is.
    pub certainty: Option<Certainty>,
    /// What is known inside it.
    pub content: Option<Content>,
    /// How sure that is.
    pub content_certainty: Option<Certainty>,
    /// The TLS version that was agreed on.
    pub tls_version: Option<TlsVersion>,
    /// What else its octets told.
    pub details: Option<Box<Details>>,
    /// Label and roles of each side, `[A, B]`.
    pub roles: [(Role, RoleSet); 2],
    /// The verdict.
    pub verdict: VerdictKind,
    /// The rule that decided.
    pub rule: Option<RuleId>,
    /// The reason of a violation, or why it is withheld.
    pub reason: Option<&'static str>,
}

impl JudgedFlow {
    /// The server name that the client gave.
    pub fn sni(&self) -> Option<&str> {
        self.details.as_ref()?.sni.as_deref()
    }
}

/// A host that was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostRecord {
    /// Who it is.
    pub party: Party,
    /// Whether it belongs to the monitored site.
    pub monitored: bool,
    /// Whether the site declares its role (else it was inferred, or is not known).
    pub declared: bool,
    /// How sure an inferred role is.
    pub certainty: Option<Certainty>,
}

/// How often a rule allowed something.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RuleHits {
    /// The rule.
    pub rule: RuleId,
    /// Its pack.
    pub pack: Arc<str>,
    /// Conversations it allowed.
    pub conversations: u64,
}

/// Totals of the judge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct JudgeTotals {
    /// Flows closed.
    pub flows: u64,
    /// TCP flows of which one direction only was seen.
    pub one_way_flows: u64,
    /// TCP flows of which both directions were seen.
    pub two_way_flows: u64,
    /// TCP flows that were there before the capture began.
    pub midstream_flows: u64,
    /// Flows that were judged.
    pub judged_flows: u64,
    /// Flows out of scope.
    pub out_of_scope_flows: u64,
    /// Packets of judged flows, duplicates left out.
    pub judged_packets: u64,
    /// Packets of flows out of scope, duplicates left out.
    pub out_of_scope_packets: u64,
    /// Second copies of a mirror.
    pub duplicate_packets: u64,
    /// Conversations.
    pub conversations: u64,
    /// Allowed by a rule.
    pub allowed: u64,
    /// Violating.
    pub violating: u64,
    /// Withheld.
    pub withheld: u64,
    /// Out of scope.
    pub out_of_scope: u64,
    /// Without a policy.
    pub no_policy: u64,
    /// Flows beyond the cap on conversations; they are judged and counted, and only what violates is told.
    pub folded_flows: u64,
    /// Violations of such flows.
    pub folded: u64,
}

impl JudgeTotals {
    /// Counts a flow beyond the cap on conversations.
    pub(super) fn add_folded(&mut self, ruling: &Ruling, flow: &FlowState) {
        let [packets, _, duplicates] = flow.counts;
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.folded_flows, 1);
        add(&mut self.duplicate_packets, duplicates);
        if matches!(ruling, Ruling::OutOfScope) {
            add(&mut self.out_of_scope_flows, 1);
            add(&mut self.out_of_scope_packets, packets);
        } else {
            add(&mut self.judged_flows, 1);
            add(&mut self.judged_packets, packets);
        }
    }
}

/// Violations beyond the cap on conversations, with exact counts.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FoldedViolations {
    /// The reason.
    pub reason: Reason,
    /// The rule or assertion.
    pub rule: Option<RuleId>,
    /// The label of the initiator.
    pub orig_role: Role,
    /// The label of the responder.
    pub resp_role: Role,
    /// How many flows.
    pub flows: u64,
}

/// Everything that an audit found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// The site's name; `None` if there was no site file.
    pub site: Option<Arc<str>>,
    /// Hash of the rules and the site in force.
    pub policy_hash: u64,
    /// Violations: worst first, then by hosts and port.
    pub violations: Vec<Violation>,
    /// Violations beyond the cap on conversations, by reason, rule and roles.
    pub folded: Vec<FoldedViolations>,
    /// Advice, by code and hosts.
    pub advice: Vec<Advice>,
    /// Conversations, by hosts, transport and port.
    pub conversations: Vec<ConversationRecord>,
    /// Flows, in the order of their first packets; empty unless asked for.
    pub flows: Vec<JudgedFlow>,
    /// Hosts, by address.
    pub hosts: Vec<HostRecord>,
    /// How long flows lasted, by service.
    pub durations: Durations,
    /// Rules in force and how often each allowed something, in the order of the packs.
    pub rules: Vec<RuleHits>,
    /// Totals.
    pub totals: JudgeTotals,
    /// Nothing was folded and no cap was met.
    pub complete: bool,
}
