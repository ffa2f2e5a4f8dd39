//! What a watch writes and shows obeys its schemas and is explained in its documents.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::cli::args::PolicyArgs;
use camsentry::cli::policy_files::PolicyFiles;
use camsentry::export::event_record::EventRecord;
use camsentry::export::event_record::WatchRecord;
use camsentry::inventory::Inventory;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::judge::transition::Change;
use camsentry::judge::transition::Transition;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::run;
use camsentry::time::Span;
use camsentry::time::Timestamp;
use camsentry::watch::http::routes::PATHS;
use jsonschema::Validator;
use serde::Serialize;
use serde_json::Value;

const CHANGES: [Change; 6] =
    [Change::Opened, Change::Reopened, Change::Tally, Change::Closed, Change::Folded, Change::Withdrawn];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn schema(record: &str) -> Value {
    serde_json::from_str(&read(&format!("docs/schema/{record}.schema.json"))).unwrap()
}

fn fields(schema: &Value) -> Vec<String> {
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

fn obeys(validator: &Validator, record: &impl Serialize) {
    let line = serde_json::to_string(record).unwrap();
    let value: Value = serde_json::from_str(&line).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{}\n{line}", faults.join("\n"));
}

/// What a watch of a fixture tells, with steps of time as its packets come and a long silence at the end.
fn transitions(fixture: &Path) -> Vec<Transition> {
    let args = PolicyArgs { site: Some(fixture.join("site.toml")), rules: None };
    let policy = Arc::new(PolicyFiles::read(&args).unwrap().policy(false));
    let inventory = Inventory::new(policy.site().cloned());
    let settings = JudgeSettings { quiet: Some(Span::from_secs(5)), ..JudgeSettings::default() };
    let mut judge = Judge::new(policy, inventory, settings);
    let (mut told, mut now) = (Vec::new(), Timestamp::default());
    let mut control = Control { stop: &AtomicBool::new(false), progress: &mut |_| {} };
    let mut source = Captures::open(&[fixture.join("capture.pcap").to_str().unwrap().to_owned()]);
    run(&mut source, &PipelineSettings::default(), NonZeroUsize::MIN, &mut control, &mut |events| {
        for event in events {
            now = now.max(event.time);
            judge.take([event]);
            told.append(&mut judge.advance(now).transitions);
        }
    });
    for _ in 0..10 {
        now = now.plus(Span::from_secs(10));
        told.append(&mut judge.advance(now).transitions);
    }
    told
}

#[test]
fn every_violation_event_of_every_fixture_obeys_its_schema() {
    let validator = jsonschema::validator_for(&schema("violation-event")).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut count = 0;
    for fixture in fs::read_dir(fixtures).unwrap() {
        for told in transitions(&fixture.unwrap().path()) {
            obeys(&validator, &EventRecord::of(&told));
            // Those that no fixture comes to look no different.
            for change in CHANGES {
                obeys(&validator, &EventRecord::of(&Transition { change, ..told.clone() }));
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_violation_event_has_the_fields_and_words_of_a_violation() {
    let (mut event, violation) = (schema("violation-event"), schema("violation"));
    let changes: Vec<&str> = CHANGES.iter().map(|change| change.as_str()).collect();
    assert_eq!(event["$defs"]["event"]["enum"], serde_json::json!(changes));
    event["$defs"].as_object_mut().unwrap().remove("event");
    assert_eq!(event["$defs"], violation["$defs"]);
    let properties = event["properties"].as_object_mut().unwrap();
    properties.remove("event");
    properties.remove("ts");
    properties["type"] = violation["properties"]["type"].clone();
    assert_eq!(event["properties"], violation["properties"]);
}

#[test]
fn what_becomes_of_the_watch_obeys_its_schema() {
    let validator = jsonschema::validator_for(&schema("watch")).unwrap();
    let time = Timestamp::from_parts(1_795_366_800, 0);
    let interfaces = ["eth1".to_owned(), "eth2\n".to_owned()];
    obeys(&validator, &WatchRecord::started(time, Some("Mixed site"), 7, &interfaces));
    obeys(&validator, &WatchRecord::reloaded(time, None, 7));
    obeys(&validator, &WatchRecord::reload_failed(time, Some("Mixed site"), 7, "site.toml:3: fault\nmore"));
    let wrong =
        serde_json::json!({"type": "reloaded", "ts": 1, "version": "1", "site": null, "policy_hash": "00"});
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn every_event_field_and_path_is_explained() {
    let page = read("docs/events.md");
    for word in CHANGES.iter().map(|change| change.as_str()) {
        assert!(page.contains(&format!("\n| `{word}` |")), "{word}");
    }
    let inherited = fields(&schema("violation"));
    let own = fields(&schema("violation-event")).into_iter().filter(|field| !inherited.contains(field));
    for field in own.chain(fields(&schema("watch"))) {
        assert!(page.contains(&format!("\n| `{field}` |")), "{field}");
    }
    let page = read("docs/http.md");
    for (path, _) in PATHS {
        assert!(page.contains(&format!("\n| `{path}` |")), "{path}");
    }
}
