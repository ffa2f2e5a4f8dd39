//! The rules in force by what they fit, so that the cost of a decision does not grow with their number.
//!
//! Rules have numbers in the order of [`crate::policy::force::Policy::rules`]. What is found here may fit;
//! whether it does, only [`crate::policy::fit`] says.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use foldhash::fast::FixedState;

use crate::inventory::role::RoleSet;
use crate::inventory::site::Site;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::classes::Classes;
use crate::policy::fit::expects;
use crate::policy::port_blocks::Block;
use crate::policy::port_blocks::PortLists;
use crate::policy::port_blocks::blocks;
use crate::policy::port_text::port_set;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::tuples::Entry;
use crate::policy::tuples::Filed;
use crate::policy::tuples::Point;
use crate::policy::tuples::Tuples;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

/// Ports that a site gives one rule are cut into at most so many blocks; what would be more is filed
/// under all ports.
const MOST_BLOCKS: usize = 64;

/// Rules by what they fit.
#[derive(Debug, Default)]
pub(super) struct Index {
    fitting: Tuples,
    classes: Classes,
    /// One rule of all that know the same ports of the same roles.
    known: HashMap<Transport, PortLists, FixedState>,
    /// The first rule for announced media of each pack and pair of roles.
    announcing: Vec<u32>,
    /// The pack of each rule.
    packs: Vec<Option<u64>>,
    ids: HashMap<RuleId, u32, FixedState>,
}

/// A rule of the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered<'r> {
    /// Its number.
    pub(super) number: u32,
    /// The bit of its pack; `None`: it is the site's own.
    pub(super) pack: Option<u64>,
    /// It.
    pub(super) rule: &'r Rule,
}

/// Two ends and a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meeting<'e> {
    /// Who opens.
    pub(super) orig: &'e End,
    /// Who answers.
    pub(super) resp: &'e End,
    /// What carries it.
    pub(super) transport: Transport,
    /// The responder's port.
    pub(super) port: Option<u16>,
}

impl Index {
    /// The index of these rules, in ascending order of their numbers, on this site.
    pub(super) fn of(rules: &[Numbered<'_>], site: Option<&Site>) -> Self {
        let changes = changes_of(site);
        let ports: Vec<Vec<Block>> = rules.iter().map(|one| ports_of(one.rule, site, &changes)).collect();
        let mut index = Self::default();
        let (mut known, mut announcing) = (HashSet::new(), HashSet::new());
        for (one, ports) in rules.iter().zip(&ports) {
            let Numbered { number, pack, rule } = *one;
            index.packs.push(pack);
            index.ids.entry(rule.id.clone()).or_insert(number);
            if rule.ports != Ports::Any && known.insert(Knowledge::of(one)) {
                for transport in &rule.transports {
                    index.known.entry(*transport).or_default().file(ports, number);
                }
            }
            if rule.exception.is_none()
                && announces_media(rule)
                && announcing.insert((pack, rule.from, rule.to))
            {
                index.announcing.push(number);
            }
        }
        let filed = rules.iter().zip(&ports).map(|(one, ports)| Filed {
            rule: one.rule,
            number: one.number,
            pack: one.pack,
            ports,
            is_exact: is_exact(one.rule, !changes.is_empty()),
        });
        index.fitting = Tuples::of(filed);
        let lasting = rules.iter().zip(&ports).filter(|(one, _)| one.rule.exception.is_none());
        index.classes =
            Classes::of(lasting.map(|(one, ports)| (one.number, one.pack, one.rule, ports.as_slice())));
        index
    }

    /// The rules of these packs and of the site whose roles, hosts, transport and ports may fit, in no order,
    /// some perhaps twice. None that fits is missing.
    pub(super) fn fitting(&self, packs: u64, meeting: &Meeting<'_>) -> impl Iterator<Item = &Entry> {
        let Meeting { orig, resp, transport, port } = *meeting;
        let point = Point { transport, port, orig: Some(orig.addr), resp: Some(resp.addr) };
        let (orig, resp) = (orig.roles, resp.roles);
        self.fitting.around(point).filter(move |entry| entry.meets(packs, orig, resp))
    }

    /// Of all rules of these packs and of the site that know a port like this one, at least one of each
    /// pack, responders and end.
    pub(super) fn knowing(&self, packs: u64, transport: Transport, port: u16) -> impl Iterator<Item = u32> {
        let known = self.known.get(&transport).into_iter().flat_map(move |ports| ports.around(Some(port)));
        known.filter(move |number| self.is_in_force(packs, *number))
    }

    /// See [`Classes::telling`].
    pub(super) fn telling(&self, packs: u64, case: &Case<'_>, fits_port: impl Fn(u32) -> bool) -> Vec<u32> {
        self.classes.telling(packs, case, fits_port)
    }

    /// The first rule for announced media of each pair of roles, of these packs and of the site, ascending.
    pub(super) fn announcing(&self, packs: u64) -> impl Iterator<Item = u32> {
        self.announcing.iter().copied().filter(move |number| self.is_in_force(packs, *number))
    }

    fn is_in_force(&self, packs: u64, number: u32) -> bool {
        let pack = usize::try_from(number).ok().and_then(|number| self.packs.get(number));
        pack.is_some_and(|pack| pack.is_none_or(|pack| pack & packs != 0))
    }

    /// The first rule with this identifier.
    pub(super) fn number(&self, id: &RuleId) -> Option<u32> {
        self.ids.get(id).copied()
    }
}

/// Whether all that `rule` demands of two ends is what it is filed under, so that it serves wherever it is
/// found ([`crate::policy::fit::serves`]).
fn is_exact(rule: &Rule, changes_ports: bool) -> bool {
    let is_timed = rule.exception.as_ref().is_some_and(|exception| exception.expires.is_some());
    let has_ports = match &rule.ports {
        Ports::Any => false,
        Ports::Named => true,
        Ports::Set(_) => !changes_ports,
    };
    has_ports && !is_timed && rule.to_zone_kind.is_none()
}

/// Whether media that a session announces come under `rule`.
fn announces_media(rule: &Rule) -> bool {
    [Service::Rtsp, Service::Sip, Service::Rtp].iter().any(|service| expects(rule, *service))
}

/// What it depends on whether a rule knows a port of a host.
#[derive(Eq, Hash, PartialEq)]
struct Knowledge<'r> {
    pack: Option<u64>,
    to: RoleSet,
    transports: &'r [Transport],
    ports: Option<&'r PortSet>,
    /// The site names ports for each rule.
    named: Option<&'r RuleId>,
    expires: Option<Timestamp>,
}

impl<'r> Knowledge<'r> {
    fn of(one: &Numbered<'r>) -> Self {
        let (ports, named) = match &one.rule.ports {
            Ports::Set(ports) => (Some(ports), None),
            Ports::Named => (None, Some(&one.rule.id)),
            Ports::Any => (None, None),
        };
        let expires = one.rule.exception.as_ref().and_then(|exception| exception.expires);
        Self { pack: one.pack, to: one.rule.to, transports: &one.rule.transports, ports, named, expires }
    }
}

/// What the site uses instead of a port, for any host or role.
fn changes_of(site: Option<&Site>) -> BTreeMap<u16, Vec<RangeInclusive<u16>>> {
    let mut changes: BTreeMap<u16, Vec<RangeInclusive<u16>>> = BTreeMap::new();
    if let Some(site) = site {
        let own = site.assignments.iter().flat_map(|assignment| &assignment.ports);
        for change in own.chain(&site.role_ports) {
            changes.entry(change.default).or_default().extend(change.ports.0.iter().cloned());
        }
    }
    changes.into_iter().map(|(default, ranges)| (default, port_set(ranges).0)).collect()
}

/// The ports that `rule` is about, at any host: its own and what the site uses instead of them.
fn ports_of(
    rule: &Rule,
    site: Option<&Site>,
    changes: &BTreeMap<u16, Vec<RangeInclusive<u16>>>,
) -> Vec<Block> {
    match &rule.ports {
        Ports::Any => vec![Block::WHOLE],
        Ports::Named => {
            let named = site.and_then(|site| site.named_ports.iter().find(|(id, _)| *id == rule.id.0));
            named.map(|(_, ports)| blocks(&ports.0)).unwrap_or_default()
        }
        Ports::Set(ports) => {
            let mut filed = blocks(&ports.0);
            for (_, used) in ports.0.iter().flat_map(|range| changes.range(range.clone())) {
                filed.extend(blocks(used));
                if filed.len() > MOST_BLOCKS {
                    return vec![Block::WHOLE];
                }
            }
            filed
        }
    }
}
