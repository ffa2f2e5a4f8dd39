//! Who sits at the ends of conversations, with what many of them share kept once.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::HostView;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;

/// Kinds of hosts that are kept to be shared, about 150 octets each. Of those beyond it every end of a
/// conversation has its own.
const KIND_CAP: usize = 65_536;

/// What a [`HostView`] says beside address and MAC.
#[derive(Debug, Eq, PartialEq)]
pub struct HostKind {
    vendor: Option<&'static str>,
    label: Role,
    roles: RoleSet,
    name: Option<Arc<str>>,
    why: Arc<str>,
    standing: Standing,
    nat: bool,
    /// The same for two kinds only if they are one; `None` beyond the cap.
    number: Option<u32>,
}

/// One end of a conversation, as it was when that began; the address is the conversation's to know.
#[derive(Clone, Debug)]
pub struct Seat {
    mac: Option<Mac>,
    kind: Arc<HostKind>,
}

impl Seat {
    /// All its roles.
    pub fn roles(&self) -> RoleSet {
        self.kind.roles
    }

    /// The label.
    pub fn label(&self) -> Role {
        self.kind.label
    }

    /// The number of its kind, if it has one.
    pub(super) fn kind(&self) -> Option<u32> {
        self.kind.number
    }

    /// The whole view of the host that has `addr`.
    pub fn view(&self, addr: Addr) -> HostView {
        let HostKind { vendor, label, roles, ref name, ref why, standing, nat, number: _ } = *self.kind;
        let (name, why) = (name.clone(), Arc::clone(why));
        HostView { addr, mac: self.mac, vendor, label, roles, name, why, standing, nat }
    }
}

/// The kinds that are shared.
#[derive(Debug, Default)]
pub(super) struct Seats {
    kinds: HashTable<Arc<HostKind>>,
}

impl Seats {
    /// The seat of a host.
    pub(super) fn seat(&mut self, view: HostView) -> Seat {
        let mac = view.mac;
        let hash = hash(view.vendor, view.label, view.roles, &view.why);
        if let Some(kind) = self.kinds.find(hash, |kind| kind.is_of(&view)) {
            return Seat { mac, kind: Arc::clone(kind) };
        }
        let number = self.kinds.len();
        let number = if number < KIND_CAP { u32::try_from(number).ok() } else { None };
        let HostView { vendor, label, roles, name, why, standing, nat, .. } = view;
        let kind = Arc::new(HostKind { vendor, label, roles, name, why, standing, nat, number });
        if number.is_some() {
            let rehash = |kind: &Arc<HostKind>| self::hash(kind.vendor, kind.label, kind.roles, &kind.why);
            self.kinds.insert_unique(hash, Arc::clone(&kind), rehash);
        }
        Seat { mac, kind }
    }
}

impl HostKind {
    fn is_of(&self, view: &HostView) -> bool {
        let HostView { vendor, label, roles, name, why, standing, nat, .. } = view;
        self.vendor == *vendor
            && self.label == *label
            && self.roles == *roles
            && self.name == *name
            && (Arc::ptr_eq(&self.why, why) || self.why == *why)
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
        assert!(first.kind() == second.kind() && first.kind() != third.kind());
        assert_eq!((first.view(one.addr), second.view(two.addr), third.view(other.addr)), (one, two, other));
    }
}
