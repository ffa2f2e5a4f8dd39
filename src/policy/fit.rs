//! How well one rule fits one conversation, field by field.

use std::borrow::Cow;
use std::sync::Arc;

use crate::inventory::Inventory;
use crate::inventory::role::RoleSet;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Spoken;
use crate::policy::force::Policy;
use crate::policy::rule::Expect;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;
use crate::verdict::Field;

/// What does not fit, and how what is spoken stands to what is expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fit {
    /// Roles, hosts, transport, port and zone that do not fit; `direction` stands for both roles
    /// where they fit the other way round.
    pub structure: Vec<Field>,
    /// The rule is off, obsolete or local-only.
    pub status: bool,
    /// The named peer.
    pub peer: Peer,
    /// What is spoken.
    pub speech: Speech,
}

/// How the responder's names stand to the rule's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Peer {
    /// The rule names none, or one of them is proved.
    Proved,
    /// Nothing tells who the responder is.
    Unproved,
    /// It goes by other names.
    Another,
}

/// How what is spoken stands to what is expected (`policy.md` §4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speech {
    /// As expected, or nothing was said that could contradict.
    Right(Certainty),
    /// The expected protocol without the encryption that the rule demands.
    Plain(Certainty),
    /// Another recognised protocol.
    Wrong,
    /// Too few octets to tell.
    TooLittle,
    /// Enough octets, nobody recognised them, and the expected service would have been.
    Unrecognised,
    /// Inside a VPN.
    Tunnelled,
}

impl Fit {
    /// Whether roles, transport, port and zone fit.
    pub fn is_structural(&self) -> bool {
        self.structure.is_empty()
    }

    /// Whether what is spoken does not contradict.
    pub fn is_spoken(&self) -> bool {
        matches!(self.speech, Speech::Right(_) | Speech::Plain(_))
    }

    /// All fields that failed, the most telling first.
    pub fn failed(&self) -> Vec<Field> {
        let mut failed = self.structure.clone();
        if self.speech == Speech::Wrong {
            failed.push(Field::Service);
        }
        if self.peer != Peer::Proved {
            failed.push(Field::Peer);
        }
        if self.status {
            failed.push(Field::Status);
        }
        failed
    }
}

/// Compares `rule` with `case`.
pub fn fit(policy: &Policy, inventory: &Inventory, rule: &Rule, case: &Case<'_>) -> Fit {
    let closed = [Status::Obsolete, Status::LocalOnly].iter().any(|status| rule.is(*status));
    Fit {
        structure: structure(inventory, rule, case),
        status: closed || policy.is_off(rule),
        peer: peer(inventory, rule, case),
        speech: speech(policy, rule, case),
    }
}

fn structure(inventory: &Inventory, rule: &Rule, case: &Case<'_>) -> Vec<Field> {
    let mut failed = Vec::new();
    let (from, to) = (fits_from(rule, case.orig), fits_to(rule, case.resp));
    let reversed = fits_from(rule, case.resp) && fits_to(rule, case.orig);
    match (from, to) {
        (true, true) => {}
        _ if reversed && rule.both_ways => {}
        _ if reversed => failed.push(Field::Direction),
        (from, to) => {
            if !from {
                failed.push(Field::From);
            }
            if !to {
                failed.push(Field::To);
            }
        }
    }
    if !rule.transports.contains(&case.transport) {
        failed.push(Field::Transport);
    }
    if !fits_port(inventory, rule, case) {
        failed.push(Field::Port);
    }
    if rule.to_zone_kind.as_ref().is_some_and(|kind| !case.resp.zone_kinds.contains(kind)) {
        failed.push(Field::Zone);
    }
    failed
}

/// Whether `rule` lets `from` open `port` of `to`, as far as roles, hosts, transport and port go. A rule
/// for any port tells no responder's port from another.
pub fn serves(
    inventory: &Inventory,
    rule: &Rule,
    (from, to): (&End, &End),
    transport: Transport,
    port: u16,
) -> bool {
    let pair = fits_from(rule, from) && fits_to(rule, to)
        || rule.both_ways && fits_from(rule, to) && fits_to(rule, from);
    pair && rule.transports.contains(&transport)
        && ports_at(inventory, rule, to, rule.to).is_some_and(|ports| ports.has(port))
        && rule.to_zone_kind.as_ref().is_none_or(|kind| to.zone_kinds.contains(kind))
}

fn fits_from(rule: &Rule, end: &End) -> bool {
    rule.from.meets(end.roles) && is_among(&rule.from_hosts, end)
}

fn fits_to(rule: &Rule, end: &End) -> bool {
    rule.to.meets(end.roles) && is_among(&rule.to_hosts, end)
}

fn is_among(hosts: &[ipnet::IpNet], end: &End) -> bool {
    hosts.is_empty() || hosts.iter().any(|net| net.contains(&end.addr.ip()))
}

/// Whether the responder's port is one of the rule's, with the site's changes for that host.
pub fn fits_port(inventory: &Inventory, rule: &Rule, case: &Case<'_>) -> bool {
    match (ports_at(inventory, rule, case.resp, rule.to), case.port) {
        (None, _) => true,
        (Some(ports), Some(port)) => ports.has(port),
        (Some(_), None) => false,
    }
}

/// The ports of `rule` at `host`; `None` if any will do.
pub fn ports_at<'a>(
    inventory: &'a Inventory,
    rule: &'a Rule,
    host: &End,
    roles: RoleSet,
) -> Option<Cow<'a, PortSet>> {
    match &rule.ports {
        Ports::Any => None,
        Ports::Named => Some(
            inventory.named_ports(&rule.id).map_or_else(|| Cow::Owned(PortSet::default()), Cow::Borrowed),
        ),
        Ports::Set(ports) => Some(inventory.ports_for(ports, host.addr, roles)),
    }
}

fn peer(inventory: &Inventory, rule: &Rule, case: &Case<'_>) -> Peer {
    if rule.peers.is_empty() && !rule.peers_named {
        return Peer::Proved;
    }
    let named = if rule.peers_named { inventory.named_peers(&rule.id) } else { &[] };
    let proves = |name: &Arc<str>| rule.peers.iter().chain(named).any(|peer| is_called(name, peer));
    let called = &case.traits.names;
    // What the client says counts before what somebody asked DNS for: an address has many names. One
    // other name is enough against it; that nobody was seen to ask for the right one proves nothing.
    if !called.is_empty() && called.iter().all(proves)
        || called.is_empty() && case.traits.resolved.iter().any(proves)
    {
        Peer::Proved
    } else if called.is_empty() || (rule.peers_named && named.is_empty()) {
        Peer::Unproved
    } else {
        Peer::Another
    }
}

/// Whether `name` is `peer`, or under it where `peer` is `*.domain`.
fn is_called(name: &str, peer: &str) -> bool {
    match peer.strip_prefix("*.") {
        Some(domain) => {
            name.strip_suffix(domain).is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        }
        None => name == peer,
    }
}

fn speech(policy: &Policy, rule: &Rule, case: &Case<'_>) -> Speech {
    if !rule.contents.is_empty()
        && !rule.contents.iter().any(|content| case.traits.contents.contains(*content))
    {
        return Speech::Wrong;
    }
    match (&rule.expect, case.spoken) {
        (_, Spoken::Known(service, _)) if is_vpn(service) && !expects(rule, service) => Speech::Tunnelled,
        (_, Spoken::Known(service, certainty)) => known(rule, service, certainty),
        (_, Spoken::Nothing) => Speech::Right(Certainty::PortOnly),
        (Expect::PortOnly, _) => Speech::Right(Certainty::PortOnly),
        (Expect::Services(services), spoken) => {
            let tellable = services.iter().any(|service| policy.can_recognise(*service));
            match spoken {
                _ if !tellable => Speech::Right(Certainty::PortOnly),
                Spoken::TooLittle => Speech::TooLittle,
                _ => Speech::Unrecognised,
            }
        }
    }
}

fn known(rule: &Rule, service: Service, certainty: Certainty) -> Speech {
    let encrypted = matches!(service, Service::Tls | Service::Dtls | Service::Quic);
    if expects(rule, service) {
        let plain = rule.tls == TlsDemand::Required && service == Service::Http;
        return if plain { Speech::Plain(certainty) } else { Speech::Right(certainty) };
    }
    match &rule.expect {
        // TLS stands for the rule's own service inside it, where the rule knows of encryption.
        _ if encrypted && rule.tls != TlsDemand::None => Speech::Right(certainty),
        // HTTP where HTTPS is demanded is that service in clear, not another one.
        Expect::Services(_) if rule.tls == TlsDemand::Required && service == Service::Http => {
            Speech::Plain(certainty)
        }
        // Shape alone accuses nobody.
        Expect::PortOnly if certainty <= Certainty::Heuristic || service == Service::Text => {
            Speech::Right(Certainty::PortOnly)
        }
        Expect::Services(_) if certainty <= Certainty::Heuristic => Speech::Unrecognised,
        // Text may be the expected one, cut before the line that would tell.
        Expect::Services(services) if service == Service::Text && services.iter().any(is_text) => {
            Speech::Unrecognised
        }
        _ => Speech::Wrong,
    }
}

/// Whether the rule lists `service` itself.
pub fn expects(rule: &Rule, service: Service) -> bool {
    matches!(&rule.expect, Expect::Services(services) if services.contains(&service))
}

/// Whether `service` is made of lines of text.
const fn is_text(service: &Service) -> bool {
    matches!(
        service,
        Service::Http
            | Service::Rtsp
            | Service::Sip
            | Service::Imageserver
            | Service::Matrix
            | Service::Ssdp
            | Service::WsDiscovery
            | Service::Smtp
            | Service::Ftp
            | Service::Ssh
            | Service::Telnet
            | Service::DahuaDvrip
            | Service::DahuaDhip
    )
}

/// Whether `service` wraps other traffic in encryption.
pub fn is_vpn(service: Service) -> bool {
    matches!(service, Service::Ipsec | Service::Wireguard | Service::Openvpn)
}
