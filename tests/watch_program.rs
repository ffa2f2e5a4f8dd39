//! The program watches an interface: what is sent there comes out as metrics, answers and events, with the verdicts
//! of an audit of the same packets; rules change while it runs; and at the end every packet is accounted for.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "test helpers"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use camsentry::export::metric_table::METRICS;
use serde_json::Value;

#[path = "support/watched.rs"]
mod watched;

use watched::Watch;
use watched::demo;
use watched::get;
use watched::in_a_network;
use watched::metrics;
use watched::scrape_of_demo;
use watched::send_demo;
use watched::sum;
use watched::until;
use watched::until_open;

#[test]
fn a_watch_tells_what_an_audit_finds_and_accounts_for_every_packet() {
    in_a_network("watches_what_is_sent", &[]);
}

/// Identifiers and sentences of what an audit of the demo capture finds.
fn audited() -> BTreeMap<String, String> {
    let check = Command::new(env!("CARGO_BIN_EXE_camsentry"))
        .args(["check", "--format", "json", "--site"])
        .args([demo().join("site.toml"), demo().join("capture.pcap")])
        .output()
        .unwrap();
    let records = String::from_utf8(check.stdout).unwrap();
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    sentences(records.filter(|record| record["type"] == "violation"))
}

fn sentences(violations: impl Iterator<Item = Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    violations.map(|record| (text(&record["id"]), text(&record["message"]))).collect()
}

#[test]
#[ignore = "runs in a namespace that the test above makes"]
fn watches_what_is_sent() {
    let mut watch = Watch::start();
    let sent = send_demo();
    let expected = audited();
    assert_eq!(expected.len(), 13);
    let text = scrape_of_demo();
    is_documented(&text);
    answers(&expected);
    reloads(&watch);
    watch.signal("-TERM");
    let status = until("it has ended", || watch.process.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    let events = watch.events();
    assert_eq!(events.first().unwrap()["type"], "started");
    let opened: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["event"] == "opened")
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(opened, expected.keys().map(String::as_str).collect());
    let summary = events.last().unwrap();
    assert_eq!(summary["type"], "summary");
    let packets = &summary["packets"];
    assert_eq!((packets["read"].as_u64(), packets["unaccounted"].as_i64()), (Some(sent), Some(0)));
    assert_eq!(packets["lost"], serde_json::json!({}));
    let mut log = String::new();
    watch.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains(&format!("{sent} packets read, 0 lost, 0 unaccounted")), "{log}");
    let heard = fs::read_to_string("/proc/net/dev").unwrap();
    let ear: Vec<&str> = heard
        .lines()
        .find(|line| line.trim_start().starts_with("ear:"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!((ear[2], ear[10]), (sent.to_string().as_str(), "0"), "received and sent packets: {heard}");
}

/// Every metric that is defined is there, nothing else is, and promtool likes it.
fn is_documented(text: &str) {
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| !name.starts_with("process_"))
        .collect();
    assert_eq!(names, METRICS.iter().map(|(name, ..)| *name).collect());
    assert!(text.contains("process_resident_memory_bytes "));
    for rule in ["XP01", "XA03", "MX18"] {
        assert!(
            text.contains(&format!("camsentry_last_violation_timestamp_seconds{{policy_rule=\"{rule}\"}}"))
        );
    }
    assert!(sum(text, "camsentry_last_violation_timestamp_seconds", "XA03") > 1.7e9);
    assert_eq!(sum(text, "camsentry_violations_total", ""), 13.0);
    assert_eq!(sum(text, "camsentry_verdict_delay_seconds_count", ""), 25.0);
    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    match promtool {
        Err(_) => eprintln!("skipped: promtool is not installed"),
        Ok(mut promtool) => {
            promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(promtool.wait().unwrap().success());
        }
    }
}

fn answers(expected: &BTreeMap<String, String>) {
    let json = |path| serde_json::from_str::<Value>(&get(path).unwrap().1).unwrap();
    let shown = json("/api/v1/violations?state=open");
    let shown = shown["violations"].as_array().unwrap().clone();
    assert!(shown.iter().all(|violation| violation["state"] == "open" && violation.get("type").is_none()));
    assert_eq!(sentences(shown.into_iter()), *expected);
    let critical = json("/api/v1/violations?severity=critical&limit=1");
    assert_eq!((critical["violations"].as_array().unwrap().len(), critical["total"].as_u64()), (1, Some(2)));
    let cameras = json("/api/v1/endpoints?role=camera");
    let cameras = cameras["endpoints"].as_array().unwrap();
    assert!(cameras.iter().any(|camera| camera["address"] == "10.20.0.17" && camera["vendor"] == "Axis"));
    assert_eq!(json("/api/v1/policy")["last_reload_successful"], true);
    assert_eq!(get("/healthz").unwrap().0, 200);
}

/// A broken site file changes nothing but what is told; a good one takes one violation back.
fn reloads(watch: &Watch) {
    let hash = |event: &Value| event["policy_hash"].as_str().unwrap().to_owned();
    let before = hash(watch.events().first().unwrap());
    watch.site(|text| text.replace("roles = [\"camera\"]", "roles = [\"camrea\"]"));
    watch.signal("-HUP");
    until("the fault is told", || {
        Some(()).filter(|()| sum(&metrics(), "camsentry_config_last_reload_successful", "") == 0.0)
    });
    assert_eq!(sum(&metrics(), "camsentry_violations_open", ""), 13.0);
    // Changed files are noticed without a signal, too.
    watch.site(|text| {
        let allows = "\n[[allow]]\nid = \"S-SSH\"\nfrom = [\"smart-client\"]\nto = [\"recording-server\"]\n\
            transport = \"tcp\"\nports = \"7563\"\nservices = [\"ssh\"]\ntls = \"none\"\nstatus = [\"required\"]\n\
            purpose = \"The test wants it.\"\nsource = \"tests\"\ncontrols = []\n";
        text.replace("roles = [\"camrea\"]", "roles = [\"camera\"]") + allows
    });
    let text = until_open(12.0);
    assert_eq!(sum(&text, "camsentry_config_last_reload_successful", ""), 1.0);
    assert_eq!(sum(&text, "camsentry_violations_withdrawn_total", ""), 1.0);
    let withdrawn =
        until("it is written", || watch.events().into_iter().find(|event| event["event"] == "withdrawn"));
    assert_eq!((&withdrawn["reason"], &withdrawn["port"]), (&"wrong-service".into(), &7563.into()));
    assert_ne!(hash(&withdrawn), before);
    let kinds: Vec<String> =
        watch.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    let told =
        ["started", "reload-failed", "reloaded"].map(|kind| kinds.iter().position(|told| told == kind));
    assert!(told.is_sorted() && told[0] == Some(0) && told[2].is_some(), "{kinds:?}");
}
