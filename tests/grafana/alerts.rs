//! The alert rules: each asks for what is there, says what it means and what to do, is tested both ways, and is the
//! same for Prometheus and for Grafana. Provisioned files name each other rightly.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::boards::boards;
use crate::boards::list;
use crate::boards::text;
use crate::expression::asked;
use crate::files;
use crate::read;
use crate::scrape::metrics;

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

/// All rules of a file, with the name of their group.
fn rules(path: &str) -> Vec<(String, Value)> {
    let file = yaml(path);
    let of = |group: &Value| {
        let name = text(group, "name").to_owned();
        list(group, "rules").map(|rule| (name.clone(), rule.clone())).collect::<Vec<_>>()
    };
    list(&file, "groups").flat_map(of).collect()
}

fn prometheus() -> Vec<(String, Value)> {
    rules("grafana/prometheus/rules.yml")
}

fn grafana() -> Vec<(String, Value)> {
    rules("grafana/provisioning/alerting/rules.yml")
}

/// The query of a rule of Grafana's.
fn query(rule: &Value) -> &Value {
    list(rule, "data").find(|part| text(part, "refId") == "A").unwrap()
}

#[test]
fn every_metric_and_label_of_every_alert_is_in_a_scrape() {
    let metrics = metrics();
    for (_, rule) in prometheus() {
        let asked = asked(text(&rule, "expr")).unwrap();
        assert_eq!(asked.unknown(&metrics), Vec::<String>::new(), "{}", text(&rule, "alert"));
        let labels: BTreeSet<&String> = asked
            .selectors
            .iter()
            .filter_map(|(name, ..)| metrics.get(name))
            .flat_map(|m| &m.labels)
            .collect();
        let description = text(&rule["annotations"], "description");
        for rest in description.split("$labels.").skip(1) {
            let label: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(labels.contains(&label), "{}: {label}", text(&rule, "alert"));
        }
    }
}

#[test]
fn every_alert_is_the_same_in_grafana_and_in_prometheus() {
    let seen = |(group, rule): &(String, Value), name: &str, expr: &str| {
        let annotations = ["summary", "description", "runbook_url"]
            .map(|key| text(&rule["annotations"], key).replace("$values.A.Value", "$value"));
        let wait = rule["for"].as_str().unwrap_or("0s").to_owned();
        let severity = text(&rule["labels"], "severity").to_owned();
        (group.clone(), text(rule, name).to_owned(), expr.to_owned(), wait, severity, annotations)
    };
    let ours: Vec<_> = prometheus().iter().map(|rule| seen(rule, "alert", text(&rule.1, "expr"))).collect();
    let theirs: Vec<_> =
        grafana().iter().map(|rule| seen(rule, "title", text(&query(&rule.1)["model"], "expr"))).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_alert_says_what_it_means_and_where_to_read_what_to_do() {
    let page = read("docs/grafana.md");
    let mut names = BTreeSet::new();
    for (_, rule) in prometheus() {
        let name = text(&rule, "alert");
        assert!(name.starts_with("Camsentry") && names.insert(name.to_owned()), "{name}");
        let notes = &rule["annotations"];
        let summary = text(notes, "summary");
        assert!(summary.ends_with('.') && summary.starts_with(char::is_uppercase), "{name}: {summary}");
        assert!(!summary.contains("{{"), "{name}: a group of alerts has one summary");
        assert!(text(notes, "description").len() > 20, "{name}");
        assert_eq!(text(notes, "runbook_url"), format!("docs/grafana.md#{}", name.to_lowercase()));
        assert!(page.contains(&format!("\n### {name}\n")), "{name} has no runbook");
    }
    let explained = page.lines().filter(|line| line.starts_with("### Camsentry")).count();
    assert_eq!(explained, names.len(), "a runbook without an alert");
}

#[test]
fn a_violation_fires_at_once_and_with_its_own_severity() {
    let rules = prometheus();
    let (_, rule) = rules.iter().find(|(_, rule)| text(rule, "alert") == "CamsentryViolation").unwrap();
    assert!(rule["for"].is_null());
    assert!(rule["labels"]["severity"].is_null(), "it would take the place of the violation's");
    let asked = asked(text(rule, "expr")).unwrap();
    assert!(asked.selectors.iter().all(|(name, ..)| name == "camsentry_violations_open"));
}

#[test]
fn every_alert_is_tested_both_ways() {
    let file = yaml("grafana/prometheus/rules_test.yml");
    let mut fires = BTreeMap::<&str, [bool; 2]>::new();
    for check in list(&file, "tests").flat_map(|test| list(test, "alert_rule_test")) {
        let is_empty = list(check, "exp_alerts").next().is_none();
        let seen = fires.entry(text(check, "alertname")).or_default();
        *seen = [seen[0] || !is_empty, seen[1] || is_empty];
    }
    for (_, rule) in prometheus() {
        let name = text(&rule, "alert");
        // It has no case in which it may be silent.
        let wanted = if name == "CamsentryWatchdog" { [true, false] } else { [true, true] };
        assert_eq!(fires.get(name), Some(&wanted), "{name}");
    }
}

#[test]
fn grafana_finds_the_source_the_condition_and_the_panel_of_each_alert() {
    let source = yaml("grafana/provisioning/datasources/camsentry.yml");
    let source = text(list(&source, "datasources").next().unwrap(), "uid").to_owned();
    let boards = boards();
    let mut uids = BTreeSet::new();
    for (_, rule) in grafana() {
        let title = text(&rule, "title");
        let uid = text(&rule, "uid");
        assert!(
            uid.len() <= 40 && uids.insert(uid.to_owned()),
            "{title}: Grafana takes at most 40 characters"
        );
        assert_eq!(text(query(&rule), "datasourceUid"), source, "{title}");
        assert_eq!(query(&rule)["model"]["instant"], true, "{title}");
        // Grafana takes 0 for "all is well", and some of these answer 0 when it is not.
        let condition = list(&rule, "data").find(|part| part["refId"] == rule["condition"]).unwrap();
        assert_eq!(text(&condition["model"], "expression"), "is_nan($A) == 0", "{title}");
        assert_eq!(text(&rule, "noDataState"), "OK", "{title}");
        let Some(board) = rule["dashboardUid"].as_str() else {
            assert_eq!(title, "CamsentryWatchdog");
            continue;
        };
        let board = boards.iter().find(|known| text(&known.json, "uid") == board).unwrap();
        assert!(board.panels().any(|panel| panel["id"] == rule["panelId"]), "{title}");
    }
}

#[test]
fn what_grafana_provisions_is_what_is_meant_to_be_in_force() {
    // Grafana reads every .yml, .yaml and .json in these folders, whatever else the name says.
    let read_by_grafana = |folder: &str| -> Vec<String> {
        let ends = [".yml", ".yaml", ".json"];
        let all = files(&format!("grafana/provisioning/{folder}"));
        all.into_iter().filter(|name| ends.iter().any(|end| name.ends_with(end))).collect()
    };
    assert_eq!(read_by_grafana("alerting"), ["rules.yml"]);
    assert_eq!(read_by_grafana("datasources"), ["camsentry.yml"]);
    assert_eq!(read_by_grafana("dashboards"), ["camsentry.yml"]);
    for example in ["contact-points.yml.example", "policies.yml.example"] {
        assert_eq!(yaml(&format!("grafana/provisioning/alerting/{example}"))["apiVersion"], 1, "{example}");
    }
    let provider = yaml("grafana/provisioning/dashboards/camsentry.yml");
    let path = text(&list(&provider, "providers").next().unwrap()["options"], "path").to_owned();
    assert!(
        read("docs/grafana.md").contains(&format!("dashboards:{path}")),
        "the page mounts another folder"
    );
}
