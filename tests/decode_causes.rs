//! Each cause of `Undecoded` and each kind of `NotConversation` is reached by a frame.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]

#[expect(dead_code, reason = "each test file uses its part")]
mod decode_frames;

use std::collections::BTreeSet;

use camsentry::decode::DecodeSettings;
use camsentry::decode::Undecoded;
use camsentry::decode::undecoded::NotConversation;
use decode_frames::Bench;
use decode_frames::frame;
use decode_frames::ipv4;
use decode_frames::ipv6;
use decode_frames::octets;
use decode_frames::quiet;
use decode_frames::scapy;
use decode_frames::stop;

/// A fragment in the middle of a datagram.
fn middle() -> Vec<u8> {
    let mut packet = ipv4(17, &[0; 64]);
    packet[6..8].copy_from_slice(&[0x20, 8]);
    frame(0x0800, &packet)
}

#[test]
fn every_cause_is_reached_but_the_one_that_other_stages_count() {
    let tcp = octets(scapy::TCP4);
    let mut reached = BTreeSet::new();
    let cases: Vec<(Undecoded, u32, Vec<u8>)> = vec![
        (Undecoded::LinkType, 105, tcp.clone()),
        (Undecoded::CutLink, 1, tcp[..13].to_vec()),
        (Undecoded::CutLink, 1, frame(0x8100, &[0, 1, 8])),
        (Undecoded::CutLink, 1, frame(0x8847, &[0, 1])),
        (Undecoded::CutLink, 113, vec![0; 15]),
        (Undecoded::CutLink, 276, vec![0; 19]),
        (Undecoded::CutLink, 0, vec![2, 0, 0]),
        (Undecoded::CutNetwork, 1, tcp[..33].to_vec()),
        (Undecoded::CutNetwork, 1, frame(0x86dd, &[0x60; 39])),
        (Undecoded::CutNetwork, 1, frame(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1])),
        (Undecoded::CutTransport, 1, tcp[..53].to_vec()),
        (Undecoded::CutTransport, 1, octets(scapy::UDP4)[..41].to_vec()),
        (Undecoded::CutTransport, 1, octets(scapy::ECHO)[..41].to_vec()),
        (Undecoded::CutTransport, 1, octets(scapy::SCTP_DATA)[..45].to_vec()),
        // Version 5; header length 4; total length 19; raw IP of version 7; an extension header
        // that is longer than its packet.
        (Undecoded::BadNetwork, 1, frame(0x0800, &[0x55; 40])),
        (Undecoded::BadNetwork, 1, frame(0x0800, &[0x44; 40])),
        (Undecoded::BadNetwork, 1, frame(0x0800, &octets("45000013000000004006000001020304010203040000"))),
        (Undecoded::BadNetwork, 101, vec![0x70; 40]),
        (Undecoded::BadNetwork, 1, frame(0x86dd, &ipv6(0, &[6, 9, 0, 0, 0, 0, 0, 0]))),
        // Data offset 4; data offset 15 in 20 octets; UDP length 7.
        (Undecoded::BadTransport, 1, frame(0x0800, &ipv4(6, &[0x44; 20]))),
        (Undecoded::BadTransport, 1, frame(0x0800, &ipv4(6, &[0xff; 20]))),
        (Undecoded::BadTransport, 1, frame(0x0800, &ipv4(17, &[0, 1, 0, 2, 0, 7, 0, 0]))),
        // PROFINET; PPP with compression; loopback of family 7; cooked CAN.
        (Undecoded::NetworkType, 1, frame(0x8892, &[0; 46])),
        (Undecoded::NetworkType, 9, vec![0xff, 3, 0, 0xfd, 1, 2]),
        (Undecoded::NetworkType, 0, vec![7, 0, 0, 0, 0x45]),
        (Undecoded::NetworkType, 113, octets("0000000100060200000000010000000c")),
        // GRE of version 2, with a source route, and with a protocol that we do not know; ERSPAN of version 5.
        (Undecoded::Tunnel, 1, frame(0x0800, &ipv4(47, &[0, 2, 8, 0]))),
        (Undecoded::Tunnel, 1, frame(0x0800, &ipv4(47, &[0x40, 0, 8, 0, 0, 0, 0, 0]))),
        (Undecoded::Tunnel, 1, frame(0x0800, &ipv4(47, &[0, 0, 0x20, 1, 0, 0]))),
        (
            Undecoded::Tunnel,
            1,
            frame(0x0800, &ipv4(47, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0])),
        ),
        (Undecoded::Empty, 1, vec![]),
    ];
    for (cause, link, octets) in cases {
        assert_eq!(stop(link, &octets), cause, "{octets:02x?}");
        reached.insert(cause);
    }
    reached.extend(depth_causes());
    reached.extend(fragment_causes());
    let missing: Vec<_> = Undecoded::ALL.iter().filter(|cause| !reached.contains(cause)).collect();
    assert_eq!(missing, [&Undecoded::Abandoned], "counted by the stage that gives up, not here");
}

/// Depth bombs: nothing is followed for long.
fn depth_causes() -> [Undecoded; 3] {
    let tags = [0, 1, 0x81, 0].repeat(64);
    assert_eq!(stop(1, &frame(0x8100, &tags)), Undecoded::TagDepth);
    assert_eq!(stop(1, &frame(0x8847, &[0, 1, 0, 64].repeat(300))), Undecoded::TagDepth);
    let mut gre = ipv4(6, &[0; 20]);
    for _ in 0..1000 {
        gre = ipv4(47, &[&[0, 0, 8, 0], gre.as_slice()].concat());
    }
    assert_eq!(stop(1, &frame(0x0800, &gre)), Undecoded::TunnelDepth);
    let mut nested = ipv4(6, &[0; 20]);
    for _ in 0..1000 {
        nested = ipv4(4, &nested);
    }
    assert_eq!(stop(1, &frame(0x0800, &nested)), Undecoded::TunnelDepth);
    let extensions = [60, 0, 0, 0, 0, 0, 0, 0].repeat(500);
    assert_eq!(stop(1, &frame(0x86dd, &ipv6(60, &extensions))), Undecoded::ExtensionDepth);
    [Undecoded::TagDepth, Undecoded::TunnelDepth, Undecoded::ExtensionDepth]
}

fn fragment_causes() -> [Undecoded; 2] {
    let mut bench = Bench::new();
    bench.at(0, 1, &middle()).finish();
    assert_eq!(bench.tally().undecoded[&Undecoded::FragmentUnattributed].frames, 1);
    let mut bench = Bench::with(DecodeSettings { max_datagrams: 0, ..DecodeSettings::default() });
    bench.at(0, 1, &middle());
    assert_eq!(bench.tally().undecoded[&Undecoded::FragmentEvicted].frames, 1);
    [Undecoded::FragmentUnattributed, Undecoded::FragmentEvicted]
}

#[test]
fn every_kind_of_no_conversation_is_reached() {
    let keepalive = [0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    let llc = |start: &[u8]| frame(u16::try_from(start.len()).unwrap(), start);
    let mut reached = BTreeSet::new();
    let cases: Vec<(NotConversation, u32, Vec<u8>)> = vec![
        (NotConversation::Arp, 1, octets(scapy::ARP_REQUEST)),
        (NotConversation::Arp, 1, frame(0x8035, &[0; 28])),
        (NotConversation::NeighbourDiscovery, 1, octets(scapy::SOLICITATION)),
        (NotConversation::Mld, 1, octets(scapy::LISTENER)),
        (NotConversation::Igmp, 1, octets(scapy::IGMP_REPORT)),
        (NotConversation::IcmpError, 1, octets(scapy::UNREACHABLE)),
        (NotConversation::Lldp, 1, frame(0x88cc, &[2, 7, 4, 0, 0, 0])),
        (NotConversation::Stp, 1, llc(&[0x42, 0x42, 3, 0, 0])),
        (NotConversation::Stp, 1, llc(&[0xaa, 0xaa, 3, 0, 0, 0x0c, 1, 0x0b])),
        (NotConversation::Eapol, 1, frame(0x888e, &[1, 1, 0, 0])),
        (NotConversation::Cdp, 1, llc(&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0])),
        (NotConversation::SlowProtocols, 1, frame(0x8809, &[1, 1])),
        (NotConversation::PppControl, 1, frame(0x8863, &[0x11, 9, 0, 0, 0, 0])),
        (NotConversation::PppControl, 1, frame(0x8864, &[0x11, 0, 0, 1, 0, 4, 0xc0, 0x21, 9, 0])),
        (NotConversation::PppControl, 104, vec![0x8f, 0, 0x80, 0x35, 0, 0, 0, 2]),
        (NotConversation::EthernetControl, 1, frame(0x8808, &[0, 1, 0, 0])),
        (NotConversation::EthernetControl, 1, frame(0x9000, &[0, 0])),
        (NotConversation::Llc, 1, llc(&[0xe0, 0xe0, 3, 0xff])),
        (NotConversation::Llc, 1, llc(&[0xaa, 0xaa, 3, 0, 0xe0, 0x2b, 0, 0xbb])),
        (NotConversation::Routing, 1, frame(0x0800, &ipv4(89, &[2, 1]))),
        (NotConversation::Routing, 1, frame(0x86dd, &ipv6(112, &[0; 8]))),
        (NotConversation::TunnelKeepalive, 1, frame(0x0800, &ipv4(47, &[0, 0, 0, 0]))),
        (NotConversation::TunnelKeepalive, 1, frame(0x0800, &ipv4(47, &keepalive))),
        (
            NotConversation::TunnelKeepalive,
            1,
            frame(0x0800, &ipv4(17, &[0, 9, 0x12, 0xb5, 0, 16, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0])),
        ),
    ];
    for (kind, link, octets) in cases {
        assert_eq!(quiet(link, &octets), kind, "{octets:02x?}");
        reached.insert(kind);
    }
    let missing: Vec<_> = NotConversation::ALL.iter().filter(|kind| !reached.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_cut_of_every_packet_of_scapy_is_counted_once() {
    // The bench asserts after each frame that the counts add up.
    let all = [
        (1, scapy::TCP4),
        (1, scapy::TCP6),
        (1, scapy::QINQ_PPPOE),
        (1, scapy::MPLS_ETHERNET),
        (1, scapy::GRE_IP),
        (1, scapy::ERSPAN_2),
        (1, scapy::ERSPAN_3_SUB),
        (1, scapy::VXLAN_TCP),
        (1, scapy::GENEVE_TCP),
        (1, scapy::PPTP),
        (1, scapy::IP6_EXTENSIONS),
        (1, scapy::ESP),
        (1, scapy::UNREACHABLE),
        (1, scapy::UNREACHABLE6),
        (1, scapy::ARP_REQUEST),
        (1, scapy::ROUTER),
        (113, scapy::COOKED),
        (276, scapy::COOKED_2),
    ];
    for (link, hex) in all {
        let whole = octets(hex);
        for length in 0..whole.len() {
            // Cut by the snap length, and too short on the wire.
            let mut bench = Bench::new();
            bench.cut(0, link, &whole[..length], whole.len()).at(1, link, &whole[..length]).finish();
            assert_eq!(bench.tally().seen.frames, 2);
        }
    }
}

#[test]
fn every_changed_octet_of_every_packet_is_counted_once() {
    for hex in [scapy::QINQ_PPPOE, scapy::ERSPAN_3_SUB, scapy::GENEVE_TCP, scapy::IP6_EXTENSIONS, scapy::PPTP]
    {
        let mut bench = Bench::new();
        let whole = octets(hex);
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut packet = whole.clone();
                packet[at] = value;
                bench.at(0, 1, &packet);
                if bench.batch.octets.len() > 1 << 20 {
                    bench.batch.clear();
                }
            }
        }
        bench.finish();
    }
}
