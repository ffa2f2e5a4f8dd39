//! A rule in words: what it is for, who, where, what is spoken, what it demands, where it comes from.

use std::fmt::Display;
use std::sync::Arc;

use crate::cli::rule_json::check_name;
use crate::inventory::role::GROUPS;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Expect;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;

/// Characters of a line.
const WIDTH: usize = 96;

/// Characters before the text of a paragraph: its label.
const LABEL: usize = 12;

/// The rule in words. `feature` is the sentence about its feature.
pub fn rule_prose(rule: &Rule, feature: Option<&str>) -> String {
    let mut page = Page(format!("{} (pack {})\n\n", rule.id, rule.pack));
    page.paragraph("meaning", &rule.purpose);
    page.paragraph("who", &who(rule));
    page.paragraph("where", &where_to(rule));
    page.paragraph("speaks", &speaks(rule));
    page.paragraph("encryption", demand(rule.tls));
    for status in &rule.status {
        page.paragraph("status", &format!("{status}: {}", standing(*status)));
    }
    if let Some(name) = &rule.feature {
        let sentence = feature.map_or_else(String::new, |sentence| format!(": {sentence}"));
        page.paragraph("feature", &format!("{name}{sentence}"));
    }
    if rule.peers_named {
        page.paragraph(
            "peers",
            &format!("those that the site names: `[named_peers]`, `{} = [\"…\"]`", rule.id),
        );
    } else if !rule.peers.is_empty() {
        let proof = "proved by the TLS server name, the HTTP host, or a DNS answer seen before";
        page.paragraph("peers", &format!("{}; {proof}", listed(&rule.peers, "or")));
    }
    if let Some(exception) = &rule.exception {
        page.paragraph("exception", &format!("{} answers for it: {}", exception.owner, exception.reason));
    }
    if let Some(advice) = &rule.advice {
        page.paragraph("advice", &format!("`{advice}` is given with what it allows"));
    }
    page.paragraph("source", &rule.source);
    page.controls(&rule.controls);
    if let Some(note) = &rule.note {
        page.paragraph("note", note);
    }
    page.0
}

/// The assertion in words.
pub fn assertion_prose(assertion: &Assertion) -> String {
    let mut page = Page(format!("{} (assertion of pack {})\n\n", assertion.id, assertion.pack));
    page.paragraph("meaning", &assertion.sentence);
    page.paragraph("check", &format!("{}: {}", check_name(&assertion.check), checks(&assertion.check)));
    page.paragraph("broken", &format!("is a violation with the reason `{}`", assertion.check.reason()));
    if !assertion.except.is_empty() {
        page.paragraph("except", &format!("what {} allows", listed(&assertion.except, "or")));
    }
    page.paragraph("source", &assertion.source);
    page.controls(&assertion.controls);
    page.0
}

/// The roles as a rule would name them: groups where all of a group is in the set.
pub fn role_names(set: RoleSet) -> Vec<String> {
    let mut left = set;
    let mut names = Vec::new();
    for group in GROUPS.iter().rev().chain(&["camera"]) {
        let Some(members) = roles_named(group) else { continue };
        let whole = members.without(set).is_empty();
        if whole && members.meets(left) {
            names.push((*group).to_owned());
            left = left.without(members);
        }
    }
    names.extend(left.iter().map(|role| match role {
        Role::Camera => "camera (not MOBOTIX)".to_owned(),
        role => role.to_string(),
    }));
    names
}

/// As many of `names` as fit in `width` characters, and how many more there are.
pub fn elided(names: &[String], width: usize) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        let more = names.len().saturating_sub(index);
        let room = width.saturating_sub(if more > 1 { 4 } else { 0 });
        if index > 0 && text.len().saturating_add(name.len()).saturating_add(2) > room {
            return format!("{text} +{more}");
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

struct Page(String);

impl Page {
    /// A label and a text that is wrapped beside it.
    fn paragraph(&mut self, label: &str, text: &str) {
        let mut line = format!("{label:<LABEL$}");
        let mut fresh = true;
        for word in text.split_whitespace() {
            let length = line.chars().count().saturating_add(word.chars().count()).saturating_add(1);
            if !fresh && length > WIDTH {
                self.line(&line);
                line = " ".repeat(LABEL);
                fresh = true;
            }
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
            fresh = false;
        }
        self.line(&line);
    }

    fn controls(&mut self, controls: &[Arc<str>]) {
        if !controls.is_empty() {
            self.paragraph("controls", &format!("NIST SP 800-53 {}", listed(controls, "and")));
        }
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

fn who(rule: &Rule) -> String {
    let mut from = listed(&role_names(rule.from), "or");
    let mut to = listed(&role_names(rule.to), "or");
    if !rule.from_hosts.is_empty() {
        from = format!("{from}, at {}", listed(&rule.from_hosts, "or"));
    }
    if !rule.to_hosts.is_empty() {
        to = format!("{to}, at {}", listed(&rule.to_hosts, "or"));
    }
    let way = if rule.both_ways { "; either end may begin" } else { "" };
    let zone = rule
        .to_zone_kind
        .as_ref()
        .map_or_else(String::new, |kind| format!(", in a zone of the kind `{kind}`"));
    format!("{from} opens, {to} answers{zone}{way}")
}

fn where_to(rule: &Rule) -> String {
    let transports: Vec<String> =
        rule.transports.iter().map(|transport| transport.to_string().to_uppercase()).collect();
    let transports = listed(&transports, "or");
    match &rule.ports {
        Ports::Set(set) => format!("{transports} port {set}, unless the site changes the number"),
        Ports::Named => {
            format!("{transports}, the ports that the site names: `[named_ports]`, `{} = \"…\"`", rule.id)
        }
        Ports::Any => transports,
    }
}

fn speaks(rule: &Rule) -> String {
    let service = match &rule.expect {
        Expect::PortOnly => {
            "nothing public describes the octets: port and role decide, and another protocol that is recognised is a violation".to_owned()
        }
        Expect::Services(services) => listed(services, "or"),
    };
    if rule.contents.is_empty() {
        return service;
    }
    format!("{service}, where {} is recognised inside", listed(&rule.contents, "or"))
}

fn demand(tls: TlsDemand) -> &'static str {
    match tls {
        TlsDemand::Required => "required: plain is a violation (`cleartext`)",
        TlsDemand::Recommended => "recommended: plain is advice, and a violation with --strict",
        TlsDemand::Either => "either: the installation decides",
        TlsDemand::None => "none demanded: the protocol has none, or its own",
    }
}

fn standing(status: Status) -> &'static str {
    match status {
        Status::Required => "the system needs it",
        Status::Optional => "needed by some installations",
        Status::OffByDefault => "a violation until the site switches the feature on",
        Status::Obsolete => "should not be used any more; always a violation",
        Status::LocalOnly => "for processes of one computer; on the wire it is a violation",
        Status::Doubtful => "the guide contradicts itself; what only this rule allows is withheld",
    }
}

fn checks(check: &Check) -> String {
    match check {
        Check::OnlyPeers { subjects, peers } => format!(
            "{} talk, either way, with {} only",
            listed(&role_names(*subjects), "and"),
            listed(&role_names(*peers), "or")
        ),
        Check::OnlyFrom { from, to, transport, ports } => format!(
            "only {} opens {transport} {ports} of {}",
            listed(&role_names(*from), "or"),
            listed(&role_names(*to), "or")
        ),
        Check::NoInternet => "no host of the zone talks with the internet, either way".to_owned(),
        Check::Encrypt => "nothing is spoken in clear where its rule demands encryption".to_owned(),
        Check::TlsAtLeast(version) => format!("{version} or later is agreed on"),
        Check::ValidCertificates { self_signed_from } if self_signed_from.is_empty() => {
            "certificates are in their time, strong, and signed by an authority".to_owned()
        }
        Check::ValidCertificates { self_signed_from } => format!(
            "certificates are in their time and strong; self-signed ones from {} only",
            listed(&role_names(*self_signed_from), "or")
        ),
        Check::TunnelEncrypts => "a VPN satisfies every demand of encryption".to_owned(),
        Check::LocalOnlyPorts => "ports of local-only rules are not seen between hosts".to_owned(),
        Check::ObsoletePorts => "ports of obsolete rules are not used".to_owned(),
        Check::KnownDevices => "the site names every host of its networks".to_owned(),
        Check::Authenticated => "access is authenticated, and not in clear".to_owned(),
    }
}

/// `a, b or c`.
fn listed<T: Display>(items: &[T], last: &str) -> String {
    let words: Vec<String> = items.iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => "nobody".to_owned(),
    }
}
