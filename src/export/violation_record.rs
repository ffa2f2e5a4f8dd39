//! Violations, advice and withheld verdicts as JSON lines. `docs/schema/` has their JSON Schema.

use std::sync::Arc;

use serde::Serialize;

use crate::evidence::Evidence;
use crate::export::text::Seconds;
use crate::export::text::harmless;
use crate::export::text::hex;
use crate::export::text::plain;
use crate::inventory::role::RoleSet;
use crate::judge::audit::Advice;
use crate::judge::audit::ConversationRecord;
use crate::judge::audit::Nearest;
use crate::judge::audit::Party;
use crate::judge::audit::SweepTotals;
use crate::judge::audit::Violation;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// One end.
#[derive(Debug, Serialize)]
pub struct PartyRecord {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    role: &'static str,
    roles: Vec<&'static str>,
    why: String,
}

impl PartyRecord {
    /// The record of `party`.
    pub fn of(party: &Party) -> Self {
        Self {
            address: party.addr.to_string(),
            mac: party.mac.map(|mac| mac.to_string()),
            vendor: party.vendor,
            name: party.name.as_deref().map(harmless),
            role: party.role.as_str(),
            roles: names(party.roles),
            why: plain(&party.why).into_owned(),
        }
    }
}

/// The names of roles.
pub fn names(roles: RoleSet) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

#[derive(Debug, Serialize)]
struct EvidenceRecord {
    packet: u64,
    offset: u32,
    length: u16,
    what: &'static str,
}

impl From<Evidence> for EvidenceRecord {
    fn from(evidence: Evidence) -> Self {
        let Evidence { packet, offset, length, what } = evidence;
        Self { packet, offset, length, what }
    }
}

/// A violation as a JSON line.
#[derive(Debug, Serialize)]
pub struct ViolationRecord<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    id: String,
    reason: Reason,
    also: &'a [Reason],
    severity: Severity,
    rule: Option<String>,
    nearest_rule: Option<&'a Nearest>,
    controls: &'a [Arc<str>],
    orig: PartyRecord,
    resp: PartyRecord,
    proto: String,
    port: Option<u16>,
    service: Option<Service>,
    certainty: Option<Certainty>,
    content: Option<Content>,
    initiator: &'static str,
    outcome: &'static str,
    first_seen: Seconds,
    last_seen: Seconds,
    count: u64,
    flows: u64,
    octets: u64,
    evidence: Option<EvidenceRecord>,
    policy_hash: String,
    community_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<SweepTotals>,
    message: String,
}

impl<'a> ViolationRecord<'a> {
    /// As [`ViolationRecord::of`], for a record that says itself of which type it is.
    pub fn inside(violation: &'a Violation, policy_hash: u64) -> Self {
        Self { kind: None, ..Self::of(violation, policy_hash) }
    }

    /// The record of `violation` under the policy with this hash.
    pub fn of(violation: &'a Violation, policy_hash: u64) -> Self {
        Self {
            kind: Some("violation"),
            id: hex(violation.id),
            reason: violation.reason,
            also: &violation.also,
            severity: violation.severity,
            rule: violation.rule.as_ref().map(ToString::to_string),
            nearest_rule: violation.nearest.as_ref(),
            controls: &violation.controls,
            orig: PartyRecord::of(&violation.orig),
            resp: PartyRecord::of(&violation.resp),
            proto: violation.transport.to_string(),
            port: violation.port,
            service: violation.service,
            certainty: violation.certainty,
            content: violation.content,
            initiator: violation.initiation.as_str(),
            outcome: violation.outcome.as_str(),
            first_seen: violation.first_seen.into(),
            last_seen: violation.last_seen.into(),
            count: violation.count,
            flows: violation.flows,
            octets: violation.octets,
            evidence: violation.evidence.map(EvidenceRecord::from),
            policy_hash: hex(policy_hash),
            community_id: &violation.community_id,
            sweep: violation.sweep,
            message: plain(&violation.message).into_owned(),
        }
    }
}

/// Advice as a JSON line.
#[derive(Debug, Serialize)]
pub struct AdviceRecord<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'a str,
    rule: String,
    orig: PartyRecord,
    resp: PartyRecord,
    proto: String,
    port: Option<u16>,
    conversations: u64,
    message: String,
}

impl<'a> AdviceRecord<'a> {
    /// The record of `advice`.
    pub fn of(advice: &'a Advice) -> Self {
        Self {
            kind: "advice",
            code: &advice.code,
            rule: advice.rule.to_string(),
            orig: PartyRecord::of(&advice.orig),
            resp: PartyRecord::of(&advice.resp),
            proto: advice.transport.to_string(),
            port: advice.port,
            conversations: advice.conversations,
            message: plain(&advice.message).into_owned(),
        }
    }
}

/// A withheld verdict as a JSON line.
#[derive(Debug, Serialize)]
pub struct WithheldRecord {
    #[serde(rename = "type")]
    kind: &'static str,
    why: &'static str,
    rule: Option<String>,
    orig: PartyRecord,
    resp: PartyRecord,
    proto: String,
    port: Option<u16>,
    service: Option<Service>,
    initiator: &'static str,
    outcome: &'static str,
    count: u64,
    flows: u64,
    message: String,
}

impl WithheldRecord {
    /// The record of a conversation whose verdict is withheld; `None` for any other.
    pub fn of(record: &ConversationRecord) -> Option<Self> {
        Some(Self {
            kind: "withheld",
            why: record.withheld?.as_str(),
            rule: record.rule.as_ref().map(ToString::to_string),
            orig: PartyRecord::of(&record.orig),
            resp: PartyRecord::of(&record.resp),
            proto: record.transport.to_string(),
            port: record.port,
            service: record.service,
            initiator: record.initiation.as_str(),
            outcome: record.outcome.as_str(),
            count: record.count,
            flows: record.flows,
            message: plain(record.explanation.as_deref().unwrap_or_default()).into_owned(),
        })
    }
}
