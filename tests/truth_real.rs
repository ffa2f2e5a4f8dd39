//! The whole pipeline over real captures gives what tshark says of them: packets, octets, 5-tuples,
//! initiators, and what is spoken. The same for any number of workers.
//!
//! `cargo test --test truth_real -- --nocapture` prints the table of `docs/recognition.md`.
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::print_stdout, reason = "prints the table, says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use camsentry::capture::captures::Captures;
use camsentry::export::flow_record::FlowRecord;
use camsentry::export::summary_record::SummaryRecord;
use camsentry::export::violation_record::AdviceRecord;
use camsentry::export::violation_record::ViolationRecord;
use camsentry::export::violation_record::WithheldRecord;
use camsentry::flow::FlowKey;
use camsentry::flow::facts::Initiation;
use camsentry::judge::audit::JudgedFlow;
use camsentry::pipeline::audit::Audited;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

#[path = "support/truth.rs"]
mod truth;
#[path = "support/truth_run.rs"]
mod truth_run;
#[path = "support/truth_words.rs"]
mod truth_words;

use truth::Conversation;
use truth::TruthFile;

#[test]
fn packets_octets_tuples_and_initiators_are_those_of_tshark() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let files = truth::read(&shared.join("real"));
    assert_eq!(files.len(), 25);
    let mut wrong = Vec::new();
    for file in &files {
        let audited = audit(file, 1);
        let seen = (audited.run.packets, audited.run.octets);
        let mut differences = Vec::new();
        if seen != file.totals {
            differences.push(format!("packets and octets {seen:?} instead of {:?}", file.totals));
        }
        if !file.is_robust_only {
            compare(file, &audited.audit.flows, &mut differences);
        }
        wrong.extend(differences.into_iter().map(|difference| format!("{}: {difference}", file.name)));
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(file: &TruthFile, flows: &[JudgedFlow], differences: &mut Vec<String>) {
    let expected: BTreeMap<FlowKey, &Conversation> =
        file.conversations.iter().map(|conversation| (conversation.key, conversation)).collect();
    assert_eq!(expected.len(), file.conversations.len(), "the truth has each 5-tuple once");
    let ours = totals_by_key(flows);
    for key in ours.keys().filter(|key| !expected.contains_key(key)) {
        differences.push(format!("{key:?} is no conversation"));
    }
    for (key, conversation) in expected {
        match ours.get(&key) {
            None => differences.push(format!("{key:?} is missing")),
            Some(have) if *have != conversation.totals && !file.has_fragments => {
                differences.push(format!("{key:?} has {have:?} instead of {:?}", conversation.totals));
            }
            Some(_) => {}
        }
        if conversation.is_client_proved {
            differences.extend(initiator_difference(conversation, flows));
        }
    }
}

/// Packets and octets on the wire of each TCP and UDP 5-tuple, with what was removed as a mirror's
/// second copy; what silence split is one again.
fn totals_by_key(flows: &[JudgedFlow]) -> BTreeMap<FlowKey, (u64, u64)> {
    let mut sums = BTreeMap::<FlowKey, (u64, u64)>::new();
    for flow in flows {
        if matches!(flow.facts.key.transport, Transport::Tcp | Transport::Udp) {
            let sum = sums.entry(flow.facts.key).or_default();
            for tally in &flow.facts.tallies {
                sum.0 += tally.packets + tally.duplicate_packets;
                sum.1 += tally.wire_octets + tally.duplicate_octets;
            }
        }
    }
    sums
}

/// The first flow of the tuple must know its initiator, and no later one may name another.
fn initiator_difference(conversation: &Conversation, flows: &[JudgedFlow]) -> Option<String> {
    let mut of_key = flows.iter().filter(|flow| flow.facts.key == conversation.key);
    let first = &of_key.next()?.facts;
    let proved = first.initiator == Some(conversation.client) && first.initiation >= Initiation::Inferred;
    let agree = of_key.all(|flow| flow.facts.initiator.is_none_or(|side| side == conversation.client));
    (!proved || !agree).then(|| {
        let key = conversation.key;
        format!("{key:?} was opened by {:?}, not {:?}", conversation.client, first.initiator)
    })
}

const DOCUMENT: &str = include_str!("../docs/recognition.md");

/// Recognised, missed and wrongly named conversations of one service.
#[derive(Default)]
struct Row {
    truth: u32,
    found: u32,
    missed: u32,
    wrong: u32,
}

#[test]
fn what_is_spoken_is_what_tshark_recognised() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let mut table = BTreeMap::<String, Row>::new();
    let mut remarks = Vec::new();
    for file in truth::read(&shared.join("real")).iter().filter(|file| !file.is_robust_only) {
        let flows = audit(file, 1).audit.flows;
        for conversation in &file.conversations {
            let ours = truth_words::services_of(conversation.key, &flows);
            enter(&mut table, conversation, &ours);
            if ours != truth_words::services_in_truth(conversation) {
                let Conversation { key, apps, has_payload, .. } = conversation;
                remarks.push(format!(
                    "{}: {key:?} ours {ours:?}, truth {apps:?}, payload {has_payload}",
                    file.name
                ));
            }
        }
    }
    let drawn = drawn(&table);
    println!("{drawn}\n{}", remarks.join("\n"));
    assert!(table.values().all(|row| row.wrong == 0), "something is named wrongly");
    let ours = table.iter().filter(|(word, _)| truth_words::service_of(word).is_some());
    let missed: Vec<&String> = ours.filter(|(_, row)| row.missed > 0).map(|(word, _)| word).collect();
    assert!(missed.is_empty(), "not recognised everywhere: {missed:?}");
    assert!(DOCUMENT.contains(&drawn), "docs/recognition.md shows another table");
}

#[test]
fn every_service_that_is_recognised_is_documented() {
    for recogniser in RECOGNISERS {
        let service = format!("`{}`", recogniser.service());
        let rows = || DOCUMENT.lines().filter(|line| line.starts_with('|'));
        let named = rows().any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&service)));
        assert!(named, "{service} has no row");
    }
    for content in Content::ALL {
        assert!(DOCUMENT.contains(&format!("`{content}`")), "{content} is not explained");
    }
}

#[test]
fn tls_versions_and_server_names_are_those_of_tshark() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let mut compared = 0;
    for file in truth::read(&shared.join("real")).iter().filter(|file| !file.is_robust_only) {
        let flows = audit(file, 1).audit.flows;
        for flow in &flows {
            let truth = file.conversations.iter().find(|conversation| conversation.key == flow.facts.key);
            let Some(truth) = truth.filter(|truth| truth.tls_version.is_some()) else { continue };
            compared += 1;
            let version = flow.tls_version.map(|version| version.as_str().to_owned());
            assert_eq!(version, truth.tls_version, "{}: {:?}", file.name, truth.key);
            assert_eq!(flow.sni(), truth.sni.as_deref(), "{}: {:?}", file.name, truth.key);
        }
    }
    assert_eq!(compared, 23);
}

fn enter(table: &mut BTreeMap<String, Row>, conversation: &Conversation, ours: &BTreeSet<Service>) {
    let truth = truth_words::services_in_truth(conversation);
    for service in &truth {
        let row = table.entry(service.to_string()).or_default();
        row.truth += 1;
        row.found += u32::from(ours.contains(service));
        row.missed += u32::from(ours.is_empty());
        row.wrong += u32::from(!ours.is_empty() && !ours.contains(service));
    }
    if truth.is_empty() {
        let unknown = conversation.apps.iter().next().map_or("(nothing)", String::as_str);
        let word = if conversation.has_payload { unknown } else { "(no payload)" };
        let row = table.entry(word.to_owned()).or_default();
        row.truth += 1;
        row.missed += u32::from(ours.is_empty());
        row.wrong += u32::from(!ours.is_empty());
    }
}

fn drawn(table: &BTreeMap<String, Row>) -> String {
    let mut text = "| service | truth | found | missed | wrong |\n|---|--:|--:|--:|--:|\n".to_owned();
    for (service, Row { truth, found, missed, wrong }) in table {
        text += &format!("| {service} | {truth} | {found} | {missed} | {wrong} |\n");
    }
    text
}

#[test]
fn check_and_flows_print_the_same_for_one_two_and_four_workers() {
    let Some(shared) = truth_run::shared_captures() else { return };
    for file in truth::read(&shared.join("real")) {
        let (check, flows) = printed(&file, 1);
        assert!(!check.is_empty() && !flows.is_empty(), "{}", file.name);
        for workers in [2, 4] {
            let (other_check, other_flows) = printed(&file, workers);
            assert!(check == other_check, "{}: check with {workers} workers", file.name);
            assert!(flows == other_flows, "{}: flows with {workers} workers", file.name);
        }
    }
}

/// What `check --format json` and `flows` print of this capture.
fn printed(file: &TruthFile, workers: usize) -> (String, String) {
    let Audited { audit, run, .. } = audit(file, workers);
    let (hash, names) = (audit.policy_hash, [file.name.clone()]);
    let violations = audit.violations.iter().map(|found| line(&ViolationRecord::of(found, hash)));
    let advice = audit.advice.iter().map(|advice| line(&AdviceRecord::of(advice)));
    let withheld = audit.conversations.iter().filter_map(WithheldRecord::of).map(|record| line(&record));
    let summary = line(&SummaryRecord::of(&audit, &run));
    let check = violations.chain(advice).chain(withheld).chain([summary]).collect();
    (check, audit.flows.iter().map(|flow| line(&FlowRecord::of(flow, &names))).collect())
}

fn line(record: &impl serde::Serialize) -> String {
    serde_json::to_string(record).unwrap() + "\n"
}

fn audit(file: &TruthFile, workers: usize) -> Audited {
    let path = file.path.to_str().unwrap().to_owned();
    truth_run::audit(&truth_run::auditor(workers), Captures::open(&[path]))
}
