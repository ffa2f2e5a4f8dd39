//! `METRICS`, `docs/metrics.md` and what `--metrics` prints name the same metrics, labels and types.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::print_stderr, reason = "says what is skipped")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use camsentry::decode::Undecoded;
use camsentry::decode::undecoded::NotConversation;
use camsentry::export::metric_table::METRICS;
use camsentry::export::metric_table::OF_A_WATCH;
use camsentry::export::metric_table::SERIES_CAP;
use camsentry::verdict::VerdictKind;
use camsentry::verdict::Withheld;
use serde_json::Value;

#[path = "support/program.rs"]
mod program;

use program::Scratch;
use program::Subject;
use program::camsentry;
use program::subjects;
use program::text;

/// One line of the text format that is no comment.
struct Series {
    metric: String,
    labels: BTreeMap<String, String>,
    value: String,
}

fn metrics_of(subject: &Subject) -> String {
    let scratch = Scratch::new();
    let path = scratch.path("camsentry.prom");
    subject.check(&["--metrics", &path]);
    fs::read_to_string(path).unwrap()
}

fn fixture(capture: &str, site: &str) -> Subject {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let capture = text(&folder.join(capture).join("capture.pcap"));
    Subject { capture, site: Some(text(&folder.join(site).join("site.toml"))) }
}

fn series_of(exposition: &str) -> Vec<Series> {
    exposition.lines().filter(|line| !line.starts_with('#')).map(series).collect()
}

fn series(line: &str) -> Series {
    let (name, value) = line.rsplit_once(' ').unwrap();
    let (metric, labels) = name.split_once('{').unwrap_or((name, "}"));
    // No label value of ours holds a quote or a comma.
    let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
    let pair = |label: &str| {
        let (key, value) = label.split_once('=').unwrap();
        (key.to_owned(), value.trim_matches('"').to_owned())
    };
    Series { metric: metric.to_owned(), labels: labels.map(pair).collect(), value: value.to_owned() }
}

/// Name, type and labels of each metric in the table of `docs/metrics.md`.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `camsentry_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, name, kind, labels, ..] = cells[..] else {
            return Default::default();
        };
        let labels = labels.split(", ").filter(|label| *label != "none");
        let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        (name.trim_matches('`').to_owned(), (kind.to_owned(), labels))
    })
    .collect()
}

#[test]
fn the_page_lists_what_the_code_defines() {
    let documented = documented();
    let defined: BTreeMap<&str, BTreeSet<&str>> =
        METRICS.iter().map(|(name, _, labels)| (*name, labels.iter().copied().collect())).collect();
    assert_eq!(defined.len(), METRICS.len(), "no name twice");
    let listed: BTreeMap<&str, BTreeSet<&str>> = documented
        .iter()
        .map(|(name, (_, labels))| (name.as_str(), labels.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(listed, defined);
}

#[test]
fn the_program_prints_what_the_code_defines() {
    let exposition = metrics_of(&fixture("demo", "demo"));
    let kinds: BTreeMap<String, String> = exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned())).unwrap())
        .collect();
    let listed: BTreeMap<String, String> =
        documented().into_iter().map(|(name, (kind, _))| (name, kind)).collect();
    assert!(OF_A_WATCH.iter().all(|name| listed.contains_key(*name)));
    let of_both = |name: &str| !OF_A_WATCH.contains(&name);
    let listed: BTreeMap<String, String> = listed.into_iter().filter(|(name, _)| of_both(name)).collect();
    assert_eq!(kinds, listed, "names and types");
    for (name, help, labels) in METRICS.iter().filter(|(name, ..)| of_both(name)) {
        assert!(exposition.contains(&format!("# HELP {name} {help}\n")), "{name}");
        let expected: BTreeSet<&str> = labels.iter().copied().collect();
        for series in series_of(&exposition).iter().filter(|series| series.metric == *name) {
            let printed: BTreeSet<&str> = series.labels.keys().map(String::as_str).collect();
            assert_eq!(printed, expected, "{name}");
        }
    }
}

#[test]
fn no_address_is_ever_a_label() {
    for subject in subjects() {
        let exposition = metrics_of(&subject);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for series in series_of(&exposition) {
            for value in series.labels.values() {
                let is_address = value.parse::<IpAddr>().is_ok();
                let is_mac = value.matches(':').count() > 4;
                assert!(!is_address && !is_mac, "{}: {} {value}", subject.capture, series.metric);
            }
            let count = counts.entry(series.metric).or_default();
            *count = count.saturating_add(1);
        }
        assert!(counts.values().all(|count| *count <= SERIES_CAP.saturating_add(1)), "{counts:?}");
    }
}

#[test]
fn series_exist_at_0_before_anything_happens() {
    let exposition = metrics_of(&fixture("xprotect-clean", "xprotect-clean"));
    let all = series_of(&exposition);
    let values = |metric: &str, label: &str| -> BTreeSet<String> {
        all.iter().filter(|s| s.metric == metric).filter_map(|s| s.labels.get(label).cloned()).collect()
    };
    let words = |words: Vec<&str>| -> BTreeSet<String> { words.into_iter().map(str::to_owned).collect() };
    let verdicts = VerdictKind::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(values("camsentry_conversations_total", "verdict"), words(verdicts));
    let causes = Withheld::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(values("camsentry_withheld_total", "reason"), words(causes));
    let causes = Undecoded::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(values("camsentry_undecoded_packets_total", "cause"), words(causes));
    let kinds = NotConversation::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(values("camsentry_not_conversation_packets_total", "kind"), words(kinds));
    let violations: Vec<&Series> =
        all.iter().filter(|series| series.metric == "camsentry_violations_total").collect();
    assert!(violations.len() > 50 && violations.iter().all(|series| series.value == "0"));

    let listed = camsentry(["rules", "list", "--format", "json"]).stdout;
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let ids: BTreeSet<String> =
        listed.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect();
    let dated = values("camsentry_last_violation_timestamp_seconds", "policy_rule");
    assert!(ids.len() > 100 && ids.is_subset(&dated), "{:?}", ids.difference(&dated));
}

#[test]
fn what_a_pair_of_roles_would_be_counted_under_exists_before_it_happens() {
    for site in ["xprotect-planted", "mobotix-planted", "mixed-planted"] {
        let key = |series: &Series| (series.metric.clone(), series.labels.clone());
        let clean = site.replace("planted", "clean");
        let before: BTreeSet<_> = series_of(&metrics_of(&fixture(&clean, site))).iter().map(key).collect();
        let after = series_of(&metrics_of(&fixture(site, site)));
        let unruled = |series: &&Series| {
            let reason = series.labels.get("reason").map(String::as_str);
            series.metric == "camsentry_violations_total"
                && series.value != "0"
                && matches!(reason, Some("internet" | "isolation"))
        };
        let found: Vec<&Series> = after.iter().filter(unruled).collect();
        assert!(!found.is_empty(), "{site}");
        for series in found {
            assert!(before.contains(&key(series)), "{site}: {:?}", series.labels);
        }
    }
}

#[test]
fn promtool_has_no_objection() {
    let check = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut check) = check else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let exposition = metrics_of(&fixture("mixed-planted", "mixed-planted"));
    check.stdin.take().unwrap().write_all(exposition.as_bytes()).unwrap();
    assert!(check.wait().unwrap().success());
}
