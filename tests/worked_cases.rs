//! The worked cases of the verdict, each through real packets of the writer.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;

use camsentry::judge::audit::Audit;
use camsentry::judge::audit::ConversationRecord;
use serde::Deserialize;

#[path = "support/audit.rs"]
mod audit;
#[path = "support/verdict.rs"]
mod verdict;
#[path = "../fixtures/writer/mod.rs"]
mod writer;

use verdict::Expected;
use verdict::ExpectedNearest;
use verdict::ExpectedSweep;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    number: u32,
    #[serde(default)]
    variant: String,
    seen: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    declare: String,
    #[serde(default)]
    strict: bool,
    steps: Vec<toml::Table>,
    expect: Expect,
}

/// See the head of `fixtures/worked-cases.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    orig: Option<String>,
    resp: Option<String>,
    /// The two hosts, where nobody knows who began.
    between: Option<[String; 2]>,
    port: Option<u16>,
    transport: Option<String>,
    kind: Option<String>,
    rules: Option<Vec<String>>,
    withheld: Option<String>,
    certainty: Option<String>,
    content: Option<String>,
    initiation: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
    also: Option<Vec<String>>,
    severity: Option<String>,
    nearest: Option<ExpectedNearest>,
    sweep: Option<ExpectedSweep>,
    advice: Option<String>,
    #[serde(default)]
    violations: usize,
    conversations: Option<usize>,
    flows: Option<u64>,
}

fn cases() -> File {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/worked-cases.toml");
    toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn capture(case: &Case) -> Vec<u8> {
    let steps = case.steps.iter().cloned().map(toml::Value::Table).collect();
    let scene = toml::Table::from_iter([("steps".to_owned(), toml::Value::Array(steps))]);
    writer::capture(&toml::to_string(&scene).unwrap())
}

#[test]
fn all_forty_cases_are_there_and_each_becomes_packets() {
    let cases = cases();
    for number in 1..=40 {
        assert!(cases.case.iter().any(|case| case.number == number), "case {number} is missing");
    }
    for case in &cases.case {
        // Beyond the head of the file, one packet at least.
        assert!(capture(case).len() > 24 + 16 + 54, "case {}", case.number);
    }
}

#[test]
fn every_case_gets_its_verdict() {
    let cases = cases();
    let mut faults = Vec::new();
    for case in &cases.case {
        let site = format!("features = {:?}\n{}{}", case.features, cases.site, case.declare);
        let found = audit::audit(&capture(case), &site, case.strict);
        let about = format!("case {} {} ({})", case.number, case.variant, case.seen);
        faults.extend(differences(&case.expect, &found).into_iter().map(|fault| format!("{about}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn differences(expect: &Expect, found: &Audit) -> Vec<String> {
    let mut faults = Vec::new();
    if found.violations.len() != expect.violations {
        let messages: Vec<&str> =
            found.violations.iter().map(|violation| violation.message.as_str()).collect();
        faults.push(format!("{} violations expected, found {messages:?}", expect.violations));
    }
    if let Some(reason) = &expect.reason {
        faults.extend(violation(expect, reason, found));
    }
    if let Some(number) = expect.conversations.filter(|number| *number != found.conversations.len()) {
        faults.push(format!("{number} conversations expected, found {}", found.conversations.len()));
    }
    if expect.sweep.is_some() {
        return faults;
    }
    match found.conversations.iter().find(|record| is_about(expect, record)) {
        Some(record) => faults.extend(conversation(expect, record)),
        None => faults.push("the conversation was not found".to_owned()),
    }
    if let Some(code) = &expect.advice
        && !found.advice.iter().any(|advice| *advice.code == **code)
    {
        faults.push(format!("advice {code} was not given"));
    }
    faults
}

fn is_about(expect: &Expect, record: &ConversationRecord) -> bool {
    let ends = [record.orig.addr.ip().to_string(), record.resp.addr.ip().to_string()];
    let [orig, resp] = &ends;
    expect.orig.as_ref().is_none_or(|address| address == orig)
        && expect.resp.as_ref().is_none_or(|address| address == resp)
        && expect.between.as_ref().is_none_or(|pair| pair.iter().all(|address| ends.contains(address)))
        && expect.transport.as_ref().is_none_or(|transport| *transport == record.transport.to_string())
        && (expect.port.is_none() || expect.port == record.port)
}

fn conversation(expect: &Expect, record: &ConversationRecord) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differ = |what: &str, expected: &Option<String>, found: Option<String>| {
        if expected.is_some() && *expected != found {
            faults.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    };
    differ("kind", &expect.kind, Some(record.verdict.to_string()));
    differ("withheld", &expect.withheld, record.withheld.map(|why| why.to_string()));
    differ("certainty", &expect.certainty, record.certainty.map(|certainty| certainty.to_string()));
    differ("content", &expect.content, record.content.map(|content| content.to_string()));
    differ("initiation", &expect.initiation, Some(record.initiation.to_string()));
    differ("outcome", &expect.outcome, Some(record.outcome.to_string()));
    differ("flows", &expect.flows.map(|flows| flows.to_string()), Some(record.flows.to_string()));
    let rule = record.rule.as_ref().map(ToString::to_string);
    if let Some(rules) = &expect.rules
        && !rule.as_ref().is_some_and(|rule| rules.contains(rule))
    {
        faults.push(format!("rule: expected one of {rules:?}, found {rule:?}"));
    }
    faults
}

fn violation(expect: &Expect, reason: &str, found: &Audit) -> Vec<String> {
    let expected = Expected {
        reason: reason.to_owned(),
        also: expect.also.clone(),
        orig: expect.orig.clone(),
        resp: expect.resp.clone(),
        transport: expect.transport.clone(),
        port: expect.port,
        nearest: expect.nearest.clone(),
        outcome: expect.outcome.clone(),
        severity: expect.severity.clone(),
        sweep: expect.sweep.clone(),
        ..Expected::default()
    };
    match found.violations.iter().find(|violation| expected.is_about(violation)) {
        Some(violation) => expected.differences(violation),
        None => vec![format!("no violation {reason}")],
    }
}
