//! Devices, routers, leases and the caps of the tables.

#![expect(clippy::as_conversions, reason = "test arithmetic")]

use super::*;

const CAM: Mac = Mac([0, 3, 0xc5, 0, 0, 1]);
const PC: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn v4(last: u8) -> Addr {
    Addr::v4([10, 20, 0, last])
}

fn sees(table: &mut Sightings, addr: Addr, mac: Mac, seconds: i64) -> Change {
    table.sees(addr, addr, mac, at(seconds), false)
}

#[test]
fn the_fourth_address_within_ten_minutes_makes_a_router() {
    let mut table = Sightings::default();
    for last in 1..=3 {
        assert_eq!(sees(&mut table, v4(last), PC, 0), Change::New);
    }
    assert_eq!(sees(&mut table, v4(4), PC, 600), Change::Router);
    assert_eq!(table.mac_of(v4(1)), None);
    assert_eq!(sees(&mut table, v4(5), PC, 601), Change::None);

    let mut slow = Sightings::default();
    for last in 1..=9 {
        assert_eq!(sees(&mut slow, v4(last), PC, i64::from(last) * 301), Change::New);
    }
}

#[test]
fn an_address_seen_on_both_sides_of_a_router_finds_its_way_home() {
    let mut table = Sightings::default();
    let own = |last: u8| Mac([2, 0, 0, 0, 1, last]);
    for last in 1..=4 {
        sees(&mut table, v4(last), own(last), 0);
        sees(&mut table, v4(last), PC, 1);
        sees(&mut table, v4(last), own(last), 2);
    }
    for last in 1..=4 {
        sees(&mut table, v4(last), PC, 3);
        assert_eq!(table.mac_of(v4(last)), Some(own(last)));
    }
}

#[test]
fn link_local_and_privacy_addresses_of_one_network_make_no_router() {
    let mut table = Sightings::default();
    sees(&mut table, v4(1), CAM, 0);
    for last in 0..1000_u16 {
        let [high, low] = last.to_be_bytes();
        let global = Addr::v6([0xfd, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, high, low]);
        let local = Addr::v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, high, low]);
        assert_ne!(sees(&mut table, global, CAM, i64::from(last)), Change::Router);
        assert_ne!(sees(&mut table, local, CAM, i64::from(last)), Change::Router);
    }
    assert_eq!((table.bindings.len(), table.devices.len()), (MAX_ADDRESSES_PER_MAC, 1));
    assert_eq!(table.mac_of(v4(1)), Some(CAM));
    assert_eq!(table.addresses_beside(v4(1)).first(), Some(&v4(1)));
}

#[test]
fn four_networks_of_ipv6_behind_a_mac_make_a_router() {
    let mut table = Sightings::default();
    let net = |n: u8| Addr::v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 1]);
    let changes: Vec<Change> = (1..=4).map(|n| sees(&mut table, net(n), PC, 0)).collect();
    assert_eq!(changes, [Change::New, Change::New, Change::New, Change::Router]);
}

#[test]
fn a_lease_takes_the_address_from_its_last_owner() {
    let mut table = Sightings::default();
    assert_eq!(table.sees(v4(1), v4(1), CAM, at(0), true), Change::New);
    assert_eq!(table.sees(v4(1), v4(1), PC, at(9), true), Change::Moved { from: CAM });
    assert_eq!(table.mac_of(v4(1)), Some(PC));
    assert!(table.devices.get(&CAM).is_none());
    // Ten leases, one after the other, are no router.
    for last in 2..=11 {
        assert_ne!(table.sees(v4(last), v4(last), PC, at(10), true), Change::Router);
    }
}

#[test]
fn noise_is_no_device() {
    let mut table = Sightings::default();
    for (addr, mac) in [
        (Addr::v4([0; 4]), CAM),
        (Addr::v4([255; 4]), CAM),
        (Addr::v4([239, 1, 1, 1]), CAM),
        (v4(1), Mac([0xff; 6])),
        (v4(1), Mac([0; 6])),
    ] {
        assert_eq!(sees(&mut table, addr, mac, 0), Change::None);
    }
    assert_eq!((table.bindings.len(), table.devices.len()), (0, 0));
}

#[test]
fn the_table_stays_within_its_cap_and_forgets_the_oldest() {
    let mut table = Sightings::default();
    let total = MAX_BINDINGS as u32 + 10;
    for n in 0..total {
        let [a, b, c, d] = n.to_be_bytes();
        sees(&mut table, Addr::v4([10, b, c, d]), Mac([2, 1, a, b, c, d]), 0);
    }
    assert_eq!((table.bindings.len(), table.devices.len()), (MAX_BINDINGS, MAX_BINDINGS));
    assert_eq!(table.mac_of(Addr::v4([10, 0, 0, 9])), None);
    assert!(table.mac_of(Addr::v4([10, 0, 0, 10])).is_some());
}

#[test]
fn one_address_that_changes_its_mac_all_the_time_fills_no_memory() {
    let mut table = Sightings::default();
    for n in 0..MAX_BINDINGS as u32 * 3 {
        let [a, b, c, d] = n.to_be_bytes();
        sees(&mut table, v4(1), Mac([2, 1, a, b, c, d]), 0);
    }
    assert_eq!((table.bindings.len(), table.devices.len()), (1, MAX_BINDINGS));
}
