//! `docs/protocols.md` has a row for every service that is recognised, and none for others; every
//! recogniser's file says where its facts come from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Content;
use camsentry::service::Service;

const DOCUMENT: &str = include_str!("../../docs/protocols.md");

/// Words that stand before the place of a source.
const SOURCES: [&str; 4] = ["Source", "RFC", "[MS-", "X.690"];

/// The table's rows: their cells.
fn rows() -> Vec<Vec<&'static str>> {
    let table = DOCUMENT.lines().skip_while(|line| !line.starts_with("| service |"));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_service_of_the_registry_has_a_row_and_every_row_a_service() {
    let known: BTreeSet<String> = RECOGNISERS.iter().map(|one| one.service().to_string()).collect();
    let mut written = BTreeSet::new();
    for row in rows() {
        assert_eq!(row.len(), 9, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        for word in row[0].split(", ") {
            let word = word.trim_matches('`');
            assert!(Service::parse(word).is_some(), "{word} is no service");
            assert!(written.insert(word.to_owned()), "{word} has two rows");
        }
    }
    assert_eq!(written, known);
}

#[test]
fn every_row_s_files_exist_and_every_file_says_its_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recognise");
    for row in rows() {
        for file in row[1].split(", ") {
            let file = file.trim_matches('`');
            let text = fs::read_to_string(folder.join(file)).unwrap_or_else(|_| panic!("{file} is missing"));
            let doc: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
            let doc = doc.join("\n");
            let by_shape = row[0] == "`text`";
            assert!(by_shape || SOURCES.iter().any(|word| doc.contains(word)), "{file} names no source");
        }
    }
}

#[test]
fn every_recogniser_of_the_registry_stands_in_a_file_of_the_table() {
    let registry = include_str!("../../src/recognise/registry.rs");
    let named: BTreeSet<&str> =
        rows().iter().flat_map(|row| row[1].split(", ")).map(|file| file.trim_matches('`')).collect();
    for line in registry.lines().filter_map(|line| line.strip_prefix("use super::")) {
        let Some((module, _)) = line.split_once("::") else { continue };
        assert!(named.contains(format!("{module}.rs").as_str()), "{module}.rs has no row");
    }
}

#[test]
fn every_content_is_explained() {
    for content in Content::ALL {
        assert!(DOCUMENT.contains(&format!("`{content}`")), "{content}");
    }
}
