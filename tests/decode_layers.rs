//! Each link, tunnel and header leads to the right segment. Expected values are those that scapy
//! was given (`decode_frames/scapy.rs`), or that stand in the packet by its document.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]

#[expect(dead_code, reason = "each test file uses its part")]
mod decode_frames;

use camsentry::addr::Mac;
use camsentry::decode::Segment;
use camsentry::decode::Undecoded;
use camsentry::decode::segment::Oddities;
use camsentry::decode::segment::Tcp;
use camsentry::decode::segment::Tunnel;
use camsentry::decode::tally::BadChecksums;
use camsentry::flow::FlowKey;
use camsentry::service::Transport;
use decode_frames::Bench;
use decode_frames::addr;
use decode_frames::ethernet;
use decode_frames::ipv4;
use decode_frames::octets;
use decode_frames::scapy;
use decode_frames::stop;
use etherparse::PacketBuilder;

const OUTER: Mac = Mac([2, 0, 0, 0, 0, 1]);
const INNER: Mac = Mac([2, 0, 0, 0, 0, 0x0a]);

/// Checks the TCP segment that all of scapy's packets carry innermost.
fn assert_hello(bench: &Bench, segment: &Segment) {
    assert_eq!(bench.payload(segment), b"hello");
    assert_eq!((segment.src_port, segment.dst_port), (49152, 7563));
    let tcp = Tcp { seq: 1000, ack: 2000, window: 502, flags: Tcp::PSH | Tcp::ACK };
    assert_eq!((segment.transport, segment.tcp), (Transport::Tcp, Some(tcp)));
    let ends = if segment.src.is_v4() {
        (addr("10.20.0.17"), addr("10.10.0.5"))
    } else {
        (addr("2001:db8::17"), addr("2001:db8::5"))
    };
    assert_eq!((segment.src, segment.dst), ends);
    assert_eq!((segment.payload_wire, segment.frames, segment.hops), (5, 1, 64));
    assert_eq!(segment.oddities, Oddities::default());
    assert_eq!(bench.tally().bad_checksums, BadChecksums::default());
}

#[test]
fn plain_ethernet_gives_the_segment_of_both_versions() {
    for (hex, ip_octets) in [(scapy::TCP4, 45), (scapy::TCP6, 65)] {
        let (bench, segment) = ethernet(hex);
        assert_hello(&bench, &segment);
        assert_eq!(segment.ip_octets, ip_octets);
        assert_eq!(segment.wire_octets, ip_octets + 14);
        assert_eq!((segment.src_mac, segment.dst_mac), (Some(OUTER), Some(Mac([2, 0, 0, 0, 0, 2]))));
        assert_eq!((segment.vlans.ids(), segment.tunnel), (&[][..], None));
    }
}

#[test]
fn every_wrapping_leads_to_the_innermost_segment() {
    let cases: [(&str, Option<Tunnel>, Mac, &[u16]); 17] = [
        (scapy::SNAP_IP, None, OUTER, &[]),
        (scapy::QINQ_PPPOE, None, OUTER, &[100, 200]),
        (scapy::MPLS_IP, None, OUTER, &[]),
        (scapy::MPLS_ETHERNET, None, INNER, &[]),
        (scapy::GRE_IP, Some(Tunnel::Gre), OUTER, &[]),
        (scapy::GRE_ETHERNET, Some(Tunnel::Gre), INNER, &[30]),
        (scapy::ERSPAN_1, Some(Tunnel::Erspan), INNER, &[]),
        (scapy::ERSPAN_2, Some(Tunnel::Erspan), INNER, &[]),
        (scapy::ERSPAN_3, Some(Tunnel::Erspan), INNER, &[]),
        (scapy::ERSPAN_3_SUB, Some(Tunnel::Erspan), INNER, &[]),
        (scapy::VXLAN_TCP, Some(Tunnel::Vxlan), INNER, &[12]),
        (scapy::GENEVE_TCP, Some(Tunnel::Geneve), INNER, &[]),
        (scapy::IP_IN_IP, Some(Tunnel::IpInIp), OUTER, &[]),
        (scapy::IP6_IN_IP, Some(Tunnel::IpInIp), OUTER, &[]),
        (scapy::PPTP, Some(Tunnel::Gre), OUTER, &[]),
        (scapy::IP6_EXTENSIONS, None, OUTER, &[]),
        (scapy::IP6_ATOMIC, None, OUTER, &[]),
    ];
    for (hex, tunnel, mac, vlans) in cases {
        let (bench, segment) = ethernet(hex);
        assert_hello(&bench, &segment);
        assert_eq!((segment.tunnel, segment.src_mac, segment.vlans.ids()), (tunnel, Some(mac), vlans));
        assert_eq!(usize::try_from(segment.wire_octets).unwrap(), hex.len() / 2);
        assert_eq!(bench.tally().vlan_tagged, u64::from(!vlans.is_empty()));
        assert_eq!(bench.tally().tunnels.values().sum::<u64>(), u64::from(tunnel.is_some()));
    }
}

#[test]
fn every_link_without_ethernet_leads_to_the_same_segment() {
    let (ip4, ip6) = (octets(scapy::TCP4)[14..].to_vec(), octets(scapy::TCP6)[14..].to_vec());
    let with = |start: &[u8], rest: &[u8]| [start, rest].concat();
    let mut cases = vec![
        (12, ip4.clone()),
        (14, ip6.clone()),
        (101, ip6.clone()),
        (228, ip4.clone()),
        (229, ip6.clone()),
        (9, with(&[0xff, 3, 0, 0x21], &ip4)),
        (9, with(&[0x21], &ip4)),
        (50, with(&[0xff, 3, 0, 0x57], &ip6)),
        (50, with(&[0x0f, 0, 8, 0], &ip4)),
        (104, with(&[0x0f, 0, 8, 0], &ip4)),
        (166, with(&[1, 3, 0, 0x21], &ip4)),
        (204, with(&[0, 0xff, 3, 0, 0x57], &ip6)),
        (204, with(&[1, 0x21], &ip4)),
        (205, with(&[1, 0x0f, 0, 8, 0], &ip4)),
        (51, with(&[0x11, 0, 0, 1, 0, 47, 0, 0x21], &ip4)),
        (0, with(&[2, 0, 0, 0], &ip4)),
        (0, with(&[0, 0, 0, 2], &ip4)),
        (113, octets(scapy::COOKED)),
        (276, octets(scapy::COOKED_2)),
    ];
    for family in [10, 24, 28, 30] {
        cases.push((0, with(&[family, 0, 0, 0], &ip6)));
        cases.push((108, with(&[0, 0, 0, family], &ip6)));
    }
    for (link, packet) in cases {
        let mut bench = Bench::new();
        bench.at(0, link, &packet);
        let segment = bench.segment();
        assert_hello(&bench, &segment);
        let is_cooked = link == 113 || link == 276;
        assert_eq!((segment.src_mac, segment.dst_mac), (is_cooked.then_some(OUTER), None));
    }
}

#[test]
fn what_a_firewall_or_a_host_logs_leads_to_the_packet_that_it_logged() {
    let (ip4, ip6) = (octets(scapy::TCP4)[14..].to_vec(), octets(scapy::TCP6)[14..].to_vec());
    let with = |start: &str, rest: &[u8]| [octets(start).as_slice(), rest].concat();
    let (zeros_16, zeros_60) = ("00".repeat(16), "00".repeat(60));
    let solaris = |family: &str, length: u8| format!("02{family}0000000000{length:02x}{zeros_16}");
    let cases = [
        // OpenBSD enc(4): family in the host's order, index, flags.
        (109, with("020000000000010000000003", &ip4)),
        (109, with("0000001c0000010000000003", &ip6)),
        // OpenBSD pflog(4): 61 octets of 64 are counted; the longer header of later systems.
        (117, with(&format!("3d020000{zeros_60}"), &ip4)),
        (117, with(&format!("641e0000{zeros_60}{}", "00".repeat(36)), &ip6)),
        // RFC 3032 §2.1: label 18, bottom of the stack.
        (219, with("00012140", &ip4)),
        (226, with(&solaris("02", 45), &ip4)),
        (226, with(&solaris("1a", 65), &ip6)),
        // RFC 4391 §6 after a pseudo-header with the receiver's link address.
        (242, with(&format!("{}{}08000000", "00".repeat(20), "00".repeat(20)), &ip4)),
    ];
    for (link, packet) in cases {
        let mut bench = Bench::new();
        bench.at(0, link, &packet);
        let segment = bench.segment();
        assert_hello(&bench, &segment);
        assert_eq!((segment.src_mac, segment.dst_mac), (None, None), "{link}");
    }
}

#[test]
fn the_netfilter_log_gives_packet_and_sender_in_either_byte_order() {
    let (ip4, ip6) = (octets(scapy::TCP4)[14..].to_vec(), octets(scapy::TCP6)[14..].to_vec());
    for (family, packet) in [(2, &ip4), (10, &ip6)] {
        for number in [u16::to_le_bytes, u16::to_be_bytes] {
            let attribute = |kind: u16, value: &[u8]| {
                let length = u16::try_from(value.len() + 4).unwrap();
                let mut octets = [&number(length), &number(kind), value].concat();
                octets.resize(octets.len().next_multiple_of(4), 0);
                octets
            };
            let log = [
                vec![family, 0, 0, 5],
                attribute(1, &[8, 0, 1, 0]),
                attribute(10, b"cam\0"),
                attribute(8, &octets("00060000020000000001ffff")),
                // A nested attribute (NLA_F_NESTED), and one whose end is filled.
                attribute(0x8013, &[0; 8]),
                attribute(17, &[0, 1]),
                attribute(9, packet),
            ];
            let mut bench = Bench::new();
            bench.at(0, 239, &log.concat());
            let segment = bench.segment();
            assert_hello(&bench, &segment);
            assert_eq!(segment.src_mac, Some(OUTER));
            // The log kept the first 40 octets of a longer packet (`nflog-size`).
            let mut bench = Bench::new();
            bench.at(0, 239, &[vec![2, 0, 0, 5], attribute(9, &ip4[..40])].concat());
            let segment = bench.segment();
            assert_eq!((segment.payload_len, segment.payload_wire, segment.oddities.cut), (0, 5, true));
        }
    }
}

#[test]
fn a_log_without_a_packet_or_with_a_length_that_leads_nowhere_is_counted() {
    let stopped = |link, hex: &str| stop(link, &octets(hex));
    assert_eq!(stopped(239, "020000050800010008000100"), Undecoded::CutLink);
    assert_eq!(stopped(239, "0200000500000100"), Undecoded::NetworkType);
    assert_eq!(stopped(239, "07000005040009004500"), Undecoded::NetworkType);
    assert_eq!(stopped(117, "04020000"), Undecoded::NetworkType);
    assert_eq!(stopped(226, &format!("02070000{}", "00".repeat(20))), Undecoded::NetworkType);
    assert_eq!(stopped(242, &format!("{}00040000", "00".repeat(40))), Undecoded::NetworkType);
    assert_eq!(stopped(242, &"00".repeat(41)), Undecoded::CutLink);
}

#[test]
fn an_authentication_header_is_walked_through() {
    // RFC 4302 §2: next header TCP, length 4 (six words less two), 12 octets of check value.
    let mut payload = vec![6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    payload.extend_from_slice(&[0xab; 12]);
    payload.extend_from_slice(&octets(scapy::TCP4)[34..]);
    let mut packet = ipv4(51, &payload);
    packet[12..20].copy_from_slice(&[10, 20, 0, 17, 10, 10, 0, 5]);
    let mut bench = Bench::new();
    bench.at(0, 228, &packet);
    assert_eq!(bench.payload(&bench.segment()), b"hello");
    assert_eq!((bench.segment().dst_port, bench.tally().bad_checksums.tcp), (7563, 0));
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut packet = octets(scapy::UDP4);
    packet.extend_from_slice(&[0xee; 15]);
    let mut bench = Bench::new();
    bench.at(0, 1, &packet);
    assert_eq!(bench.payload(&bench.segment()), b"abc");
    assert_eq!(bench.segment().wire_octets, 60);
}

#[test]
fn a_total_length_of_zero_reaches_to_the_end_of_the_frame() {
    let mut packet = octets(scapy::TCP4);
    packet[16..18].fill(0);
    let mut bench = Bench::new();
    bench.at(0, 1, &packet);
    assert_eq!(bench.payload(&bench.segment()), b"hello");
    assert_eq!(bench.segment().ip_octets, 45);
    // The header's checksum does not fit any more: flagged, not dropped.
    assert!(bench.segment().oddities.bad_checksum);
    assert_eq!(bench.tally().bad_checksums.ipv4, 1);
}

#[test]
fn wrong_checksums_are_counted_by_layer_and_never_drop_a_segment() {
    let flip = |hex: &str, at: usize| {
        let mut packet = octets(hex);
        packet[at] ^= 0xff;
        let mut bench = Bench::new();
        bench.at(0, 1, &packet);
        assert!(bench.segment().oddities.bad_checksum);
        bench.tally().bad_checksums
    };
    assert_eq!(flip(scapy::TCP4, 50).tcp, 1);
    assert_eq!(flip(scapy::TCP6, 70).tcp, 1);
    assert_eq!(flip(scapy::UDP4, 40).udp, 1);
    assert_eq!(flip(scapy::ECHO, 36).icmp, 1);
    assert_eq!(flip(scapy::ECHO6, 56).icmp, 1);
    // A wrong checksum of the tunnel's own header is no oddity of what is inside.
    let mut packet = octets(scapy::GRE_IP);
    packet[24] ^= 0xff;
    let mut bench = Bench::new();
    bench.at(0, 1, &packet);
    assert_eq!(bench.tally().bad_checksums.ipv4, 1);
    assert!(!bench.segment().oddities.bad_checksum);
}

#[test]
fn a_udp_checksum_of_zero_is_none_and_a_cut_packet_is_not_verified() {
    let mut packet = octets(scapy::UDP4);
    packet[40..42].fill(0);
    let mut bench = Bench::new();
    bench.at(0, 1, &packet);
    let whole = octets(scapy::TCP4);
    bench.cut(0, 1, &whole[..56], whole.len());
    assert_eq!(bench.tally().bad_checksums.udp + bench.tally().bad_checksums.tcp, 0);
    assert_eq!(bench.tally().cut, 1);
    let cut = bench.out.segments[1];
    assert_eq!((cut.payload_wire, cut.payload_len, cut.oddities.cut), (5, 2, true));
}

#[test]
fn ports_of_tcp_are_known_from_54_octets_though_its_options_are_cut() {
    // etherparse: a SYN with 20 octets of options, cut at 54 and 60 octets of 74.
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(40000, 554, 1, 64240)
        .syn()
        .options_raw(&[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])
        .unwrap();
    let mut packet = Vec::new();
    builder.write(&mut packet, &[]).unwrap();
    assert_eq!(packet.len(), 74);
    for length in [54, 60, 73, 74] {
        let mut bench = Bench::new();
        bench.cut(0, 1, &packet[..length], 74);
        let segment = bench.segment();
        assert_eq!((segment.src_port, segment.dst_port), (40000, 554));
        assert!(segment.tcp.unwrap().has(Tcp::SYN));
        assert_eq!((segment.payload_wire, segment.oddities.cut), (0, false));
    }
}

#[test]
fn vxlan_with_a_group_policy_or_a_protocol_is_opened_too() {
    // The first four octets of the header in scapy's packet, changed by the drafts.
    let start = 14 + 4 + 20 + 8;
    for header in [[0x88, 0, 0x12, 0x34], [0x88, 0x48, 0, 1], [0x0c, 0, 0, 3]] {
        let mut packet = octets(scapy::VXLAN_TCP);
        packet[start..start + 4].copy_from_slice(&header);
        packet[start - 2..start].fill(0);
        let mut bench = Bench::new();
        bench.at(0, 1, &packet);
        assert_eq!(
            (bench.segment().tunnel, bench.payload(&bench.segment())),
            (Some(Tunnel::Vxlan), &b"hello"[..])
        );
        // With IP right after it.
        packet.drain(start + 8..start + 22);
        packet[start..start + 4].copy_from_slice(&[0x0c, 0, 0, 1]);
        let mut bench = Bench::new();
        bench.at(0, 1, &packet);
        assert_eq!((bench.segment().tunnel, bench.segment().dst_port), (Some(Tunnel::Vxlan), 7563));
    }
}

#[test]
fn udp_on_the_port_of_vxlan_that_is_none_stays_a_datagram() {
    // etherparse: no I bit; a reserved octet set; the inside has an EtherType that nobody has.
    let mut unknown = vec![8, 0, 0, 0, 0, 0, 42, 0];
    unknown.extend_from_slice(&[0xab; 40]);
    for payload in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![8, 0, 1, 0, 0, 0, 42, 0], unknown] {
        for port in [4789, 8472, 6081] {
            let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
                .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                .udp(50000, port);
            let mut packet = Vec::new();
            builder.write(&mut packet, &payload).unwrap();
            let mut bench = Bench::new();
            bench.at(0, 1, &packet);
            assert_eq!((bench.segment().dst_port, bench.segment().tunnel), (port, None));
            assert_eq!(bench.payload(&bench.segment()), payload);
        }
    }
}

#[test]
fn an_echo_and_its_reply_are_one_flow() {
    for (request, reply) in [(scapy::ECHO, scapy::ECHO_REPLY), (scapy::ECHO6, scapy::ECHO6_REPLY)] {
        let ((bench, request), (_, reply)) = (ethernet(request), ethernet(reply));
        assert_eq!(bench.payload(&request), b"ping");
        assert_eq!((request.icmp_reply, reply.icmp_reply), (false, true));
        assert_eq!(FlowKey::of(&request, false).0, FlowKey::of(&reply, false).0);
        assert_ne!(FlowKey::of(&request, false).1, FlowKey::of(&reply, false).1);
        let kind = if request.src.is_v4() { 8 } else { 128 };
        assert_eq!((request.src_port, request.dst_port), (99, kind));
    }
}

#[test]
fn sctp_has_ports_and_esp_has_none() {
    let (_, sctp) = ethernet(scapy::SCTP_DATA);
    assert_eq!((sctp.transport, sctp.src_port, sctp.dst_port), (Transport::Sctp, 3000, 4000));
    let (_, esp) = ethernet(scapy::ESP);
    assert_eq!((esp.transport, esp.src_port, esp.dst_port), (Transport::Ip(50), 0, 0));
    assert_eq!(esp.payload_wire, 40);
}

#[test]
fn an_icmp_error_names_the_flow_that_it_is_about() {
    let cases = [
        (scapy::UNREACHABLE, Transport::Udp, 5004, 40000, true),
        (scapy::UNREACHABLE6, Transport::Udp, 5004, 40000, true),
        (scapy::FRAG_NEEDED, Transport::Tcp, 49152, 7563, false),
    ];
    for (hex, transport, src_port, dst_port, refused) in cases {
        let mut bench = Bench::new();
        bench.at(0, 1, &octets(hex));
        let error = bench.out.errors[0];
        assert_eq!((error.transport, error.src_port, error.dst_port), (transport, src_port, dst_port));
        assert_eq!(error.refused, refused);
        let expected = if error.src.is_v4() { "10.20.0.17" } else { "2001:db8::17" };
        assert_eq!(error.src, addr(expected));
        assert!(bench.out.segments.is_empty());
    }
}

#[test]
fn arp_and_neighbour_discovery_tell_who_has_an_address() {
    let cases = [
        (scapy::ARP_REQUEST, Some(("10.20.0.17", 1))),
        (scapy::ARP_PROBE, None),
        (scapy::SOLICITATION, Some(("fe80::1", 1))),
        (scapy::ADVERTISEMENT, Some(("2001:db8::2", 2))),
        (scapy::ROUTER, Some(("fe80::9", 9))),
        (scapy::FAR_ADVERTISEMENT, None),
    ];
    for (hex, expected) in cases {
        let mut bench = Bench::new();
        bench.at(0, 1, &octets(hex));
        let seen: Vec<_> = bench.out.sightings.iter().map(|sighting| (sighting.addr, sighting.mac)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(ip, last)| (addr(ip), Mac([2, 0, 0, 0, 0, *last]))).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn the_fingerprint_is_that_of_the_packet_and_not_of_its_way() {
    let fingerprint = |packet: &[u8]| {
        let mut bench = Bench::new();
        bench.at(0, 1, packet);
        bench.segment().fingerprint
    };
    let packet = octets(scapy::TCP4);
    let first = fingerprint(&packet);
    let changed = |at: usize| {
        let mut packet = packet.clone();
        packet[at] ^= 1;
        fingerprint(&packet)
    };
    // MACs, time to live, both checksums: a mirror's or a router's copy.
    for at in [0, 6, 22, 24, 50] {
        assert_eq!(changed(at), first, "octet {at} is of the way");
    }
    // Identification, sequence number, flags, payload: another packet.
    for at in [19, 41, 47, 56] {
        assert_ne!(changed(at), first, "octet {at} is of the packet");
    }
    let mut tagged = packet[..12].to_vec();
    tagged.extend_from_slice(&[0x81, 0, 0, 9]);
    tagged.extend_from_slice(&packet[12..]);
    assert_eq!(fingerprint(&tagged), first);
}
