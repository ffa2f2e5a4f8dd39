//! On every site of `fixtures/captures` the audit finds what its paper says, and nothing else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use camsentry::judge::audit::Audit;
use serde::Deserialize;

#[path = "support/audit.rs"]
mod audit;
#[path = "support/verdict.rs"]
mod verdict;

use verdict::Expected;

/// A paper: `expected.toml`, written by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    /// Exit code of `camsentry check`.
    exit: u8,
    /// How many violations there are.
    violations: usize,
    #[serde(default)]
    violation: Vec<Expected>,
    #[serde(default)]
    advice: Vec<ExpectedAdvice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAdvice {
    code: String,
    /// Any of these.
    rules: Vec<String>,
    orig: String,
    resp: String,
    port: u16,
}

fn folders() -> Vec<PathBuf> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(captures).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn paper(folder: &Path) -> Paper {
    toml::from_str(&fs::read_to_string(folder.join("expected.toml")).unwrap())
        .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()))
}

#[test]
fn every_paper_adds_up() {
    for folder in folders() {
        let paper = paper(&folder);
        assert_eq!(paper.violations, paper.violation.len(), "{}", folder.display());
        assert_eq!(paper.exit, u8::from(paper.violations > 0), "{}", folder.display());
    }
}

#[test]
fn together_the_papers_plant_every_reason() {
    let planted: Vec<String> = folders()
        .iter()
        .flat_map(|folder| paper(folder).violation)
        .map(|violation| violation.reason)
        .collect();
    for reason in camsentry::verdict::Reason::ALL {
        assert!(planted.iter().any(|planted| planted == reason.as_str()), "nothing plants {reason}");
    }
}

#[test]
fn the_audit_finds_what_is_planted_and_nothing_else() {
    let mut faults = Vec::new();
    for folder in folders() {
        let capture = fs::read(folder.join("capture.pcap")).unwrap();
        let site = fs::read_to_string(folder.join("site.toml")).unwrap();
        let found = audit::audit(&capture, &site, false);
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        faults.extend(compare(&paper(&folder), &found).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn compare(paper: &Paper, found: &Audit) -> Vec<String> {
    let mut faults = Vec::new();
    for expected in &paper.violation {
        let about =
            format!("{} {:?} to {:?} {:?}", expected.reason, expected.orig, expected.resp, expected.port);
        let hits: Vec<_> = found.violations.iter().filter(|violation| expected.is_about(violation)).collect();
        match hits.as_slice() {
            [hit] => faults.extend(expected.differences(hit).iter().map(|text| format!("{about}: {text}"))),
            [] => faults.push(format!("{about}: not found")),
            many => faults.push(format!("{about}: found {} times", many.len())),
        }
    }
    for violation in &found.violations {
        if !paper.violation.iter().any(|expected| expected.is_about(violation)) {
            faults.push(format!("not planted: {}", violation.message));
        }
    }
    for expected in &paper.advice {
        let found = found.advice.iter().any(|advice| {
            *advice.code == expected.code
                && expected.rules.contains(&advice.rule.to_string())
                && advice.orig.addr.ip().to_string() == expected.orig
                && advice.resp.addr.ip().to_string() == expected.resp
                && advice.port == Some(expected.port)
        });
        if !found {
            let (code, rules) = (&expected.code, &expected.rules);
            faults.push(format!(
                "advice {code} by {rules:?} from {} to {}: not given",
                expected.orig, expected.resp
            ));
        }
    }
    faults
}
