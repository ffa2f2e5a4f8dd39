//! The metrics of an audit of captures.

use std::collections::BTreeSet;

use prometheus::Registry;

use crate::decode::Undecoded;
use crate::decode::undecoded::NotConversation;
use crate::export::durations::Lasted;
use crate::export::expected_series::ViolationLabels;
use crate::export::expected_series::all_rules;
use crate::export::expected_series::expected_series;
use crate::export::metric_table::SERIES_CAP;
use crate::export::metric_table::count;
use crate::export::metric_table::counter;
use crate::export::metric_table::gauge;
use crate::export::metric_table::int_gauge;
use crate::export::metric_table::seconds;
use crate::export::metric_table::text;
use crate::export::run_facts::InterfaceRun;
use crate::export::run_facts::RunFacts;
use crate::export::text::harmless;
use crate::export::text::hex;
use crate::judge::audit::Audit;
use crate::judge::audit::Violation;
use crate::policy::force::Policy;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// The metrics of an audit in the Prometheus text format, for node_exporter's textfile collector or
/// for backfill.
///
/// # Errors
///
/// Only if a metric is defined wrongly, which a test excludes.
pub fn encode(audit: &Audit, run: &RunFacts, policy: &Policy) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    violations(&registry, audit, policy)?;
    conversations(&registry, audit)?;
    capture(&registry, run)?;
    about(&registry, audit.policy_hash)?;
    text(&registry)
}

fn violations(registry: &Registry, audit: &Audit, policy: &Policy) -> Result<(), prometheus::Error> {
    let total = counter(registry, "camsentry_violations_total")?;
    let open = int_gauge(registry, "camsentry_violations_open")?;
    let last = gauge(registry, "camsentry_last_violation_timestamp_seconds")?;
    let mut series = expected_series(audit.hosts.iter().map(|host| host.party.role), policy);
    for [rule, reason, severity, orig, resp] in &series {
        total.with_label_values(&[rule, reason, severity, orig, resp]).inc_by(0);
    }
    for rule in all_rules(policy) {
        last.with_label_values(&[&*rule.0]).set(0.0);
    }
    last.with_label_values(&[""]).set(0.0);
    for violation in &audit.violations {
        let mut labels = labels_of(violation);
        if series.len() >= SERIES_CAP && !series.contains(&labels) {
            labels = ["other"; 5].map(str::to_owned);
        }
        series.insert(labels.clone());
        let [rule, reason, severity, orig, resp] = labels;
        total.with_label_values(&[&rule, &reason, &severity, &orig, &resp]).inc();
        let outcome = violation.outcome.as_str();
        open.with_label_values(&[&*rule, &reason, &severity, &orig, &resp, outcome]).inc();
        let series = last.with_label_values(&[&rule]);
        series.set(series.get().max(seconds(violation.last_seen.nanos())));
    }
    Ok(())
}

fn labels_of(violation: &Violation) -> ViolationLabels {
    [
        violation.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        violation.reason.as_str().to_owned(),
        violation.severity.as_str().to_owned(),
        violation.orig.role.as_str().to_owned(),
        violation.resp.role.as_str().to_owned(),
    ]
}

fn conversations(registry: &Registry, audit: &Audit) -> Result<(), prometheus::Error> {
    let total = counter(registry, "camsentry_conversations_total")?;
    let withheld = counter(registry, "camsentry_withheld_total")?;
    let hits = counter(registry, "camsentry_rule_conversations_total")?;
    let bytes = counter(registry, "camsentry_bytes_total")?;
    for kind in VerdictKind::ALL {
        total.with_label_values(&[kind.as_str()]).inc_by(0);
    }
    for why in Withheld::ALL {
        withheld.with_label_values(&[why.as_str()]).inc_by(0);
    }
    for rule in &audit.rules {
        hits.with_label_values(&[&*rule.rule.0]).inc_by(rule.conversations);
    }
    registry.register(Box::new(Lasted::flows(&audit.durations)?))?;
    let mut series = BTreeSet::new();
    for record in &audit.conversations {
        total.with_label_values(&[record.verdict.as_str()]).inc();
        if let Some(why) = record.withheld {
            withheld.with_label_values(&[why.as_str()]).inc();
        }
        let service = record.service.map_or("unknown", |service| service.as_str());
        let labels = [service, record.orig.role.as_str(), record.resp.role.as_str()];
        let labels =
            if series.len() < SERIES_CAP || series.contains(&labels) { labels } else { ["other"; 3] };
        series.insert(labels);
        bytes.with_label_values(&labels).inc_by(record.octets);
    }
    Ok(())
}

/// What was read, and what became of it.
pub(super) fn capture(registry: &Registry, run: &RunFacts) -> Result<(), prometheus::Error> {
    for (name, number) in [
        ("camsentry_flows_total", run.flows),
        ("camsentry_flows_one_way_total", run.one_way_flows),
        ("camsentry_flows_two_way_total", run.two_way_flows),
        ("camsentry_flows_evicted_total", run.evicted_flows),
        ("camsentry_duplicate_packets_total", run.duplicate_packets),
    ] {
        count(registry, name, number)?;
    }
    interfaces(registry, &run.interfaces)?;
    let undecoded = counter(registry, "camsentry_undecoded_packets_total")?;
    for cause in Undecoded::ALL {
        let count = run.undecoded.get(cause.as_str()).copied().unwrap_or(0);
        undecoded.with_label_values(&[cause.as_str()]).inc_by(count);
    }
    let other = counter(registry, "camsentry_not_conversation_packets_total")?;
    for kind in NotConversation::ALL {
        let count = run.not_conversation.get(kind.as_str()).copied().unwrap_or(0);
        other.with_label_values(&[kind.as_str()]).inc_by(count);
    }
    Ok(())
}

fn interfaces(registry: &Registry, interfaces: &[InterfaceRun]) -> Result<(), prometheus::Error> {
    let packets = counter(registry, "camsentry_capture_packets_total")?;
    let bytes = counter(registry, "camsentry_capture_bytes_total")?;
    let lost = counter(registry, "camsentry_capture_lost_packets_total")?;
    let last = gauge(registry, "camsentry_capture_last_packet_timestamp_seconds")?;
    for run in interfaces {
        let name = harmless(&run.name);
        packets.with_label_values(&[&name]).inc_by(run.packets);
        bytes.with_label_values(&[&name]).inc_by(run.octets);
        // Nothing is lost between our own threads: who is not ready lets the kernel's ring run over.
        for (place, count) in [("interface", run.interface_lost), ("kernel", run.kernel_lost), ("queue", 0)] {
            lost.with_label_values(&[name.as_str(), place]).inc_by(count);
        }
        last.with_label_values(&[&name]).set(run.last.map_or(0.0, |time| seconds(time.nanos())));
    }
    Ok(())
}

/// The policy in force, and the program.
pub(super) fn about(registry: &Registry, policy_hash: u64) -> Result<(), prometheus::Error> {
    let policy = int_gauge(registry, "camsentry_policy_info")?;
    policy.with_label_values(&[&hex(policy_hash)]).set(1);
    let build = int_gauge(registry, "camsentry_build_info")?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    Ok(())
}
