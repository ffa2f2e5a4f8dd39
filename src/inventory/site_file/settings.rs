//! The rest of the site file: changed and named ports, named peers, features, severities, TLS.

use std::sync::Arc;

use toml::Spanned;

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::site::PortChange;
use crate::inventory::site_file::known::Known;
use crate::inventory::site_file::known::names;
use crate::inventory::site_file::unknown_word;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::port_text::parse_port_set;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule_text::shared;
use crate::policy::table::Table;
use crate::policy::words::compile_roles;
use crate::policy::words::one_word;
use crate::verdict::Reason;
use crate::verdict::Severity;

const PORTS_KEYS: &[&str] = &["role", "default", "use"];
const TLS_KEYS: &[&str] = &["authorities", "self_signed"];

/// `[[ports]]`: numbers changed for every host of a role.
pub(super) fn role_ports(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<PortChange> {
    let source = root.source();
    let mut changes = Vec::new();
    for table in root.children("ports", PORTS_KEYS, faults) {
        for (key, help) in [
            ("role", "add `role = \"recording-server\"`"),
            ("default", "add `default = 7563`, the vendor's number"),
            ("use", "add `use = \"17563\"`, what is used instead"),
        ] {
            if !table.has(key) {
                table.missing(key, help, faults);
            }
        }
        let role = table.text("role", faults).and_then(|name| {
            let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
            one_word("role", &name, &known, source, faults).and_then(Role::parse)
        });
        let default = table.text_or_number("default", faults);
        let default = default.and_then(|text| port_number(source, &text, faults));
        let used = table.text_or_number("use", faults);
        let used = used.and_then(|text| parse_port_set(source, &text, faults));
        if let (Some(role), Some(default), Some(ports)) = (role, default, used) {
            changes.push(PortChange { role: Some(role), default, ports });
        }
    }
    changes
}

/// One port number.
pub(super) fn port_number(
    source: &SourceText,
    text: &Spanned<String>,
    faults: &mut Vec<Diagnostic>,
) -> Option<u16> {
    let port = text.get_ref().parse::<u16>().ok().filter(|port| *port > 0);
    if port.is_none() {
        let message = format!("`{}` is no port", text.get_ref());
        let help = Some("write one number from 1 to 65535: the vendor's default".to_owned());
        faults.push(Diagnostic::error(source, text.span(), message, "not a port number", help));
    }
    port
}

/// `[named_ports]`: ports of rules that leave them to the site.
pub(super) fn named_ports(
    root: &Table<'_>,
    known: &Known,
    own: &[Rule],
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Arc<str>, PortSet)> {
    let Some(table) = root.free_child("named_ports", faults) else { return Vec::new() };
    let mut ids = known.named_ports.clone();
    ids.extend(own.iter().filter(|rule| rule.ports == Ports::Named).map(|rule| Arc::clone(&rule.id.0)));
    let mut named = Vec::new();
    for (id, _) in table.entries() {
        is_known_rule(&id, &ids, known, "ports", root.source(), faults);
        let text = table.text_or_number(id.get_ref(), faults);
        let ports = text.and_then(|text| parse_port_set(root.source(), &text, faults));
        named.extend(ports.map(|ports| (shared(&id), ports)));
    }
    named
}

/// `[named_peers]`: host names for rules that leave them to the site.
pub(super) fn named_peers(
    root: &Table<'_>,
    known: &Known,
    own: &[Rule],
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
    let Some(table) = root.free_child("named_peers", faults) else { return Vec::new() };
    let mut ids = known.named_peers.clone();
    ids.extend(own.iter().filter(|rule| rule.peers_named).map(|rule| Arc::clone(&rule.id.0)));
    let mut named = Vec::new();
    for (id, _) in table.entries() {
        is_known_rule(&id, &ids, known, "peers", root.source(), faults);
        let Some(peers) = table.texts(id.get_ref(), faults) else { continue };
        for peer in peers.get_ref().iter().filter(|peer| !is_host_name(peer.get_ref())) {
            let message = format!("`{}` is no host name", peer.get_ref());
            let help = Some("write `www.example.net`, or `*.example.net` for all below".to_owned());
            faults.push(Diagnostic::error(root.source(), peer.span(), message, "not a host name", help));
        }
        let lower = peers.get_ref().iter().map(|peer| Arc::from(peer.get_ref().trim().to_lowercase()));
        named.push((shared(&id), lower.collect()));
    }
    named
}

fn is_known_rule(
    id: &Spanned<String>,
    ids: &[Arc<str>],
    known: &Known,
    what: &str,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    if ids.contains(&shared(id)) {
        return;
    }
    if known.rules.contains(&shared(id)) {
        let message = format!("rule `{}` has {what} of its own", id.get_ref());
        let help = Some(format!("rules that leave their {what} to the site: {}", names(ids).join(", ")));
        faults.push(Diagnostic::error(source, id.span(), message, "not left to the site", help));
    } else {
        unknown_word("rule", id, &names(ids), source, faults);
    }
}

fn is_host_name(name: &str) -> bool {
    let labels = name.trim().strip_prefix("*.").unwrap_or(name.trim());
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    labels.contains('.') && labels.split('.').all(is_label)
}

/// `features`: what is switched on.
pub(super) fn features(root: &Table<'_>, known: &Known, faults: &mut Vec<Diagnostic>) -> Vec<Arc<str>> {
    let written = root.texts("features", faults).map(Spanned::into_inner).unwrap_or_default();
    for feature in written.iter().filter(|feature| !known.features.contains(&shared(feature))) {
        unknown_word("feature", feature, &names(&known.features), root.source(), faults);
    }
    written.iter().map(shared).collect()
}

/// `[severity]`: other severities of reasons.
pub(super) fn severities(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<(Reason, Severity)> {
    let Some(table) = root.free_child("severity", faults) else { return Vec::new() };
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let severities: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    let mut changed = Vec::new();
    for (key, _) in table.entries() {
        let reason = one_word("reason", &key, &reasons, root.source(), faults).and_then(Reason::parse);
        let word = table.text(key.get_ref(), faults);
        let severity = word.and_then(|word| {
            one_word("severity", &word, &severities, root.source(), faults).and_then(Severity::parse)
        });
        changed.extend(reason.zip(severity));
    }
    changed
}

/// `[tls]`: the site's own authorities, and whose self-signed certificates it accepts.
pub(super) fn tls(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> (Vec<[u8; 32]>, RoleSet) {
    let Some(table) = root.child("tls", TLS_KEYS, faults) else { return Default::default() };
    let mut authorities = Vec::new();
    for text in table.texts("authorities", faults).map(Spanned::into_inner).unwrap_or_default() {
        match fingerprint(text.get_ref()) {
            Some(octets) => authorities.push(octets),
            None => {
                let message = "an authority is named by the SHA-256 of its certificate";
                let help =
                    Some("64 hexadecimal digits: `openssl x509 -noout -fingerprint -sha256`".to_owned());
                faults.push(Diagnostic::error(root.source(), text.span(), message, "not a SHA-256", help));
            }
        }
    }
    let self_signed = table.texts("self_signed", faults);
    let self_signed = self_signed.map(|roles| compile_roles(&roles, root.source(), faults));
    (authorities, self_signed.unwrap_or_default())
}

/// 64 hexadecimal digits, with or without colons between octets.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.trim().chars().filter(|letter| *letter != ':').collect();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let octets: Option<Vec<u8>> = (0_usize..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at.saturating_add(2))?, 16).ok())
        .collect();
    octets?.try_into().ok()
}
