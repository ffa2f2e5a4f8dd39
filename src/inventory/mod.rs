//! Who is who: the operator's site file, and what hosts show by what they do.
//!
//! [`Inventory`] answers for every address: its roles and why, its zones and packs, its changed ports.
//! Declarations come first (`policy.md` §1): host, longest prefix, MAC, vendor prefix. Without a site file
//! roles are inferred. It reads no clock and forgets in insertion order beyond fixed caps.

mod address;
mod declared;
mod draft;
mod fifo;
mod inference;
mod likeness;
mod sightings;
mod signs;
mod spots;
mod surroundings;
mod view;

pub mod role;
pub mod site;
pub mod site_file;
pub mod vendors;

pub(crate) use address::is_group;
pub use inference::MAX_OBSERVED_HOSTS;
pub use inference::Observation;
pub(crate) use likeness::Glance;
pub(crate) use likeness::Likeness;
pub use sightings::Change;
pub use sightings::MAX_ADDRESSES_PER_MAC;
pub use sightings::MAX_BINDINGS;
pub use sightings::MAX_HOSTS_OF_A_DEVICE;
pub use sightings::MAX_ROUTERS;
pub use sightings::ROUTER_WINDOW;
pub use signs::Act;
pub use view::HostView;
pub use view::Standing;

use std::borrow::Cow;
use std::sync::Arc;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::is_private;
use crate::inventory::address::kinds;
use crate::inventory::declared::Declared;
use crate::inventory::declared::changed_ports;
use crate::inventory::inference::Conclusion;
use crate::inventory::inference::Inference;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::sightings::Sightings;
use crate::inventory::site::Assignment;
use crate::inventory::site::PortChange;
use crate::inventory::site::Site;
use crate::inventory::site::Zone;
use crate::inventory::spots::Spot;
use crate::inventory::spots::Spots;
use crate::inventory::vendors::vendor_of;
use crate::inventory::vendors::vendor_row;
use crate::policy::rule::PackId;
use crate::policy::rule::PortSet;
use crate::policy::rule::RuleId;
use crate::time::Timestamp;

/// All that is known of hosts.
#[derive(Clone, Debug)]
pub struct Inventory {
    declared: Option<Declared>,
    /// What is said of each address.
    spots: Spots,
    sightings: Sightings,
    inference: Inference,
    words: Words,
    /// Whether what hosts do is of interest.
    infers: bool,
    /// Grows with every change that may make an answer of [`Inventory::host`] another.
    changes: u64,
}

/// Sentences that many hosts share.
#[derive(Clone, Debug)]
struct Words {
    group: Arc<str>,
    broadcast: Arc<str>,
    internet: Arc<str>,
    unlisted: Arc<str>,
    unseen: Arc<str>,
}

impl Inventory {
    /// An inventory of this site; `None`: roles are inferred.
    pub fn new(site: Option<Arc<Site>>) -> Self {
        let words = Words {
            group: Arc::from("a multicast or broadcast address"),
            broadcast: Arc::from("the broadcast address of a declared network"),
            internet: Arc::from("a public address that the site does not declare"),
            unlisted: Arc::from("the site file does not name it"),
            unseen: Arc::from("nothing that it did shows what it is"),
        };
        let (sightings, inference) = (Sightings::default(), Inference::default());
        let declared = site.map(Declared::of);
        let spots = Spots::of(declared.as_ref(), kinds(), |addr| Spot::of(declared.as_ref(), addr));
        Self { declared, spots, sightings, inference, words, infers: true, changes: 0 }
    }

    /// Puts another site in the place of this one. What was seen of MACs stays.
    pub fn declare(&mut self, site: Option<Arc<Site>>) {
        let (sightings, changes) = (std::mem::take(&mut self.sightings), self.changes.saturating_add(1));
        *self = Self { sightings, changes, ..Self::new(site).without_inference() };
    }

    /// The same without an eye for what hosts do: for a run with a site file that drafts no other.
    #[must_use]
    pub fn without_inference(mut self) -> Self {
        self.infers = self.declared.is_none();
        self
    }

    /// The site, if there is one.
    pub fn site(&self) -> Option<&Arc<Site>> {
        self.declared.as_ref().map(Declared::site)
    }

    /// Who `addr` is.
    ///
    /// The first of these that speaks: its own declaration; being a group; the longest declared prefix;
    /// being on the internet; for IPv6, the declaration of another address of the same device; its MAC;
    /// its vendor prefix; without a site, what it did.
    pub fn host(&self, addr: Addr) -> HostView {
        if let Some(assignment) = self.declared.as_ref().and_then(|site| site.by_host(addr)) {
            return self.declared_view(addr, assignment, None);
        }
        if self.is_group(addr) {
            let why = if addr.is_group() { &self.words.group } else { &self.words.broadcast };
            return self.view(addr, Role::Group, Arc::clone(why), Standing::Address);
        }
        if let Some(assignment) = self.declared.as_ref().and_then(|site| site.by_network(addr)) {
            return self.declared_view(addr, assignment, None);
        }
        if self.is_internet(addr) {
            return self.view(addr, Role::Internet, Arc::clone(&self.words.internet), Standing::Address);
        }
        match &self.declared {
            Some(declared) => self.declared_by_device(declared, addr),
            None => self.inferred(addr),
        }
    }

    fn declared_by_device(&self, declared: &Declared, addr: Addr) -> HostView {
        if let Some(other) = self
            .beside(addr, |other| declared.by_host(other).is_some() || declared.by_network(other).is_some())
            && let Some(assignment) = declared.by_host(other).or_else(|| declared.by_network(other))
        {
            return self.declared_view(addr, assignment, Some(other));
        }
        let by_mac = |mac| declared.by_mac(mac).or_else(|| declared.by_vendor(mac));
        match self.own_mac(addr).and_then(by_mac) {
            Some(assignment) => self.declared_view(addr, assignment, None),
            None => self.view(addr, Role::Unknown, Arc::clone(&self.words.unlisted), Standing::Unlisted),
        }
    }

    fn inferred(&self, addr: Addr) -> HostView {
        let other = || self.beside(addr, |other| self.inference.conclusion(other).is_some());
        let conclusion = self.inference.conclusion(addr).or_else(|| self.inference.conclusion(other()?));
        let Some(conclusion) = conclusion else {
            return self.view(addr, Role::Unknown, Arc::clone(&self.words.unseen), Standing::Unlisted);
        };
        let standing = Standing::Inferred(conclusion.certainty);
        let mut view = self.view(addr, conclusion.label, Arc::clone(&conclusion.why), standing);
        view.roles = conclusion.roles;
        view
    }

    fn declared_view(&self, addr: Addr, assignment: &Assignment, through: Option<Addr>) -> HostView {
        let why = match through {
            Some(other) => Arc::from(format!("{} (the same device has {other})", assignment.place)),
            None => Arc::clone(&assignment.place),
        };
        let label = assignment.roles.first().copied().unwrap_or(Role::Unknown);
        let mut view = self.view(addr, label, why, Standing::Declared);
        view.roles = view.roles.union(RoleSet::of(&assignment.roles));
        view.name.clone_from(&assignment.name);
        view.nat = assignment.nat;
        view
    }

    fn view(&self, addr: Addr, label: Role, why: Arc<str>, standing: Standing) -> HostView {
        let mac = self.own_mac(addr);
        let (vendor, roles) = (mac.and_then(vendor_of), RoleSet::of(&[label]));
        HostView { addr, mac, vendor, label, roles, name: None, why, standing, nat: false }
    }

    /// A number that is the same as long as [`Inventory::host`] answers the same for every address.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether conversations of `addr` are judged: it is in a monitored network, or it is a local IPv6
    /// address of a device that has an address there. Without a site every address is that is no group
    /// and not on the internet.
    pub fn is_monitored(&self, addr: Addr) -> bool {
        let is_monitored = |addr| self.spots.at(addr).is_monitored;
        is_monitored(addr)
            || self.declared.is_some() && !self.is_internet(addr) && self.beside(addr, is_monitored).is_some()
    }

    /// Whether `addr` is on the internet: routers carry it there, and the site does not name it, neither
    /// as monitored nor as a host, network or zone. One that it names with the role internet is, too.
    pub fn is_internet(&self, addr: Addr) -> bool {
        self.spots.at(addr).is_internet
    }

    /// Whether `addr` is a multicast group, 255.255.255.255, or the broadcast address of a declared network.
    pub fn is_group(&self, addr: Addr) -> bool {
        self.spots.at(addr).is_group
    }

    /// The zones that `addr` is in: those of the longest prefix, all that have it.
    pub fn zones(&self, addr: Addr) -> impl Iterator<Item = &Zone> {
        self.declared.iter().flat_map(move |declared| declared.zones(self.in_zone(declared, addr)))
    }

    /// The packs of those zones. Packs that are in force everywhere are not among them.
    pub fn packs_of(&self, addr: Addr) -> &[PackId] {
        let packs = |declared| Declared::packs(declared, self.in_zone(declared, addr));
        self.declared.as_ref().map(packs).unwrap_or_default()
    }

    /// `addr`, or for an IPv6 address outside all zones another address of its device that is in one.
    fn in_zone(&self, declared: &Declared, addr: Addr) -> Addr {
        let has_zone = |addr: Addr| declared.zones(addr).next().is_some();
        if has_zone(addr) { addr } else { self.beside(addr, has_zone).unwrap_or(addr) }
    }

    /// The ports that `host` uses where a rule says `default`; `roles` are the rule's responders.
    /// The host's own change counts, then its network's, its MAC's, and that of a role that it has.
    pub fn ports_for<'p>(&'p self, default: &'p PortSet, host: Addr, roles: RoleSet) -> Cow<'p, PortSet> {
        // Most sites change no port, and this is asked for every rule.
        let Some(declared) = self.declared.as_ref().filter(|declared| declared.changes_ports()) else {
            return Cow::Borrowed(default);
        };
        let by_mac = self.own_mac(host).and_then(|mac| declared.by_mac(mac));
        let own: Vec<&PortChange> = [declared.by_host(host), declared.by_network(host), by_mac]
            .into_iter()
            .flatten()
            .flat_map(|assignment| assignment.ports.iter())
            .collect();
        let held = self.host(host).roles;
        let both = roles.without(roles.without(held));
        changed_ports(default, own.into_iter().chain(declared.role_changes(both)))
    }

    /// Ports that the site names for a rule that leaves them to it.
    pub fn named_ports(&self, rule: &RuleId) -> Option<&PortSet> {
        let named = &self.site()?.named_ports;
        named.iter().find(|(id, _)| *id == rule.0).map(|(_, ports)| ports)
    }

    /// Host names that the site names for a rule that leaves them to it.
    pub fn named_peers(&self, rule: &RuleId) -> &[Arc<str>] {
        let Some(site) = self.site() else { return &[] };
        let named = site.named_peers.iter().find(|(id, _)| *id == rule.0);
        named.map(|(_, peers)| peers.as_slice()).unwrap_or_default()
    }

    /// Takes in that `addr` was seen with `mac`: in ARP, neighbour discovery or DHCP, or in the frames of a
    /// flow (those of a router do no lasting harm). `lease`: a DHCP server gave it away. Where the address
    /// moves to another device, what was inferred about it is forgotten: roles are not inherited.
    pub fn sees(&mut self, addr: Addr, mac: Mac, time: Timestamp, lease: bool) -> Change {
        let host = self.first_of_host(addr).unwrap_or(addr);
        if self.declared.as_ref().is_some_and(|site| site.is_router(mac)) {
            let is_new = self.sightings.mark_router(mac);
            self.changes = self.changes.saturating_add(u64::from(is_new));
            return Change::None;
        }
        let change = self.sightings.sees(addr, host, mac, time, lease);
        if lease || change != Change::None {
            self.changes = self.changes.saturating_add(1);
        }
        if matches!(change, Change::Moved { .. }) {
            self.inference.forget(addr);
        }
        change
    }

    /// Reads what is known of an address and a MAC, for no other end than that it is in the processor's cache
    /// afterwards.
    pub(crate) fn warm(&self, addr: Addr, mac: Option<Mac>) -> u32 {
        self.sightings.warm(addr, mac)
    }

    /// Whether both are addresses of one host: declared so, or of one device.
    pub fn same_host(&self, a: Addr, b: Addr) -> bool {
        a == b
            || self.first_of_host(a).is_some_and(|host| Some(host) == self.first_of_host(b))
            || self.own_mac(a).is_some_and(|mac| Some(mac) == self.own_mac(b))
    }

    /// The first address of the host that `addr` is declared as one of.
    fn first_of_host(&self, addr: Addr) -> Option<Addr> {
        // Most sites have no host of several addresses, and this is asked for both ends of every flow.
        let declared = self.declared.as_ref().filter(|declared| declared.has_aliases())?;
        declared.first_of_host(self.spots.at(addr).host?)
    }

    /// Takes in what a host was seen to do.
    pub fn observe(&mut self, observation: &Observation) {
        if self.infers && !self.is_group(observation.host) {
            self.inference.observe(observation);
        }
    }

    /// Draws the conclusions from all observations; [`Inventory::host`] and [`Inventory::draft`] show them.
    pub fn settle(&mut self) {
        let Self { sightings, inference, .. } = self;
        self.changes = self.changes.saturating_add(1);
        inference.settle(|addr| sightings.mac_of(addr).and_then(vendor_row));
    }

    /// A site file to start from: what was inferred, with the reason and the certainty of each role.
    pub fn draft(&self) -> String {
        draft::draft(self)
    }

    /// Observed hosts of private networks, ascending, with the conclusion about each.
    fn observed(&self) -> impl Iterator<Item = (Addr, Option<&Conclusion>)> {
        let private = self.inference.hosts().filter(|addr| is_private(*addr) && !self.is_group(*addr));
        private.map(|addr| (addr, self.inference.conclusion(addr)))
    }

    /// The MAC of the device that has `addr`. A group has none, and the internet's is a router's.
    fn own_mac(&self, addr: Addr) -> Option<Mac> {
        if self.spots.at(addr).has_mac() { self.sightings.mac_of(addr) } else { None }
    }

    /// For an IPv6 address: the first other address of its device that `fits`. IPv6 hosts give themselves
    /// addresses (RFC 4862, RFC 8981), so that no site can declare them all.
    fn beside(&self, addr: Addr, fits: impl Fn(Addr) -> bool) -> Option<Addr> {
        if addr.is_v4() || addr.is_group() {
            return None;
        }
        let beside = self.sightings.addresses_beside(addr);
        beside.into_iter().find(|other| *other != addr && fits(*other))
    }
}
