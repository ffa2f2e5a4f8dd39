//! An assertion as it is written: `[[assert]]` of a pack.

use std::sync::Arc;

use toml::Spanned;

use crate::inventory::role::RoleSet;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::port_text::parse_port_set;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::PackId;
use crate::policy::rule::PortSet;
use crate::policy::rule::RuleId;
use crate::policy::rule_text::shared;
use crate::policy::table::Table;
use crate::policy::words::compile_controls;
use crate::policy::words::compile_id;
use crate::policy::words::compile_roles;
use crate::policy::words::compile_transport;
use crate::policy::words::filled;
use crate::policy::words::one_word;
use crate::recognise::finding::TlsVersion;
use crate::service::Transport;
use crate::verdict::Severity;

/// Keys of an assertion.
pub const ASSERTION_KEYS: &[&str] = &[
    "id",
    "sentence",
    "check",
    "subjects",
    "peers",
    "from",
    "to",
    "transport",
    "ports",
    "version",
    "self_signed_from",
    "except",
    "source",
    "controls",
    "severity",
];

/// Each check with the keys that it needs, and those that it may have.
const CHECKS: &[(&str, &[&str], &[&str])] = &[
    ("only-peers", &["subjects", "peers"], &[]),
    ("only-from", &["from", "to", "transport", "ports"], &[]),
    ("no-internet", &[], &[]),
    ("encrypt", &[], &[]),
    ("tls-at-least", &["version"], &[]),
    ("valid-certificates", &[], &["self_signed_from"]),
    ("tunnel-encrypts", &[], &[]),
    ("local-only-ports", &[], &[]),
    ("obsolete-ports", &[], &[]),
    ("known-devices", &[], &[]),
    ("authenticated", &[], &[]),
];

/// Keys that belong to some checks only.
const CHECK_KEYS: &[&str] =
    &["subjects", "peers", "from", "to", "transport", "ports", "version", "self_signed_from"];

/// The names of all checks.
pub fn check_names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _, _)| *name)
}

/// The assertion that `table` says, or all its faults. Whether the rules in `except` exist is the
/// caller's to check.
pub fn compile_assertion(
    table: &Table<'_>,
    pack: &PackId,
    faults: &mut Vec<Diagnostic>,
) -> Option<Assertion> {
    let before = faults.len();
    let check = compile_check(table, faults);
    let except = table.texts("except", faults).map(Spanned::into_inner).unwrap_or_default();
    let id = compile_id(needed(table, "id", faults), table.source(), faults);
    let mut text = |key: &str| filled(key, needed(table, key, faults), table.source(), faults);
    let (sentence, source) = (text("sentence"), text("source"));
    let controls = compile_needed_controls(table, faults);
    let severity = compile_severity(table, faults);
    let assertion = Assertion {
        id,
        pack: pack.clone(),
        sentence,
        check: check?,
        except: except.iter().map(|id| RuleId(shared(id))).collect(),
        source,
        controls,
        severity,
    };
    (faults.len() == before).then_some(assertion)
}

fn compile_check(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Check> {
    let source = table.source();
    let written = needed(table, "check", faults)?;
    let names: Vec<&str> = check_names().collect();
    let name = one_word("check", &written, &names, source, faults)?;
    refuse_foreign_keys(table, name, faults);
    let before = faults.len();
    let check = match name {
        "only-peers" => Check::OnlyPeers {
            subjects: roles(table, "subjects", faults),
            peers: roles(table, "peers", faults),
        },
        "only-from" => Check::OnlyFrom {
            from: roles(table, "from", faults),
            to: roles(table, "to", faults),
            transport: transport(table, faults).unwrap_or(Transport::Tcp),
            ports: ports(table, source, faults).unwrap_or_default(),
        },
        "no-internet" => Check::NoInternet,
        "encrypt" => Check::Encrypt,
        "tls-at-least" => Check::TlsAtLeast(version(table, faults).unwrap_or(TlsVersion::Tls12)),
        "valid-certificates" => Check::ValidCertificates { self_signed_from: self_signed(table, faults) },
        "tunnel-encrypts" => Check::TunnelEncrypts,
        "local-only-ports" => Check::LocalOnlyPorts,
        "obsolete-ports" => Check::ObsoletePorts,
        "known-devices" => Check::KnownDevices,
        _ => Check::Authenticated,
    };
    (faults.len() == before).then_some(check)
}

fn refuse_foreign_keys(table: &Table<'_>, check: &str, faults: &mut Vec<Diagnostic>) {
    let Some((_, must, may)) = CHECKS.iter().find(|(name, _, _)| *name == check) else { return };
    for (key, _) in table.entries() {
        let name = key.get_ref().as_str();
        if !CHECK_KEYS.contains(&name) || must.contains(&name) || may.contains(&name) {
            continue;
        }
        let message = format!("the check `{check}` has no `{name}`");
        let own: Vec<String> = must.iter().chain(*may).map(|key| format!("`{key}`")).collect();
        let help = match own.as_slice() {
            [] => "it needs nothing more: take the key away".to_owned(),
            own => format!("its own keys are: {}", own.join(", ")),
        };
        faults.push(Diagnostic::error(
            table.source(),
            key.span(),
            message,
            "key of another check",
            Some(help),
        ));
    }
}

fn needed(table: &Table<'_>, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
    if !table.has(key) {
        table.missing(key, &format!("add `{key} = \"…\"`"), faults);
    }
    table.text(key, faults)
}

fn roles(table: &Table<'_>, key: &str, faults: &mut Vec<Diagnostic>) -> RoleSet {
    if !table.has(key) {
        table.missing(key, &format!("add `{key} = [\"…\"]` with roles or groups of roles"), faults);
    }
    let written = table.texts(key, faults);
    written.map_or(RoleSet::EMPTY, |written| compile_roles(&written, table.source(), faults))
}

fn self_signed(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> RoleSet {
    let written = table.texts("self_signed_from", faults);
    written.map_or(RoleSet::EMPTY, |written| compile_roles(&written, table.source(), faults))
}

fn transport(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Transport> {
    if !table.has("transport") {
        table.missing("transport", "add `transport = \"tcp\"`", faults);
    }
    let written = table.texts("transport", faults)?;
    let transports = compile_transport(&written, table.source(), faults);
    if let [first, _, ..] = transports.as_slice() {
        let help = Some(format!("keep `{first}` and write a second assertion for the other"));
        let message = "an assertion has one transport";
        faults.push(Diagnostic::error(table.source(), written.span(), message, "more than one", help));
    }
    transports.first().copied()
}

fn ports(table: &Table<'_>, source: &SourceText, faults: &mut Vec<Diagnostic>) -> Option<PortSet> {
    if !table.has("ports") {
        table.missing("ports", "add `ports = \"9000\"`", faults);
    }
    let written = table.text_or_number("ports", faults)?;
    parse_port_set(source, &written, faults)
}

fn version(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<TlsVersion> {
    let written = needed(table, "version", faults)?;
    let names: Vec<&str> = TlsVersion::ALL.iter().map(|version| version.as_str()).collect();
    one_word("TLS version", &written, &names, table.source(), faults).and_then(TlsVersion::parse)
}

fn compile_needed_controls(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Arc<str>> {
    if !table.has("controls") {
        table.missing("controls", "add `controls = [\"SC-7\"]`", faults);
    }
    let written = table.texts("controls", faults);
    written.map(|written| compile_controls(&written, true, table.source(), faults)).unwrap_or_default()
}

fn compile_severity(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Severity> {
    let written = table.text("severity", faults)?;
    let names: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    one_word("severity", &written, &names, table.source(), faults).and_then(Severity::parse)
}
