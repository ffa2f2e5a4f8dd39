//! The summary: always the last line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::export::run_facts::RunFacts;
use crate::export::text::Seconds;
use crate::export::text::hex;
use crate::export::text::plain;
use crate::judge::audit::Audit;
use crate::judge::audit::FoldedViolations;
use crate::judge::audit::JudgeTotals;

/// The last line of every JSON output.
#[derive(Debug, Serialize)]
pub struct SummaryRecord<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    site: Option<Cow<'a, str>>,
    policy_hash: String,
    files: Vec<Cow<'a, str>>,
    first: Option<Seconds>,
    last: Option<Seconds>,
    packets: Packets<'a>,
    octets: u64,
    flows: Flows,
    conversations: Verdicts,
    violations: Violations<'a>,
    advice: u64,
    rules_never_hit: Vec<String>,
    faults: Vec<String>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct Packets<'a> {
    read: u64,
    judged: u64,
    out_of_scope: u64,
    not_conversation: &'a BTreeMap<&'static str, u64>,
    duplicates: u64,
    undecoded: &'a BTreeMap<&'static str, u64>,
    lost: &'a BTreeMap<&'static str, u64>,
    cut: u64,
    bad_checksums: &'a BTreeMap<&'static str, u64>,
    unaccounted: i64,
}

#[derive(Debug, Serialize)]
struct Flows {
    total: u64,
    one_way: u64,
    midstream: u64,
    evicted: u64,
}

#[derive(Debug, Serialize)]
struct Verdicts {
    total: u64,
    allowed: u64,
    violation: u64,
    withheld: u64,
    out_of_scope: u64,
    no_policy: u64,
    folded: u64,
}

#[derive(Debug, Serialize)]
struct Violations<'a> {
    total: u64,
    by_reason: BTreeMap<&'static str, u64>,
    by_severity: BTreeMap<&'static str, u64>,
    folded: &'a [FoldedViolations],
}

impl<'a> SummaryRecord<'a> {
    /// The summary of a run and its audit.
    pub fn of(audit: &'a Audit, run: &'a RunFacts) -> Self {
        let never = audit.rules.iter().filter(|hits| hits.conversations == 0);
        Self {
            kind: "summary",
            version: env!("CARGO_PKG_VERSION"),
            site: audit.site.as_deref().map(plain),
            policy_hash: hex(audit.policy_hash),
            files: run.files.iter().map(|file| plain(file)).collect(),
            first: run.first.map(Seconds::from),
            last: run.last.map(Seconds::from),
            packets: packets(&audit.totals, run),
            octets: run.octets,
            flows: Flows {
                total: run.flows,
                one_way: run.one_way_flows,
                midstream: run.midstream_flows,
                evicted: run.evicted_flows,
            },
            conversations: verdicts(&audit.totals),
            violations: violations(audit),
            advice: u64::try_from(audit.advice.len()).unwrap_or(u64::MAX),
            rules_never_hit: never.map(|hits| hits.rule.to_string()).collect(),
            faults: run.faults.iter().map(|fault| plain(&fault.to_string()).into_owned()).collect(),
            complete: is_complete(audit, run),
        }
    }
}

/// Whether the audit saw and kept everything: no cap met, no packet lost, no input damaged.
pub fn is_complete(audit: &Audit, run: &RunFacts) -> bool {
    audit.complete
        && run.faults.is_empty()
        && !run.interrupted
        && RunFacts::total(&run.lost) == 0
        && run.evicted_flows == 0
        && run.unaccounted() == 0
}

fn packets<'a>(totals: &JudgeTotals, run: &'a RunFacts) -> Packets<'a> {
    Packets {
        read: run.packets,
        judged: totals.judged_packets,
        out_of_scope: totals.out_of_scope_packets,
        not_conversation: &run.not_conversation,
        duplicates: run.duplicate_packets,
        undecoded: &run.undecoded,
        lost: &run.lost,
        cut: run.cut_packets,
        bad_checksums: &run.bad_checksums,
        unaccounted: i64::try_from(run.unaccounted()).unwrap_or(i64::MAX),
    }
}

fn verdicts(totals: &JudgeTotals) -> Verdicts {
    Verdicts {
        total: totals.conversations,
        allowed: totals.allowed,
        violation: totals.violating,
        withheld: totals.withheld,
        out_of_scope: totals.out_of_scope,
        no_policy: totals.no_policy,
        folded: totals.folded,
    }
}

fn violations(audit: &Audit) -> Violations<'_> {
    let (mut by_reason, mut by_severity) = (BTreeMap::new(), BTreeMap::new());
    for violation in &audit.violations {
        let count = by_reason.entry(violation.reason.as_str()).or_insert(0_u64);
        *count = count.saturating_add(1);
        let count = by_severity.entry(violation.severity.as_str()).or_insert(0_u64);
        *count = count.saturating_add(1);
    }
    let total = u64::try_from(audit.violations.len()).unwrap_or(u64::MAX);
    Violations { total, by_reason, by_severity, folded: &audit.folded }
}
