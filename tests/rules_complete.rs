//! Every row of the two port tables is a rule, with the transport, the ports and the roles of its row.
//!
//! `fixtures/rules/rows.csv` was made from the port tables by a script, not from the packs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use camsentry::inventory::role::Role;
use camsentry::inventory::role::RoleSet;
use camsentry::inventory::role::roles_named;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::packs::load;
use camsentry::policy::packs::shipped;
use camsentry::policy::packs::shipped_texts;
use camsentry::policy::rule::Expect;
use camsentry::policy::rule::Pack;
use camsentry::policy::rule::Ports;
use camsentry::policy::rule::Rule;
use camsentry::policy::rule::Status;
use camsentry::policy::rule::TlsDemand;
use camsentry::service::Service;

const ROWS: &str = include_str!("../fixtures/rules/rows.csv");

struct Row {
    id: &'static str,
    transports: Vec<&'static str>,
    ports: String,
    from: &'static str,
    to: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut cells = line.split(',');
        let mut cell = || cells.next().unwrap();
        let id = cell();
        let mut transports: Vec<&str> = cell().split(';').collect();
        transports.sort_unstable();
        Row { id, transports, ports: sorted_ports(cell()), from: cell(), to: cell() }
    };
    ROWS.lines().skip(1).map(row).collect()
}

/// `443;80` as the packs print it: `80, 443`.
fn sorted_ports(written: &str) -> String {
    let mut ports: Vec<&str> = written.split(';').collect();
    ports.sort_by_key(|port| port.split('-').next().unwrap().parse::<u16>().unwrap_or(0));
    ports.join(", ")
}

fn rule<'p>(packs: &'p [Pack], id: &str) -> &'p Rule {
    let mut found = packs.iter().flat_map(|pack| &pack.rules).filter(|rule| &*rule.id.0 == id);
    let rule = found.next().unwrap_or_else(|| panic!("no rule {id}"));
    assert!(found.next().is_none(), "{id} stands twice");
    rule
}

fn covers(roles: RoleSet, named: &str) -> bool {
    named.split(';').all(|name| match name {
        // "Local connection only": whoever it is, it is not local once it is on the wire.
        "local" => roles == roles_named("any").unwrap(),
        name => roles_named(name).unwrap().iter().all(|role| roles.has(role)),
    })
}

#[test]
fn the_shipped_packs_have_no_fault() {
    let texts = shipped_texts();
    let drawn = load(&texts).err().map(|faults| render_all(&faults, &texts, false));
    assert!(drawn.is_none(), "{}", drawn.unwrap_or_default());
    let ids: Vec<String> = shipped().iter().map(|pack| pack.id.to_string()).collect();
    assert_eq!(ids, ["xprotect", "mobotix", "base"]);
}

#[test]
fn all_78_and_18_rows_are_in_the_table() {
    let ids: Vec<&str> = rows().iter().map(|row| row.id).collect();
    let wanted: Vec<String> =
        (1..=78).map(|n| format!("XP{n:02}")).chain((1..=18).map(|n| format!("MX{n:02}"))).collect();
    assert_eq!(ids, wanted);
}

#[test]
fn every_row_is_a_rule_with_its_transport_and_ports() {
    let packs = shipped();
    for row in rows() {
        let rule = rule(&packs, row.id);
        let mut transports: Vec<String> = rule.transports.iter().map(ToString::to_string).collect();
        transports.sort_unstable();
        assert_eq!(transports, row.transports, "{}", row.id);
        let ports = match &rule.ports {
            Ports::Set(set) => set.to_string(),
            Ports::Named => "named".to_owned(),
            Ports::Any => "any".to_owned(),
        };
        assert_eq!(ports, row.ports, "{}", row.id);
    }
}

#[test]
fn every_rule_covers_the_roles_of_its_row() {
    let packs = shipped();
    for row in rows() {
        let rule = rule(&packs, row.id);
        assert!(covers(rule.from, row.from), "{}: from {} lacks one of {}", row.id, rule.from, row.from);
        // The note means MOVE and ONVIF cameras there, not MOBOTIX IoT cameras.
        let to = if row.id == "MX04" { rule.to.with(Role::MobotixCamera) } else { rule.to };
        assert!(covers(to, row.to), "{}: to {} lacks one of {}", row.id, rule.to, row.to);
    }
}

#[test]
fn every_rule_says_what_it_is_for_where_it_comes_from_and_which_controls_it_serves() {
    for pack in shipped() {
        assert!(pack.rules.len() > 10, "{}", pack.id);
        for rule in &pack.rules {
            assert!(rule.purpose.ends_with('.'), "{}: {}", rule.id, rule.purpose);
            assert!(!rule.source.is_empty() && !rule.controls.is_empty(), "{}", rule.id);
            assert_eq!(rule.pack, pack.id);
        }
        for assertion in &pack.assertions {
            assert!(assertion.sentence.ends_with('.'), "{}", assertion.id);
            assert!(!assertion.source.is_empty() && !assertion.controls.is_empty(), "{}", assertion.id);
        }
    }
}

#[test]
fn a_rule_names_its_row_as_its_source() {
    let packs = shipped();
    for row in rows() {
        let source = &rule(&packs, row.id).source;
        assert!(source.starts_with(&format!("{}: ", row.id)), "{source}");
    }
}

#[test]
fn rows_that_the_guide_marks_have_their_status() {
    let packs = shipped();
    let with = |status: Status| -> Vec<String> {
        let rules = packs.iter().flat_map(|pack| &pack.rules).filter(|rule| rule.is(status));
        let mut ids: Vec<String> =
            rules.map(|rule| rule.id.to_string()).filter(|id| id.starts_with("XP")).collect();
        ids.sort();
        ids
    };
    // Counts of the table itself: 8 local-only, 3 obsolete, 8 disabled by default and 3 conditional.
    assert_eq!(with(Status::LocalOnly), ["XP04", "XP05", "XP23", "XP27", "XP34", "XP35", "XP39", "XP44"]);
    assert_eq!(with(Status::Obsolete), ["XP19", "XP28", "XP69"]);
    assert_eq!(
        with(Status::OffByDefault),
        ["XP13", "XP14", "XP15", "XP19", "XP21", "XP28", "XP30", "XP42", "XP58", "XP69", "XP70"]
    );
    assert_eq!(with(Status::Doubtful), ["XP63", "XP71"]);
}

#[test]
fn a_rule_that_demands_tls_expects_it() {
    for rule in shipped().iter().flat_map(|pack| &pack.rules) {
        let tls = match &rule.expect {
            Expect::PortOnly => false,
            Expect::Services(services) => services.contains(&Service::Tls),
        };
        assert!(rule.tls != TlsDemand::Required || tls, "{} demands TLS and does not expect it", rule.id);
    }
}

#[test]
fn every_feature_is_used_and_has_a_sentence() {
    for pack in shipped() {
        for (feature, sentence) in &pack.features {
            assert!(sentence.ends_with('.'), "{feature}");
            let used = pack.rules.iter().any(|rule| rule.feature.as_ref() == Some(feature));
            assert!(used, "no rule of {} asks for {feature}", pack.id);
        }
    }
}
