//! What all prefixes of a site say of an address together, found in one step.
//!
//! Prefixes nest and never cross, so that the addresses between two neighbouring ends of prefixes all have
//! the same ones around them. Such a span is found by its first address.

use ipnet::IpNet;

use crate::addr::Addr;

/// What the longest prefixes around an address say.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Around {
    /// Which declaration of a network it is under.
    pub(crate) network: Option<usize>,
    /// Which zones it is in: an index of the site's sets of zones.
    pub(crate) zones: Option<usize>,
    /// Whether it is in a monitored network.
    pub(crate) monitored: bool,
}

/// All addresses, cut where any prefix begins or ends. Two entries for each prefix at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Spans of IPv4, then those of IPv6: the first address of each, ascending.
    spans: [Vec<(u128, Around)>; 2],
}

impl Surroundings {
    /// Cuts all addresses at the ends of `nets`; `around` tells what is around an address.
    pub(crate) fn of(nets: &[IpNet], around: impl Fn(Addr) -> Around) -> Self {
        let mut spans = [Vec::new(), Vec::new()];
        for (family, spans) in [true, false].into_iter().zip(&mut spans) {
            let mut starts: Vec<u128> = Vec::new();
            for net in nets.iter().filter(|net| matches!(net, IpNet::V4(_)) == family) {
                starts.push(Addr::from(net.network()).bits());
                starts.extend(Addr::from(net.broadcast()).bits().checked_add(1));
            }
            starts.sort_unstable();
            starts.dedup();
            spans.extend(starts.into_iter().map(|start| (start, around(Addr::v6(start.to_be_bytes())))));
            spans.dedup_by_key(|(_, around)| *around);
        }
        Self { spans }
    }

    /// The first addresses of all spans.
    pub(crate) fn starts(&self) -> impl Iterator<Item = Addr> {
        self.spans.iter().flatten().map(|(start, _)| Addr::v6(start.to_be_bytes()))
    }

    /// What is around `addr`.
    pub(crate) fn at(&self, addr: Addr) -> Around {
        let [v4, v6] = &self.spans;
        let spans = if addr.is_v4() { v4 } else { v6 };
        let after = spans.partition_point(|(start, _)| *start <= addr.bits());
        after.checked_sub(1).and_then(|index| spans.get(index)).map(|(_, around)| *around).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        Addr::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    fn every_address_has_the_prefixes_around_it_and_no_other() {
        let nets: Vec<IpNet> =
            ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.255.255/32", "255.0.0.0/8", "::/0", "fd00::/8"]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect();
        let longest = |addr: Addr| {
            let around = |net: &&IpNet| net.contains(&addr.ip());
            let longest = nets.iter().filter(around).max_by_key(|net| net.prefix_len());
            let network = longest.and_then(|net| nets.iter().position(|other| other == net));
            Around { network, ..Around::default() }
        };
        let surroundings = Surroundings::of(&nets, longest);
        for text in [
            "0.0.0.0",
            "9.255.255.255",
            "10.0.0.0",
            "10.0.255.255",
            "10.1.0.0",
            "10.1.255.254",
            "10.1.255.255",
            "10.2.0.0",
            "10.255.255.255",
            "11.0.0.0",
            "254.1.1.1",
            "255.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fcff::1",
            "fd00::",
            "fdff:ffff::1",
            "fe00::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert_eq!(surroundings.at(addr(text)), longest(addr(text)), "{text}");
        }
        assert_eq!(Surroundings::of(&[], longest).at(addr("10.1.2.3")), Around::default());
    }
}
