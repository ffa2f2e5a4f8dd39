//! Declarations that contradict or repeat each other, or can have no effect.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::host_net;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::site_file::lines::Lines;
use crate::inventory::site_file::warning;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;

/// Whom a declaration is about: each may be declared once.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Subject {
    Host(Addr),
    Network(IpNet),
    Mac(Mac),
    Vendor([u8; 3]),
}

impl Subject {
    pub(super) fn host(&self) -> Option<Addr> {
        if let Self::Host(addr) = self { Some(*addr) } else { None }
    }

    pub(super) fn network(&self) -> Option<IpNet> {
        if let Self::Network(net) = self { Some(*net) } else { None }
    }

    pub(super) fn mac(&self) -> Option<Mac> {
        if let Self::Mac(mac) = self { Some(*mac) } else { None }
    }

    pub(super) fn vendor(&self) -> Option<[u8; 3]> {
        if let Self::Vendor(prefix) = self { Some(*prefix) } else { None }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(addr) => write!(f, "host {addr}"),
            Self::Network(net) => write!(f, "network {net}"),
            Self::Mac(mac) => write!(f, "MAC {mac}"),
            Self::Vendor([a, b, c]) => write!(f, "vendor prefix {a:02x}:{b:02x}:{c:02x}"),
        }
    }
}

/// Everything that the file declared, with its place.
#[derive(Debug, Default)]
pub(super) struct Clashes {
    subjects: Vec<(Subject, Vec<Role>, Range<usize>)>,
    zone_names: Vec<(Arc<str>, Range<usize>)>,
    zone_networks: Vec<(IpNet, Arc<str>, Range<usize>)>,
}

impl Clashes {
    pub(super) fn subject(&mut self, subject: Subject, roles: &[Role], span: Range<usize>) {
        self.subjects.push((subject, roles.to_vec(), span));
    }

    pub(super) fn zone_name(&mut self, name: Arc<str>, span: Range<usize>) {
        self.zone_names.push((name, span));
    }

    pub(super) fn zone_network(&mut self, net: IpNet, zone: Arc<str>, span: Range<usize>) {
        self.zone_networks.push((net, zone, span));
    }

    /// Names what is declared twice.
    pub(super) fn twice(&self, source: &SourceText, lines: &Lines, faults: &mut Vec<Diagnostic>) {
        let mut first: BTreeMap<Subject, (&[Role], &Range<usize>)> = BTreeMap::new();
        for (subject, roles, span) in &self.subjects {
            match first.get(subject) {
                Some((others, place)) => {
                    faults.push(again(source, subject, (roles, span), (others, lines.line(place.start))))
                }
                None => {
                    first.insert(*subject, (roles, span));
                }
            }
        }
        let mut names: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for (name, span) in &self.zone_names {
            if let Some(place) = names.insert(name, span) {
                let message = format!("two zones are called `{name}`");
                let help = Some(format!("rename one; the other stands on line {}", lines.line(place.start)));
                faults.push(Diagnostic::error(source, span.clone(), message, "again here", help));
            }
        }
        let mut nets: BTreeMap<IpNet, &str> = BTreeMap::new();
        for (net, zone, span) in &self.zone_networks {
            if let Some(other) = nets.insert(*net, zone) {
                let message = format!("network {net} is in zone `{other}` and in zone `{zone}`");
                let help = "the packs of both are in force there; if that is meant, one zone with both packs says it better".to_owned();
                faults.push(warning(source, span.clone(), message, "the same network again", help));
            }
        }
    }

    /// Names what lies outside the monitored networks.
    pub(super) fn outside(&self, source: &SourceText, monitored: &[IpNet], faults: &mut Vec<Diagnostic>) {
        let monitored: BTreeSet<IpNet> = monitored.iter().map(IpNet::trunc).collect();
        let touches = |net: &IpNet| touches(&monitored, net.trunc());
        let mut name = |what: String, span: &Range<usize>| {
            let message = format!("{what} is outside `monitored`");
            let help = "add its network to `monitored`; a remote peer may stay: what it does with monitored hosts is judged".to_owned();
            faults.push(warning(source, span.clone(), message, "in no monitored network", help));
        };
        for (net, zone, span) in &self.zone_networks {
            if !touches(net) {
                name(format!("network {net} of zone `{zone}`"), span);
            }
        }
        for (subject, roles, span) in &self.subjects {
            let net = match subject {
                Subject::Host(addr) => host_net(*addr),
                Subject::Network(net) => *net,
                Subject::Mac(_) | Subject::Vendor(_) => continue,
            };
            // These two are elsewhere by their nature.
            let is_remote =
                roles.iter().any(|role| matches!(role, Role::Internet | Role::InterconnectedSite));
            if !touches(&net) && !is_remote {
                name(subject.to_string(), span);
            }
        }
    }
}

/// Whether a monitored network holds `net`, or `net` holds one: looked up, because a site may have very
/// many of both.
fn touches(monitored: &BTreeSet<IpNet>, net: IpNet) -> bool {
    let mut above = Some(net);
    while let Some(one) = above {
        if monitored.contains(&one) {
            return true;
        }
        above = one.supernet();
    }
    // They are in the order of their first addresses, and networks never overlap in part.
    monitored.range(net..).next().is_some_and(|one| net.contains(one))
}

fn again(
    source: &SourceText,
    subject: &Subject,
    (roles, span): (&[Role], &Range<usize>),
    (others, line): (&[Role], usize),
) -> Diagnostic {
    let words = RoleSet::of(others);
    if words == RoleSet::of(roles) {
        let message = format!("{subject} is declared twice");
        let help = format!("take one away: line {line} says the same roles");
        return warning(source, span.clone(), message, "again here", help);
    }
    let message = format!("{subject} is declared twice with different roles");
    let help = Some(format!("line {line} says `{words}`: put all its roles into one declaration"));
    Diagnostic::error(source, span.clone(), message, "other roles here", help)
}
