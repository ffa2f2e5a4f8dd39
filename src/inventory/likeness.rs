//! What hosts have in common, told for every flow: there a whole [`crate::inventory::HostView`] of each end
//! would take too long.

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::Inventory;
use crate::inventory::address::is_global;
use crate::inventory::declared::Declared;
use crate::inventory::role::Role;
use crate::inventory::surroundings::Around;
use crate::inventory::vendors::vendor_of;

/// All that decides a [`crate::inventory::HostView`] beside its address and MAC. It holds as long as the
/// inventory lives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Likeness {
    ground: Ground,
    vendor: Option<&'static str>,
}

/// Why a host is what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Ground {
    /// By the site's assignment with this index.
    Declared(usize),
    Group,
    Broadcast,
    Internet,
    Unlisted,
    Unseen,
}

/// One address at a glance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    /// The MAC of its view.
    pub(crate) mac: Option<Mac>,
    /// What decides the rest.
    pub(crate) likeness: Likeness,
}

impl Inventory {
    /// What decides [`Inventory::host`] of `addr`; `None` where that is more than an address, a MAC and the
    /// site file can tell: other addresses of the device, or what the host did.
    pub(crate) fn glance(&self, addr: Addr) -> Option<Glance> {
        let (ground, has_mac) = match &self.declared {
            Some(declared) => declared_ground(declared, addr),
            None if addr.is_group() => (Some(Ground::Group), false),
            None if is_global(addr) => (Some(Ground::Internet), false),
            None => (self.is_unseen(addr).then_some(Ground::Unseen), true),
        };
        let mac = if has_mac { self.sightings.mac_of(addr) } else { None };
        let ground = match (ground, &self.declared) {
            (Some(ground), _) => ground,
            (None, Some(declared)) if addr.is_v4() => {
                let by_device = mac.and_then(|mac| declared.device_index(mac));
                by_device.map_or(Ground::Unlisted, Ground::Declared)
            }
            (None, _) => return None,
        };
        Some(Glance { mac, likeness: Likeness { ground, vendor: mac.and_then(vendor_of) } })
    }

    /// Whether nothing was concluded of `addr`, nor of another address of its device.
    fn is_unseen(&self, addr: Addr) -> bool {
        !self.inference.has_conclusions() || addr.is_v4() && self.inference.conclusion(addr).is_none()
    }
}

/// What the site's addresses and prefixes say of `addr`, if they say anything, and whether a MAC that it was
/// seen with is its own: a group has none, and the internet's is a router's.
fn declared_ground(declared: &Declared, addr: Addr) -> (Option<Ground>, bool) {
    let (host, around) = (declared.host_index(addr), declared.around(addr));
    let Around { network, zones, monitored } = around;
    let is_broadcast = declared.is_subnet_broadcast(addr);
    let is_group = addr.is_group();
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
    (ground, !is_group && !is_broadcast && !is_internet)
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
