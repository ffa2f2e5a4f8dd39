//! Reads the operator's site file (TOML): a [`Site`], or every fault at once with its place and the
//! way out. `docs/site-file.md` describes each key.

mod clashes;
mod known;
mod lines;
mod network_text;
mod settings;
mod who;
mod zones;

use std::collections::HashSet;
use std::sync::Arc;

pub use known::Known;

use crate::inventory::site::Site;
use crate::inventory::site_file::clashes::Clashes;
use crate::inventory::site_file::lines::Lines;
use crate::inventory::site_file::network_text::networks;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::Gravity;
use crate::policy::diagnostic::SourceText;
use crate::policy::rule::PackId;
use crate::policy::rule::Rule;
use crate::policy::rule_text::EXCEPTION_KEYS;
use crate::policy::rule_text::RawRule;
use crate::policy::rule_text::RuleContext;
use crate::policy::rule_text::RuleKind;
use crate::policy::rule_text::SITE_RULE_KEYS;
use crate::policy::rule_text::compile_rule;
use crate::policy::rule_text::shared;
use crate::policy::suggest::way_out;
use crate::policy::table::Table;
use crate::policy::table::parse;

/// What became of a site file.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The site; `None` if a diagnostic is an error.
    pub site: Option<Arc<Site>>,
    /// Errors and warnings, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// The pack name of a site's own rules and exceptions.
pub const SITE_PACK: &str = "site";

/// Reads `source`. Packs, features and rules are looked up in `known`; what is not there is a fault.
pub fn read_site(source: &SourceText, known: &Known) -> Reading {
    let mut faults = Vec::new();
    let root = parse(source, &mut faults);
    let broken_from = first_broken_line(source, &faults);
    let mut meant = Vec::new();
    let table = Table::root(source, &root, ROOT_KEYS, &mut meant);
    let site = site(&table, known, broken_from.is_some(), &mut meant);
    let is_readable = |fault: &Diagnostic| broken_from.is_none_or(|line| fault.span.start < line);
    faults.extend(meant.into_iter().filter(is_readable));
    faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    let is_usable = faults.iter().all(|fault| fault.gravity != Gravity::Error);
    Reading { site: is_usable.then(|| Arc::new(site)), diagnostics: faults }
}

/// Where the first line begins that is not TOML: what stands from there on may not mean what it seems to,
/// and to name its faults too would hide the one that matters.
fn first_broken_line(source: &SourceText, faults: &[Diagnostic]) -> Option<usize> {
    let first = faults.iter().map(|fault| fault.span.start).min()?;
    let before = source.text.get(..first).unwrap_or_default();
    Some(before.rfind('\n').map_or(0, |newline| newline.saturating_add(1)))
}

const ROOT_KEYS: &[&str] = &[
    "name",
    "monitored",
    "features",
    "key_by_vlan",
    "zone",
    "host",
    "network",
    "mac",
    "vendor",
    "ports",
    "named_ports",
    "named_peers",
    "severity",
    "tls",
    "allow",
    "exception",
];

fn site(root: &Table<'_>, known: &Known, broken: bool, faults: &mut Vec<Diagnostic>) -> Site {
    let lines = Lines::of(root.source());
    let mut clashes = Clashes::default();
    let (allow, exceptions) = rules(root, known, faults);
    let mut site = Site {
        name: root.text("name", faults).map_or_else(|| Arc::from("the site"), |name| shared(&name)),
        zones: zones::zones(root, known, &mut clashes, faults),
        assignments: who::assignments(root, &lines, &mut clashes, faults),
        role_ports: settings::role_ports(root, faults),
        named_ports: settings::named_ports(root, known, &allow, faults),
        named_peers: settings::named_peers(root, known, &allow, faults),
        features: settings::features(root, known, faults),
        severities: settings::severities(root, faults),
        key_by_vlan: root.flag("key_by_vlan", faults).is_some_and(|flag| flag.into_inner()),
        allow,
        exceptions,
        ..Site::default()
    };
    (site.authorities, site.self_signed) = settings::tls(root, faults);
    match root.texts("monitored", faults) {
        Some(written) => {
            let monitored = networks(root.source(), &written, faults);
            site.monitored = monitored.iter().map(|placed| *placed.get_ref()).collect();
            if !site.monitored.is_empty() {
                clashes.outside(root.source(), &site.monitored, faults);
            }
        }
        // A file that broke off may well have the key further down.
        None if !broken && !root.has("monitored") => {
            root.missing(
                "monitored",
                "add `monitored = [\"10.20.0.0/16\"]` with the networks to judge",
                faults,
            );
        }
        None => {}
    }
    clashes.twice(root.source(), &lines, faults);
    site
}

fn rules(root: &Table<'_>, known: &Known, faults: &mut Vec<Diagnostic>) -> (Vec<Rule>, Vec<Rule>) {
    let pack = PackId(Arc::from(SITE_PACK));
    let mut taken: HashSet<Arc<str>> = known.rules.iter().cloned().collect();
    let mut read = |key: &str, keys: &[&str], kind: RuleKind, faults: &mut Vec<Diagnostic>| {
        let mut rules = Vec::new();
        for table in root.children(key, keys, faults) {
            let raw = RawRule::read(&table, faults);
            let context = RuleContext { table: &table, kind, pack: &pack, features: &known.features };
            if let Some(id) = &raw.id {
                refuse_taken_id(id, &mut taken, root.source(), faults);
            }
            rules.extend(compile_rule(&raw, &context, faults));
        }
        rules
    };
    let allow = read("allow", SITE_RULE_KEYS, RuleKind::SiteAllow, faults);
    let exceptions = read("exception", EXCEPTION_KEYS, RuleKind::SiteException, faults);
    (allow, exceptions)
}

fn refuse_taken_id(
    id: &toml::Spanned<String>,
    taken: &mut HashSet<Arc<str>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    let name = shared(id);
    if taken.contains(&name) {
        let message = format!("the id `{name}` is taken by another rule");
        let help = Some(format!("choose another one, such as `site-{name}`"));
        faults.push(Diagnostic::error(source, id.span(), message, "not unique", help));
    }
    taken.insert(name);
}

/// A fault for a word that is not in a list of known ones.
fn unknown_word(
    what: &str,
    written: &toml::Spanned<String>,
    known: &[&str],
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    let message = format!("unknown {what} `{}`", written.get_ref());
    let help = Some(way_out(written.get_ref(), known));
    faults.push(Diagnostic::error(source, written.span(), message, format!("no such {what}"), help));
}

/// A fault that does not make the file unusable.
fn warning(
    source: &SourceText,
    span: std::ops::Range<usize>,
    message: impl Into<String>,
    label: &str,
    help: String,
) -> Diagnostic {
    Diagnostic { gravity: Gravity::Warning, ..Diagnostic::error(source, span, message, label, Some(help)) }
}
