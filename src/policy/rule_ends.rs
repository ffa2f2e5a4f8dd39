//! The ends of a rule as they are written: roles, hosts, transport, ports, peers.

use std::sync::Arc;

use ipnet::IpNet;
use toml::Spanned;

use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::port_text::parse_ports;
use crate::policy::raw_rule::RawRule;
use crate::policy::rule::Ports;
use crate::policy::rule_text::RuleContext;
use crate::policy::words::compile_roles;
use crate::policy::words::compile_transport;
use crate::service::Transport;

/// Which end of a rule.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// Who opens.
    From,
    /// Who answers.
    To,
}

/// Roles of one end, exceptions taken out; any role where hosts are given instead.
pub(super) fn roles(
    raw: &RawRule,
    end: End,
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> RoleSet {
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

/// What carries it.
pub(super) fn transports(
    raw: &RawRule,
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Transport> {
    let Some(written) = &raw.transport else {
        if !context.table.has("transport") {
            context.table.missing("transport", "add `transport = \"tcp\"`", faults);
        }
        return Vec::new();
    };
    compile_transport(written, context.source(), faults)
}

/// The responder's ports; `None` after a fault.
pub(super) fn ports(
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

/// Hosts and networks of a site's rule.
pub(super) fn hosts(
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

/// Host names that the responder must prove to be, and whether the site names them.
pub(super) fn peers(
    raw: &RawRule,
    context: &RuleContext<'_>,
    faults: &mut Vec<Diagnostic>,
) -> (Vec<Arc<str>>, bool) {
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
