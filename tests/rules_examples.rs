//! The shipped examples and the printed rules: what `camsentry rules list`, `show` and `test` say.

#![expect(clippy::panic, reason = "test helpers")]

use camsentry::cli::rules::InForce;
use camsentry::cli::rules::ListFormat;
use camsentry::cli::rules::list;
use camsentry::cli::rules::show;
use camsentry::cli::rules::test;
use camsentry::policy::example::Decided;
use camsentry::policy::example::Example;
use camsentry::policy::example::read_examples;
use camsentry::policy::packs::shipped;
use camsentry::policy::packs::shipped_examples;
use camsentry::policy::rule::Expect;
use camsentry::policy::rule::Pack;
use camsentry::policy::rule::Ports;
use camsentry::policy::rule::Rule;
use camsentry::policy::rule::Status;
use camsentry::verdict::VerdictKind;

fn examples() -> Vec<Example> {
    read_examples(&shipped_examples()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Whether `rule` allows `example`, by its own words and nothing else.
fn allows(rule: &Rule, example: &Example) -> bool {
    let ends = rule.from.meets(example.from) && rule.to.meets(example.to)
        || rule.both_ways && rule.from.meets(example.to) && rule.to.meets(example.from);
    let port = match &rule.ports {
        Ports::Set(set) => set.has(example.port),
        Ports::Named => false,
        Ports::Any => true,
    };
    let service = match (&rule.expect, example.service) {
        (Expect::Services(services), Some(service)) => services.contains(&service),
        (expect, service) => *expect == Expect::PortOnly && service.is_none(),
    };
    let standing = [Status::LocalOnly, Status::Obsolete, Status::Doubtful].iter().all(|one| !rule.is(*one))
        && rule.feature.as_ref().is_none_or(|feature| example.features.contains(feature));
    ends && port && service && standing && rule.transports.contains(&example.transport)
}

fn first_that_allows(packs: &[Pack], example: &Example) -> Option<String> {
    packs
        .iter()
        .filter(|pack| pack.everywhere || example.packs.contains(&pack.id.0))
        .flat_map(|pack| &pack.rules)
        .find(|rule| allows(rule, example))
        .map(|rule| rule.id.to_string())
}

#[test]
fn the_first_rule_that_allows_an_example_is_the_one_that_it_names() {
    let packs = shipped();
    let allowed: Vec<Example> =
        examples().into_iter().filter(|example| example.expected.verdict == VerdictKind::Allowed).collect();
    assert!(allowed.len() >= 15, "{}", allowed.len());
    for example in allowed {
        let named = example.expected.rule.as_ref().map(ToString::to_string);
        assert_eq!(first_that_allows(&packs, &example), named, "{}", example.name);
    }
}

#[test]
fn no_rule_allows_an_example_that_violates_unless_an_assertion_forbids_it() {
    let packs = shipped();
    for example in examples() {
        let reason = example.expected.reason.map(|reason| reason.as_str());
        let asserted = matches!(reason, Some("isolation" | "internet" | "no-rule"));
        if example.expected.verdict == VerdictKind::Violation && !asserted {
            assert_eq!(first_that_allows(&packs, &example), None, "{}", example.name);
        }
    }
}

#[test]
fn examples_that_come_out_otherwise_are_printed_with_their_place() {
    let examples = examples();
    let mut out = Vec::new();
    assert!(test(&examples, &|example| example.expected.clone(), &mut out).unwrap());
    let nothing = Decided { verdict: VerdictKind::NoPolicy, rule: None, reason: None, withheld: None };
    out.clear();
    assert!(!test(&examples, &|_| nothing.clone(), &mut out).unwrap());
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("rules/examples/cases.toml:5: 1: the recorder"), "{text}");
    assert!(text.contains("expected violation no-rule\n"), "{text}");
}

#[test]
fn list_as_json_has_every_row_with_the_fields_of_the_contract() {
    let packs = shipped();
    let mut out = Vec::new();
    list(&InForce { packs: &packs, site: None }, ListFormat::Json, &mut out).unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
    let ids: Vec<&str> = all.iter().filter_map(|entry| entry.get("id")?.as_str()).collect();
    for id in (1..=78).map(|n| format!("XP{n:02}")).chain((1..=18).map(|n| format!("MX{n:02}"))) {
        assert_eq!(ids.iter().filter(|known| **known == id).count(), 1, "{id}");
    }
    let rule = all.iter().find(|entry| entry.get("id").unwrap() == "XP22").unwrap();
    for key in [
        "pack",
        "from",
        "to",
        "transport",
        "ports",
        "services",
        "tls",
        "status",
        "purpose",
        "source",
        "controls",
        "feature",
        "note",
    ] {
        assert!(rule.get(key).is_some(), "{key}");
    }
    assert_eq!(rule.get("ports").unwrap(), "7563");
    assert_eq!(rule.get("controls").unwrap(), &serde_json::json!(["CA-3", "CM-6", "SC-7"]));
}

#[test]
fn list_as_text_has_aligned_columns() {
    let packs = shipped();
    let mut out = Vec::new();
    list(&InForce { packs: &packs, site: None }, ListFormat::Text, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let head = text.lines().next().unwrap();
    let column = head.find("PORTS").unwrap();
    let rule = text.lines().find(|line| line.starts_with("XP22")).unwrap();
    assert_eq!(rule.get(column..column + 8), Some("tcp 7563"), "{rule}");
    assert!(text.lines().any(|line| line.starts_with("XA01") && line.contains("only-peers")));
}

#[test]
fn show_tells_meaning_source_and_controls_in_wrapped_lines() {
    let packs = shipped();
    let in_force = InForce { packs: &packs, site: None };
    let mut out = Vec::new();
    assert!(show(&in_force, "xp22", &mut out).unwrap());
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("XP22 (pack xprotect)\n"), "{text}");
    for part in [
        "Clients fetch live and recorded video",
        "TCP port 7563",
        "Recording Server service, inbound, TCP 7563",
        "NIST SP 800-53 CA-3, CM-6 and SC-7",
        "smart-client or management-client opens",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 96), "{text}");
}

#[test]
fn show_of_an_unknown_id_names_one_that_is_near() {
    let packs = shipped();
    let mut out = Vec::new();
    assert!(!show(&InForce { packs: &packs, site: None }, "XP222", &mut out).unwrap());
    assert!(String::from_utf8(out).unwrap().contains("`XP22`"));
}
