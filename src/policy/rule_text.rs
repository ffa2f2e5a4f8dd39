//! A rule as it is written: `[[allow]]` of a pack, `[[allow]]` and `[[exception]]` of a site file.
//! [`RawRule`] holds what stands there, [`compile_rule`] makes a [`Rule`] of it or names every fault.

use std::sync::Arc;

use ipnet::IpNet;
use toml::Spanned;
use toml::value::Datetime;

use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::expiry::moment;
use crate::policy::port_text::parse_ports;
use crate::policy::rule::Exception;
use crate::policy::rule::Expect;
use crate::policy::rule::PackId;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;
use crate::policy::table::Table;
use crate::policy::words::compile_controls;
use crate::policy::words::compile_id;
use crate::policy::words::compile_roles;
use crate::policy::words::compile_transport;
use crate::policy::words::compile_words;
use crate::policy::words::filled;
use crate::policy::words::one_word;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// Keys of a pack's rule.
pub const PACK_RULE_KEYS: &[&str] = &[
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
    "mirrors",
];

/// Keys of a site's own rule.
pub const SITE_RULE_KEYS: &[&str] = &[
    "id",
    "from",
    "to",
    "except_from",
    "except_to",
    "from_hosts",
    "to_hosts",
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
];

/// Keys of a site's exception.
pub const EXCEPTION_KEYS: &[&str] = &[
    "id",
    "from",
    "to",
    "except_from",
    "except_to",
    "from_hosts",
    "to_hosts",
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
    "owner",
    "reason",
    "expires",
];

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

/// Where a rule stands, and what may be left out there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuleKind {
    /// In a pack: everything that an auditor asks for must be there.
    Pack,
    /// A site's own rule: `source`, `controls`, `status`, `tls` and `services` may be left out, and
    /// roles where hosts are given.
    SiteAllow,
    /// A site's exception: as a site's rule, and it has an owner and a reason.
    SiteException,
}

/// What a rule is read against.
#[derive(Clone, Copy, Debug)]
pub struct RuleContext<'c> {
    /// The table that it stands in.
    pub table: &'c Table<'c>,
    /// Where it stands.
    pub kind: RuleKind,
    /// Whose it is: a pack's name, or `site`.
    pub pack: &'c PackId,
    /// Features that a rule may ask for.
    pub features: &'c [Arc<str>],
}

impl RuleContext<'_> {
    fn source(&self) -> &SourceText {
        self.table.source()
    }

    fn is_pack(&self) -> bool {
        self.kind == RuleKind::Pack
    }
}

/// The rule that `raw` says, or all its faults.
pub fn compile_rule(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Option<Rule> {
    let before = faults.len();
    let source = context.source();
    let from = roles(raw, End::From, context, faults);
    let to = roles(raw, End::To, context, faults);
    let transports = transports(raw, context, faults);
    let ports = ports(raw, &transports, context, faults);
    let status = status(raw, context, faults);
    let (peers, peers_named) = peers(raw, context, faults);
    let purpose = raw.purpose.as_ref().or(raw.reason.as_ref());
    let rule = Rule {
        id: id(raw, context, faults),
        pack: context.pack.clone(),
        from,
        to,
        from_hosts: hosts(raw.from_hosts.as_ref(), source, faults),
        to_hosts: hosts(raw.to_hosts.as_ref(), source, faults),
        to_zone_kind: raw.to_zone_kind.as_ref().map(shared),
        transports,
        ports: ports.unwrap_or(Ports::Any),
        both_ways: raw.both_ways.as_ref().is_some_and(|flag| *flag.get_ref()),
        expect: expect(raw, context, faults),
        contents: compile_words(
            "content",
            raw.contents.as_ref(),
            Content::ALL,
            Content::as_str,
            source,
            faults,
        ),
        tls: tls(raw, context, faults),
        feature: feature(raw, &status, context, faults),
        status,
        peers,
        peers_named,
        purpose: needed("purpose", purpose, true, "", context, faults),
        source: needed("source", raw.source.as_ref(), context.is_pack(), "the site file", context, faults),
        controls: controls(raw, context, faults),
        note: raw.note.as_ref().map(shared),
        advice: raw.advice.as_ref().map(shared),
        exception: exception(raw, context, faults),
    };
    (faults.len() == before).then_some(rule)
}

/// A text that is shared from now on, without spaces at its ends.
pub fn shared(text: &Spanned<String>) -> Arc<str> {
    Arc::from(text.get_ref().trim())
}

#[derive(Clone, Copy)]
enum End {
    From,
    To,
}

fn id(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> RuleId {
    if !context.table.has("id") {
        context.table.missing("id", "add `id = \"…\"`", faults);
    }
    compile_id(raw.id.clone(), context.source(), faults)
}

fn needed(
    key: &str,
    text: Option<&Spanned<String>>,
    must: bool,
    otherwise: &str,
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Arc<str> {
    if must && text.is_none() && !context.table.has(key) {
        context.table.missing(key, &format!("add `{key} = \"…\"`"), faults);
    }
    match text {
        Some(text) => filled(key, Some(text.clone()), context.source(), faults),
        None => Arc::from(otherwise),
    }
}

fn roles(raw: &RawRule, end: End, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> RoleSet {
    let (key, written, except, hosts) = match end {
        End::From => ("from", &raw.from, &raw.except_from, &raw.from_hosts),
        End::To => ("to", &raw.to, &raw.except_to, &raw.to_hosts),
    };
    let Some(written) = written else {
        if hosts.is_none() && !context.table.has(key) {
            context.table.missing(
                key,
                &format!("add `{key} = [\"…\"]` with roles or groups of roles"),
                faults,
            );
        }
        return roles_named("any").unwrap_or_default();
    };
    let all = compile_roles(written, context.source(), faults);
    let except = except.as_ref().map(|except| compile_roles(except, context.source(), faults));
    let left = all.without(except.unwrap_or_default());
    if left.is_empty() && !all.is_empty() {
        let help = Some(format!("leave a role in `{key}`, or take the rule away"));
        let message = format!("`except_{key}` takes every role out of `{key}`: the rule can never match");
        faults.push(Diagnostic::error(context.source(), written.span(), message, "nothing is left", help));
    }
    left
}

fn transports(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Transport> {
    let Some(written) = &raw.transport else {
        if !context.table.has("transport") {
            context.table.missing("transport", "add `transport = \"tcp\"`", faults);
        }
        return Vec::new();
    };
    compile_transport(written, context.source(), faults)
}

fn ports(
    raw: &RawRule,
    transports: &[Transport],
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Ports> {
    let has_ports =
        |transport: &Transport| matches!(transport, Transport::Tcp | Transport::Udp | Transport::Sctp);
    let Some(written) = &raw.ports else {
        if transports.iter().any(has_ports) && !context.table.has("ports") {
            context.table.missing("ports", "add `ports = \"443\"`, `\"named\"` or `\"any\"`", faults);
        }
        return Some(Ports::Any);
    };
    let ports = parse_ports(context.source(), written, faults)?;
    if ports != Ports::Any && !transports.is_empty() && !transports.iter().any(has_ports) {
        let help = Some("take `ports` away".to_owned());
        let message = "the rule's transport has no ports";
        faults.push(Diagnostic::error(context.source(), written.span(), message, "ports given", help));
    }
    Some(ports)
}

fn status(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Status> {
    let source = context.source();
    let Some(written) = &raw.status else {
        if context.is_pack() && !context.table.has("status") {
            context.table.missing("status", "add `status = [\"required\"]`", faults);
        }
        return vec![Status::Required];
    };
    let status = compile_words("status", Some(written), Status::ALL, Status::as_str, source, faults);
    if status.contains(&Status::Doubtful) && raw.note.is_none() {
        let help = Some("add `note = \"…\"` that says what contradicts what".to_owned());
        let message = "a doubtful rule needs a note";
        faults.push(Diagnostic::error(source, written.span(), message, "doubtful, and no `note`", help));
    }
    let both = [Status::Required, Status::Optional];
    if both.iter().all(|one| status.contains(one)) {
        let help = Some("keep one of the two".to_owned());
        let message = "a rule cannot be required and optional";
        faults.push(Diagnostic::error(source, written.span(), message, "contradiction", help));
    }
    status
}

fn feature(
    raw: &RawRule,
    status: &[Status],
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Arc<str>> {
    let source = context.source();
    let lifted = status.contains(&Status::OffByDefault);
    let Some(written) = &raw.feature else {
        if let Some(status) = raw.status.as_ref().filter(|_| lifted) {
            let help = Some("add `feature = \"…\"`, and a sentence about it under [features]".to_owned());
            let message = "a rule that is off by default needs a feature that switches it on";
            faults.push(Diagnostic::error(source, status.span(), message, "no `feature`", help));
        }
        return None;
    };
    if !lifted {
        let help = Some("add \"off-by-default\" to `status`, or take `feature` away".to_owned());
        let message = "the feature does nothing: the rule is not off by default";
        faults.push(Diagnostic::error(source, written.span(), message, "without effect", help));
    }
    let names: Vec<&str> = context.features.iter().map(|name| &**name).collect();
    one_word("feature", written, &names, source, faults).map(|_| shared(written))
}

fn peers(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> (Vec<Arc<str>>, bool) {
    let Some(written) = &raw.peers else { return (Vec::new(), false) };
    let names = written.get_ref();
    if let [one] = names.as_slice()
        && one.get_ref() == "named"
    {
        return (Vec::new(), true);
    }
    for name in names.iter().filter(|name| !is_host_name(name.get_ref())) {
        let help =
            Some("write a host name such as `www.example.net`, `*.example.net`, or `named`".to_owned());
        let message = format!("`{}` is no host name", name.get_ref());
        faults.push(Diagnostic::error(context.source(), name.span(), message, "not a host name", help));
    }
    if names.is_empty() {
        let help = Some("name a host, write \"named\", or take the key away".to_owned());
        faults.push(Diagnostic::error(context.source(), written.span(), "`peers` is empty", "no name", help));
    }
    (names.iter().map(|name| Arc::from(name.get_ref().to_lowercase())).collect(), false)
}

fn is_host_name(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    labels.contains('.')
        && labels.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
        })
}

fn expect(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Expect {
    let source = context.source();
    let Some(written) = &raw.services else {
        if context.is_pack() && !context.table.has("services") {
            let help = "add `services = [\"http\", \"tls\"]`, or `services = \"port-only\"` where nothing public describes it";
            context.table.missing("services", help, faults);
        }
        return Expect::PortOnly;
    };
    let names = written.get_ref();
    if names.iter().any(|name| name.get_ref() == "port-only") {
        if names.len() > 1 {
            let help = Some("keep the services, or \"port-only\" alone".to_owned());
            let message = "\"port-only\" stands beside services";
            faults.push(Diagnostic::error(source, written.span(), message, "contradiction", help));
        }
        return Expect::PortOnly;
    }
    let services = compile_words("service", Some(written), Service::ALL, Service::as_str, source, faults);
    Expect::Services(services)
}

fn tls(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> TlsDemand {
    let Some(written) = &raw.tls else {
        if context.is_pack() && !context.table.has("tls") {
            context.table.missing(
                "tls",
                "add `tls = \"required\"`, `\"recommended\"`, `\"either\"` or `\"none\"`",
                faults,
            );
        }
        return TlsDemand::Either;
    };
    let names: Vec<&str> = TlsDemand::ALL.iter().map(|demand| demand.as_str()).collect();
    let word = one_word("tls demand", written, &names, context.source(), faults);
    word.and_then(TlsDemand::parse).unwrap_or(TlsDemand::Either)
}

fn controls(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Arc<str>> {
    match &raw.controls {
        Some(written) => compile_controls(written, context.is_pack(), context.source(), faults),
        None => {
            if context.is_pack() && !context.table.has("controls") {
                context.table.missing("controls", "add `controls = [\"SC-7\"]`", faults);
            }
            Vec::new()
        }
    }
}

fn hosts(
    written: Option<&Spanned<Vec<Spanned<String>>>>,
    source: &SourceText,
    faults: &mut Vec<Diagnostic>,
) -> Vec<IpNet> {
    let Some(written) = written else { return Vec::new() };
    if written.get_ref().is_empty() {
        let help = Some("name a host or a network, or take the key away".to_owned());
        faults.push(Diagnostic::error(source, written.span(), "the list of hosts is empty", "no host", help));
    }
    let mut nets = Vec::new();
    for text in written.get_ref() {
        match parse_net(text.get_ref()) {
            Some(net) => nets.push(net),
            None => {
                let help = Some("write `10.20.0.17`, `10.20.0.0/24`, `fd00::17` or `fd00::/64`".to_owned());
                let message = format!("`{}` is no address and no network", text.get_ref());
                faults.push(Diagnostic::error(source, text.span(), message, "not an address", help));
            }
        }
    }
    nets
}

fn parse_net(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok();
    net.map(|net| net.trunc()).or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

fn exception(raw: &RawRule, context: &RuleContext<'_>, faults: &mut Vec<Diagnostic>) -> Option<Exception> {
    if context.kind != RuleKind::SiteException {
        return None;
    }
    let expires = raw.expires.as_ref().and_then(|written| {
        let expires = moment(written.get_ref());
        if expires.is_none() {
            let help = Some("write the day too, such as 2026-12-31".to_owned());
            let message = "the exception's end has no date";
            faults.push(Diagnostic::error(context.source(), written.span(), message, "no date", help));
        }
        expires
    });
    Some(Exception {
        owner: needed("owner", raw.owner.as_ref(), true, "", context, faults),
        reason: needed("reason", raw.reason.as_ref(), true, "", context, faults),
        expires,
    })
}
