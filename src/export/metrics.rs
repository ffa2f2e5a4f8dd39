//! Metrics in the Prometheus text format. Every name and label stands here and in
//! `docs/metrics.md`; a test holds the two together.
//!
//! Labels come from closed sets: rules, reasons, roles, services, causes. An address never becomes
//! one. A violation is never called denied: we only watch.

use std::collections::BTreeSet;

use prometheus::Encoder;
use prometheus::GaugeVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::TextEncoder;

use crate::decode::Undecoded;
use crate::decode::undecoded::NotConversation;
use crate::export::durations::FlowDurations;
use crate::export::run_facts::RunFacts;
use crate::export::text::harmless;
use crate::export::text::hex;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::audit::Audit;
use crate::judge::audit::Violation;
use crate::judge::ledger::severity_of;
use crate::policy::force::Policy;
use crate::policy::rule::Check;
use crate::policy::rule::RuleId;
use crate::verdict::Reason;
use crate::verdict::Severity;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// Most series of one metric; what would go beyond is counted under `other`.
pub const SERIES_CAP: usize = 5_000;

/// Every metric: name, help, labels. Base units; counters end in `_total`.
pub const METRICS: &[(&str, &str, &[&str])] = &[
    ("camsentry_violations_total", "Violations found, one for each cause.", VIOLATION_LABELS),
    (
        "camsentry_violations_open",
        "Violations that stand, by how far the conversations got.",
        &["policy_rule", "reason", "severity", "orig_role", "resp_role", "outcome"],
    ),
    (
        "camsentry_last_violation_timestamp_seconds",
        "Packet time of the last violation of a rule or assertion; 0 if there was none.",
        &["policy_rule"],
    ),
    ("camsentry_conversations_total", "Conversations by verdict.", &["verdict"]),
    ("camsentry_withheld_total", "Conversations that could not be judged, by cause.", &["reason"]),
    ("camsentry_rule_conversations_total", "Conversations that a rule allowed.", &["policy_rule"]),
    ("camsentry_flows_total", "Flows seen.", &[]),
    ("camsentry_flow_duration_seconds", "How long flows lasted that ended, by what is spoken.", &["service"]),
    ("camsentry_flows_one_way_total", "TCP flows of which one direction only was seen.", &[]),
    ("camsentry_flows_two_way_total", "TCP flows of which both directions were seen.", &[]),
    ("camsentry_flows_evicted_total", "Flows closed to make room in the flow table.", &[]),
    (
        "camsentry_bytes_total",
        "Octets on the wire by what is spoken and by roles.",
        &["service", "orig_role", "resp_role"],
    ),
    ("camsentry_capture_packets_total", "Packets read.", &["interface"]),
    ("camsentry_capture_bytes_total", "Octets on the wire of the packets read.", &[]),
    (
        "camsentry_capture_lost_packets_total",
        "Packets lost before they could be read.",
        &["interface", "where"],
    ),
    ("camsentry_capture_last_packet_timestamp_seconds", "Capture time of the last packet.", &[]),
    ("camsentry_undecoded_packets_total", "Packets that could not be decoded, by cause.", &["cause"]),
    ("camsentry_not_conversation_packets_total", "Packets that are no conversation, by kind.", &["kind"]),
    ("camsentry_duplicate_packets_total", "Second copies that a mirror made.", &[]),
    ("camsentry_policy_info", "The policy in force.", &["hash"]),
    ("camsentry_build_info", "The program.", &["version"]),
];

const VIOLATION_LABELS: &[&str] = &["policy_rule", "reason", "severity", "orig_role", "resp_role"];

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
    about(&registry, audit)?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn options(name: &str) -> (Opts, &'static [&'static str]) {
    let found = METRICS.iter().find(|(known, ..)| *known == name);
    let (name, help, labels) = found.copied().unwrap_or(("camsentry_undefined", "Not defined.", &[]));
    (Opts::new(name, help), labels)
}

fn counter(registry: &Registry, name: &str) -> Result<IntCounterVec, prometheus::Error> {
    let (options, labels) = options(name);
    let counter = IntCounterVec::new(options, labels)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn int_gauge(registry: &Registry, name: &str) -> Result<IntGaugeVec, prometheus::Error> {
    let (options, labels) = options(name);
    let gauge = IntGaugeVec::new(options, labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn gauge(registry: &Registry, name: &str) -> Result<GaugeVec, prometheus::Error> {
    let (options, labels) = options(name);
    let gauge = GaugeVec::new(options, labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn violations(registry: &Registry, audit: &Audit, policy: &Policy) -> Result<(), prometheus::Error> {
    let total = counter(registry, "camsentry_violations_total")?;
    let open = int_gauge(registry, "camsentry_violations_open")?;
    let last = gauge(registry, "camsentry_last_violation_timestamp_seconds")?;
    let mut series = expected_series(audit, policy);
    for [rule, reason, severity, orig, resp] in &series {
        total.with_label_values(&[rule, reason, severity, orig, resp]).inc_by(0);
    }
    for rule in policy.rules().map(|rule| &rule.id).chain(assertions(policy)) {
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

fn assertions(policy: &Policy) -> impl Iterator<Item = &RuleId> {
    policy.packs().iter().flat_map(|pack| pack.assertions.iter().map(|assertion| &assertion.id))
}

fn labels_of(violation: &Violation) -> [String; 5] {
    [
        violation.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        violation.reason.as_str().to_owned(),
        violation.severity.as_str().to_owned(),
        violation.orig.role.as_str().to_owned(),
        violation.resp.role.as_str().to_owned(),
    ]
}

/// Series that exist at 0 before the first violation, so that `increase()` sees it: for every pair of
/// roles that the site has, what an unruled conversation of them would be counted under.
fn expected_series(audit: &Audit, policy: &Policy) -> BTreeSet<[String; 5]> {
    let mut roles: BTreeSet<Role> = audit.hosts.iter().map(|host| host.party.role).collect();
    roles.extend(
        policy.site().iter().flat_map(|site| site.assignments.iter()).filter_map(|a| a.roles.first()),
    );
    roles.extend([Role::Unknown, Role::Internet]);
    let mut series = BTreeSet::new();
    for orig in &roles {
        for resp in &roles {
            let (reason, rule) = unruled(policy, *orig, *resp);
            let set = RoleSet::of(&[*orig]);
            let changed = policy.site().and_then(|site| {
                site.severities.iter().find(|(changed, _)| *changed == reason).map(|(_, severity)| *severity)
            });
            let severity: Severity = changed.unwrap_or_else(|| severity_of(reason, set));
            for severity in [severity, severity.lowered()] {
                let words = [reason.as_str(), severity.as_str(), orig.as_str(), resp.as_str()];
                let [reason, severity, orig, resp] = words.map(str::to_owned);
                series.insert([rule.clone(), reason, severity, orig, resp]);
                if series.len() >= SERIES_CAP {
                    return series;
                }
            }
        }
    }
    series
}

fn unruled(policy: &Policy, orig: Role, resp: Role) -> (Reason, String) {
    let mut all = policy.packs().iter().flat_map(|pack| pack.assertions.iter());
    let set = |role| RoleSet::of(&[role]);
    if orig == Role::Internet || resp == Role::Internet {
        let assertion = all.find(|assertion| assertion.check == Check::NoInternet);
        return (Reason::Internet, assertion.map(|assertion| assertion.id.to_string()).unwrap_or_default());
    }
    let isolates = all.find(|assertion| match &assertion.check {
        Check::OnlyPeers { subjects, peers } => {
            (subjects.meets(set(orig)) && !peers.meets(set(resp)))
                || (subjects.meets(set(resp)) && !peers.meets(set(orig)))
        }
        _ => false,
    });
    match isolates {
        Some(assertion) => (Reason::Isolation, assertion.id.to_string()),
        None => (Reason::NoRule, String::new()),
    }
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
    let (lasting, _) = options("camsentry_flow_duration_seconds");
    let durations = FlowDurations::new(&lasting.name, &lasting.help, audit.durations.clone())?;
    registry.register(Box::new(durations))?;
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

fn capture(registry: &Registry, run: &RunFacts) -> Result<(), prometheus::Error> {
    let counts: [(&str, u64); 6] = [
        ("camsentry_flows_total", run.flows),
        ("camsentry_flows_one_way_total", run.one_way_flows),
        ("camsentry_flows_two_way_total", run.two_way_flows),
        ("camsentry_flows_evicted_total", run.evicted_flows),
        ("camsentry_capture_bytes_total", run.octets),
        ("camsentry_duplicate_packets_total", run.duplicate_packets),
    ];
    for (name, count) in counts {
        counter(registry, name)?.with_label_values::<&str>(&[]).inc_by(count);
    }
    let packets = counter(registry, "camsentry_capture_packets_total")?;
    let lost = counter(registry, "camsentry_capture_lost_packets_total")?;
    for (interface, count) in &run.interfaces {
        let interface = harmless(interface);
        packets.with_label_values(&[interface.as_str()]).inc_by(*count);
        for place in ["interface", "kernel", "queue"] {
            let count = run.lost.get(place).copied().unwrap_or(0);
            lost.with_label_values(&[interface.as_str(), place]).inc_by(count);
        }
    }
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
    let last = gauge(registry, "camsentry_capture_last_packet_timestamp_seconds")?;
    last.with_label_values::<&str>(&[]).set(run.last.map_or(0.0, |time| seconds(time.nanos())));
    Ok(())
}

fn about(registry: &Registry, audit: &Audit) -> Result<(), prometheus::Error> {
    let policy = int_gauge(registry, "camsentry_policy_info")?;
    policy.with_label_values(&[&hex(audit.policy_hash)]).set(1);
    let build = int_gauge(registry, "camsentry_build_info")?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    Ok(())
}

/// Seconds as the text format wants them. A double holds microseconds of this century exactly enough.
fn seconds(nanos: i64) -> f64 {
    #[expect(clippy::as_conversions, reason = "there is no lossless conversion, and none is needed")]
    let (whole, part) = ((nanos.div_euclid(1_000_000_000)) as f64, nanos.rem_euclid(1_000_000_000) as f64);
    whole + part / 1e9
}
