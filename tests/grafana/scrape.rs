//! What `/metrics` says: each metric with its type and labels, and the words that its labels may have.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

use camsentry::export::metric_table::METRICS;
use camsentry::flow::facts::Outcome;
use camsentry::service::Service;
use camsentry::verdict::Reason;
use camsentry::verdict::Severity;
use camsentry::verdict::VerdictKind;
use camsentry::verdict::Withheld;

use crate::read;
use crate::watched::Watch;
use crate::watched::in_a_network;
use crate::watched::scrape_of_demo;
use crate::watched::send_demo;

/// Where the test below leaves its scrape.
const SCRAPE: &str = "CAMSENTRY_TEST_SCRAPE";

static TAKEN: OnceLock<String> = OnceLock::new();

/// A real scrape of `camsentry watch`, after it saw the demo capture. Where no network can be made for it, the
/// sample that the pictures are drawn from.
pub(crate) fn scrape() -> &'static str {
    TAKEN.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("camsentry-scrape-{}", std::process::id()));
        if !in_a_network("scrape::leaves_a_real_scrape", &[(SCRAPE, &path)]) {
            return read("tests/grafana/scrape.prom");
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        text
    })
}

#[test]
#[ignore = "runs in a network that `scrape` makes"]
fn leaves_a_real_scrape() {
    let _watch = Watch::start();
    send_demo();
    fs::write(std::env::var_os(SCRAPE).unwrap(), scrape_of_demo()).unwrap();
}

/// One metric of a scrape.
#[derive(Debug, Default)]
pub(crate) struct Metric {
    pub(crate) labels: BTreeSet<String>,
    pub(crate) is_counter: bool,
}

/// Every metric of the scrape by the name of its series, and those that the scraper adds.
pub(crate) fn metrics() -> BTreeMap<String, Metric> {
    let text = scrape();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            types.insert(name, kind);
            continue;
        }
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (name, labels) = parsed(line);
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let is_histogram = family.is_some_and(|family| types.get(family) == Some(&"histogram"));
        let metric = metrics.entry(name.to_owned()).or_default();
        metric.labels.extend(labels);
        metric.is_counter = is_histogram || types.get(name) == Some(&"counter");
    }
    metrics.insert("up".to_owned(), Metric::default());
    for metric in metrics.values_mut() {
        metric.labels.extend(["job", "instance"].map(str::to_owned));
    }
    metrics
}

/// The name of a series and those of its labels.
fn parsed(line: &str) -> (&str, Vec<String>) {
    let Some((name, rest)) = line.split_once('{') else {
        return (line.split(' ').next().unwrap(), Vec::new());
    };
    let (labels, _) = rest.rsplit_once('}').unwrap();
    // A name stands before every `="`; no value of ours holds a quote.
    let mut names: Vec<&str> = labels.split("=\"").collect();
    names.pop();
    let name_of = |part: &str| part.rsplit(['"', ',']).next().unwrap_or_default().to_owned();
    (name, names.into_iter().map(name_of).collect())
}

/// The words that a label may have, where they are a closed list.
pub(crate) fn words(metric: &str, label: &str) -> Option<BTreeSet<&'static str>> {
    Some(match label {
        "severity" => Severity::ALL.iter().map(|word| word.as_str()).collect(),
        "outcome" => Outcome::ALL.iter().map(|word| word.as_str()).collect(),
        "verdict" => VerdictKind::ALL.iter().map(|word| word.as_str()).collect(),
        "service" => Service::ALL.iter().map(|word| word.as_str()).chain(["unknown"]).collect(),
        "reason" if metric == "camsentry_withheld_total" => {
            Withheld::ALL.iter().map(|w| w.as_str()).collect()
        }
        "reason" => Reason::ALL.iter().map(|word| word.as_str()).collect(),
        _ => return None,
    })
}

#[test]
fn a_scrape_is_read_with_types_and_labels() {
    let metrics = metrics();
    let open = &metrics["camsentry_violations_open"];
    assert!(!open.is_counter);
    let labels: Vec<&str> = open.labels.iter().map(String::as_str).collect();
    let wanted =
        ["instance", "job", "orig_role", "outcome", "policy_rule", "reason", "resp_role", "severity"];
    assert_eq!(labels, wanted);
    let bucket = &metrics["camsentry_flow_duration_seconds_bucket"];
    assert!(bucket.is_counter && bucket.labels.contains("le") && bucket.labels.contains("service"));
    assert!(metrics["camsentry_flows_total"].is_counter);
    assert!(!metrics["camsentry_flows"].is_counter);
}

#[test]
fn the_scrape_has_every_metric_and_label_that_the_program_lists() {
    let metrics = metrics();
    let sample: BTreeSet<String> = names(&read("tests/grafana/scrape.prom"));
    assert_eq!(names(scrape()), sample, "the sample that the pictures are drawn from has the same metrics");
    for (name, _, labels) in METRICS {
        // A histogram's series have other names.
        let found = metrics.get(*name).or_else(|| metrics.get(&format!("{name}_count")));
        let found = found.unwrap_or_else(|| panic!("{name} is not in the scrape"));
        for label in *labels {
            assert!(found.labels.contains(*label), "{name} has no label {label}");
        }
    }
}

fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    types.map(str::to_owned).collect()
}
