//! A pack file, `rules/*.toml`: its text becomes a [`Pack`], or every fault in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use crate::policy::assertion_text::ASSERTION_KEYS;
use crate::policy::assertion_text::compile_assertion;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::rule::Assertion;
use crate::policy::rule::Pack;
use crate::policy::rule::PackId;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule_text::PACK_RULE_KEYS;
use crate::policy::rule_text::RawRule;
use crate::policy::rule_text::RuleContext;
use crate::policy::rule_text::RuleKind;
use crate::policy::rule_text::compile_rule;
use crate::policy::rule_text::shared;
use crate::policy::suggest::way_out;
use crate::policy::table::Table;
use crate::policy::table::parse;

/// A pack with the places of its rules, for those who have to point at them.
#[derive(Clone, Debug)]
pub struct PackFile {
    /// What it says.
    pub pack: Pack,
    /// The file that it was read from.
    pub source: SourceText,
    /// Where the id of each rule and assertion stands.
    pub places: Vec<(RuleId, Range<usize>)>,
    /// Rules that say the same as another on purpose, because the guide lists the conversation at both
    /// of its ends: the rule, and the one that it mirrors.
    pub mirrors: Vec<(RuleId, RuleId)>,
}

impl PackFile {
    /// Where the rule or assertion `id` stands; the beginning of the file if it does not.
    pub fn place(&self, id: &RuleId) -> Range<usize> {
        self.places.iter().find(|(known, _)| known == id).map_or(0..0, |(_, place)| place.clone())
    }
}

/// Reads a pack.
///
/// # Errors
/// All faults of the text, each at its place. Where the text is not TOML, faults that may only be
/// a consequence of that are left out.
pub fn read_pack(source: &SourceText) -> Result<PackFile, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let root = parse(source, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let root = Table::root(source, &root, &["pack", "features", "allow", "assert"], &mut faults);
    let head = read_head(&root, &mut faults);
    let features = read_features(&root, &mut faults);
    let Rules { rules, ids: mut places, mirrors } = read_rules(&root, &head.id, &features, &mut faults);
    let assertions = read_assertions(&root, &head.id, &mut places, &mut faults);
    refuse_duplicates(source, &places, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let places = places.into_iter().map(|id| (RuleId(shared(&id)), id.span())).collect();
    let pack = Pack { features, rules, assertions, ..head };
    Ok(PackFile { pack, source: source.clone(), places, mirrors })
}

fn read_head(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Pack {
    let known = ["id", "title", "source", "everywhere"];
    let head = root.child("pack", &known, faults);
    if !root.has("pack") {
        root.missing("pack", "begin the file with `[pack]`, `id`, `title` and `source`", faults);
    }
    let mut text = |key: &str| -> Arc<str> {
        let Some(head) = &head else { return Arc::from("") };
        if !head.has(key) {
            head.missing(key, &format!("add `{key} = \"…\"`"), faults);
        }
        head.text(key, faults).map_or_else(|| Arc::from(""), |text| shared(&text))
    };
    let (id, title, source) = (PackId(text("id")), text("title"), text("source"));
    let everywhere = head.and_then(|head| head.flag("everywhere", faults));
    let everywhere = everywhere.is_some_and(|flag| *flag.get_ref());
    Pack { id, title, source, everywhere, features: Vec::new(), rules: Vec::new(), assertions: Vec::new() }
}

fn read_features(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(features) = root.free_child("features", faults) else { return Vec::new() };
    let mut known = Vec::new();
    for (name, _) in features.entries() {
        if let Some(sentence) = features.text(name.get_ref(), faults) {
            known.push((shared(&name), shared(&sentence)));
        }
    }
    known
}

/// What `[[allow]]` says.
#[derive(Default)]
struct Rules {
    rules: Vec<Rule>,
    /// Ids of all that are written, with or without fault.
    ids: Vec<Spanned<String>>,
    mirrors: Vec<(RuleId, RuleId)>,
}

fn read_rules(
    root: &Table<'_>,
    pack: &PackId,
    features: &[(Arc<str>, Arc<str>)],
    faults: &mut Vec<Diagnostic>,
) -> Rules {
    let names: Vec<Arc<str>> = features.iter().map(|(name, _)| Arc::clone(name)).collect();
    let mut read = Rules::default();
    let mut mirrors = Vec::new();
    for table in root.children("allow", PACK_RULE_KEYS, faults) {
        let raw = RawRule::read(&table, faults);
        let context = RuleContext { table: &table, kind: RuleKind::Pack, pack, features: &names };
        read.rules.extend(compile_rule(&raw, &context, faults));
        if let (Some(id), Some(others)) = (&raw.id, raw.mirrors) {
            mirrors.extend(others.into_inner().into_iter().map(|other| (id.clone(), other)));
        }
        read.ids.extend(raw.id);
    }
    for (id, other) in mirrors {
        refuse_unknown_rule("mirrors", &other, &read.ids, root.source(), faults);
        read.mirrors.push((RuleId(shared(&id)), RuleId(shared(&other))));
    }
    read
}

fn refuse_unknown_rule(
    key: &str,
    named: &Spanned<String>,
    rules: &[Spanned<String>],
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    let known: Vec<&str> = rules.iter().map(|id| id.get_ref().as_str()).collect();
    if known.contains(&named.get_ref().as_str()) {
        return;
    }
    let message = format!("`{key}` names `{}`, which is no rule of this pack", named.get_ref());
    let help = Some(way_out(named.get_ref(), &known));
    faults.push(Diagnostic::error(source, named.span(), message, "no such rule", help));
}

fn read_assertions(
    root: &Table<'_>,
    pack: &PackId,
    places: &mut Vec<Spanned<String>>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Assertion> {
    let rules = places.clone();
    let mut assertions = Vec::new();
    for table in root.children("assert", ASSERTION_KEYS, faults) {
        // A wrong type is a fault of `compile_assertion`; here only the names are looked at.
        for named in table.texts("except", &mut Vec::new()).into_iter().flat_map(Spanned::into_inner) {
            refuse_unknown_rule("except", &named, &rules, root.source(), faults);
        }
        assertions.extend(compile_assertion(&table, pack, faults));
        places.extend(table.text("id", &mut Vec::new()));
    }
    assertions
}

fn refuse_duplicates(source: &SourceText, ids: &[Spanned<String>], faults: &mut Vec<Diagnostic>) {
    let ends: Vec<usize> = source.text.match_indices('\n').map(|(at, _)| at).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for id in ids {
        let first = match seen.entry(id.get_ref().as_str()) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(free) => {
                free.insert(id.span().start);
                continue;
            }
        };
        let message = format!("the id `{}` is used twice", id.get_ref());
        let line = ends.partition_point(|end| *end < first).saturating_add(1);
        let help = Some(format!("it stands first in line {line}; give one of them another id"));
        faults.push(Diagnostic::error(source, id.span(), message, "again here", help));
    }
}
