//! `rules lint` names what cannot be meant, and says nothing about the packs that we ship.

use camsentry::policy::lint::lint_packs;
use camsentry::policy::packs::load;
use camsentry::policy::packs::shipped_texts;

#[test]
fn the_shipped_packs_give_no_finding() {
    let files = load(&shipped_texts()).unwrap_or_default();
    assert_eq!(files.len(), 3);
    let found: Vec<String> = lint_packs(&files).into_iter().map(|finding| finding.message).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
