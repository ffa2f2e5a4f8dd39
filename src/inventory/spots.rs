//! What the site and the numbering of the internet say of an address, all of it, found in one step.
//!
//! Whatever anything is said of is an address or a prefix. Prefixes nest and never cross, so that all
//! addresses from where one of them begins or ends to where the next does are told the same.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::inventory::declared::Declared;
use crate::inventory::likeness::Ground;

/// What is said of an address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Spot {
    /// It is an IPv4 address.
    pub(crate) is_v4: bool,
    /// Which declaration of a host it is under.
    pub(crate) host: Option<usize>,
    /// It is a multicast group or a broadcast address.
    pub(crate) is_group: bool,
    /// It is on the internet.
    pub(crate) is_internet: bool,
    /// It is of a monitored network; without a site, any host's that is not on the internet.
    pub(crate) is_monitored: bool,
    /// Which zones it is in, as the site's set of zones.
    pub(crate) zones: Option<usize>,
    /// Why a host that has it is what it is, if no device tells.
    pub(crate) ground: Option<Ground>,
}

/// All addresses. At most two entries for each address and prefix that the site names.
#[derive(Clone, Debug)]
pub(crate) struct Spots {
    /// The first addresses of spans of IPv4, ascending, with the number of the spot of each.
    v4: Spans<u32>,
    /// For each first octet, how many spans begin before it.
    before: Vec<u32>,
    /// The same of IPv6.
    v6: Spans<u128>,
    list: Vec<Spot>,
}

#[derive(Clone, Debug)]
struct Spans<A> {
    starts: Vec<A>,
    spots: Vec<u32>,
}

impl Spots {
    /// All addresses, cut behind and in front of what the site names and what `ranges`, first and last
    /// addresses, tell apart; `spot` says what is said of an address.
    pub(crate) fn of(
        declared: Option<&Declared>,
        ranges: impl Iterator<Item = (Addr, Addr)>,
        spot: impl Fn(Addr) -> Spot,
    ) -> Self {
        let mut starts = vec![Addr::v4([0; 4]), Addr::v6([0; 16])];
        starts.extend(declared.into_iter().flat_map(Declared::span_starts));
        let single = declared.into_iter().flat_map(Declared::single_addresses).map(|addr| (addr, addr));
        for (first, last) in ranges.chain(single) {
            starts.push(first);
            let after = last.bits().checked_add(1).map(|bits| Addr::v6(bits.to_be_bytes()));
            // Behind the last address of IPv4 comes none of IPv4.
            starts.extend(after.filter(|after| after.is_v4() == last.is_v4()));
        }
        starts.sort_unstable();
        starts.dedup();
        let mut spots =
            Self { v4: Spans::default(), before: Vec::new(), v6: Spans::default(), list: Vec::new() };
        let mut numbers: HashMap<Spot, u32, FixedState> = HashMap::default();
        for start in starts {
            let next = u32::try_from(spots.list.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(spot(start)).or_insert_with_key(|spot| {
                spots.list.push(*spot);
                next
            });
            match start.v4_number() {
                Some(start) => spots.v4.push(start, number),
                None => spots.v6.push(start.bits(), number),
            }
        }
        let before = |octet: u64| spots.v4.starts.partition_point(|start| u64::from(*start) < octet << 24);
        spots.before = (0..=256).map(|octet| u32::try_from(before(octet)).unwrap_or(u32::MAX)).collect();
        spots
    }

    /// The number of what is said of `addr`, the same for all addresses of which the same is said.
    #[inline]
    pub(crate) fn number_at(&self, addr: Addr) -> u32 {
        match addr.v4_number() {
            Some(addr) => self.number_at_v4(addr).unwrap_or(u32::MAX),
            None => self.v6.at(addr.bits()),
        }
    }

    #[inline]
    fn number_at_v4(&self, addr: u32) -> Option<u32> {
        let octet = usize::try_from(addr >> 24).ok()?;
        let (from, to) = (*self.before.get(octet)?, *self.before.get(octet.wrapping_add(1))?);
        let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
        let within = self.v4.starts.get(from..to)?.partition_point(|start| *start <= addr);
        self.v4.spots.get(from.wrapping_add(within).wrapping_sub(1)).copied()
    }

    /// What is said of addresses with this number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> &Spot {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.list.get(place).unwrap_or(&Spot::NOTHING)
    }

    /// What is said of `addr`.
    pub(crate) fn at(&self, addr: Addr) -> &Spot {
        self.get(self.number_at(addr))
    }
}

impl Spot {
    const NOTHING: Self = Self {
        is_v4: false,
        host: None,
        is_group: false,
        is_internet: false,
        is_monitored: false,
        zones: None,
        ground: None,
    };

    /// Whether a MAC that it is seen with is its own: a group has none, and the internet's is a router's.
    pub(crate) const fn has_mac(&self) -> bool {
        !self.is_group && !self.is_internet
    }
}

impl<A> Default for Spans<A> {
    fn default() -> Self {
        Self { starts: Vec::new(), spots: Vec::new() }
    }
}

impl<A: Copy + Ord> Spans<A> {
    fn push(&mut self, start: A, spot: u32) {
        if self.spots.last() != Some(&spot) {
            self.starts.push(start);
            self.spots.push(spot);
        }
    }

    fn at(&self, addr: A) -> u32 {
        let after = self.starts.partition_point(|start| *start <= addr);
        self.spots.get(after.wrapping_sub(1)).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Inventory;

    fn addr(text: &str) -> Addr {
        Addr::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    fn without_a_site_addresses_are_told_by_their_kind() {
        let inventory = Inventory::new(None);
        let rows = [
            ("0.0.0.0", Ground::Unseen, true),
            ("9.255.255.255", Ground::Internet, false),
            ("10.0.0.0", Ground::Unseen, true),
            ("10.255.255.255", Ground::Unseen, true),
            ("11.0.0.0", Ground::Internet, false),
            ("223.255.255.255", Ground::Internet, false),
            ("224.0.0.0", Ground::Group, false),
            ("239.255.255.255", Ground::Group, false),
            ("240.0.0.0", Ground::Unseen, true),
            ("255.255.255.254", Ground::Unseen, true),
            ("255.255.255.255", Ground::Group, false),
            ("::", Ground::Unseen, true),
            ("1fff::", Ground::Unseen, true),
            ("2000::", Ground::Internet, false),
            ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Ground::Internet, false),
            ("4000::", Ground::Unseen, true),
            ("feff::1", Ground::Unseen, true),
            ("ff00::", Ground::Group, false),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Ground::Group, false),
        ];
        for (text, ground, is_monitored) in rows {
            let spot = inventory.spots.at(addr(text));
            assert_eq!((spot.ground, spot.is_monitored), (Some(ground), is_monitored), "{text}");
            assert_eq!(spot.is_v4, addr(text).is_v4());
        }
    }
}
