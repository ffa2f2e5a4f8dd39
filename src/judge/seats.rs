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

/// Kinds of hosts that are kept to be shared, about 150 octets each. Of those beyond it every end of a
/// conversation has its own.
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
    /// The same for two kinds only if they are one; `None` beyond the cap.
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
    /// The same by what the inventory tells at a glance; as many at most.
    alike: HashMap<Likeness, Arc<HostKind>, FixedState>,
}

impl Seats {
    /// The seat of the host that has `addr` now.
    pub(super) fn seat_of(&mut self, inventory: &Inventory, addr: Addr) -> Seat {
        let Some(Glance { mac, likeness }) = inventory.glance(addr) else {
            return self.seat(inventory.host(addr));
        };
        if let Some(kind) = self.alike.get(&likeness) {
            return Seat { mac, kind: Arc::clone(kind) };
        }
        let seat = self.seat(inventory.host(addr));
        if self.alike.len() < KIND_CAP {
            self.alike.insert(likeness, Arc::clone(&seat.kind));
        }
        seat
    }

    /// The seat of a host.
    pub(super) fn seat(&mut self, view: HostView) -> Seat {
        let mac = view.mac;
        let hash = hash(view.vendor, view.label, view.roles, &view.why);
        if let Some(kind) = self.kinds.find(hash, |kind| kind.is_of(&view)) {
            return Seat { mac, kind: Arc::clone(kind) };
        }
        let number = self.kinds.len();
        let number = if number < KIND_CAP { u32::try_from(number).ok() } else { None };
        let HostView { vendor, label: role, roles, name, why: place, standing, nat, .. } = view;
        let why = if nat {
            // One address, many hosts: who reads this must not look for the culprit at the router.
            Arc::from(format!("{place}; it translates addresses, behind it are others"))
        } else {
            Arc::clone(&place)
        };
        let kind = Arc::new(HostKind { vendor, role, roles, why, name, place, standing, nat, number });
        if number.is_some() {
            let rehash = |kind: &Arc<HostKind>| self::hash(kind.vendor, kind.role, kind.roles, &kind.place);
            self.kinds.insert_unique(hash, Arc::clone(&kind), rehash);
        }
        Seat { mac, kind }
    }
}

impl HostKind {
    /// A kind that the site would declare so, for records that no audit made.
    pub fn declared(role: Role, why: Arc<str>, name: Option<Arc<str>>) -> Self {
        let (roles, place) = (RoleSet::of(&[role]), Arc::clone(&why));
        let standing = Standing::Declared;
        Self { vendor: None, role, roles, why, name, place, standing, nat: false, number: None }
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
        assert!(Arc::ptr_eq(&first.kind, &second.kind) && first.kind.number() != third.kind.number());
        assert_eq!((first.view(one.addr), second.view(two.addr), third.view(other.addr)), (one, two, other));
    }
}
