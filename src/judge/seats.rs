//! Who sits at the ends of conversations, with what many of them share kept once.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::Glance;
use crate::inventory::HostView;
use crate::inventory::Inventory;
use crate::inventory::Likeness;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::audit::Party;

/// Kinds of hosts that are kept to be shared, about 150 octets each, beside those that the site file says all
/// of. Of those beyond it every end of a conversation has its own.
const KIND_CAP: usize = 65_536;

/// What is known of a host beside its address and MAC.
#[derive(Debug)]
pub struct HostKind {
    /// The maker that the MAC names.
    pub vendor: Option<&'static str>,
    /// The label: the first role that the site names.
    pub role: Role,
    /// All its roles.
    pub roles: RoleSet,
    /// Why it has them: a place in the site file, or what it did.
    pub why: Arc<str>,
    /// What the operator calls it.
    pub name: Option<Arc<str>>,
    /// As `why`, in the words of the inventory alone.
    place: Arc<str>,
    standing: Standing,
    nat: bool,
    /// Hosts that have the same are the same to the policy, unless that tells single hosts apart.
    number: Option<u32>,
}

impl PartialEq for HostKind {
    fn eq(&self, other: &Self) -> bool {
        let of = |kind: &Self| (kind.vendor, kind.role, kind.roles, kind.standing, kind.nat);
        of(self) == of(other) && self.place == other.place && self.name == other.name
    }
}

impl Eq for HostKind {}

/// One end of a conversation, as it was when that began; the address is the conversation's to know.
#[derive(Clone, Debug)]
pub struct Seat {
    mac: Option<Mac>,
    kind: Arc<HostKind>,
}

impl Seat {
    /// What it is.
    pub fn kind(&self) -> &HostKind {
        &self.kind
    }

    /// The end of a conversation that has `addr`, as records name it.
    pub(super) fn party(&self, addr: Addr) -> Party {
        Party { addr, mac: self.mac, kind: Arc::clone(&self.kind) }
    }

    /// As [`Seat::party`], for good.
    pub(super) fn into_party(self, addr: Addr) -> Party {
        Party { addr, mac: self.mac, kind: self.kind }
    }

    /// The whole view of the host that has `addr`.
    pub(super) fn view(&self, addr: Addr) -> HostView {
        let HostKind { vendor, role: label, roles, ref name, ref place, standing, nat, .. } = *self.kind;
        let (name, why) = (name.clone(), Arc::clone(place));
        HostView { addr, mac: self.mac, vendor, label, roles, name, why, standing, nat }
    }
}

/// The kinds that are shared.
#[derive(Debug, Default)]
pub(super) struct Seats {
    kinds: HashTable<Arc<HostKind>>,
    /// Kinds of hosts that are what they are by their address, by the number of what is said of that.
    by_address: Vec<Option<Arc<HostKind>>>,
    /// Those that the MAC has a part in. As many as `kinds` at most.
    by_device: HashMap<Likeness, Arc<HostKind>, FixedState>,
    /// How many kinds have a number.
    numbered: u32,
}

impl Seats {
    /// The seat of the host that has `addr` now.
    pub(super) fn seat_of(&mut self, inventory: &Inventory, addr: Addr) -> Seat {
        let Some(glance) = inventory.glance(addr) else {
            return self.seat(inventory.host(addr));
        };
        let Glance { mac, likeness, .. } = glance;
        let known = if likeness.is_by_address() {
            usize::try_from(likeness.spot).ok().and_then(|spot| self.by_address.get(spot)?.as_ref())
        } else {
            self.by_device.get(&likeness)
        };
        match known {
            Some(kind) => Seat { mac, kind: Arc::clone(kind) },
            None => Seat { mac, kind: self.of_its_likes(glance, inventory.host(addr)) },
        }
    }

    /// The seat of a host.
    pub(super) fn seat(&mut self, view: HostView) -> Seat {
        let mac = view.mac;
        let hash = hash(view.vendor, view.label, view.roles, &view.why);
        if let Some(kind) = self.kinds.find(hash, |kind| kind.is_of(&view)) {
            return Seat { mac, kind: Arc::clone(kind) };
        }
        let kind = Arc::new(HostKind::of(view, None));
        if self.kinds.len() < KIND_CAP {
            let rehash = |kind: &Arc<HostKind>| self::hash(kind.vendor, kind.role, kind.roles, &kind.place);
            self.kinds.insert_unique(hash, Arc::clone(&kind), rehash);
        }
        Seat { mac, kind }
    }

    /// The kind of all hosts that are what they are for the same reason, of which one is met for the first
    /// time.
    fn of_its_likes(&mut self, glance: Glance, view: HostView) -> Arc<HostKind> {
        let Glance { likeness, decides_place, .. } = glance;
        let place = usize::try_from(likeness.spot).unwrap_or(usize::MAX);
        // What the site file says bounds the kinds by address.
        let is_full = !likeness.is_by_address() && self.by_device.len() >= KIND_CAP;
        let number = (decides_place && !is_full).then_some(self.numbered);
        let kind = Arc::new(HostKind::of(view, number));
        if is_full {
            return kind;
        }
        self.numbered = self.numbered.saturating_add(u32::from(decides_place));
        if likeness.is_by_address() {
            if self.by_address.len() <= place {
                self.by_address.resize(place.saturating_add(1), None);
            }
            if let Some(held) = self.by_address.get_mut(place) {
                *held = Some(Arc::clone(&kind));
            }
        } else {
            self.by_device.insert(likeness, Arc::clone(&kind));
        }
        kind
    }
}

impl HostKind {
    /// A kind that the site would declare so, for records that no audit made.
    pub fn declared(role: Role, why: Arc<str>, name: Option<Arc<str>>) -> Self {
        let (roles, place) = (RoleSet::of(&[role]), Arc::clone(&why));
        let standing = Standing::Declared;
        Self { vendor: None, role, roles, why, name, place, standing, nat: false, number: None }
    }

    fn of(view: HostView, number: Option<u32>) -> Self {
        let HostView { vendor, label: role, roles, name, why: place, standing, nat, .. } = view;
        let why = if nat {
            // One address, many hosts: who reads this must not look for the culprit at the router.
            Arc::from(format!("{place}; it translates addresses, behind it are others"))
        } else {
            Arc::clone(&place)
        };
        Self { vendor, role, roles, why, name, place, standing, nat, number }
    }

    /// How a host got its roles.
    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// Its number, if it has one.
    pub(super) fn number(&self) -> Option<u32> {
        self.number
    }

    fn is_of(&self, view: &HostView) -> bool {
        let HostView { vendor, label, roles, name, why, standing, nat, .. } = view;
        self.vendor == *vendor
            && self.role == *label
            && self.roles == *roles
            && self.name == *name
            && (Arc::ptr_eq(&self.place, why) || self.place == *why)
            && self.standing == *standing
            && self.nat == *nat
    }
}

fn hash(vendor: Option<&'static str>, label: Role, roles: RoleSet, why: &str) -> u64 {
    FixedState::default().hash_one((vendor, label, roles, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(last: u8, why: &str) -> HostView {
        HostView {
            addr: Addr::v4([10, 0, 0, last]),
            mac: Some(Mac([2, 0, 0, 0, 0, last])),
            vendor: None,
            label: Role::Camera,
            roles: RoleSet::of(&[Role::Camera]),
            name: None,
            why: Arc::from(why),
            standing: Standing::Declared,
            nat: false,
        }
    }

    #[test]
    fn hosts_of_one_kind_share_it_and_keep_their_own_address_and_mac() {
        let mut seats = Seats::default();
        let [one, two, other] = [view(1, "here"), view(2, "here"), view(3, "there")];
        let [first, second, third] = [one.clone(), two.clone(), other.clone()].map(|view| seats.seat(view));
        assert!(Arc::ptr_eq(&first.kind, &second.kind) && !Arc::ptr_eq(&first.kind, &third.kind));
        assert_eq!((first.view(one.addr), second.view(two.addr), third.view(other.addr)), (one, two, other));
    }
}
