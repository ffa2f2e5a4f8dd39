//! Every metric: name, help and labels, and how a registry gets them. `docs/metrics.md` says the same in prose;
//! a test holds the two together.
//!
//! Labels come from closed sets: rules, reasons, roles, services, causes. An address never becomes
//! one. A violation is never called denied: we only watch.

use prometheus::Encoder;
use prometheus::GaugeVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::TextEncoder;

/// Most series of one metric; what would go beyond is counted under `other`.
pub const SERIES_CAP: usize = 5_000;

/// Every metric: name, help, labels. Base units; counters end in `_total`.
pub const METRICS: &[(&str, &str, &[&str])] = &[
    (
        "camsentry_violations_total",
        "Violations that opened, one for each cause; one that grows more severe or comes back counts again.",
        VIOLATION_LABELS,
    ),
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
    (
        "camsentry_violations_withdrawn_total",
        "Violations withdrawn by better evidence or by other rules.",
        &[],
    ),
    (
        "camsentry_violations_folded_total",
        "Violations beyond the caps, of which only this count is kept.",
        &[],
    ),
    (
        "camsentry_conversations_total",
        "Conversations by verdict; one whose verdict changes counts again.",
        &["verdict"],
    ),
    ("camsentry_conversations", "Conversations that are held.", &[]),
    ("camsentry_conversations_capacity", "Conversations that can be held.", &[]),
    ("camsentry_verdict_delay_seconds", "From a conversation's first packet to its first verdict.", &[]),
    ("camsentry_withheld_total", "Conversations that could not be judged, by cause.", &["reason"]),
    ("camsentry_rule_conversations_total", "Conversations that a rule allowed.", &["policy_rule"]),
    ("camsentry_flows_total", "Flows seen.", &[]),
    ("camsentry_flows", "Flows in the flow table.", &[]),
    ("camsentry_flows_capacity", "Flows that the flow table can hold.", &[]),
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
    ("camsentry_capture_bytes_total", "Octets on the wire of the packets read.", &["interface"]),
    (
        "camsentry_capture_lost_packets_total",
        "Packets lost before they could be read.",
        &["interface", "where"],
    ),
    (
        "camsentry_capture_last_packet_timestamp_seconds",
        "Capture time of the last packet; 0 if there was none.",
        &["interface"],
    ),
    ("camsentry_capture_interface_up", "1 if the interface is there and up.", &["interface"]),
    ("camsentry_capture_reopened_total", "How often the interface was opened again.", &["interface"]),
    ("camsentry_undecoded_packets_total", "Packets that could not be decoded, by cause.", &["cause"]),
    ("camsentry_not_conversation_packets_total", "Packets that are no conversation, by kind.", &["kind"]),
    ("camsentry_duplicate_packets_total", "Second copies that a mirror made.", &[]),
    ("camsentry_event_records_total", "Event records written.", &["sink"]),
    ("camsentry_event_records_lost_total", "Event records that could not be written.", &["sink"]),
    ("camsentry_policy_info", "The policy in force.", &["hash"]),
    (
        "camsentry_config_last_reload_successful",
        "1 if the rules and the site were read without a fault the last time.",
        &[],
    ),
    ("camsentry_config_last_reload_success_timestamp_seconds", "When rules and site came into force.", &[]),
    ("camsentry_sandbox_level", "How well the process is caged: 0 not, 1 partly, 2 fully.", &[]),
    ("camsentry_build_info", "The program.", &["version"]),
];

/// Metrics that only a watch has: of what stands now, and of the program that goes on.
pub const OF_A_WATCH: &[&str] = &[
    "camsentry_violations_withdrawn_total",
    "camsentry_violations_folded_total",
    "camsentry_conversations",
    "camsentry_conversations_capacity",
    "camsentry_verdict_delay_seconds",
    "camsentry_flows",
    "camsentry_flows_capacity",
    "camsentry_capture_interface_up",
    "camsentry_capture_reopened_total",
    "camsentry_event_records_total",
    "camsentry_event_records_lost_total",
    "camsentry_config_last_reload_successful",
    "camsentry_config_last_reload_success_timestamp_seconds",
    "camsentry_sandbox_level",
];

const VIOLATION_LABELS: &[&str] = &["policy_rule", "reason", "severity", "orig_role", "resp_role"];

pub(super) fn options(name: &str) -> (Opts, &'static [&'static str]) {
    let found = METRICS.iter().find(|(known, ..)| *known == name);
    let (name, help, labels) = found.copied().unwrap_or(("camsentry_undefined", "Not defined.", &[]));
    (Opts::new(name, help), labels)
}

pub(super) fn counter(registry: &Registry, name: &str) -> Result<IntCounterVec, prometheus::Error> {
    let (options, labels) = options(name);
    let counter = IntCounterVec::new(options, labels)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

pub(super) fn int_gauge(registry: &Registry, name: &str) -> Result<IntGaugeVec, prometheus::Error> {
    let (options, labels) = options(name);
    let gauge = IntGaugeVec::new(options, labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

pub(super) fn gauge(registry: &Registry, name: &str) -> Result<GaugeVec, prometheus::Error> {
    let (options, labels) = options(name);
    let gauge = GaugeVec::new(options, labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

/// A counter without labels that stands at `count`.
pub(super) fn count(registry: &Registry, name: &str, count: u64) -> Result<(), prometheus::Error> {
    counter(registry, name)?.with_label_values::<&str>(&[]).inc_by(count);
    Ok(())
}

/// A gauge without labels that stands at `value`.
pub(super) fn level(registry: &Registry, name: &str, value: f64) -> Result<(), prometheus::Error> {
    gauge(registry, name)?.with_label_values::<&str>(&[]).set(value);
    Ok(())
}

/// What the registry holds, in the Prometheus text format.
pub(super) fn text(registry: &Registry) -> Result<String, prometheus::Error> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Seconds as the text format wants them. A double holds microseconds of this century exactly enough.
pub(super) fn seconds(nanos: i64) -> f64 {
    #[expect(clippy::as_conversions, reason = "there is no lossless conversion, and none is needed")]
    let (whole, part) = ((nanos.div_euclid(1_000_000_000)) as f64, nanos.rem_euclid(1_000_000_000) as f64);
    whole + part / 1e9
}
