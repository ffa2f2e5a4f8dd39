//! Fragments in every order, overlaps, floods, and the copies that a mirror makes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]

#[expect(dead_code, reason = "each test file uses its part")]
mod decode_frames;

use camsentry::decode::DecodeSettings;
use camsentry::decode::Segment;
use camsentry::decode::Undecoded;
use camsentry::decode::segment::Tunnel;
use camsentry::service::Transport;
use decode_frames::Bench;
use decode_frames::frame;
use decode_frames::ipv4;
use decode_frames::ipv6;
use decode_frames::octets;
use decode_frames::scapy;

/// A UDP datagram from port 5004 to 40000 with `length` octets of payload: 0, 1, 2, …
fn datagram(length: u8) -> Vec<u8> {
    let total = u16::from(length) + 8;
    let mut datagram = vec![0x13, 0x8c, 0x9c, 0x40];
    datagram.extend_from_slice(&total.to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend(0..length);
    datagram
}

/// An Ethernet frame with an IPv4 fragment of protocol `protocol`.
fn fragment_of(protocol: u8, id: u16, start: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(protocol, data);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    let field = u16::try_from(start / 8).unwrap() | if more { 0x2000 } else { 0 };
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    frame(0x0800, &packet)
}

fn fragment(id: u16, start: usize, more: bool, data: &[u8]) -> Vec<u8> {
    fragment_of(17, id, start, more, data)
}

fn fragment6(id: u32, start: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let field = u16::try_from(start).unwrap() | u16::from(more);
    let mut payload = vec![17, 0];
    payload.extend_from_slice(&field.to_be_bytes());
    payload.extend_from_slice(&id.to_be_bytes());
    payload.extend_from_slice(data);
    frame(0x86dd, &ipv6(44, &payload))
}

/// Checks the only segment: UDP 5004 to 40000 with this payload.
fn assert_joined(bench: &Bench, frames: u16, payload: &[u8]) {
    let segment = bench.segment();
    assert_eq!((segment.transport, segment.src_port, segment.dst_port), (Transport::Udp, 5004, 40000));
    assert_eq!((segment.frames, bench.payload(&segment)), (frames, payload));
    assert!(!segment.oddities.incomplete);
}

fn two(bench: &Bench) -> (Segment, Segment) {
    assert_eq!(bench.out.segments.len(), 2);
    (bench.out.segments[0], bench.out.segments[1])
}

#[test]
fn three_fragments_join_in_all_six_orders_and_both_versions() {
    let whole = datagram(40);
    let parts4 = [
        fragment(7, 0, true, &whole[..16]),
        fragment(7, 16, true, &whole[16..32]),
        fragment(7, 32, false, &whole[32..]),
    ];
    let parts6 = [
        fragment6(7, 0, true, &whole[..16]),
        fragment6(7, 16, true, &whole[16..32]),
        fragment6(7, 32, false, &whole[32..]),
    ];
    for parts in [parts4, parts6] {
        let octets: usize = parts.iter().map(Vec::len).sum();
        let mut fingerprints = Vec::new();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut bench = Bench::new();
            for (millis, part) in order.iter().enumerate() {
                assert!(bench.out.segments.is_empty(), "nothing before the last fragment");
                bench.at(u32::try_from(millis).unwrap(), 1, &parts[*part]);
            }
            assert_joined(&bench, 3, &(0..40).collect::<Vec<u8>>());
            let segment = bench.segment();
            assert_eq!((segment.number, usize::try_from(segment.wire_octets).unwrap()), (3, octets));
            assert!(!segment.oddities.overlap_differs && !segment.oddities.cut);
            assert_eq!((bench.tally().fragments.seen, bench.tally().fragments.joined), (3, 3));
            fingerprints.push(segment.fingerprint);
            bench.finish();
        }
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), 1);
    }
}

#[test]
fn the_joined_ip_packet_counts_its_header_once() {
    let whole = datagram(40);
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 0, true, &whole[..24])).at(1, 1, &fragment(7, 24, false, &whole[24..]));
    assert_eq!(bench.segment().ip_octets, 20 + 48);
}

#[test]
fn an_overlap_with_the_same_octets_is_no_oddity() {
    let whole = datagram(40);
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 0, true, &whole[..32])).at(1, 1, &fragment(7, 16, false, &whole[16..]));
    assert_joined(&bench, 2, &(0..40).collect::<Vec<u8>>());
    assert!(!bench.segment().oddities.overlap_differs);
}

#[test]
fn the_first_data_wins_an_overlap_that_differs_and_it_is_marked() {
    let whole = datagram(40);
    // Over the middle, over the start (the ports), and over everything.
    for (start, length) in [(16, 16), (0, 8), (0, 32)] {
        let mut bench = Bench::new();
        bench.at(0, 1, &fragment(7, 0, true, &whole[..32]));
        bench.at(1, 1, &fragment(7, start, true, &vec![0xee; length]));
        bench.at(2, 1, &fragment(7, 32, false, &whole[32..]));
        assert_joined(&bench, 3, &(0..40).collect::<Vec<u8>>());
        assert!(bench.segment().oddities.overlap_differs);
    }
    // A piece that reaches over two held ones fills the hole between them only.
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 0, true, &whole[..16]));
    bench.at(1, 1, &fragment(7, 32, false, &whole[32..]));
    bench.at(2, 1, &fragment(7, 8, true, &[0xee; 32]));
    let mut expected: Vec<u8> = (0..40).collect();
    expected[8..24].fill(0xee);
    assert_joined(&bench, 3, &expected);
    assert!(bench.segment().oddities.overlap_differs);
}

#[test]
fn a_second_end_and_data_past_the_end_are_marked() {
    let whole = datagram(40);
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 32, false, &whole[32..]));
    bench.at(1, 1, &fragment(7, 16, false, &whole[16..24]));
    bench.at(2, 1, &fragment(7, 40, true, &[0xee; 64]));
    bench.at(3, 1, &fragment(7, 0, true, &whole[..32]));
    assert_joined(&bench, 4, &(0..40).collect::<Vec<u8>>());
    assert!(bench.segment().oddities.overlap_differs);
}

#[test]
fn copies_of_a_mirror_are_counted_with_their_datagram_before_and_after_it_is_joined() {
    let whole = datagram(40);
    let (first, last) = (fragment(7, 0, true, &whole[..24]), fragment(7, 24, false, &whole[24..]));
    let mut bench = Bench::new();
    bench.at(0, 1, &first).at(0, 1, &first).at(1, 1, &last).at(1, 1, &last);
    let (joined, copy) = two(&bench);
    assert_eq!((joined.frames, copy.frames, joined.fingerprint), (3, 1, copy.fingerprint));
    assert_eq!((copy.payload_len, copy.payload_wire, copy.number), (0, 40, 4));
    bench.finish();
    assert!(bench.tally().undecoded.is_empty());
    // Each fragment has one late copy; another datagram may look the same later.
    let mut bench = Bench::new();
    bench.at(0, 1, &first).at(1, 1, &last).at(2, 1, &first).at(2, 1, &last);
    assert_eq!(bench.out.segments.iter().map(|segment| segment.frames).collect::<Vec<_>>(), [2, 1, 1]);
    bench.at(500, 1, &first).at(501, 1, &last);
    assert_eq!(bench.out.segments.last().unwrap().frames, 2);
}

#[test]
fn other_data_with_the_same_identification_after_a_second_is_a_new_datagram() {
    let (old, new) = (datagram(40), datagram(41));
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 0, true, &old[..24]));
    bench.at(1_500, 1, &fragment(7, 0, true, &new[..24])).at(1_501, 1, &fragment(7, 24, false, &new[24..]));
    let (given_up, joined) = two(&bench);
    assert!(given_up.oddities.incomplete && !given_up.oddities.overlap_differs);
    assert!(!joined.oddities.overlap_differs && !joined.oddities.incomplete);
    assert_eq!((joined.frames, joined.payload_len), (2, 41));
}

#[test]
fn a_datagram_that_stays_incomplete_gives_its_contiguous_start_after_thirty_seconds() {
    let whole = datagram(40);
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 0, true, &whole[..16]));
    bench.at(1, 1, &fragment(7, 32, false, &whole[32..]));
    bench.at(30_000, 1, &octets(scapy::TCP4));
    assert_eq!((bench.out.segments.len(), bench.tally().fragments.held), (1, 2));
    bench.at(30_001, 1, &octets(scapy::TCP4));
    let segment = bench.out.segments[1];
    assert_eq!(bench.payload(&segment), (0..8).collect::<Vec<u8>>());
    assert!(segment.oddities.incomplete && segment.oddities.cut);
    assert_eq!((segment.frames, segment.payload_wire, segment.number), (2, 40, 2));
    assert_eq!((segment.src_port, segment.dst_port), (5004, 40000));
}

#[test]
fn a_tiny_first_fragment_is_joined_but_gives_no_segment_alone() {
    let tcp = &octets(scapy::TCP4)[34..];
    let first = fragment_of(6, 9, 0, true, &tcp[..8]);
    let mut bench = Bench::new();
    bench.at(0, 1, &first).at(1, 1, &fragment_of(6, 9, 8, false, &tcp[8..]));
    assert_eq!((bench.segment().transport, bench.segment().dst_port), (Transport::Tcp, 7563));
    let mut bench = Bench::new();
    bench.at(0, 1, &first).finish();
    assert_eq!(bench.tally().undecoded[&Undecoded::CutTransport].frames, 1);
}

#[test]
fn a_fragment_past_64_kib_is_a_bad_header() {
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment(7, 65_528, false, &[0; 64]));
    assert_eq!(bench.tally().undecoded[&Undecoded::BadNetwork].frames, 1);
}

#[test]
fn fragments_that_the_snap_length_cut_still_tell_the_ports() {
    let whole = datagram(40);
    let (first, last) = (fragment(7, 0, true, &whole[..24]), fragment(7, 24, false, &whole[24..]));
    let mut bench = Bench::new();
    bench.cut(0, 1, &first[..50], first.len()).cut(1, 1, &last[..36], last.len());
    assert_joined(&bench, 2, &(0..8).collect::<Vec<u8>>());
    let segment = bench.segment();
    assert_eq!((segment.payload_wire, segment.oddities.cut), (40, true));
}

#[test]
fn an_outer_fragmented_tunnel_is_joined_before_its_inside_is_read() {
    let gre = octets(scapy::GRE_ETHERNET)[34..].to_vec();
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment_of(47, 3, 0, true, &gre[..24]));
    bench.at(1, 1, &fragment_of(47, 3, 24, false, &gre[24..]));
    let segment = bench.segment();
    assert_eq!((segment.tunnel, segment.frames, segment.dst_port), (Some(Tunnel::Gre), 2, 7563));
    assert_eq!((bench.payload(&segment), segment.vlans.ids()), (&b"hello"[..], &[30][..]));
}

#[test]
fn fragments_inside_of_a_fragmented_tunnel_are_joined_too() {
    let whole = datagram(40);
    let inner = [
        fragment(7, 0, true, &whole[..24])[14..].to_vec(),
        fragment(7, 24, false, &whole[24..])[14..].to_vec(),
    ];
    let mut bench = Bench::new();
    for (id, packet) in (100..).zip(&inner) {
        bench.at(0, 1, &fragment_of(4, id, 0, true, &packet[..16]));
        bench.at(1, 1, &fragment_of(4, id, 16, false, &packet[16..]));
    }
    assert_joined(&bench, 4, &(0..40).collect::<Vec<u8>>());
    assert_eq!(bench.segment().tunnel, Some(Tunnel::IpInIp));
    // Given up at the end: the outside is complete, the inside is not.
    let mut bench = Bench::new();
    bench.at(0, 1, &fragment_of(4, 9, 0, true, &inner[0][..16]));
    bench.at(1, 1, &fragment_of(4, 9, 16, false, &inner[0][16..])).finish();
    assert_eq!((bench.segment().frames, bench.segment().oddities.incomplete), (2, true));
}

#[test]
fn a_flood_of_first_fragments_stays_in_the_cap_and_loses_no_frame() {
    let settings =
        DecodeSettings { max_datagrams: 64, max_fragment_octets: 1 << 20, ..DecodeSettings::default() };
    let mut bench = Bench::with(settings);
    let whole = datagram(200);
    for id in 0..20_000 {
        let (start, data) = if id % 2 == 0 { (0, &whole[..64]) } else { (64, &whole[64..128]) };
        bench.at(0, 1, &fragment(id, start, true, data));
        assert!(bench.tally().fragments.held <= 64);
        bench.batch.clear();
        let evicted = bench.tally().undecoded.get(&Undecoded::FragmentEvicted).map_or(0, |c| c.frames);
        assert_eq!(bench.tally().segments.frames + evicted + bench.tally().fragments.held, u64::from(id) + 1);
    }
    bench.finish();
    assert_eq!(bench.tally().segments.frames, 10_000);
}

#[test]
fn the_cap_on_octets_gives_up_the_oldest_datagram_first() {
    let settings = DecodeSettings { max_fragment_octets: 4_000, ..DecodeSettings::default() };
    let mut bench = Bench::with(settings);
    let mut data = datagram(0);
    data.resize(1_000, 0);
    for id in 0..10 {
        bench.at(0, 1, &fragment(id, 0, true, &data));
        assert!(bench.tally().fragments.held <= 3);
    }
    let numbers: Vec<u64> = bench.out.segments.iter().map(|segment| segment.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn more_copies_of_a_fragment_than_a_datagram_can_have_start_a_new_one() {
    let whole = datagram(40);
    let first = fragment(7, 0, true, &whole[..24]);
    let mut bench = Bench::new();
    for _ in 0..16_385 {
        bench.at(0, 1, &first);
        bench.batch.clear();
    }
    assert_eq!((bench.segment().frames, bench.tally().fragments.held), (16_384, 1));
}
