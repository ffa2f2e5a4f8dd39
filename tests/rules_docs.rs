//! docs/rules.md describes every key, check, status and group that a pack may use.

use camsentry::inventory::role::GROUPS;
use camsentry::policy::assertion_text::ASSERTION_KEYS;
use camsentry::policy::assertion_text::check_names;
use camsentry::policy::rule::Status;
use camsentry::policy::rule::TlsDemand;
use camsentry::policy::rule_text::PACK_RULE_KEYS;

const DOCS: &str = include_str!("../docs/rules.md");

fn described(words: impl IntoIterator<Item = &'static str>) {
    for word in words {
        assert!(DOCS.contains(&format!("`{word}`")), "docs/rules.md does not describe `{word}`");
    }
}

#[test]
fn every_key_of_a_rule_and_of_an_assertion_is_described() {
    described(PACK_RULE_KEYS.iter().copied());
    described(ASSERTION_KEYS.iter().copied());
}

#[test]
fn every_check_status_demand_and_group_is_described() {
    described(check_names());
    described(Status::ALL.iter().map(|status| status.as_str()));
    described(TlsDemand::ALL.iter().map(|demand| demand.as_str()));
    described(GROUPS.iter().copied());
}
