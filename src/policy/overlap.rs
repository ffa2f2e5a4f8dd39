//! Whether one rule allows everything that another allows.

use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::inventory::role::RoleSet;
use crate::policy::rule::Expect;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;

/// Whether whatever fits `narrow` fits `wide` too: ends, transport, ports, what is spoken, peers.
/// Standing and demands (status, TLS) are not looked at.
pub fn covers(wide: &Rule, narrow: &Rule) -> bool {
    let way = |from: RoleSet, to: RoleSet| {
        ends_cover(wide, from, to) || (wide.both_ways && ends_cover(wide, to, from))
    };
    let ends = way(narrow.from, narrow.to) && (!narrow.both_ways || way(narrow.to, narrow.from));
    ends && narrow.transports.iter().all(|transport| wide.transports.contains(transport))
        && ports_cover(&wide.ports, &narrow.ports)
        && hosts_cover(&wide.from_hosts, &narrow.from_hosts)
        && hosts_cover(&wide.to_hosts, &narrow.to_hosts)
        && (wide.to_zone_kind.is_none() || wide.to_zone_kind == narrow.to_zone_kind)
        && expect_covers(&wide.expect, &narrow.expect)
        && (wide.contents.is_empty()
            || !narrow.contents.is_empty() && narrow.contents.iter().all(|one| wide.contents.contains(one)))
        && peers_cover(wide, narrow)
}

/// Whether every role of `part` is in `whole`.
pub fn is_part(part: RoleSet, whole: RoleSet) -> bool {
    part.without(whole).is_empty()
}

fn ends_cover(wide: &Rule, from: RoleSet, to: RoleSet) -> bool {
    is_part(from, wide.from) && is_part(to, wide.to)
}

fn ports_cover(wide: &Ports, narrow: &Ports) -> bool {
    match (wide, narrow) {
        (Ports::Any, _) => true,
        (Ports::Set(wide), Ports::Set(narrow)) => set_covers(wide, narrow),
        // Named ports are named for one rule; those of another are not known to be among them.
        (Ports::Set(_) | Ports::Named, _) => false,
    }
}

fn set_covers(wide: &PortSet, narrow: &PortSet) -> bool {
    let inside = |range: &RangeInclusive<u16>| {
        wide.0.iter().any(|whole| whole.start() <= range.start() && range.end() <= whole.end())
    };
    narrow.0.iter().all(inside)
}

fn hosts_cover(wide: &[IpNet], narrow: &[IpNet]) -> bool {
    wide.is_empty()
        || !narrow.is_empty() && narrow.iter().all(|net| wide.iter().any(|whole| whole.contains(net)))
}

fn expect_covers(wide: &Expect, narrow: &Expect) -> bool {
    match (wide, narrow) {
        (Expect::PortOnly, Expect::PortOnly) => true,
        (Expect::Services(wide), Expect::Services(narrow)) => narrow.iter().all(|one| wide.contains(one)),
        _ => false,
    }
}

fn peers_cover(wide: &Rule, narrow: &Rule) -> bool {
    if wide.peers_named || narrow.peers_named {
        return !wide.peers_named && wide.peers.is_empty();
    }
    wide.peers.is_empty()
        || !narrow.peers.is_empty() && narrow.peers.iter().all(|peer| wide.peers.contains(peer))
}
