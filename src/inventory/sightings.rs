//! Which MAC an address was seen with, and which MACs are routers: what packets show of identity.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::is_host;
use crate::inventory::address::is_link_local;
use crate::time::Span;
use crate::time::Timestamp;

/// Addresses remembered with their MAC. The oldest is forgotten first. Memory: about 200 B each, 13 MiB.
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
    bindings: HashMap<Addr, Binding, FixedState>,
    /// Addresses in the order in which they were first bound, with the ticket of that binding.
    order: VecDeque<(u64, Addr)>,
    tickets: u64,
    devices: HashMap<Mac, Device, FixedState>,
    /// As `order`, for devices.
    device_order: VecDeque<(u64, Mac)>,
    routers: HashSet<Mac, FixedState>,
    router_order: VecDeque<Mac>,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    mac: Mac,
    ticket: u64,
}

#[derive(Clone, Debug)]
struct Device {
    held: Vec<Held>,
    ticket: u64,
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
        self.hold(Held { addr, host, last: time, leased: lease }, mac);
        if self.is_router_now(mac, time) {
            self.mark_router(mac);
            return Change::Router;
        }
        match self.bindings.get_mut(&addr) {
            Some(binding) if binding.mac == mac => Change::None,
            Some(binding) => {
                let from = std::mem::replace(&mut binding.mac, mac);
                if lease {
                    self.drop_held(from, addr);
                }
                Change::Moved { from }
            }
            None => {
                self.bind(addr, mac);
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
    pub(crate) fn mac_of(&self, addr: Addr) -> Option<Mac> {
        self.bindings.get(&addr).map(|binding| binding.mac).filter(|mac| !self.routers.contains(mac))
    }

    /// Reads what is known of both, for no other end than that it is in the processor's cache afterwards.
    pub(crate) fn warm(&self, addr: Addr, mac: Option<Mac>) -> u64 {
        let bound = self.bindings.get(&addr).map_or(0, |binding| binding.ticket);
        bound ^ mac.and_then(|mac| self.devices.get(&mac)).map_or(0, |device| device.ticket)
    }

    /// All addresses that the device of `addr` has now, ascending (IPv4 first), `addr` among them.
    pub(crate) fn addresses_beside(&self, addr: Addr) -> Vec<Addr> {
        let Some(mac) = self.mac_of(addr) else { return Vec::new() };
        let held = self.devices.get(&mac).map(|device| device.held.as_slice()).unwrap_or_default();
        let mut addrs: Vec<Addr> =
            held.iter().map(|held| held.addr).filter(|other| self.mac_of(*other) == Some(mac)).collect();
        addrs.sort_by_key(|addr| (!addr.is_v4(), *addr));
        addrs
    }

    fn bind(&mut self, addr: Addr, mac: Mac) {
        let ticket = self.ticket();
        self.bindings.insert(addr, Binding { mac, ticket });
        self.order.push_back((ticket, addr));
        while self.bindings.len() > MAX_BINDINGS {
            let Some((ticket, oldest)) = self.order.pop_front() else { break };
            if self.bindings.get(&oldest).is_some_and(|binding| binding.ticket == ticket) {
                self.unbind(oldest);
            }
        }
        // Entries of bindings that are gone are swept before they outnumber those that are there. Where
        // devices are forgotten oldest first, so are their bindings: then they are all in front.
        while self.order.len() > MAX_BINDINGS
            && let Some((ticket, oldest)) = self.order.front()
            && self.bindings.get(oldest).is_none_or(|binding| binding.ticket != *ticket)
        {
            self.order.pop_front();
        }
        if self.order.len() > MAX_BINDINGS.saturating_mul(2) {
            let bindings = &self.bindings;
            self.order.retain(|(ticket, addr)| bindings.get(addr).is_some_and(|held| held.ticket == *ticket));
        }
    }

    fn unbind(&mut self, addr: Addr) {
        if let Some(binding) = self.bindings.remove(&addr) {
            self.drop_held(binding.mac, addr);
        }
    }

    fn hold(&mut self, new: Held, mac: Mac) {
        let Some(device) = self.devices.get_mut(&mac) else {
            self.add_device(mac, new);
            return;
        };
        if new.leased {
            // A DHCP client has one lease: what it had before is given back (RFC 2131 §4.4).
            // Its binding stays until another device takes the address: that is when it moves.
            device.held.retain(|old| !old.leased || old.addr == new.addr);
        }
        match device.held.iter_mut().find(|old| old.addr == new.addr) {
            Some(old) => {
                *old = Held { leased: old.leased || new.leased, last: old.last.max(new.last), ..new }
            }
            None => device.held.push(new),
        }
        if device.held.len() > MAX_ADDRESSES_PER_MAC {
            // A device gives itself IPv6 addresses by the hundred; its IPv4 address is what it is known by.
            let oldest = device.held.iter().map(|old| (old.addr.is_v4(), old.last, old.addr)).min();
            if let Some((_, _, oldest)) = oldest {
                device.held.retain(|old| old.addr != oldest);
                self.unbind_from(mac, [oldest]);
            }
        }
    }

    fn add_device(&mut self, mac: Mac, first: Held) {
        let ticket = self.ticket();
        self.devices.insert(mac, Device { held: vec![first], ticket });
        self.device_order.push_back((ticket, mac));
        while self.devices.len() > MAX_BINDINGS {
            let Some((ticket, oldest)) = self.device_order.pop_front() else { break };
            if self.devices.get(&oldest).is_some_and(|device| device.ticket == ticket) {
                self.remove_device(oldest);
            }
        }
        if self.device_order.len() > MAX_BINDINGS.saturating_mul(2) {
            let devices = &self.devices;
            self.device_order
                .retain(|(ticket, mac)| devices.get(mac).is_some_and(|held| held.ticket == *ticket));
        }
    }

    fn remove_device(&mut self, mac: Mac) {
        if let Some(device) = self.devices.remove(&mac) {
            self.unbind_from(mac, device.held.into_iter().map(|held| held.addr));
        }
    }

    /// Forgets the bindings of these addresses that are to `mac`.
    fn unbind_from(&mut self, mac: Mac, addrs: impl IntoIterator<Item = Addr>) {
        for addr in addrs {
            if self.bindings.get(&addr).is_some_and(|binding| binding.mac == mac) {
                self.bindings.remove(&addr);
            }
        }
    }

    fn drop_held(&mut self, mac: Mac, addr: Addr) {
        if let Some(device) = self.devices.get_mut(&mac) {
            device.held.retain(|old| old.addr != addr);
            if device.held.is_empty() {
                self.devices.remove(&mac);
            }
        }
    }

    fn ticket(&mut self) -> u64 {
        self.tickets = self.tickets.saturating_add(1);
        self.tickets
    }

    fn is_router_now(&self, mac: Mac, now: Timestamp) -> bool {
        let Some(device) = self.devices.get(&mac) else { return false };
        if device.held.len() <= MAX_HOSTS_OF_A_DEVICE {
            return false;
        }
        let recent =
            device.held.iter().filter(|one| now.since(one.last) <= ROUTER_WINDOW && !is_link_local(one.addr));
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

#[cfg(test)]
mod tests;
