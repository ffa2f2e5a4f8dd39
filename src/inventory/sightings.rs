//! Which MAC an address was seen with, and which MACs are routers: what packets show of identity.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::mem;
use std::slice;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::is_host;
use crate::inventory::address::is_link_local;
use crate::inventory::fifo::Fifo;
use crate::inventory::fifo::KeyHash;
use crate::time::Span;
use crate::time::Timestamp;

/// Addresses remembered with their MAC. The oldest is forgotten first. Memory: about 300 B each, 19 MiB.
pub const MAX_BINDINGS: usize = 65_536;

/// Addresses remembered per MAC; IPv6 privacy addresses (RFC 8981) come and go. The IPv6
/// address that was not seen for longest goes first.
pub const MAX_ADDRESSES_PER_MAC: usize = 256;

/// MACs remembered as routers. The oldest is forgotten first.
pub const MAX_ROUTERS: usize = 4_096;

/// More IPv4 hosts than this behind one MAC within [`ROUTER_WINDOW`] make it a router's; so do more
/// IPv6 networks (64 bits of prefix). Link-local addresses do not count: no router forwards them.
pub const MAX_HOSTS_OF_A_DEVICE: usize = 3;

/// How long an address counts for its MAC after it was last seen there.
pub const ROUTER_WINDOW: Span = Span::from_secs(600);

/// What a sighting changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// Nothing.
    None,
    /// The address had no MAC yet.
    New,
    /// The address belongs to another device now. What was known of it by its MAC does not hold any more.
    Moved {
        /// The device that had it.
        from: Mac,
    },
    /// The MAC turned out to be a router's: it gives no role to any address.
    Router,
}

/// Addresses and MACs as seen. Where a site names the router's MAC, [`Sightings::mark_router`] says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sightings {
    /// Addresses, in the order in which they were first bound.
    bindings: Fifo<Addr, Mac>,
    devices: Fifo<Mac, Addresses>,
    routers: HashSet<Mac, FixedState>,
    router_order: VecDeque<Mac>,
}

/// What a device holds. Most devices have one address, which takes no memory of its own.
#[derive(Clone, Debug)]
enum Addresses {
    One(Held),
    Some(Vec<Held>),
}

/// An address that a device had or has. One that went to another MAC without a lease is still held for
/// [`ROUTER_WINDOW`]: a host on both sides of a router shows with both MACs in turn.
#[derive(Clone, Copy, Debug)]
struct Held {
    addr: Addr,
    /// The host that it counts as: the first address of a declared host.
    host: Addr,
    last: Timestamp,
    leased: bool,
}

impl Sightings {
    /// `addr`, which counts as `host`, was seen with `mac`; `lease`: a DHCP server gave it away.
    pub(crate) fn sees(&mut self, addr: Addr, host: Addr, mac: Mac, time: Timestamp, lease: bool) -> Change {
        if mac.is_group() || mac == Mac::default() || !is_host(addr) || self.routers.contains(&mac) {
            return Change::None;
        }
        let is_crowded = self.hold(Held { addr, host, last: time, leased: lease }, mac);
        if is_crowded && self.is_router_now(mac, time) {
            self.mark_router(mac);
            return Change::Router;
        }
        let hash = KeyHash::of(&addr);
        match self.bindings.get_mut(&addr, hash) {
            Some(bound) if *bound == mac => Change::None,
            Some(bound) => {
                let from = mem::replace(bound, mac);
                if lease {
                    self.drop_held(from, addr);
                }
                Change::Moved { from }
            }
            None => {
                self.bind(addr, hash, mac);
                Change::New
            }
        }
    }

    /// Says that `mac` is a router's: its addresses are those of hosts behind it. Whether that is news.
    pub(crate) fn mark_router(&mut self, mac: Mac) -> bool {
        self.remove_device(mac);
        let is_new = self.routers.insert(mac);
        if is_new {
            self.router_order.push_back(mac);
        }
        if self.routers.len() > MAX_ROUTERS
            && let Some(oldest) = self.router_order.pop_front()
        {
            self.routers.remove(&oldest);
        }
        is_new
    }

    /// The device that has `addr`; `None` if it was not seen, or behind a router only.
    #[inline]
    pub(crate) fn mac_of(&self, addr: Addr) -> Option<Mac> {
        self.bindings.get(&addr).copied().filter(|mac| !self.routers.contains(mac))
    }

    /// Reads where both are noted, for no other end than that it is in the processor's cache afterwards.
    pub(crate) fn warm(&self, addr: Addr, mac: Option<Mac>) -> u32 {
        self.bindings.warm(&addr) ^ mac.map_or(0, |mac| self.devices.warm(&mac))
    }

    /// All addresses that the device of `addr` has now, ascending (IPv4 first), `addr` among them.
    pub(crate) fn addresses_beside(&self, addr: Addr) -> Vec<Addr> {
        let Some(mac) = self.mac_of(addr) else { return Vec::new() };
        let held = self.devices.get(&mac).map(Addresses::all).unwrap_or_default();
        let mut addrs: Vec<Addr> =
            held.iter().map(|held| held.addr).filter(|other| self.mac_of(*other) == Some(mac)).collect();
        addrs.sort_by_key(|addr| (!addr.is_v4(), *addr));
        addrs
    }

    fn bind(&mut self, addr: Addr, hash: KeyHash, mac: Mac) {
        while self.bindings.len() >= MAX_BINDINGS {
            let Some((oldest, mac)) = self.bindings.pop_oldest() else { break };
            self.drop_held(mac, oldest);
        }
        self.bindings.insert(addr, hash, mac);
    }

    /// Notes an address of a device. Whether the device has as many now as only a router would.
    fn hold(&mut self, new: Held, mac: Mac) -> bool {
        let hash = KeyHash::of(&mac);
        let Some(held) = self.devices.get_mut(&mac, hash) else {
            self.add_device(mac, hash, new);
            return false;
        };
        if new.leased {
            // A DHCP client has one lease: what it had before is given back (RFC 2131 §4.4).
            // Its binding stays until another device takes the address: that is when it moves.
            held.retain(|old| !old.leased || old.addr == new.addr);
        }
        match held.find(new.addr) {
            Some(old) => {
                *old = Held { leased: old.leased || new.leased, last: old.last.max(new.last), ..new }
            }
            None => held.push(new),
        }
        let count = held.all().len();
        if count > MAX_ADDRESSES_PER_MAC {
            // A device gives itself IPv6 addresses by the hundred; its IPv4 address is what it is known by.
            let oldest = held.all().iter().map(|old| (old.addr.is_v4(), old.last, old.addr)).min();
            if let Some((_, _, oldest)) = oldest {
                held.retain(|old| old.addr != oldest);
                self.unbind_from(mac, oldest);
            }
        }
        count > MAX_HOSTS_OF_A_DEVICE
    }

    fn add_device(&mut self, mac: Mac, hash: KeyHash, first: Held) {
        while self.devices.len() >= MAX_BINDINGS {
            let Some((oldest, held)) = self.devices.pop_oldest() else { break };
            self.let_go(oldest, &held);
        }
        self.devices.insert(mac, hash, Addresses::One(first));
    }

    fn remove_device(&mut self, mac: Mac) {
        if let Some(held) = self.devices.remove_if(&mac, |_| true) {
            self.let_go(mac, &held);
        }
    }

    /// Forgets the bindings to a device that is gone.
    fn let_go(&mut self, mac: Mac, held: &Addresses) {
        for held in held.all() {
            self.unbind_from(mac, held.addr);
        }
    }

    /// Forgets the binding of this address if it is to `mac`.
    fn unbind_from(&mut self, mac: Mac, addr: Addr) {
        self.bindings.remove_if(&addr, |bound| *bound == mac);
    }

    fn drop_held(&mut self, mac: Mac, addr: Addr) {
        if let Some(held) = self.devices.get_mut(&mac, KeyHash::of(&mac)) {
            held.retain(|old| old.addr != addr);
            if held.all().is_empty() {
                self.devices.remove_if(&mac, |_| true);
            }
        }
    }

    fn is_router_now(&self, mac: Mac, now: Timestamp) -> bool {
        let held = self.devices.get(&mac).map(Addresses::all).unwrap_or_default();
        if held.len() <= MAX_HOSTS_OF_A_DEVICE {
            return false;
        }
        let recent =
            held.iter().filter(|one| now.since(one.last) <= ROUTER_WINDOW && !is_link_local(one.addr));
        let (mut hosts, mut networks) = (BTreeSet::new(), BTreeSet::new());
        for one in recent {
            if one.addr.is_v4() {
                hosts.insert(one.host);
            } else {
                networks.insert(one.host.bits() >> 64);
            }
        }
        hosts.len() > MAX_HOSTS_OF_A_DEVICE || networks.len() > MAX_HOSTS_OF_A_DEVICE
    }
}

impl Addresses {
    fn all(&self) -> &[Held] {
        match self {
            Self::One(held) => slice::from_ref(held),
            Self::Some(held) => held,
        }
    }

    fn find(&mut self, addr: Addr) -> Option<&mut Held> {
        match self {
            Self::One(held) => Some(held).filter(|held| held.addr == addr),
            Self::Some(held) => held.iter_mut().find(|held| held.addr == addr),
        }
    }

    fn push(&mut self, new: Held) {
        match self {
            Self::One(held) => *self = Self::Some(vec![*held, new]),
            Self::Some(held) => held.push(new),
        }
    }

    fn retain(&mut self, stays: impl Fn(&Held) -> bool) {
        match self {
            Self::One(held) if stays(held) => {}
            Self::One(_) => *self = Self::Some(Vec::new()),
            Self::Some(held) => held.retain(stays),
        }
    }
}

#[cfg(test)]
mod tests;
