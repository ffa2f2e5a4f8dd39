//! What stands in `grafana/` fits the program: every metric and label that a panel, a variable or an alert names is in
//! a scrape, the dashboards keep the rules of Grafana's dashboard-linter, and the alerts are the same for Prometheus
//! and for Grafana. `grafana/test.sh` goes on from here with the real programs.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "test helpers"
)]

#[path = "grafana/alerts.rs"]
mod alerts;
#[path = "grafana/boards.rs"]
mod boards;
#[path = "grafana/expression.rs"]
mod expression;
#[path = "grafana/scrape.rs"]
mod scrape;
#[path = "support/watched.rs"]
#[expect(dead_code, reason = "what a scrape is made by is enough here")]
mod watched;

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The names of the files in a folder, sorted.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
