//! Addresses as the stages pass them on: 16 octets for IPv4 and IPv6 alike, and MAC addresses.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// An IP address in 16 octets; IPv4 is kept in its mapped form (RFC 4291 §2.5.5.2), which no
/// host puts on the wire, so that both families share one key.
///
/// The order is that of the octets, IPv4 after most of IPv6's low range; it only has to be total.
///
/// In two words, the first octets in the first: a `u128` would ask for places at multiples of 16, and so
/// make what holds addresses greater than it is.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Addr(u64, u64);

/// An IEEE 802 MAC address.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mac(pub [u8; 6]);

impl Addr {
    /// From the four octets of an IPv4 header.
    pub const fn v4(octets: [u8; 4]) -> Self {
        let [a, b, c, d] = octets;
        Self(0, u64::from_be_bytes([0, 0, 0xff, 0xff, a, b, c, d]))
    }

    /// From the sixteen octets of an IPv6 header.
    pub const fn v6(octets: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
        let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self(high, u64::from_be_bytes([i, j, k, l, m, n, o, p]))
    }

    /// The standard library's type, IPv4 unmapped.
    pub fn ip(self) -> IpAddr {
        Ipv6Addr::from(self.bits()).to_canonical()
    }

    /// Whether this is IPv4.
    pub const fn is_v4(self) -> bool {
        self.0 == 0 && self.1 >> 32 == 0xffff
    }

    /// An IPv4 address as a number, in the order of addresses.
    #[inline]
    pub fn v4_number(self) -> Option<u32> {
        u32::try_from(self.1 & u64::from(u32::MAX)).ok().filter(|_| self.is_v4())
    }

    /// The raw 128 bits, for hashing and keys.
    #[inline]
    pub const fn bits(self) -> u128 {
        // Widening casts: `u128::from` is not const.
        #[expect(clippy::as_conversions, reason = "u64 always fits a u128")]
        let (high, low) = (self.0 as u128, self.1 as u128);
        high << 64 | low
    }

    /// Whether this is a multicast group, the limited broadcast 255.255.255.255, or unspecified.
    /// A subnet's own broadcast address is known to the site only.
    pub fn is_group(self) -> bool {
        if self.is_v4() {
            // 224.0.0.0/4 (RFC 5771), 255.255.255.255 (RFC 919).
            self.1 >> 28 & 0xf == 0xe || self.1 & 0xffff_ffff == 0xffff_ffff
        } else {
            // ff00::/8 (RFC 4291 §2.7).
            self.0 >> 56 == 0xff
        }
    }
}

impl Ord for Addr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits().cmp(&other.bits())
    }
}

impl PartialOrd for Addr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Addr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.bits());
    }
}

impl Mac {
    /// Whether the group bit is set: multicast and broadcast (IEEE 802-2014 §8.2.2).
    pub fn is_group(self) -> bool {
        self.0.first().is_some_and(|first| first & 1 == 1)
    }

    /// The first three octets, which name the maker (IEEE OUI, "MA-L").
    pub fn prefix(self) -> [u8; 3] {
        let [a, b, c, ..] = self.0;
        [a, b, c]
    }
}

impl From<IpAddr> for Addr {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::v4(ip.octets()),
            IpAddr::V6(ip) => Self::v6(ip.octets()),
        }
    }
}

impl From<Ipv4Addr> for Addr {
    fn from(ip: Ipv4Addr) -> Self {
        Self::v4(ip.octets())
    }
}

impl From<Ipv6Addr> for Addr {
    fn from(ip: Ipv6Addr) -> Self {
        Self::v6(ip.octets())
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip().fmt(f)
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Addr;
    use super::Mac;

    #[test]
    fn both_families_come_back_as_they_went_in() {
        for text in ["10.20.0.17", "fe80::1", "::1", "0.0.0.0", "255.255.255.255"] {
            let ip: std::net::IpAddr = text.parse().unwrap();
            assert_eq!(Addr::from(ip).to_string(), text);
            assert_eq!(Addr::from(ip).is_v4(), ip.is_ipv4());
        }
    }

    #[test]
    fn a_group_address_is_told_from_a_host() {
        let group = |text: &str| Addr::from(text.parse::<std::net::IpAddr>().unwrap()).is_group();
        assert!(group("239.255.255.250") && group("ff02::c") && group("255.255.255.255"));
        assert!(!group("10.20.255.255") && !group("fe80::1"));
        assert!(group("224.0.0.1") && !group("223.255.255.255") && !group("240.0.0.1") && !group("::e0"));
        assert!(Mac([1, 0, 0x5e, 0, 0, 1]).is_group());
    }

    #[test]
    fn addresses_stand_in_the_order_of_their_octets() {
        let addr = |text: &str| Addr::from(text.parse::<std::net::IpAddr>().unwrap());
        let ascending = ["::", "::1", "::fffe:ffff:ffff", "0.0.0.0", "10.0.0.1", "::1:0:0:0", "fe80::1"];
        assert!(ascending.map(addr).is_sorted_by(|one, other| one < other));
        assert_eq!(addr("fe80::1").bits(), 0xfe80 << 112 | 1);
    }
}
