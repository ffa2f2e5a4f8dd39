//! The documents keep up with the program: links lead somewhere, every field and word is explained, and
//! the output that README shows is what the program prints.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::verdict::Reason;
use camsentry::verdict::Withheld;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every Markdown file at the top and in `docs`.
fn pages() -> Vec<PathBuf> {
    let folders = [root().to_owned(), root().join("docs")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut pages: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    pages.sort();
    pages
}

/// The anchor that a heading gets: lower case, words joined by hyphens, everything else left out.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_' || *c == ' ');
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let is_there = target.exists()
                && (place.is_empty()
                    || fs::read_to_string(&target)
                        .is_ok_and(|text| text.lines().any(|l| l.starts_with('#') && anchor(l) == place)));
            if !is_there {
                faults.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_field_of_a_record_is_explained() {
    let page = read("docs/records.md");
    for record in ["flow", "violation", "advice", "withheld", "summary"] {
        let schema: Value =
            serde_json::from_str(&read(&format!("docs/schema/{record}.schema.json"))).unwrap();
        let parts = [&schema["properties"], &schema["properties"]["packets"]["properties"]];
        let named = ["party", "details"].map(|name| &schema["$defs"][name]["properties"]);
        for field in parts.into_iter().chain(named).filter_map(Value::as_object).flat_map(|map| map.keys()) {
            assert!(page.contains(&format!("`{field}`")), "{record}: {field}");
        }
    }
}

#[test]
fn every_word_that_an_operator_meets_is_explained() {
    let page = read("docs/reading-the-report.md");
    for word in Reason::ALL.iter().map(|word| word.as_str()).chain(Withheld::ALL.iter().map(|w| w.as_str())) {
        assert!(page.contains(&format!("\n| `{word}` |")), "{word}");
    }
    let page = read("docs/records.md");
    for word in Service::ALL.iter().map(|word| word.as_str()).chain(Content::ALL.iter().map(|w| w.as_str())) {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn readme_shows_what_the_program_prints() {
    let demo = "fixtures/captures/demo";
    let ran = Command::new(env!("CARGO_BIN_EXE_camsentry"))
        .args(["check", "--site", &format!("{demo}/site.toml"), &format!("{demo}/capture.pcap")])
        .current_dir(root())
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let readme = read("README.md");
    assert!(readme.contains(&format!("--site {demo}/site.toml {demo}/capture.pcap")));
    let shown = readme.split("```\n").find(|block| block.starts_with("camsentry 0.")).unwrap();
    for part in shown.split("…\n") {
        assert!(printed.contains(part), "README shows what is not printed:\n{part}\n---\n{printed}");
    }
}
