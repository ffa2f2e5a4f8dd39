//! Copies of a mirror, silence, eviction and what is noted beside.

use std::collections::BTreeSet;

use camsentry::addr::Addr;
use camsentry::addr::Mac;
use camsentry::decode::segment::VlanStack;
use camsentry::flow::FlowKey;
use camsentry::flow::FlowSettings;
use camsentry::flow::shard::Hashes;
use camsentry::service::Transport;

use crate::script::ACK;
use crate::script::CLIENT_SIDE;
use crate::script::FIN;
use crate::script::SERVER;
use crate::script::SERVER_SIDE;
use crate::script::SYN;
use crate::script::Stage;
use crate::script::client;
use crate::script::client_udp;
use crate::script::handshake;
use crate::script::only;
use crate::script::packet;
use crate::script::played;
use crate::script::server;
use crate::script::server_udp;

#[test]
fn a_mirror_s_second_copies_are_counted_and_do_nothing_else() {
    let mut packets = handshake(100, 500);
    packets.push(client(ACK, 101, 501, b"ask"));
    let mut doubled = Vec::new();
    for (mut one, fingerprint) in packets.into_iter().zip(1_u64..) {
        one.segment.fingerprint = fingerprint;
        doubled.push(one.clone());
        one.segment.vlans.push(7);
        one.segment.wire_octets += 4;
        doubled.push(one);
    }
    let notes = played(&doubled);
    let (facts, said) = only(&notes);
    assert_eq!(facts.history.as_str(), "ShAD");
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"ask");
    let ours = CLIENT_SIDE.of(&facts.tallies);
    assert_eq!((ours.packets, ours.duplicate_packets), (3, 3));
    assert_eq!((ours.wire_octets, ours.duplicate_octets), (54 * 3 + 3, 58 * 3 + 3));
    let mut tagged = VlanStack::default();
    tagged.push(7);
    assert_eq!(facts.vlans, [VlanStack::default(), tagged]);
}

#[test]
fn an_equal_packet_after_the_window_is_a_retransmission() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(&handshake(100, 500));
    let mut ask = client(ACK, 101, 501, b"ask");
    ask.segment.fingerprint = 9;
    stage.play_at(1, &ask);
    stage.play_at(2, &ask);
    let notes = stage.end();
    let (facts, _) = only(&notes);
    assert_eq!(facts.history.as_str(), "ShADT");
    assert_eq!(CLIENT_SIDE.of(&facts.tallies).duplicate_packets, 0);
}

#[test]
fn silence_splits_a_flow_when_it_is_longer_than_its_time() {
    let udp = client_udp(b"ask");
    let open = client(ACK, 7, 7, b"");
    for (one, at, flows) in [(&udp, 180, 1), (&udp, 181, 2), (&open, 3600, 1), (&open, 3601, 2)] {
        let mut stage = Stage::new(FlowSettings::default());
        stage.play_at(0, one);
        stage.play_at(at, one);
        assert_eq!(stage.end().closed.len(), flows, "{} after {at} s", one.segment.transport);
    }
}

#[test]
fn a_closed_connection_lingers_for_its_last_retransmissions() {
    let mut told = handshake(100, 500);
    told.extend([client(ACK, 101, 501, b"ask"), server(ACK, 501, 104, b"tell")]);
    told.extend([client(ACK, 104, 505, b""), client(ACK, 104, 505, b"")]);
    let (ours, theirs) = (client(FIN | ACK, 104, 505, b""), server(FIN | ACK, 505, 105, b""));
    let last = client(ACK, 105, 506, b"");
    let closed = [told.as_slice(), &[ours.clone(), theirs.clone()]].concat();
    // The server says it again while nobody acknowledges it (Linux: up to 25.6 s later), and not after that.
    for (last, at, flows) in [(None, 30, 1), (None, 31, 2), (Some(&last), 5, 1), (Some(&last), 6, 2)] {
        let mut stage = Stage::new(FlowSettings::default());
        stage.play(&closed);
        last.into_iter().for_each(|last| stage.play_at(0, last));
        stage.play_at(at, &theirs);
        assert_eq!(stage.end().closed.len(), flows, "{at} s, acknowledged: {}", last.is_some());
    }
    // Both closed at a time, and only one end heard of it.
    let crossed = [told.as_slice(), &[ours, server(FIN | ACK, 505, 104, b""), last]].concat();
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(&crossed);
    stage.play_at(30, &theirs);
    assert_eq!(stage.end().closed.len(), 1);
}

#[test]
fn other_packets_of_the_shard_close_what_fell_silent() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.play_at(0, &client_udp(b"ask"));
    let other = packet(([10, 0, 0, 77], 1), SERVER, Transport::Udp, None, b"x");
    stage.play_at(100, &client_udp(b"ask"));
    stage.play_at(250, &other);
    assert_eq!(stage.notes.closed.len(), 0);
    stage.play_at(500, &other);
    assert_eq!(stage.notes.closed.len(), 2, "both were silent for longer than 180 s");
    assert_eq!(stage.table.counts().expired, 2);
}

#[test]
fn a_full_shard_closes_what_was_opened_first() {
    let settings = FlowSettings { flows_per_shard: 3, ..FlowSettings::default() };
    let mut stage = Stage::new(settings);
    stage.table.watch_from(crate::script::seconds(-1000));
    for port in [1, 2, 3, 1, 4] {
        stage.play(&[packet(([10, 0, 0, 9], port), SERVER, Transport::Udp, None, b"x")]);
    }
    let evicted: Vec<u16> = stage.notes.closed.iter().map(|(facts, _)| facts.key.b_port).collect();
    assert_eq!(evicted, [1]);
    assert!(stage.notes.closed.first().unwrap().0.evicted);
    stage.play(&[packet(([10, 0, 0, 9], 1), SERVER, Transport::Udp, None, b"x")]);
    assert_eq!(stage.table.counts().live, 3);
    let notes = stage.end();
    let back = notes.closed.last().unwrap();
    assert_eq!(
        (back.0.key.b_port, back.0.initiator),
        (1, None),
        "silence of what was evicted proves nothing"
    );
}

#[test]
fn vlans_are_recorded_and_only_on_demand_part_of_the_key() {
    let mut tagged = client_udp(b"x");
    tagged.segment.vlans.push(5);
    for (key_by_vlan, flows) in [(false, 1), (true, 2)] {
        let mut stage = Stage::new(FlowSettings { key_by_vlan, ..FlowSettings::default() });
        stage.play(&[client_udp(b"x"), tagged.clone()]);
        assert_eq!(stage.end().closed.len(), flows);
    }
}

#[test]
fn files_and_macs_are_noted() {
    let mut first = client(SYN, 1, 0, b"");
    first.segment.src_mac = Some(Mac([2, 0, 0, 0, 0, 9]));
    first.segment.dst_mac = Some(Mac([2, 0, 0, 0, 0, 1]));
    let mut packets = vec![first];
    for file in [2, 0, 2, 1] {
        let mut one = client(SYN, 1, 0, b"");
        one.segment.file = file;
        packets.push(one);
    }
    let notes = played(&packets);
    assert_eq!(only(&notes).0.files, [0, 1, 2]);
    let opening = notes.openings.first().unwrap();
    assert_eq!(CLIENT_SIDE.of(&opening.macs).unwrap(), Mac([2, 0, 0, 0, 0, 9]));
    assert_eq!(SERVER_SIDE.of(&opening.macs).unwrap(), Mac([2, 0, 0, 0, 0, 1]));
}

#[test]
fn a_long_flow_tells_its_counts_once_a_minute() {
    let mut stage = Stage::new(FlowSettings::default());
    for at in 0..181 {
        stage.play_at(at, &client_udp(b"x"));
        stage.play_at(at, &server_udp(b"y"));
    }
    assert_eq!(stage.end().tallies, 3);
}

#[test]
fn both_directions_share_a_hash_and_pairs_spread_over_all_shards() {
    let hashes = Hashes::new(FlowSettings::OFFLINE_SEED);
    let (mut shards, mut all) = (BTreeSet::new(), BTreeSet::new());
    for low in 0..=255 {
        for high in 0..16 {
            let (one, other) = ((Addr::v4([10, 0, 0, 1]), 554), (Addr::v4([10, 1, high, low]), 40_000));
            let of = |from, to| hashes.of(&FlowKey::canonical(from, to, Transport::Tcp, 0).0);
            let (hash, shard) = of(one, other);
            assert_eq!(of(other, one), (hash, shard));
            // Their media share the shard; the same ports the other way round are another flow.
            assert_eq!(of((one.0, 5000), (other.0, 5002)).1, shard);
            assert_ne!(of((one.0, 40_000), (other.0, 554)).0, hash);
            shards.insert(shard);
            all.insert(hash);
        }
    }
    assert_eq!((shards.len(), all.len()), (256, 4096));
}

#[test]
fn a_bit_of_address_or_port_changes_half_of_the_hash() {
    let hashes = Hashes::new(FlowSettings::OFFLINE_SEED);
    let of = |host: u32, port: u16| {
        let (one, other) = ((Addr::v4(host.to_be_bytes()), port), (Addr::v4([192, 168, 0, 1]), 53));
        hashes.of(&FlowKey::canonical(one, other, Transport::Udp, 0).0).0
    };
    let (mut changed, mut pairs) = (0, 0);
    for number in 0..200_u32 {
        let (host, port) = (0x0a00_0000 + number * 65_537, u16::try_from(1024 + number * 31).unwrap());
        for bit in 0..16 {
            changed += (of(host, port) ^ of(host ^ 1 << bit, port)).count_ones();
            changed += (of(host, port) ^ of(host, port ^ 1 << bit)).count_ones();
            pairs += 2;
        }
    }
    let share = f64::from(changed) / f64::from(pairs * 32);
    assert!((0.48..0.52).contains(&share), "{share}");
}

#[test]
fn the_uid_of_a_flow_is_the_same_in_every_run() {
    let uid = || only(&played(&handshake(100, 500))).0.uid;
    assert_eq!(uid(), uid());
}
