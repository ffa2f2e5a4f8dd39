//! A rule as it is written: `[[allow]]` of a pack, `[[allow]]` and `[[exception]]` of a site file.
//! [`RawRule`] holds what stands there, [`compile_rule`] makes a [`Rule`] of it or names every fault.

use std::sync::Arc;

use toml::Spanned;

use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::expiry::moment;
pub use crate::policy::raw_rule::EXCEPTION_KEYS;
pub use crate::policy::raw_rule::PACK_RULE_KEYS;
pub use crate::policy::raw_rule::RawRule;
pub use crate::policy::raw_rule::SITE_RULE_KEYS;
use crate::policy::rule::Exception;
use crate::policy::rule::Expect;
use crate::policy::rule::PackId;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;
use crate::policy::rule_ends::End;
use crate::policy::rule_ends::hosts;
use crate::policy::rule_ends::peers;
use crate::policy::rule_ends::ports;
use crate::policy::rule_ends::roles;
use crate::policy::rule_ends::transports;
use crate::policy::table::Table;
use crate::policy::words::compile_controls;
use crate::policy::words::compile_id;
use crate::policy::words::compile_words;
use crate::policy::words::filled;
use crate::policy::words::one_word;
use crate::service::Content;
use crate::service::Service;

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
    pub(super) fn source(&self) -> &SourceText {
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
