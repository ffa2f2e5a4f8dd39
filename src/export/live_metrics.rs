//! The metrics of a watch, made anew for each scrape from what the threads counted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::Registry;

use crate::export::durations::Lasted;
use crate::export::expected_series::ViolationLabels;
use crate::export::expected_series::all_rules;
use crate::export::expected_series::expected_series;
use crate::export::metric_table::SERIES_CAP;
use crate::export::metric_table::count;
use crate::export::metric_table::counter;
use crate::export::metric_table::gauge;
use crate::export::metric_table::int_gauge;
use crate::export::metric_table::level;
use crate::export::metric_table::seconds;
use crate::export::metric_table::text;
use crate::export::metrics;
use crate::export::run_facts::RunFacts;
use crate::export::text::harmless;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::judge::audit::Violation;
use crate::judge::durations::Durations;
use crate::judge::durations::Measured;
use crate::judge::live_counts::LiveCounts;
use crate::judge::live_counts::ViolationKey;
use crate::policy::force::Policy;
use crate::time::Timestamp;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// What the judge has to tell a scrape.
#[derive(Clone, Debug, Default)]
pub struct JudgeFacts {
    /// What it counted.
    pub counts: LiveCounts,
    /// Violations that stand.
    pub standing: Vec<Arc<Violation>>,
    /// How many conversations are held, and how many can be.
    pub conversations: (usize, usize),
    /// How long flows lasted.
    pub durations: Durations,
    /// Labels of the hosts that were seen.
    pub roles: BTreeSet<Role>,
}

/// The state of the program around the stages.
#[derive(Clone, Debug, Default)]
pub struct RimFacts {
    /// Flows in the flow tables, and how many can be.
    pub flows: (u64, u64),
    /// Each interface: whether it is up, and how often it was opened again.
    pub interfaces: Vec<(String, bool, u64)>,
    /// Whether the last reload went well, and when rules and site came into force.
    pub reload: (bool, Timestamp),
    /// How well the process is caged: 0 to 2.
    pub sandbox: u8,
    /// Records written and lost, by sink.
    pub sinks: Vec<(&'static str, u64, u64)>,
}

/// The metrics of a watch in the Prometheus text format.
///
/// # Errors
///
/// Only if a metric is defined wrongly, which a test excludes.
pub fn encode(
    judge: &JudgeFacts,
    run: &RunFacts,
    rim: &RimFacts,
    policy: &Policy,
) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    violations(&registry, judge, policy)?;
    verdicts(&registry, judge, policy)?;
    bytes(&registry, &judge.counts)?;
    metrics::capture(&registry, run)?;
    around(&registry, rim)?;
    metrics::about(&registry, policy.hash())?;
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    text(&registry)
}

fn violations(registry: &Registry, judge: &JudgeFacts, policy: &Policy) -> Result<(), prometheus::Error> {
    let total = counter(registry, "camsentry_violations_total")?;
    let open = int_gauge(registry, "camsentry_violations_open")?;
    let mut series = expected_series(judge.roles.iter().copied(), policy);
    for labels in &series {
        total.with_label_values(&labels.each_ref().map(String::as_str)).inc_by(0);
    }
    for (key, number) in &judge.counts.violations {
        let labels = admit(labels_of(key), &mut series).each_ref().map(|label| label.clone());
        let [rule, reason, severity, orig, resp] = labels.each_ref().map(String::as_str);
        total.with_label_values(&[rule, reason, severity, orig, resp]).inc_by(*number);
        // What was open once stays there at 0: of a series that vanishes nobody knows how it ended.
        for outcome in Outcome::ALL {
            open.with_label_values(&[rule, reason, severity, orig, resp, outcome.as_str()]).add(0);
        }
    }
    for violation in &judge.standing {
        let labels = admit(labels_of(&ViolationKey::of(violation)), &mut series);
        let [rule, reason, severity, orig, resp] = labels.each_ref().map(String::as_str);
        let outcome = violation.outcome.as_str();
        open.with_label_values(&[rule, reason, severity, orig, resp, outcome]).inc();
    }
    let last = gauge(registry, "camsentry_last_violation_timestamp_seconds")?;
    for rule in all_rules(policy) {
        last.with_label_values(&[&*rule.0]).set(0.0);
    }
    last.with_label_values(&[""]).set(0.0);
    for (rule, time) in &judge.counts.last_violation {
        let rule = rule.as_ref().map(ToString::to_string).unwrap_or_default();
        last.with_label_values(&[rule.as_str()]).set(seconds(time.nanos()));
    }
    count(registry, "camsentry_violations_withdrawn_total", judge.counts.withdrawn)?;
    count(registry, "camsentry_violations_folded_total", judge.counts.folded)
}

fn labels_of(key: &ViolationKey) -> ViolationLabels {
    [
        key.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        key.reason.as_str().to_owned(),
        key.severity.as_str().to_owned(),
        key.orig.as_str().to_owned(),
        key.resp.as_str().to_owned(),
    ]
}

/// These labels if there is room for them or they are there, else `other`.
fn admit(labels: ViolationLabels, series: &mut BTreeSet<ViolationLabels>) -> ViolationLabels {
    if series.len() >= SERIES_CAP && !series.contains(&labels) {
        return ["other"; 5].map(str::to_owned);
    }
    series.insert(labels.clone());
    labels
}

fn verdicts(registry: &Registry, judge: &JudgeFacts, policy: &Policy) -> Result<(), prometheus::Error> {
    let counts = &judge.counts;
    let total = counter(registry, "camsentry_conversations_total")?;
    for kind in VerdictKind::ALL {
        let number = counts.conversations.get(kind).copied().unwrap_or(0);
        total.with_label_values(&[kind.as_str()]).inc_by(number);
    }
    let withheld = counter(registry, "camsentry_withheld_total")?;
    for why in Withheld::ALL {
        withheld.with_label_values(&[why.as_str()]).inc_by(counts.withheld.get(why).copied().unwrap_or(0));
    }
    let hits = counter(registry, "camsentry_rule_conversations_total")?;
    for rule in policy.rules() {
        hits.with_label_values(&[&*rule.id.0]).inc_by(counts.rules.get(&rule.id).copied().unwrap_or(0));
    }
    let (held, capacity) = judge.conversations;
    level(registry, "camsentry_conversations", number(held))?;
    level(registry, "camsentry_conversations_capacity", number(capacity))?;
    registry.register(Box::new(Lasted::flows(&judge.durations)?))?;
    match counts.delay.clone().or_else(Measured::none) {
        Some(delay) => registry.register(Box::new(Lasted::verdicts(delay)?)),
        None => Ok(()),
    }
}

fn bytes(registry: &Registry, counts: &LiveCounts) -> Result<(), prometheus::Error> {
    let bytes = counter(registry, "camsentry_bytes_total")?;
    let words: BTreeMap<[&str; 3], u64> = counts
        .bytes
        .iter()
        .map(|(key, octets)| match key {
            Some((service, orig, resp)) => {
                let service = service.map_or("unknown", |service| service.as_str());
                ([service, orig.as_str(), resp.as_str()], *octets)
            }
            None => (["other"; 3], *octets),
        })
        .collect();
    for (labels, octets) in words {
        bytes.with_label_values(&labels).inc_by(octets);
    }
    Ok(())
}

fn around(registry: &Registry, rim: &RimFacts) -> Result<(), prometheus::Error> {
    let (held, capacity) = rim.flows;
    level(registry, "camsentry_flows", wide(held))?;
    level(registry, "camsentry_flows_capacity", wide(capacity))?;
    let up = int_gauge(registry, "camsentry_capture_interface_up")?;
    let reopened = counter(registry, "camsentry_capture_reopened_total")?;
    for (name, is_up, times) in &rim.interfaces {
        let name = harmless(name);
        up.with_label_values(&[name.as_str()]).set(i64::from(*is_up));
        reopened.with_label_values(&[name.as_str()]).inc_by(*times);
    }
    let written = counter(registry, "camsentry_event_records_total")?;
    let lost = counter(registry, "camsentry_event_records_lost_total")?;
    for (sink, records, losses) in &rim.sinks {
        written.with_label_values(&[*sink]).inc_by(*records);
        lost.with_label_values(&[*sink]).inc_by(*losses);
    }
    let (is_good, since) = rim.reload;
    level(registry, "camsentry_config_last_reload_successful", f64::from(u8::from(is_good)))?;
    let since = seconds(since.nanos());
    level(registry, "camsentry_config_last_reload_success_timestamp_seconds", since)?;
    level(registry, "camsentry_sandbox_level", f64::from(rim.sandbox))
}

fn number(count: usize) -> f64 {
    wide(u64::try_from(count).unwrap_or(u64::MAX))
}

fn wide(count: u64) -> f64 {
    #[expect(clippy::as_conversions, reason = "there is no lossless conversion, and none is needed")]
    let number = count as f64;
    number
}
