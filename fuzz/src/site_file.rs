//! Arbitrary text as a site file: a site that a policy can be made of and whose draft reads back, or
//! faults that stand where the text is and can be drawn.

use std::sync::LazyLock;

use camsentry::inventory::Inventory;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::policy::diagnostic::Gravity;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::file::PackFile;
use camsentry::policy::lint_site::lint_site;
use camsentry::policy::packs;

use crate::cost::Budget;
use crate::cost::within;
use crate::rule_file::draw;

const BUDGET: Budget = Budget { octets: 16 << 20, octets_each: 1 << 14, micros_each: 200 };

/// What a site file may refer to.
pub static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::of(&packs::shipped()));

static FILES: LazyLock<Vec<PackFile>> = LazyLock::new(|| packs::load(&packs::shipped_texts()).unwrap());

/// The target.
pub fn run(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    let (known, files) = (&*KNOWN, &*FILES);
    let source = SourceText { name: "site.toml".to_owned(), text: text.to_owned() };
    within(BUDGET, octets.len(), || {
        let reading = read_site(&source, known);
        let errors = reading.diagnostics.iter().filter(|fault| fault.gravity == Gravity::Error).count();
        assert_eq!(reading.site.is_some(), errors == 0);
        draw(&reading.diagnostics, &source);
        let Some(site) = reading.site else { return };
        draw(&lint_site(&site, &source, files, None), &source);
        read_back(&Inventory::new(Some(site)).draft());
    });
}

/// A draft has no fault.
pub fn read_back(draft: &str) {
    let source = SourceText { name: "draft.toml".to_owned(), text: draft.to_owned() };
    let reading = read_site(&source, &KNOWN);
    assert!(reading.site.is_some(), "{:?}\n{draft}", reading.diagnostics);
}
