//! Kinds of addresses that need no site file to be told apart (`policy.md` §1).

use ipnet::IpNet;
use ipnet::Ipv4Net;
use ipnet::Ipv6Net;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::addr::Addr;

/// Whether routers of the internet would carry packets to `addr`, so that it belongs to the internet
/// unless the site declares it. The documentation ranges (RFC 5737, RFC 3849, RFC 9637) count as such.
pub(crate) fn is_global(addr: Addr) -> bool {
    let ip = addr.ip();
    match ip {
        std::net::IpAddr::V4(ip) => !LOCAL_V4.iter().any(|net| net.contains(&ip)),
        std::net::IpAddr::V6(ip) => GLOBAL_V6.iter().any(|net| net.contains(&ip)),
    }
}

/// Whether `addr` is of the local segment only: 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291).
pub(crate) fn is_link_local(addr: Addr) -> bool {
    match addr.ip() {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Whether `addr` can be a host's own: no group, and neither unspecified nor loopback.
#[inline]
pub(crate) fn is_host(addr: Addr) -> bool {
    if addr.is_v4() {
        return addr.bits() & 0xffff_ffff != 0 && first_octet(addr) != 127 && !is_group(addr);
    }
    let ip = addr.ip();
    !is_group(addr) && !ip.is_unspecified() && !ip.is_loopback()
}

/// As [`Addr::is_group`], fast: it is asked for both ends of every flow.
#[inline]
pub(crate) fn is_group(addr: Addr) -> bool {
    if addr.is_v4() {
        matches!(first_octet(addr), 224..=239) || addr.bits() & 0xffff_ffff == 0xffff_ffff
    } else {
        addr.bits() >> 120 == 0xff
    }
}

/// The first octet of an IPv4 address.
#[inline]
fn first_octet(addr: Addr) -> u128 {
    addr.bits() >> 24 & 0xff
}

/// Ranges of addresses, first and last, that [`is_global`] and [`Addr::is_group`] tell from what is around
/// them.
pub(crate) fn kinds() -> impl Iterator<Item = (Addr, Addr)> {
    let v4 =
        LOCAL_V4.iter().chain(&GROUPS_V4).map(|net| (Addr::from(net.network()), Addr::from(net.broadcast())));
    let v6 = GLOBAL_V6
        .iter()
        .chain(&GROUPS_V6)
        .map(|net| (Addr::from(net.network()), Addr::from(net.broadcast())));
    v4.chain(v6)
}

/// Whether sites number their hosts with such addresses: RFC 1918, CGNAT (RFC 6598) or ULA (RFC 4193).
pub(crate) fn is_private(addr: Addr) -> bool {
    match addr.ip() {
        std::net::IpAddr::V4(ip) => ip.is_private() || CGNAT.contains(&ip),
        std::net::IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// The broadcast address of an IPv4 network with 8 to 30 bits of prefix; others have none
/// (RFC 922; RFC 3021 for 31 bits).
pub(crate) fn broadcast_of(net: &IpNet) -> Option<Addr> {
    match net {
        IpNet::V4(net) if (8..=30).contains(&net.prefix_len()) => Some(Addr::from(net.broadcast())),
        _ => None,
    }
}

/// The single address as a network, for lookups.
pub(crate) fn host_net(addr: Addr) -> IpNet {
    IpNet::from(addr.ip())
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), length)
}

/// Shared address space of carriers (RFC 6598).
const CGNAT: Ipv4Net = v4(100, 64, 0, 0, 10);

/// IPv4 that the internet does not carry (RFC 6890 and the IANA registry of special-purpose addresses).
const LOCAL_V4: &[Ipv4Net] = &[
    v4(0, 0, 0, 0, 8),      // "this network" (RFC 791)
    v4(10, 0, 0, 0, 8),     // private (RFC 1918)
    CGNAT,                  // shared (RFC 6598)
    v4(127, 0, 0, 0, 8),    // loopback (RFC 1122)
    v4(169, 254, 0, 0, 16), // link-local (RFC 3927)
    v4(172, 16, 0, 0, 12),  // private (RFC 1918)
    v4(192, 0, 0, 0, 24),   // protocol assignments (RFC 6890)
    v4(192, 168, 0, 0, 16), // private (RFC 1918)
    v4(198, 18, 0, 0, 15),  // benchmarks (RFC 2544)
    v4(224, 0, 0, 0, 4),    // multicast (RFC 5771)
    v4(240, 0, 0, 0, 4),    // reserved (RFC 1112) and the limited broadcast (RFC 919)
];

/// IPv6 that the internet carries: global unicast (RFC 4291 §2.4: 2000::/3 is all that IANA gives out)
/// and IPv4 behind NAT64 (RFC 6052). All else is reserved, local or multicast.
const GLOBAL_V6: &[Ipv6Net] = &[v6(0x2000, 0, 3), v6(0x64, 0xff9b, 96)];

/// Groups: multicast (RFC 5771) and the limited broadcast (RFC 919); multicast of IPv6 (RFC 4291 §2.7).
const GROUPS_V4: [Ipv4Net; 2] = [v4(224, 0, 0, 0, 4), v4(255, 255, 255, 255, 32)];
const GROUPS_V6: [Ipv6Net; 1] = [v6(0xff00, 0, 8)];

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Addr {
        Addr::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of addresses")]
    fn every_range_is_of_the_kind_that_its_rfc_says() {
        // First and last address of each range, and the neighbours outside.
        let local = [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.1",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "64:ff9b:1::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ];
        for text in local {
            assert!(!is_global(addr(text)), "{text}");
        }
        let global = [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.9",
            "2001:db8::1",
            "3fff::1",
            "2600::1",
            "64:ff9b::808:808",
        ];
        for text in global {
            assert!(is_global(addr(text)), "{text}");
        }
    }

    #[test]
    fn a_host_has_an_address_of_its_own() {
        let hosts = [
            "0.0.0.1",
            "10.1.2.3",
            "126.255.255.255",
            "128.0.0.0",
            "223.255.255.255",
            "240.0.0.0",
            "255.255.255.254",
            "fe80::1",
            "::2",
        ];
        let others = [
            "0.0.0.0",
            "127.0.0.0",
            "127.255.255.255",
            "224.0.0.0",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
        ];
        assert!(
            hosts.iter().all(|text| is_host(addr(text))) && !others.iter().any(|text| is_host(addr(text)))
        );
        assert!(hosts.iter().chain(&others).all(|text| is_group(addr(text)) == addr(text).is_group()));
    }

    #[test]
    fn a_broadcast_address_needs_a_prefix_of_8_to_30_bits() {
        let of = |text: &str| broadcast_of(&text.parse().unwrap()).map(|addr| addr.to_string());
        assert_eq!(of("10.20.0.0/16").as_deref(), Some("10.20.255.255"));
        assert_eq!(of("10.0.0.0/8").as_deref(), Some("10.255.255.255"));
        assert_eq!(of("10.20.0.16/30").as_deref(), Some("10.20.0.19"));
        for none in ["10.20.0.16/31", "10.20.0.17/32", "10.0.0.0/7", "2001:db8::/64"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn private_is_what_sites_number_their_hosts_with() {
        assert!(
            ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]
                .iter()
                .all(|t| is_private(addr(t)))
        );
        assert!(!["169.254.1.1", "203.0.113.9", "fe80::1", "224.0.0.1"].iter().any(|t| is_private(addr(t))));
    }
}
