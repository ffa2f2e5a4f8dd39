//! The JSON Schemas in `docs/schema` describe what the program prints, line for line, and their closed
//! sets of words are those of the code.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::print_stderr, reason = "says when captures are skipped")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use camsentry::decode::Undecoded;
use camsentry::decode::undecoded::NotConversation;
use camsentry::flow::facts::ConnState;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Outcome;
use camsentry::inventory::role::Role;
use camsentry::recognise::finding::AuthScheme;
use camsentry::recognise::finding::SmbDialect;
use camsentry::recognise::finding::TlsVersion;
use camsentry::recognise::finding_words::CameraCommand;
use camsentry::recognise::finding_words::Codec;
use camsentry::recognise::finding_words::RtspMethod;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::verdict::Field;
use camsentry::verdict::Reason;
use camsentry::verdict::Severity;
use camsentry::verdict::VerdictKind;
use camsentry::verdict::Withheld;
use jsonschema::Validator;
use serde_json::Value;

#[path = "support/program.rs"]
mod program;

use program::Scratch;
use program::Subject;
use program::camsentry;
use program::subjects;
use program::text;

/// The kinds of records, each with its schema file.
const RECORDS: [&str; 5] = ["flow", "violation", "advice", "withheld", "summary"];

fn schema(record: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("docs/schema/{record}.schema.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn validators() -> BTreeMap<&'static str, Validator> {
    RECORDS.iter().map(|record| (*record, jsonschema::validator_for(&schema(record)).unwrap())).collect()
}

/// The words of the code by the name of the definition that lists them.
fn words_of_the_code() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("reason", Reason::ALL.iter().map(|word| word.as_str()).collect()),
        ("severity", Severity::ALL.iter().map(|word| word.as_str()).collect()),
        ("withheld", Withheld::ALL.iter().map(|word| word.as_str()).collect()),
        ("field", Field::ALL.iter().map(|word| word.as_str()).collect()),
        ("verdict", VerdictKind::ALL.iter().map(|word| word.as_str()).collect()),
        ("service", Service::ALL.iter().map(|word| word.as_str()).collect()),
        ("content", Content::ALL.iter().map(|word| word.as_str()).collect()),
        ("certainty", Certainty::ALL.iter().map(|word| word.as_str()).collect()),
        ("initiator", Initiation::ALL.iter().map(|word| word.as_str()).collect()),
        ("outcome", Outcome::ALL.iter().map(|word| word.as_str()).collect()),
        ("conn_state", ConnState::ALL.iter().map(|word| word.as_str()).collect()),
        ("tls_version", TlsVersion::ALL.iter().map(|word| word.as_str()).collect()),
        ("auth", AuthScheme::ALL.iter().map(|word| word.as_str()).collect()),
        ("smb_dialect", SmbDialect::ALL.iter().map(|word| word.as_str()).collect()),
        ("rtsp_method", RtspMethod::ALL.iter().map(|word| word.as_str()).collect()),
        ("codec", Codec::ALL.iter().map(|word| word.as_str()).collect()),
        ("command", CameraCommand::ALL.iter().map(|word| word.as_str()).collect()),
        ("role", Role::ALL.iter().map(|word| word.as_str()).collect()),
        ("undecoded", Undecoded::ALL.iter().map(|word| word.as_str()).collect()),
        ("not_conversation", NotConversation::ALL.iter().map(|word| word.as_str()).collect()),
    ])
}

#[test]
fn the_closed_sets_of_the_schemas_are_those_of_the_code() {
    let code = words_of_the_code();
    let mut seen = Vec::new();
    for record in RECORDS {
        let schema = schema(record);
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            let Some(listed) = definition["enum"].as_array() else {
                continue;
            };
            let listed: Vec<&str> = listed.iter().map(|word| word.as_str().unwrap()).collect();
            let words = code.get(name.as_str()).unwrap_or_else(|| panic!("{record}: whose words is {name}?"));
            assert_eq!(&listed, words, "{name} in {record}.schema.json");
            seen.push(name.clone());
        }
    }
    assert!(code.keys().all(|name| seen.iter().any(|seen| seen == name)), "every set is used");
}

#[test]
fn no_schema_lets_an_unknown_field_pass() {
    fn closed(value: &Value, place: &str) {
        let Some(map) = value.as_object() else {
            return;
        };
        if map.get("type").is_some_and(|kind| kind == "object") {
            assert!(map.contains_key("additionalProperties"), "{place} is open");
        }
        for (key, inner) in map {
            closed(inner, &format!("{place}/{key}"));
        }
    }
    for record in RECORDS {
        closed(&schema(record), record);
    }
}

#[test]
fn every_line_that_the_program_prints_obeys_its_schema() {
    let validators = validators();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    // Without a site file most is withheld.
    let unknown = subjects().into_iter().take(1).map(|subject| Subject { site: None, ..subject });
    for subject in unknown.collect::<Vec<_>>().into_iter().chain(subjects()) {
        let scratch = Scratch::new();
        let flows = scratch.path("flows");
        let ran = subject.check(&["--format", "json", "--flows", &flows]);
        let result = String::from_utf8(ran.stdout).unwrap();
        let records = result.lines().map(|line| (kind_of(line), line.to_owned()));
        let log = fs::read_to_string(&flows).unwrap();
        let log = log.lines().map(|line| ("flow".to_owned(), line.to_owned()));
        for (kind, line) in records.chain(log) {
            let value: Value = serde_json::from_str(&line).unwrap();
            let faults: Vec<String> = validators[kind.as_str()]
                .iter_errors(&value)
                .map(|fault| format!("{}: {fault}", fault.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{}: {}\n{line}", subject.capture, faults.join("\n"));
            let count = counts.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
    }
    assert!(RECORDS.iter().all(|record| counts.contains_key(*record)), "every kind was seen: {counts:?}");
}

fn kind_of(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap();
    value["type"].as_str().unwrap().to_owned()
}

#[test]
fn a_summary_is_always_the_last_line_and_adds_up() {
    for subject in subjects() {
        let ran = subject.check(&["--format", "json"]);
        let lines: Vec<Value> = String::from_utf8(ran.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let place = &subject.capture;
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "summary").count(), 1, "{place}");
        let summary = lines.last().unwrap();
        assert_eq!(summary["type"], "summary", "{place}");
        let packets = &summary["packets"];
        let of = |key: &str| packets[key].as_u64().unwrap();
        let sum =
            |key: &str| packets[key].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
        let accounted =
            [of("judged"), of("out_of_scope"), of("duplicates"), sum("not_conversation"), sum("undecoded")];
        assert_eq!(of("read"), accounted.iter().sum::<u64>(), "{place}");
        let verdicts = &summary["conversations"];
        let kinds_of_verdict = ["allowed", "violation", "withheld", "out_of_scope", "no_policy"];
        let judged: u64 = kinds_of_verdict.iter().map(|kind| verdicts[*kind].as_u64().unwrap()).sum();
        assert_eq!(verdicts["total"], judged, "{place}");
        let found = |kind: &str| u64::try_from(kinds.iter().filter(|k| **k == kind).count()).unwrap();
        assert_eq!(summary["violations"]["total"], found("violation"), "{place}");
        assert_eq!(summary["advice"], found("advice"), "{place}");
        assert_eq!(verdicts["withheld"], found("withheld"), "{place}");
    }
}

#[test]
fn ids_are_unique_and_the_same_in_every_run() {
    let ids = |options: &[&str], capture: &str, site: &str| -> Vec<String> {
        let args = [&["check", "--site", site, "--format", "json"], options, &[capture]].concat();
        let out = String::from_utf8(camsentry(args).stdout).unwrap();
        let lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| line["id"].as_str().map(str::to_owned)).collect()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/mixed-planted");
    let (capture, site) = (text(&root.join("capture.pcap")), text(&root.join("site.toml")));
    let first = ids(&[], &capture, &site);
    let mut distinct = first.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), first.len());
    assert_eq!(ids(&["--workers", "3"], &capture, &site), first);
}
