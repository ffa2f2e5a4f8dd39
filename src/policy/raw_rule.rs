//! What stands in a rule of a file, every value with its place, before anything is made of it.

use toml::Spanned;
use toml::value::Datetime;

use crate::policy::diagnostic::Diagnostic;
use crate::policy::table::Table;

/// A list of keys: those of every rule, and then these.
macro_rules! rule_keys {
    ($($more:literal),*) => {
        &[
            "id",
            "from",
            "to",
            "except_from",
            "except_to",
            "transport",
            "ports",
            "both_ways",
            "services",
            "contents",
            "tls",
            "status",
            "feature",
            "peers",
            "to_zone_kind",
            "purpose",
            "source",
            "controls",
            "note",
            "advice",
            $($more),*
        ]
    };
}

/// Keys of a pack's rule.
pub const PACK_RULE_KEYS: &[&str] = rule_keys!["mirrors"];

/// Keys of a site's own rule.
pub const SITE_RULE_KEYS: &[&str] = rule_keys!["from_hosts", "to_hosts"];

/// Keys of a site's exception.
pub const EXCEPTION_KEYS: &[&str] = rule_keys!["from_hosts", "to_hosts", "owner", "reason", "expires"];

type Text = Option<Spanned<String>>;
type Texts = Option<Spanned<Vec<Spanned<String>>>>;

/// A rule as written, every value with its place. `None`: not there.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the keys of the file, described in docs/rules.md")]
pub struct RawRule {
    pub id: Text,
    pub from: Texts,
    pub to: Texts,
    pub except_from: Texts,
    pub except_to: Texts,
    pub from_hosts: Texts,
    pub to_hosts: Texts,
    pub transport: Texts,
    pub ports: Text,
    pub both_ways: Option<Spanned<bool>>,
    pub services: Texts,
    pub contents: Texts,
    pub tls: Text,
    pub status: Texts,
    pub feature: Text,
    pub peers: Texts,
    pub to_zone_kind: Text,
    pub purpose: Text,
    pub source: Text,
    pub controls: Texts,
    pub note: Text,
    pub advice: Text,
    pub mirrors: Texts,
    pub owner: Text,
    pub reason: Text,
    pub expires: Option<Spanned<Datetime>>,
}

impl RawRule {
    /// What stands in `table`; values of the wrong type are faults and count as not there.
    pub fn read(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Self {
        Self {
            id: table.text("id", faults),
            from: table.texts("from", faults),
            to: table.texts("to", faults),
            except_from: table.texts("except_from", faults),
            except_to: table.texts("except_to", faults),
            from_hosts: table.texts("from_hosts", faults),
            to_hosts: table.texts("to_hosts", faults),
            transport: table.texts("transport", faults),
            ports: table.text_or_number("ports", faults),
            both_ways: table.flag("both_ways", faults),
            services: table.texts("services", faults),
            contents: table.texts("contents", faults),
            tls: table.text("tls", faults),
            status: table.texts("status", faults),
            feature: table.text("feature", faults),
            peers: table.texts("peers", faults),
            to_zone_kind: table.text("to_zone_kind", faults),
            purpose: table.text("purpose", faults),
            source: table.text("source", faults),
            controls: table.texts("controls", faults),
            note: table.text("note", faults),
            advice: table.text("advice", faults),
            mirrors: table.texts("mirrors", faults),
            owner: table.text("owner", faults),
            reason: table.text("reason", faults),
            expires: table.moment("expires", faults),
        }
    }
}
