//! The dashboards: every query asks for what is there, and the rules of Grafana's dashboard-linter hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::expression::asked;
use crate::files;
use crate::read;
use crate::scrape::Metric;
use crate::scrape::metrics;

/// A dashboard: its file and its JSON.
pub(crate) struct Board {
    pub(crate) file: String,
    pub(crate) json: Value,
}

pub(crate) fn boards() -> Vec<Board> {
    let of = |file: String| {
        let json = serde_json::from_str(&read(&format!("grafana/dashboards/{file}"))).unwrap();
        Board { file, json }
    };
    files("grafana/dashboards").into_iter().map(of).collect()
}

/// A list inside a JSON value; empty where it is not there.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

impl Board {
    /// All panels but the rows.
    pub(crate) fn panels(&self) -> impl Iterator<Item = &Value> {
        list(&self.json, "panels").filter(|panel| text(panel, "type") != "row")
    }

    /// Every query with where it stands: panels and annotations.
    fn queries(&self) -> Vec<(String, &str)> {
        let mut queries = Vec::new();
        for panel in self.panels() {
            let place = format!("{}: {}", self.file, text(panel, "title"));
            queries.extend(list(panel, "targets").map(|target| (place.clone(), text(target, "expr"))));
        }
        let notes = self.json.pointer("/annotations/list").and_then(Value::as_array);
        for note in notes.into_iter().flatten() {
            let expr = note.pointer("/target/expr").and_then(Value::as_str);
            queries.extend(expr.map(|expr| (format!("{}: {}", self.file, text(note, "name")), expr)));
        }
        queries
    }
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_metric_and_label_of_every_panel_is_in_a_scrape() {
    let metrics = metrics();
    let mut faults = Vec::new();
    for board in boards() {
        for (place, expr) in board.queries() {
            match asked(expr) {
                Ok(asked) => {
                    faults.extend(asked.unknown(&metrics).iter().map(|fault| format!("{place}: {fault}")))
                }
                Err(fault) => faults.push(format!("{place}: {fault}")),
            }
        }
        for target in board.panels().flat_map(|panel| list(panel, "targets")) {
            let unknown = unknown_in_legend(target, &metrics);
            faults.extend(unknown.map(|label| format!("{}: the legend names {label}", board.file)));
        }
    }
    none(&faults);
}

/// Labels that a legend names and that the query does not keep.
fn unknown_in_legend<'a>(
    target: &'a Value,
    metrics: &'a BTreeMap<String, Metric>,
) -> impl Iterator<Item = &'a str> {
    let asked = asked(text(target, "expr")).unwrap();
    let of = |(name, ..): &(String, _, _)| metrics.get(name).map(|metric| metric.labels.clone());
    let kept: BTreeSet<String> = match asked.labels.is_empty() {
        true => asked.selectors.iter().filter_map(of).flatten().collect(),
        false => asked.labels,
    };
    let named = text(target, "legendFormat").split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    named.filter(move |label| !kept.contains(*label))
}

#[test]
fn every_metric_of_a_variable_is_in_a_scrape() {
    let metrics = metrics();
    for board in boards() {
        for variable in list(&board.json["templating"], "list").filter(|v| text(v, "type") == "query") {
            let query = text(&variable["query"], "query");
            let inside = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
            let (selector, label) = inside.rsplit_once(", ").unwrap();
            assert_eq!(asked(selector).unwrap().unknown(&metrics), Vec::<String>::new(), "{query}");
            assert!(["job", "instance"].contains(&label), "{query}");
        }
    }
}

#[test]
fn every_dashboard_has_the_variables_that_the_linter_wants() {
    for board in boards() {
        let variables: Vec<&Value> = list(&board.json["templating"], "list").collect();
        let names: Vec<&str> = variables.iter().map(|variable| text(variable, "name")).collect();
        assert_eq!(names, ["datasource", "job", "instance"], "{}", board.file);
        assert_eq!(text(variables[0], "type"), "datasource");
        assert_eq!(text(variables[0], "query"), "prometheus");
        assert_eq!(text(variables[0], "label"), "Data source");
        for variable in &variables[1..] {
            assert_eq!(text(&variable["datasource"], "uid"), "${datasource}");
            assert_eq!(text(variable, "allValue"), ".+");
            assert_eq!(variable["multi"], true);
            assert_eq!(variable["includeAll"], true);
            assert_eq!(variable["refresh"], 2, "asked anew when the time range changes");
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_from_the_chosen_source() {
    let mut faults = Vec::new();
    for board in boards() {
        for panel in board.panels() {
            let mut fault =
                |what: &str| faults.push(format!("{}: {}: {what}", board.file, text(panel, "title")));
            let _ = text(panel, "title").is_empty().then(|| fault("no title"));
            let _ = (text(panel, "description").len() < 20).then(|| fault("no description"));
            let _ = text(&panel["fieldConfig"]["defaults"], "unit").is_empty().then(|| fault("no unit"));
            let sources = std::iter::once(panel).chain(list(panel, "targets"));
            for source in sources {
                let _ =
                    (text(&source["datasource"], "uid") != "${datasource}").then(|| fault("its own source"));
            }
            let refs: BTreeSet<&str> = list(panel, "targets").map(|target| text(target, "refId")).collect();
            let _ =
                (refs.is_empty() || refs.len() != list(panel, "targets").count()).then(|| fault("refIds"));
        }
    }
    none(&faults);
}

#[test]
fn every_query_is_for_the_chosen_sensors_and_rates_what_counts() {
    let metrics = metrics();
    let mut faults = Vec::new();
    for board in boards() {
        for (place, expr) in board.queries() {
            let asked = asked(expr).unwrap();
            faults.extend(asked.faults.iter().map(|fault| format!("{place}: {fault}")));
            for (name, matchers, around) in &asked.selectors {
                let given: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                for wanted in ["job=~\"$job\"", "instance=~\"$instance\""] {
                    if !given.iter().any(|matcher| matcher == wanted) {
                        faults.push(format!("{place}: {name} without {wanted}"));
                    }
                }
                let is_rated = ["rate", "increase"].contains(&around.as_str());
                if metrics.get(name).is_some_and(|metric| metric.is_counter) != is_rated {
                    faults.push(format!("{place}: {name} inside {around:?}"));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn dashboards_have_identities_of_their_own_and_cannot_be_edited() {
    let boards = boards();
    let names: Vec<&str> = boards.iter().map(|board| board.file.as_str()).collect();
    assert_eq!(names, ["network.json", "overview.json", "sensor.json"]);
    for key in ["uid", "title"] {
        let all: BTreeSet<&str> = boards.iter().map(|board| text(&board.json, key)).collect();
        assert_eq!(all.len(), boards.len(), "{key}");
    }
    for board in &boards {
        assert_eq!(text(&board.json, "uid"), format!("camsentry-{}", board.file.trim_end_matches(".json")));
        assert_eq!(board.json["schemaVersion"], 42);
        assert_eq!(board.json["editable"], false);
        assert!(board.json["id"].is_null(), "an id belongs to one server");
        let ids: BTreeSet<u64> =
            list(&board.json, "panels").filter_map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), list(&board.json, "panels").count(), "{}: ids of panels", board.file);
    }
}

#[test]
fn panels_lie_side_by_side_and_fill_the_width() {
    for board in boards() {
        let mut taken: BTreeMap<(u64, u64), &str> = BTreeMap::new();
        for panel in list(&board.json, "panels") {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            for cell in (x..x.saturating_add(w)).flat_map(|x| (y..y.saturating_add(h)).map(move |y| (x, y))) {
                assert!(cell.0 < 24, "{}: {} is too wide", board.file, text(panel, "title"));
                let other = taken.insert(cell, text(panel, "title"));
                assert_eq!(other, None, "{}: {} covers it", board.file, text(panel, "title"));
            }
        }
        let rows: BTreeSet<u64> = taken.keys().map(|cell| cell.1).collect();
        let cells = u64::try_from(taken.len()).unwrap();
        assert_eq!(cells, u64::try_from(rows.len()).unwrap().saturating_mul(24), "{}: a gap", board.file);
    }
}

#[test]
fn an_override_names_a_column_or_series_that_is_there() {
    for board in boards() {
        for panel in board.panels().filter(|panel| text(panel, "type") == "table") {
            let renamed: BTreeSet<&str> = list(panel, "transformations")
                .filter_map(|step| step["options"]["renameByName"].as_object())
                .flat_map(|names| names.values().filter_map(Value::as_str))
                .collect();
            for rule in list(&panel["fieldConfig"], "overrides") {
                let name = text(&rule["matcher"], "options");
                assert!(renamed.contains(name), "{}: {}: {name}", board.file, text(panel, "title"));
            }
        }
    }
}
