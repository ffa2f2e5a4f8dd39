//! `[[zone]]`: parts of the site and the packs in force there.

use std::sync::Arc;

use crate::inventory::site::Zone;
use crate::inventory::site_file::clashes::Clashes;
use crate::inventory::site_file::known::Known;
use crate::inventory::site_file::known::names;
use crate::inventory::site_file::network_text::networks;
use crate::inventory::site_file::unknown_word;
use crate::inventory::site_file::warning;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::rule::PackId;
use crate::policy::rule_text::shared;
use crate::policy::table::Table;

const ZONE_KEYS: &[&str] = &["name", "networks", "packs", "kind"];

pub(super) fn zones(
    root: &Table<'_>,
    known: &Known,
    clashes: &mut Clashes,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Zone> {
    let tables = root.children("zone", ZONE_KEYS, faults);
    tables.iter().map(|table| zone(table, known, clashes, faults)).collect()
}

fn zone(table: &Table<'_>, known: &Known, clashes: &mut Clashes, faults: &mut Vec<Diagnostic>) -> Zone {
    let source = table.source();
    let name: Arc<str> = match table.text("name", faults) {
        Some(name) => {
            clashes.zone_name(shared(&name), name.span());
            shared(&name)
        }
        None => {
            if !table.has("name") {
                table.missing("name", "add `name = \"…\"`", faults);
            }
            Arc::from("")
        }
    };
    let mut nets = Vec::new();
    match table.texts("networks", faults) {
        Some(written) => {
            for net in networks(source, &written, faults) {
                clashes.zone_network(*net.get_ref(), Arc::clone(&name), net.span());
                nets.push(net.into_inner());
            }
        }
        None if !table.has("networks") => {
            table.missing("networks", "add `networks = [\"10.20.0.0/24\"]`", faults);
        }
        None => {}
    }
    Zone { name, networks: nets, packs: packs(table, known, faults), kind: kind(table, known, faults) }
}

fn packs(table: &Table<'_>, known: &Known, faults: &mut Vec<Diagnostic>) -> Vec<PackId> {
    let mut packs = Vec::new();
    let written = table.texts("packs", faults).map(toml::Spanned::into_inner).unwrap_or_default();
    for pack in written {
        let id = PackId(shared(&pack));
        if !known.packs.contains(&id.0) {
            unknown_word("pack", &pack, &names(&known.packs), table.source(), faults);
        } else if !packs.contains(&id) {
            packs.push(id);
        }
    }
    packs
}

fn kind(table: &Table<'_>, known: &Known, faults: &mut Vec<Diagnostic>) -> Option<Arc<str>> {
    let written = table.text("kind", faults)?;
    let kind = shared(&written);
    if !known.zone_kinds.contains(&kind) {
        let help = format!("rules ask for: {}", names(&known.zone_kinds).join(", "));
        let message = format!("no rule asks for zones of kind `{kind}`");
        faults.push(warning(table.source(), written.span(), message, "without effect", help));
    }
    Some(kind)
}
