//! Networks as keys of a hash: those around an address are found by one lookup for each length of prefix.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use ipnet::IpNet;

use crate::addr::Addr;

/// How long a prefix is, and of which family. IPv4 is counted in its mapped form, 96 to 128.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Width {
    v4: bool,
    length: u8,
}

/// A network.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct NetKey {
    /// Its prefix.
    pub(super) width: Width,
    bits: u128,
}

impl NetKey {
    /// The network of this width around `addr`; none if it is of the other family.
    pub(super) fn around(addr: Addr, width: Width) -> Option<Self> {
        let rest = 128_u32.saturating_sub(u32::from(width.length));
        let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
        (width.v4 == addr.is_v4()).then(|| Self { width, bits: addr.bits() & mask })
    }

    /// `net`; none if it holds no address, because it is IPv4 in IPv6's clothes.
    pub(super) fn of(net: &IpNet) -> Option<Self> {
        let v4 = matches!(net, IpNet::V4(_));
        let length = if v4 { net.prefix_len().saturating_add(96) } else { net.prefix_len() };
        Self::around(Addr::from(net.addr()), Width { v4, length })
    }
}

/// Numbers filed by networks.
#[derive(Clone, Debug, Default)]
pub(super) struct NetLists {
    widths: Vec<Width>,
    lists: HashMap<NetKey, Vec<u32>, FixedState>,
}

impl NetLists {
    /// Files `number` under these networks.
    pub(super) fn file(&mut self, nets: &[IpNet], number: u32) {
        for key in nets.iter().filter_map(NetKey::of) {
            if !self.widths.contains(&key.width) {
                self.widths.push(key.width);
            }
            self.lists.entry(key).or_default().push(number);
        }
    }

    /// The numbers filed under a network that holds `addr`, in no order, some perhaps twice.
    pub(super) fn around(&self, addr: Addr) -> impl Iterator<Item = u32> {
        let list = move |width: &Width| self.lists.get(&NetKey::around(addr, *width)?);
        self.widths.iter().filter_map(list).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::NetLists;
    use crate::addr::Addr;

    #[test]
    fn an_address_finds_the_networks_that_hold_it_as_ipnet_says() {
        let nets: Vec<IpNet> = [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "::/0",
            "::ffff:10.0.0.0/104",
            "fd00::/64",
            "fd00::17/128",
            "2000::/3",
        ]
        .map(|net| net.parse().unwrap())
        .to_vec();
        let mut lists = NetLists::default();
        for (number, net) in (0..).zip(&nets) {
            lists.file(std::slice::from_ref(net), number);
        }
        for addr in ["10.1.2.3", "10.1.2.4", "11.0.0.1", "fd00::17", "fd00::18", "fe80::1", "2001:db8::1"] {
            let addr = Addr::from(addr.parse::<std::net::IpAddr>().unwrap());
            let mut found: Vec<u32> = lists.around(addr).collect();
            found.sort_unstable();
            let held = (0..).zip(&nets).filter(|(_, net)| net.contains(&addr.ip()));
            assert_eq!(found, held.map(|(number, _)| number).collect::<Vec<u32>>(), "{addr:?}");
        }
    }
}
