//! Words of rules: roles, services, statuses, transports, controls. Each that is not known is a fault
//! of its own, with the nearest known one as the way out.

use std::sync::Arc;

use toml::Spanned;

use crate::inventory::role::GROUPS;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::rule::RuleId;
use crate::policy::suggest::way_out;
use crate::service::Transport;

/// The roles that a list of roles and groups names.
pub fn compile_roles(
    written: &Spanned<Vec<Spanned<String>>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> RoleSet {
    if written.get_ref().is_empty() {
        empty("role", written, source, faults);
    }
    let mut roles = RoleSet::EMPTY;
    for name in written.get_ref() {
        match roles_named(name.get_ref()) {
            Some(named) => roles = roles.union(named),
            None => {
                let known: Vec<&str> =
                    Role::ALL.iter().map(|role| role.as_str()).chain(GROUPS.iter().copied()).collect();
                unknown("role", name, &known, source, faults);
            }
        }
    }
    roles
}

/// The words that a list names, each once, in the order of the list.
pub fn compile_words<T: Copy + PartialEq>(
    what: &str,
    written: Option<&Spanned<Vec<Spanned<String>>>>,
    all: &[T],
    name_of: fn(T) -> &'static str,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Vec<T> {
    let Some(written) = written else { return Vec::new() };
    if written.get_ref().is_empty() {
        empty(what, written, source, faults);
    }
    let mut words = Vec::new();
    for name in written.get_ref() {
        match all.iter().find(|word| name_of(**word) == name.get_ref()) {
            Some(word) if words.contains(word) => {
                let message = format!("{what} `{}` stands twice in the list", name.get_ref());
                let help = Some("take one away".to_owned());
                faults.push(Diagnostic::error(source, name.span(), message, "again here", help));
            }
            Some(word) => words.push(*word),
            None => {
                let known: Vec<&str> = all.iter().map(|word| name_of(*word)).collect();
                unknown(what, name, &known, source, faults);
            }
        }
    }
    words
}

/// One word of `known`.
pub fn one_word<'w>(
    what: &str,
    written: &'w Spanned<String>,
    known: &[&str],
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Option<&'w str> {
    let word = written.get_ref().as_str();
    if known.contains(&word) {
        return Some(word);
    }
    unknown(what, written, known, source, faults);
    None
}

/// Transports: `tcp`, `udp`, `sctp`, `icmp`, `icmp6`, or `ip-50` by number.
pub fn compile_transport(
    written: &Spanned<Vec<Spanned<String>>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Transport> {
    if written.get_ref().is_empty() {
        empty("transport", written, source, faults);
    }
    let mut transports = Vec::new();
    for name in written.get_ref() {
        match parse_transport(name.get_ref()) {
            Some(transport) => transports.push(transport),
            None => {
                let known = ["tcp", "udp", "icmp", "icmp6", "sctp", "ip-50"];
                unknown("transport", name, &known, source, faults);
            }
        }
    }
    transports
}

fn parse_transport(name: &str) -> Option<Transport> {
    match name {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        "icmp" => Some(Transport::Icmp),
        "icmp6" => Some(Transport::Icmp6),
        "sctp" => Some(Transport::Sctp),
        other => other.strip_prefix("ip-")?.parse().ok().map(Transport::from_number),
    }
}

/// Controls of NIST SP 800-53: `SC-7`, `AC-17(2)`. `must`: at least one.
pub fn compile_controls(
    written: &Spanned<Vec<Spanned<String>>>,
    must: bool,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Arc<str>> {
    if must && written.get_ref().is_empty() {
        empty("control", written, source, faults);
    }
    for control in written.get_ref().iter().filter(|control| !is_control(control.get_ref())) {
        let help = Some("write the family and the number: `SC-7`, `AC-17(2)`".to_owned());
        let message = format!("`{}` is no control of NIST SP 800-53", control.get_ref());
        faults.push(Diagnostic::error(source, control.span(), message, "not a control", help));
    }
    written.get_ref().iter().map(|control| Arc::from(control.get_ref().as_str())).collect()
}

/// The text, if something is in it; an empty one is a fault.
pub fn filled(
    key: &str,
    written: Option<Spanned<String>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Arc<str> {
    let Some(text) = written else { return Arc::from("") };
    if text.get_ref().trim().is_empty() {
        let help = Some("write it, or take the key away".to_owned());
        faults.push(Diagnostic::error(
            source,
            text.span(),
            format!("`{key}` is empty"),
            "nothing in it",
            help,
        ));
    }
    Arc::from(text.get_ref().trim())
}

/// The id of a rule or assertion.
pub fn compile_id(
    written: Option<Spanned<String>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> RuleId {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if let Some(id) = written.as_ref().filter(|id| !id.get_ref().bytes().all(fits)) {
        let help = Some("use letters, digits, `-`, `_` and `.`, such as `XP22`".to_owned());
        let message = format!("`{}` cannot be the id of a rule", id.get_ref());
        faults.push(Diagnostic::error(source, id.span(), message, "this id", help));
    }
    RuleId(filled("id", written, source, faults))
}

fn is_control(text: &str) -> bool {
    let Some((family, number)) = text.split_once('-') else { return false };
    let (number, enhancement) = match number.split_once('(') {
        Some((number, rest)) => (number, rest.strip_suffix(')')),
        None => (number, Some("0")),
    };
    let digits =
        |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|octet| octet.is_ascii_digit());
    family.len() == 2
        && family.bytes().all(|octet| octet.is_ascii_uppercase())
        && digits(number)
        && enhancement.is_some_and(digits)
}

fn empty(
    what: &str,
    written: &Spanned<Vec<Spanned<String>>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    let message = format!("the list has no {what}");
    let help = Some(format!("name a {what}, or take the key away"));
    faults.push(Diagnostic::error(source, written.span(), message, "empty list", help));
}

fn unknown(
    what: &str,
    name: &Spanned<String>,
    known: &[&str],
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) {
    let message = format!("unknown {what} `{}`", name.get_ref());
    let help = Some(way_out(name.get_ref(), known));
    faults.push(Diagnostic::error(source, name.span(), message, format!("no such {what}"), help));
}
