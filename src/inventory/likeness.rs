//! What hosts have in common, told for every flow: there a whole [`crate::inventory::HostView`] of each end
//! would take too long.

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::Inventory;
use crate::inventory::address::is_global;
use crate::inventory::declared::Declared;
use crate::inventory::role::Role;
use crate::inventory::spots::Spot;
use crate::inventory::surroundings::Around;
use crate::inventory::vendors::vendor_number;

/// All that decides a [`crate::inventory::HostView`] beside its address and MAC. It holds as long as the
/// inventory lives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Likeness {
    /// The number of what the site and the address itself say.
    pub(crate) spot: u32,
    /// The site's assignment that its MAC is under, where the address is under none; `u32::MAX`: there is none.
    device: u32,
    /// The maker of the device, by its row; `u32::MAX`: it is not known.
    vendor: u32,
}

impl Likeness {
    /// Whether nothing but the address decides it.
    #[inline]
    pub(crate) const fn is_by_address(&self) -> bool {
        self.device == u32::MAX && self.vendor == u32::MAX
    }
}

/// Why a host is what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Ground {
    /// By the site's assignment with this index.
    Declared(usize),
    /// It is a multicast group.
    Group,
    /// It is the broadcast address of a declared network.
    Broadcast,
    /// It is on the internet.
    Internet,
    /// By what it does, if it does anything that tells; there is no site.
    Unseen,
}

/// One address at a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// The MAC of its view.
    pub(crate) mac: Option<Mac>,
    /// What decides the rest.
    pub(crate) likeness: Likeness,
    /// It decides as well what [`Inventory::is_monitored`], [`Inventory::zones`] and [`Inventory::packs_of`]
    /// answer.
    pub(crate) decides_place: bool,
}

impl Inventory {
    /// What decides [`Inventory::host`] of `addr`; `None` where that is more than an address, a MAC and the
    /// site file can tell: other addresses of the device, or what the host did.
    #[inline]
    pub(crate) fn glance(&self, addr: Addr) -> Option<Glance> {
        let number = self.spots.number_at(addr);
        let spot = self.spots.get(number);
        let mac = if spot.has_mac() { self.sightings.mac_of(addr) } else { None };
        let device = match (spot.ground, &self.declared) {
            (Some(Ground::Unseen), _) if !self.is_unseen(addr) => return None,
            (Some(_), _) => None,
            (None, Some(declared)) if spot.is_v4 => mac.and_then(|mac| declared.device_index(mac)),
            (None, _) => return None,
        };
        let device = device.and_then(|index| u32::try_from(index).ok()).unwrap_or(u32::MAX);
        let vendor = mac.and_then(vendor_number).unwrap_or(u32::MAX);
        let likeness = Likeness { spot: number, device, vendor };
        Some(Glance { mac, likeness, decides_place: spot.is_v4 || self.declared.is_none() })
    }

    /// Whether nothing was concluded of `addr`, nor of another address of its device.
    fn is_unseen(&self, addr: Addr) -> bool {
        !self.inference.has_conclusions() || addr.is_v4() && self.inference.conclusion(addr).is_none()
    }
}

impl Spot {
    /// What is said of `addr`.
    pub(super) fn of(declared: Option<&Declared>, addr: Addr) -> Self {
        match declared {
            Some(declared) => Self::on_site(declared, addr),
            None => Self::by_address(addr),
        }
    }

    fn by_address(addr: Addr) -> Self {
        let (is_group, is_internet) = (addr.is_group(), is_global(addr));
        let ground = match (is_group, is_internet) {
            (true, _) => Ground::Group,
            (_, true) => Ground::Internet,
            _ => Ground::Unseen,
        };
        let (is_v4, is_monitored) = (addr.is_v4(), !is_group && !is_internet);
        Self { is_v4, host: None, is_group, is_internet, is_monitored, zones: None, ground: Some(ground) }
    }

    fn on_site(declared: &Declared, addr: Addr) -> Self {
        let (host, around) = (declared.host_index(addr), declared.around(addr));
        let Around { network, zones, monitored } = around;
        let (is_group, is_broadcast) = (addr.is_group(), declared.is_subnet_broadcast(addr));
        let is_internet = match host.or(network).and_then(|index| declared.assignment(index)) {
            Some(assignment) => assignment.roles.contains(&Role::Internet),
            None => !monitored && zones.is_none() && is_global(addr),
        };
        let ground = match (host, network) {
            (Some(index), _) => Some(Ground::Declared(index)),
            _ if is_group => Some(Ground::Group),
            _ if is_broadcast => Some(Ground::Broadcast),
            (None, Some(index)) => Some(Ground::Declared(index)),
            (None, None) => is_internet.then_some(Ground::Internet),
        };
        let (is_v4, is_group) = (addr.is_v4(), is_group || is_broadcast);
        Self { is_v4, host, is_group, is_internet, is_monitored: monitored, zones, ground }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::HostView;
    use crate::inventory::site_file::Known;
    use crate::inventory::site_file::read_site;
    use crate::policy::diagnostic::SourceText;
    use crate::time::Timestamp;

    const SITE: &str = r#"
        name = "all kinds of declarations"
        monitored = ["10.0.0.0/8", "203.0.113.0/24", "fd00::/8"]
        [[zone]]
        name = "cameras"
        networks = ["198.51.100.0/24"]
        [[host]]
        address = ["10.0.0.1", "fd00::1"]
        roles = ["recording-server"]
        [[host]]
        address = "10.0.0.255"
        roles = ["camera"]
        [[host]]
        address = "9.9.9.9"
        roles = ["internet"]
        [[network]]
        prefix = "10.0.0.0/24"
        roles = ["camera"]
        [[mac]]
        address = "02:00:00:00:00:07"
        roles = ["mxmc"]
        [[mac]]
        address = "02:00:00:00:00:08"
        roles = ["router"]
        [[vendor]]
        prefix = "00:03:c5"
        roles = ["mobotix-camera"]
    "#;

    const ADDRESSES: [&str; 19] = [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.0.255",
        "10.9.0.1",
        "10.9.0.2",
        "10.9.0.3",
        "10.255.255.255",
        "203.0.113.7",
        "198.51.100.7",
        "9.9.9.9",
        "8.8.8.8",
        "172.16.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "fd00::1",
        "ff02::1",
        "2600::1",
        "fe80::1",
    ];

    /// What hosts that are alike have in common.
    fn common(view: HostView) -> HostView {
        HostView { addr: Addr::v4([0; 4]), mac: None, ..view }
    }

    fn same_as_the_whole_view(mut inventory: Inventory) {
        let addr = |text: &str| Addr::from(text.parse::<std::net::IpAddr>().unwrap());
        let macs = [[0, 3, 0xc5, 0, 0, 1], [2, 0, 0, 0, 0, 7], [2, 0, 0, 0, 0, 8], [0, 0x40, 0x8c, 0, 0, 1]];
        for (text, mac) in ADDRESSES.iter().zip(macs.iter().cycle()).skip(1) {
            inventory.sees(addr(text), Mac(*mac), Timestamp::default(), true);
        }
        let addrs = ADDRESSES.map(addr);
        let seen: Vec<(Glance, HostView)> =
            addrs.iter().filter_map(|addr| Some((inventory.glance(*addr)?, inventory.host(*addr)))).collect();
        assert!(seen.len() > 12);
        for (glance, view) in &seen {
            assert_eq!(glance.mac, view.mac, "{}", view.addr);
            for (other, other_view) in &seen {
                let alike = glance.likeness == other.likeness;
                let same = common(view.clone()) == common(other_view.clone());
                assert!(!alike || same, "{} {}", view.addr, other_view.addr);
            }
        }
    }

    #[test]
    fn hosts_that_are_alike_differ_in_address_and_mac_only() {
        let known = Known::default();
        let source = SourceText { name: "site.toml".to_owned(), text: SITE.to_owned() };
        let reading = read_site(&source, &known);
        assert!(reading.site.is_some(), "{:?}", reading.diagnostics);
        same_as_the_whole_view(Inventory::new(reading.site));
        same_as_the_whole_view(Inventory::new(None));
    }
}
