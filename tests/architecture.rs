//! The sources keep to the map in ARCHITECTURE.md: no stage imports a later one, paths are written so that
//! this can be read off, files stay short and say what they are for.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The stages in the order of the data flow. A stage may import itself and those before it.
const STAGES: &[&str] = &[
    "capture",
    "decode",
    "flow",
    "recognise",
    "event",
    "inventory",
    "policy",
    "judge",
    "export",
    "report",
    "pipeline",
    "watch",
    "cli",
];

/// Words that belong to no stage and that every stage may use, and what is asked of the kernel.
const VOCABULARY: &[&str] = &[
    "addr",
    "time",
    "evidence",
    "service",
    "verdict",
    "kernel",
    "inventory::role",
    "policy::rule",
    "policy::diagnostic",
];

/// Known exceptions: who, what it imports, and why that is right.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "inventory::site_file",
    "policy",
    "a site file holds rules in the syntax of packs, and its faults are found together with those of its hosts",
)];

/// Longest source file, in lines.
const LONGEST: usize = 500;

/// One source file: its path from the package's folder, its module path, its text.
struct Source {
    path: String,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    paths.sort();
    let source = |path: PathBuf| {
        let relative = path.strip_prefix(root).unwrap().display().to_string();
        let module = relative.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.trim_end_matches("/mod").replace('/', "::");
        Source { text: fs::read_to_string(&path).unwrap(), path: relative, module }
    };
    paths.into_iter().map(source).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Whether `path` is `module` or inside it.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The path behind `use crate::`, if the line is such an import.
fn imported(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.split_once("use ").map_or("", |(_, rest)| rest),
        None => line.strip_prefix("use ").unwrap_or_default(),
    };
    line.strip_prefix("crate::").map(|path| path.trim_end().trim_end_matches(';'))
}

/// What is wrong with `module` importing `target`, if anything.
fn objection(module: &str, target: &str) -> Option<String> {
    if target.contains('{') || target.contains('*') {
        return Some("imports several things at once: one path in each `use`".to_owned());
    }
    if VOCABULARY.iter().any(|word| is_in(target, word)) {
        return None;
    }
    if EXCEPTIONS.iter().any(|(who, what, _)| is_in(module, who) && is_in(target, what)) {
        return None;
    }
    let place = |path: &str| STAGES.iter().position(|stage| is_in(path, stage));
    let stage = |path: &str| path.split("::").next().unwrap_or_default().to_owned();
    match (place(module), place(target)) {
        (_, None) => Some(format!("imports {}, which the table in this test does not name", stage(target))),
        (Some(mine), Some(theirs)) if theirs <= mine => None,
        (Some(_), Some(_)) => Some(format!("imports {}, a later stage", stage(target))),
        (None, Some(_)) => Some(format!("is vocabulary and imports {}, a stage", stage(target))),
    }
}

#[test]
fn no_stage_imports_a_later_one() {
    let mut faults = Vec::new();
    for source in sources() {
        // The roots see everything; a word that all stages use sees words only.
        if ["lib", "main"].contains(&source.module.as_str()) {
            continue;
        }
        for (line, number) in source.text.lines().zip(1..) {
            let fault = imported(line).and_then(|target| objection(&source.module, target));
            faults.extend(fault.map(|fault| format!("{}:{number}: {fault}", source.path)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_rule_finds_what_it_forbids() {
    assert!(objection("decode::walk", "policy::decide").is_some());
    assert!(objection("inventory::signs", "policy::packs").is_some());
    assert!(objection("judge::ledger", "policy::{decide, fit}").is_some());
    assert!(objection("time", "flow::FlowKey").is_some());
    assert!(objection("cli::check", "nowhere::Thing").is_some());
    assert_eq!(objection("policy::decide", "inventory::Inventory"), None);
    assert_eq!(objection("inventory::site", "policy::rule::RuleId"), None);
    assert_eq!(objection("inventory::site_file::zones", "policy::table::Table"), None);
    assert_eq!(imported("    pub(crate) use crate::service::words;"), Some("service::words"));
    assert_eq!(imported("use std::fmt;"), None);
}

#[test]
fn crate_paths_stand_in_use_lines_only() {
    let mut faults = Vec::new();
    for source in sources() {
        for (line, number) in source.text.lines().zip(1..) {
            let code = line.split("//").next().unwrap_or_default();
            if imported(line).is_none() && code.contains("crate::") && !code.contains("$crate::") {
                faults.push(format!("{}:{number}: {}", source.path, code.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "give each of these a `use` line:\n{}", faults.join("\n"));
}

#[test]
fn stages_do_no_input_or_output_and_start_no_threads() {
    const PURE: &[&str] =
        &["decode", "flow", "recognise", "event", "inventory", "policy", "judge", "report", "verdict"];
    const RIM: &[&str] =
        &["std::fs", "std::net::Tcp", "std::net::Udp", "std::thread", "std::process", "tokio::"];
    let mut faults = Vec::new();
    for source in sources() {
        if !PURE.iter().any(|stage| is_in(&source.module, stage)) {
            continue;
        }
        // Unit tests, at the end of a file or in one of their own, may read fixtures.
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        if source.module.ends_with("::tests") {
            continue;
        }
        for (line, number) in code.lines().zip(1..) {
            let found = RIM.iter().find(|word| line.contains(**word));
            faults.extend(found.map(|word| format!("{}:{number}: {word}", source.path)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            faults.push(format!("{}: {lines} lines, more than {LONGEST}: split it", source.path));
        }
        if !source.text.starts_with("//! ") {
            faults.push(format!("{}: does not begin with `//!` and its one job", source.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
