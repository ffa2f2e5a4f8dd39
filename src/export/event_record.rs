//! What a watch writes as it goes, as JSON lines: violations that come, grow and go, and what became of the
//! watch itself.

use serde::Serialize;

use crate::export::text::Seconds;
use crate::export::text::hex;
use crate::export::text::plain;
use crate::export::violation_record::ViolationRecord;
use crate::judge::transition::Transition;
use crate::time::Timestamp;

/// A violation that came, grew or went.
#[derive(Debug, Serialize)]
pub struct EventRecord<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'static str,
    ts: Seconds,
    #[serde(flatten)]
    violation: ViolationRecord<'a>,
}

impl<'a> EventRecord<'a> {
    /// The record of `transition`.
    pub fn of(transition: &'a Transition) -> Self {
        Self {
            kind: "violation-event",
            event: transition.change.as_str(),
            ts: transition.time.into(),
            violation: ViolationRecord::inside(&transition.violation, transition.policy_hash),
        }
    }
}

/// What became of the watch itself: it started, took other rules, or could not.
#[derive(Debug, Serialize)]
pub struct WatchRecord {
    #[serde(rename = "type")]
    kind: &'static str,
    ts: Seconds,
    version: &'static str,
    site: Option<String>,
    policy_hash: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl WatchRecord {
    /// The watch of these interfaces started.
    pub fn started(time: Timestamp, site: Option<&str>, policy_hash: u64, interfaces: &[String]) -> Self {
        let interfaces = interfaces.iter().map(|name| plain(name).into_owned()).collect();
        Self { interfaces, ..Self::new("started", time, site, policy_hash) }
    }

    /// Other rules, or another site, came into force.
    pub fn reloaded(time: Timestamp, site: Option<&str>, policy_hash: u64) -> Self {
        Self::new("reloaded", time, site, policy_hash)
    }

    /// Rules or site could not be read anew; those with this hash stay in force.
    pub fn reload_failed(time: Timestamp, site: Option<&str>, policy_hash: u64, why: &str) -> Self {
        let lines: Vec<String> = why.lines().map(|line| plain(line).into_owned()).collect();
        Self { message: Some(lines.join("\n")), ..Self::new("reload-failed", time, site, policy_hash) }
    }

    fn new(kind: &'static str, time: Timestamp, site: Option<&str>, policy_hash: u64) -> Self {
        Self {
            kind,
            ts: time.into(),
            version: env!("CARGO_PKG_VERSION"),
            site: site.map(|site| plain(site).into_owned()),
            policy_hash: hex(policy_hash),
            interfaces: Vec::new(),
            message: None,
        }
    }
}
