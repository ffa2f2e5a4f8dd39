//! The site file's declarations, ready to be looked up: by address, longest prefix, MAC and vendor.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use foldhash::fast::FixedState;
use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::broadcast_of;
use crate::inventory::address::host_net;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::site::Assignment;
use crate::inventory::site::PortChange;
use crate::inventory::site::Site;
use crate::inventory::site::Whom;
use crate::inventory::site::Zone;
use crate::inventory::surroundings::Around;
use crate::inventory::surroundings::Surroundings;
use crate::policy::rule::PackId;
use crate::policy::rule::PortSet;

/// A site, indexed. Where two declarations say the same thing the first one wins; the reader of site
/// files has named that as a fault.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    site: Arc<Site>,
    hosts: HashMap<Addr, usize, FixedState>,
    macs: BTreeMap<Mac, usize>,
    vendors: BTreeMap<[u8; 3], usize>,
    /// Zones of one prefix each.
    zones: Vec<InZones>,
    /// Networks, zones and what is monitored, by address.
    surroundings: Surroundings,
    broadcasts: HashSet<Addr, FixedState>,
    changes_ports: bool,
    /// A host has several addresses.
    has_aliases: bool,
}

/// All prefixes of a site, before they are put together.
#[derive(Default)]
struct Prefixes {
    monitored: JointPrefixMap<IpNet, ()>,
    networks: JointPrefixMap<IpNet, usize>,
    zones: JointPrefixMap<IpNet, usize>,
    all: Vec<IpNet>,
}

/// The zones with one prefix, and the packs of all of them.
#[derive(Clone, Debug, Default)]
struct InZones {
    zones: Vec<usize>,
    packs: Vec<PackId>,
}

impl Declared {
    pub(crate) fn of(site: Arc<Site>) -> Self {
        let mut declared = Self {
            hosts: HashMap::default(),
            macs: BTreeMap::new(),
            vendors: BTreeMap::new(),
            zones: Vec::new(),
            surroundings: Surroundings::default(),
            broadcasts: HashSet::default(),
            changes_ports: !site.role_ports.is_empty()
                || site.assignments.iter().any(|a| !a.ports.is_empty()),
            has_aliases: site
                .assignments
                .iter()
                .any(|assignment| matches!(&assignment.whom, Whom::Host(addrs) if addrs.len() > 1)),
            site: Arc::clone(&site),
        };
        let mut prefixes = Prefixes::default();
        for net in &site.monitored {
            prefixes.monitored.insert(*net, ());
            prefixes.all.push(*net);
            declared.broadcasts.extend(broadcast_of(net));
        }
        for (index, zone) in site.zones.iter().enumerate() {
            declared.add_zone(index, zone, &mut prefixes);
        }
        for (index, assignment) in site.assignments.iter().enumerate() {
            declared.add_assignment(index, &assignment.whom, &mut prefixes);
        }
        let all = std::mem::take(&mut prefixes.all);
        declared.surroundings = Surroundings::of(&all, |addr| prefixes.around(addr));
        declared
    }

    fn add_zone(&mut self, index: usize, zone: &Zone, prefixes: &mut Prefixes) {
        for net in &zone.networks {
            self.broadcasts.extend(broadcast_of(net));
            prefixes.all.push(*net);
            let next = self.zones.len();
            let place = *prefixes.zones.entry(*net).or_insert(next);
            if place == next {
                self.zones.push(InZones::default());
            }
            let Some(held) = self.zones.get_mut(place) else { continue };
            if !held.zones.contains(&index) {
                held.zones.push(index);
            }
            for pack in &zone.packs {
                if !held.packs.contains(pack) {
                    held.packs.push(pack.clone());
                }
            }
        }
    }

    fn add_assignment(&mut self, index: usize, whom: &Whom, prefixes: &mut Prefixes) {
        match whom {
            Whom::Host(addrs) => {
                for addr in addrs {
                    self.hosts.entry(*addr).or_insert(index);
                }
            }
            Whom::Network(nets) => {
                for net in nets {
                    self.broadcasts.extend(broadcast_of(net));
                    prefixes.all.push(*net);
                    prefixes.networks.entry(*net).or_insert(index);
                }
            }
            Whom::Mac(macs) => {
                for mac in macs {
                    self.macs.entry(*mac).or_insert(index);
                }
            }
            Whom::VendorPrefix(prefixes) => {
                for prefix in prefixes {
                    self.vendors.entry(*prefix).or_insert(index);
                }
            }
        }
    }

    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The declaration of this very address.
    pub(crate) fn by_host(&self, addr: Addr) -> Option<&Assignment> {
        self.assignment(self.host_index(addr)?)
    }

    /// As [`Declared::by_host`], which one it is.
    pub(crate) fn host_index(&self, addr: Addr) -> Option<usize> {
        self.hosts.get(&addr).copied()
    }

    /// The declaration of the longest prefix around it.
    pub(crate) fn by_network(&self, addr: Addr) -> Option<&Assignment> {
        self.assignment(self.surroundings.at(addr).network?)
    }

    pub(crate) fn by_mac(&self, mac: Mac) -> Option<&Assignment> {
        self.assignment(*self.macs.get(&mac)?)
    }

    pub(crate) fn by_vendor(&self, mac: Mac) -> Option<&Assignment> {
        self.assignment(*self.vendors.get(&mac.prefix())?)
    }

    /// Which declaration there is of this MAC, else of its vendor prefix.
    pub(crate) fn device_index(&self, mac: Mac) -> Option<usize> {
        self.macs.get(&mac).or_else(|| self.vendors.get(&mac.prefix())).copied()
    }

    /// The first addresses of all spans in which the prefixes around an address are the same.
    pub(crate) fn span_starts(&self) -> impl Iterator<Item = Addr> {
        self.surroundings.starts()
    }

    /// Addresses of which more is said than of the prefixes around them.
    pub(crate) fn single_addresses(&self) -> impl Iterator<Item = Addr> {
        self.hosts.keys().chain(&self.broadcasts).copied()
    }

    /// What all prefixes around it say.
    pub(crate) fn around(&self, addr: Addr) -> Around {
        self.surroundings.at(addr)
    }

    /// One of the site's declarations.
    pub(crate) fn assignment(&self, index: usize) -> Option<&Assignment> {
        self.site.assignments.get(index)
    }

    /// Whether a host is declared with several addresses.
    pub(crate) fn has_aliases(&self) -> bool {
        self.has_aliases
    }

    /// The first address of the host that the declaration with this index is about.
    pub(crate) fn first_of_host(&self, index: usize) -> Option<Addr> {
        match &self.assignment(index)?.whom {
            Whom::Host(addrs) => addrs.first().copied(),
            _ => None,
        }
    }

    pub(crate) fn is_subnet_broadcast(&self, addr: Addr) -> bool {
        self.broadcasts.contains(&addr)
    }

    fn in_zones(&self, addr: Addr) -> Option<&InZones> {
        self.zones.get(self.surroundings.at(addr).zones?)
    }

    /// The zones with the longest prefix around it, in the order of the site file.
    pub(crate) fn zones(&self, addr: Addr) -> impl Iterator<Item = &Zone> {
        let indices = self.in_zones(addr).map(|held| held.zones.as_slice()).unwrap_or_default();
        indices.iter().filter_map(|index| self.site.zones.get(*index))
    }

    pub(crate) fn packs(&self, addr: Addr) -> &[PackId] {
        self.in_zones(addr).map(|held| held.packs.as_slice()).unwrap_or_default()
    }

    /// Whether the site changes any port number.
    pub(crate) fn changes_ports(&self) -> bool {
        self.changes_ports
    }

    /// Changes of port numbers for every host that has one of `roles`.
    pub(crate) fn role_changes(&self, roles: RoleSet) -> impl Iterator<Item = &PortChange> {
        self.site.role_ports.iter().filter(move |change| change.role.is_some_and(|role| roles.has(role)))
    }

    /// Whether the site says that a router has this MAC.
    pub(crate) fn is_router(&self, mac: Mac) -> bool {
        self.by_mac(mac).is_some_and(|assignment| assignment.roles.contains(&Role::Router))
    }
}

impl Prefixes {
    /// What is around `addr`: of each kind the longest prefix.
    fn around(&self, addr: Addr) -> Around {
        let net = host_net(addr);
        Around {
            network: self.networks.get_lpm(&net).map(|(_, index)| *index),
            zones: self.zones.get_lpm(&net).map(|(_, place)| *place),
            monitored: self.monitored.get_lpm(&net).is_some(),
        }
    }
}

/// `default` with its ports replaced as `changes` say; of several for one port the first counts.
pub(crate) fn changed_ports<'p>(
    default: &'p PortSet,
    changes: impl Iterator<Item = &'p PortChange>,
) -> Cow<'p, PortSet> {
    let mut kept = default.0.clone();
    let mut added: Vec<RangeInclusive<u16>> = Vec::new();
    let mut replaced = BTreeSet::new();
    for change in changes {
        if default.has(change.default) && replaced.insert(change.default) {
            kept = kept.iter().flat_map(|range| range_without(range, change.default)).collect();
            added.extend(change.ports.0.iter().cloned());
        }
    }
    if replaced.is_empty() {
        return Cow::Borrowed(default);
    }
    kept.extend(added);
    Cow::Owned(joined(kept))
}

fn range_without(range: &RangeInclusive<u16>, port: u16) -> Vec<RangeInclusive<u16>> {
    if !range.contains(&port) {
        return vec![range.clone()];
    }
    let below = port.checked_sub(1).map(|last| *range.start()..=last);
    let above = port.checked_add(1).map(|first| first..=*range.end());
    below.into_iter().chain(above).filter(|part| !part.is_empty()).collect()
}

/// Ascending and without overlap, as [`PortSet`] promises.
fn joined(mut ranges: Vec<RangeInclusive<u16>>) -> PortSet {
    ranges.sort_by_key(|range| (*range.start(), *range.end()));
    let mut joined: Vec<RangeInclusive<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => joined.push(range),
        }
    }
    PortSet(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(default: u16, ports: RangeInclusive<u16>) -> PortChange {
        PortChange { role: None, default, ports: PortSet(vec![ports]) }
    }

    #[test]
    fn a_changed_port_replaces_its_default_and_the_first_change_counts() {
        let default = PortSet(vec![80..=80, 9001..=9003]);
        let changes = [change(9002, 19002..=19004), change(9002, 7..=7), change(5, 6..=6)];
        let got = changed_ports(&default, changes.iter());
        assert_eq!(got.to_string(), "80, 9001, 9003, 19002-19004");
        let edges = [change(9001, 9002..=9002), change(9003, 81..=81)];
        assert_eq!(changed_ports(&default, edges.iter()).to_string(), "80-81, 9002");
    }

    #[test]
    fn ports_that_nobody_changed_are_lent() {
        let default = PortSet(vec![7563..=7563]);
        assert!(matches!(changed_ports(&default, [change(554, 8554..=8554)].iter()), Cow::Borrowed(_)));
    }
}
