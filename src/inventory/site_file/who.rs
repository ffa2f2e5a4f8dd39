//! `[[host]]`, `[[network]]`, `[[mac]]` and `[[vendor]]`: who has which roles.

use toml::Spanned;

use crate::inventory::role::GROUPS;
use crate::inventory::role::Role;
use crate::inventory::site::Assignment;
use crate::inventory::site::PortChange;
use crate::inventory::site::Whom;
use crate::inventory::site_file::clashes::Clashes;
use crate::inventory::site_file::clashes::Subject;
use crate::inventory::site_file::lines::Lines;
use crate::inventory::site_file::network_text::addresses;
use crate::inventory::site_file::network_text::macs;
use crate::inventory::site_file::network_text::networks;
use crate::inventory::site_file::network_text::vendor_prefixes;
use crate::inventory::site_file::settings::port_number;
use crate::inventory::site_file::unknown_word;
use crate::inventory::vendors::vendor_named;
use crate::inventory::vendors::vendors;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::port_text::parse_port_set;
use crate::policy::rule_text::shared;
use crate::policy::suggest::nearest;
use crate::policy::table::Table;

const HOST_KEYS: &[&str] = &["address", "roles", "name", "nat", "ports"];
const NETWORK_KEYS: &[&str] = &["prefix", "roles", "name", "nat", "ports"];
const MAC_KEYS: &[&str] = &["address", "roles", "name", "nat", "ports"];
const VENDOR_KEYS: &[&str] = &["prefix", "name", "roles"];

/// Every declaration of the file, those of hosts first.
pub(super) fn assignments(
    root: &Table<'_>,
    lines: &Lines,
    clashes: &mut Clashes,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Assignment> {
    let mut all = Vec::new();
    for (key, keys) in
        [("host", HOST_KEYS), ("network", NETWORK_KEYS), ("mac", MAC_KEYS), ("vendor", VENDOR_KEYS)]
    {
        for table in root.children(key, keys, faults) {
            let roles = roles(&table, faults);
            let subjects = subjects(key, &table, faults);
            for subject in &subjects {
                clashes.subject(*subject.get_ref(), &roles, subject.span());
            }
            let name = if key == "vendor" { None } else { table.text("name", faults) };
            all.push(Assignment {
                whom: whom(key, &subjects),
                roles,
                name: name.as_ref().map(shared),
                ports: changed_ports(&table, faults),
                nat: table.flag("nat", faults).is_some_and(Spanned::into_inner),
                place: lines.place(table.span().start),
            });
        }
    }
    all
}

fn subjects(key: &str, table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Spanned<Subject>> {
    let (field, example) = match key {
        "host" => ("address", "address = \"10.20.0.17\""),
        "network" => ("prefix", "prefix = \"10.20.0.0/24\""),
        "mac" => ("address", "address = \"00:03:c5:12:34:56\""),
        _ => ("prefix", "prefix = \"00:03:c5\"` or `name = \"MOBOTIX\""),
    };
    let source = table.source();
    let Some(written) = table.texts(field, faults) else {
        if key == "vendor" && table.has("name") {
            return named_vendor(table, faults);
        }
        if !table.has(field) {
            table.missing(field, &format!("add `{example}`"), faults);
        }
        return Vec::new();
    };
    match key {
        "host" => placed(addresses(source, &written, faults), Subject::Host),
        "network" => placed(networks(source, &written, faults), Subject::Network),
        "mac" => placed(macs(source, &written, faults), Subject::Mac),
        _ => placed(vendor_prefixes(source, &written, faults), Subject::Vendor),
    }
}

fn placed<T: Copy>(values: Vec<Spanned<T>>, subject: fn(T) -> Subject) -> Vec<Spanned<Subject>> {
    values.iter().map(|value| Spanned::new(value.span(), subject(*value.get_ref()))).collect()
}

fn named_vendor(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Spanned<Subject>> {
    let Some(name) = table.text("name", faults) else { return Vec::new() };
    let Some(vendor) = vendor_named(name.get_ref()) else {
        let message = format!("unknown vendor `{}`", name.get_ref());
        let help = Some(vendor_help(name.get_ref()));
        faults.push(Diagnostic::error(table.source(), name.span(), message, "no such vendor", help));
        return Vec::new();
    };
    vendor.prefixes().map(|prefix| Spanned::new(name.span(), Subject::Vendor(prefix))).collect()
}

/// Suggestions compare lower case; makers are written as they write themselves.
fn vendor_help(name: &str) -> String {
    let lower: Vec<String> = vendors().iter().map(|vendor| vendor.name.to_lowercase()).collect();
    let known: Vec<&str> = lower.iter().map(String::as_str).collect();
    match nearest(name, &known).and_then(vendor_named) {
        Some(vendor) => format!("did you mean `{}`? or give `prefix = \"00:03:c5\"`", vendor.name),
        None => "give `prefix = \"00:03:c5\"`: the table of makers is a small one".to_owned(),
    }
}

fn whom(key: &str, subjects: &[Spanned<Subject>]) -> Whom {
    let subjects = subjects.iter().map(Spanned::get_ref);
    match key {
        "host" => Whom::Host(subjects.filter_map(|one| one.host()).collect()),
        "network" => Whom::Network(subjects.filter_map(|one| one.network()).collect()),
        "mac" => Whom::Mac(subjects.filter_map(|one| one.mac()).collect()),
        _ => Whom::VendorPrefix(subjects.filter_map(|one| one.vendor()).collect()),
    }
}

fn roles(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Role> {
    let source = table.source();
    let Some(written) = table.texts("roles", faults) else {
        if !table.has("roles") {
            table.missing("roles", "add `roles = [\"camera\"]`", faults);
        }
        return Vec::new();
    };
    if written.get_ref().is_empty() {
        let help = Some("name a role; leave out the declaration if none is known".to_owned());
        faults.push(Diagnostic::error(source, written.span(), "the list has no role", "empty list", help));
    }
    let mut roles = Vec::new();
    for name in written.get_ref() {
        match Role::parse(name.get_ref()) {
            Some(Role::Group | Role::Unknown) => {
                let message = format!("role `{}` cannot be declared", name.get_ref());
                let help = Some("take it away: it is given to addresses that nobody declares".to_owned());
                faults.push(Diagnostic::error(source, name.span(), message, "not for hosts", help));
            }
            Some(role) if roles.contains(&role) => {
                let message = format!("role `{role}` stands twice in the list");
                let help = Some("take one away".to_owned());
                faults.push(Diagnostic::error(source, name.span(), message, "again here", help));
            }
            Some(role) => roles.push(role),
            None if GROUPS.contains(&name.get_ref().as_str()) => {
                let message = format!("`{}` is a group of roles", name.get_ref());
                let help = Some("groups are for rules; name the roles that the host has".to_owned());
                faults.push(Diagnostic::error(source, name.span(), message, "not one role", help));
            }
            None => {
                let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
                unknown_word("role", name, &known, source, faults);
            }
        }
    }
    roles
}

/// `ports = { 9001 = "9001-9005" }`: the vendor's number, and what is used instead.
fn changed_ports(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<PortChange> {
    let Some(ports) = table.free_child("ports", faults) else { return Vec::new() };
    let mut changes = Vec::new();
    for (key, _) in ports.entries() {
        let default = port_number(table.source(), &key, faults);
        let used = ports.text_or_number(key.get_ref(), faults);
        let used = used.and_then(|text| parse_port_set(table.source(), &text, faults));
        if let (Some(default), Some(ports)) = (default, used) {
            changes.push(PortChange { role: None, default, ports });
        }
    }
    changes
}
