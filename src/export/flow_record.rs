//! Flow records with the field names of Zeek's `conn.log` in JSON, so that what reads Zeek reads
//! this, and our own fields beside them.

use std::borrow::Cow;

use serde::Serialize;

use crate::export::text::Seconds;
use crate::export::text::plain;
use crate::flow::facts::ConnState;
use crate::flow::facts::Initiation;
use crate::judge::audit::JudgedFlow;
use crate::judge::community_id::community_id;
use crate::judge::details::Details;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::verdict::VerdictKind;

/// One flow as a JSON line. Without a known initiator the first sender stands as `orig`, and
/// `initiator` says `unknown`.
#[derive(Debug, Serialize)]
pub struct FlowRecord<'a> {
    ts: Seconds,
    uid: String,
    #[serde(rename = "id.orig_h")]
    orig_h: String,
    #[serde(rename = "id.orig_p")]
    orig_p: u16,
    #[serde(rename = "id.resp_h")]
    resp_h: String,
    #[serde(rename = "id.resp_p")]
    resp_p: u16,
    proto: String,
    service: Option<Service>,
    duration: Seconds,
    orig_bytes: u64,
    resp_bytes: u64,
    conn_state: ConnState,
    history: String,
    orig_pkts: u64,
    orig_ip_bytes: u64,
    resp_pkts: u64,
    resp_ip_bytes: u64,
    community_id: String,
    initiator: Initiation,
    certainty: Option<Certainty>,
    content: Option<Content>,
    content_certainty: Option<Certainty>,
    tls_version: Option<&'static str>,
    sni: Option<Cow<'a, str>>,
    details: Option<&'a Details>,
    orig_role: &'static str,
    resp_role: &'static str,
    orig_roles: Vec<&'static str>,
    resp_roles: Vec<&'static str>,
    verdict: VerdictKind,
    rule: Option<String>,
    reason: Option<&'static str>,
    outcome: &'static str,
    vlan: Vec<&'a [u16]>,
    orig_l2_bytes: u64,
    resp_l2_bytes: u64,
    dup_pkts: u64,
    captures: Vec<Cow<'a, str>>,
}

impl<'a> FlowRecord<'a> {
    /// The record of `flow`; `files` are the names of the inputs.
    pub fn of(flow: &'a JudgedFlow, files: &'a [String]) -> Self {
        let facts = &flow.facts;
        let details = flow.details.as_deref();
        let orig = flow.orig.or(facts.initiator).unwrap_or(facts.first);
        // History and state are written from the view of whom packets and octets make the initiator.
        let turned = orig != facts.initiator.unwrap_or(facts.first);
        let history = if turned { facts.history.flipped() } else { facts.history };
        let (from, to) = (facts.key.end(orig), facts.key.end(orig.other()));
        let (mine, theirs) = (orig.of(&facts.tallies), orig.other().of(&facts.tallies));
        let (orig_role, resp_role) = (orig.of(&flow.roles), orig.other().of(&flow.roles));
        let names = |file: &u16| files.get(usize::from(*file)).map(|file| plain(file));
        Self {
            ts: facts.first_seen.into(),
            uid: uid(facts.uid),
            orig_h: from.0.to_string(),
            orig_p: from.1,
            resp_h: to.0.to_string(),
            resp_p: to.1,
            proto: facts.key.transport.to_string(),
            service: flow.service,
            duration: facts.last_seen.since(facts.first_seen).into(),
            orig_bytes: mine.payload_octets,
            resp_bytes: theirs.payload_octets,
            conn_state: if turned { facts.state.flipped() } else { facts.state },
            history: history.as_str().to_owned(),
            orig_pkts: mine.packets,
            orig_ip_bytes: mine.ip_octets,
            resp_pkts: theirs.packets,
            resp_ip_bytes: theirs.ip_octets,
            community_id: community_id(&facts.key, orig),
            initiator: flow.initiation,
            certainty: flow.certainty,
            content: flow.content,
            content_certainty: flow.content_certainty,
            tls_version: flow.tls_version.map(|version| version.as_str()),
            sni: flow.sni().map(plain),
            details: details.filter(|details| !details.is_empty()),
            orig_role: orig_role.0.as_str(),
            resp_role: resp_role.0.as_str(),
            orig_roles: super::violation_record::names(orig_role.1),
            resp_roles: super::violation_record::names(resp_role.1),
            verdict: flow.verdict,
            rule: flow.rule.as_ref().map(ToString::to_string),
            reason: flow.reason,
            outcome: facts.outcome.as_str(),
            vlan: facts.vlans.iter().map(|stack| stack.ids()).filter(|ids| !ids.is_empty()).collect(),
            orig_l2_bytes: mine.wire_octets,
            resp_l2_bytes: theirs.wire_octets,
            dup_pkts: mine.duplicate_packets.saturating_add(theirs.duplicate_packets),
            captures: facts.files.iter().filter_map(names).collect(),
        }
    }
}

/// A uid in Zeek's manner: `C` and the hash in base 62.
fn uid(hash: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = hash;
    let mut text = String::from("C");
    for _ in 0..11 {
        let digit = usize::try_from(rest % 62).ok().and_then(|index| DIGITS.get(index));
        text.push(digit.map_or('0', |digit| char::from(*digit)));
        rest /= 62;
    }
    text
}
