//! RTP: headers of a real H.264 stream, read by tshark (SSRC 0x693dc6cc, from sequence 20492 on, type 96).

use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::recognise::Head;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::rtcp::Rtcp;
use camsentry::recognise::rtp::Rtp;
use camsentry::service::Certainty;

use crate::driver::key;

const REAL: [&str; 4] = [
    "8060500cad4688f0693dc6cc6742c016",
    "8060500dad4688f0693dc6cc68ce3c80",
    "8060500ead4688f0693dc6cc0605ffff",
    "8060500fad4688f0693dc6cc7c858881",
];

fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn ask(recogniser: &dyn Recogniser, key: &FlowKey, datagrams: &[Vec<u8>], finished: bool) -> Probe {
    let octets = datagrams.concat();
    let mut end = 0;
    let ends: Vec<u32> = datagrams
        .iter()
        .map(|datagram| {
            end += u32::try_from(datagram.len()).unwrap();
            end
        })
        .collect();
    let head = Head {
        key,
        side: Side::A,
        octets: &octets,
        datagram_ends: &ends,
        from_start: true,
        finished,
        cut: false,
        to_group: false,
    };
    recogniser.probe(&head)
}

#[test]
fn three_packets_make_a_stream_and_two_do_not() {
    let packets: Vec<Vec<u8>> = REAL.iter().map(|text| hex(text)).collect();
    let key = key(53_134);
    for count in 1..3 {
        assert_eq!(ask(&Rtp, &key, &packets[..count], false), Probe::NeedMore);
        assert_eq!(ask(&Rtp, &key, &packets[..count], true), Probe::Refuse);
    }
    for count in 3..=4 {
        let Probe::Match(found) = ask(&Rtp, &key, &packets[..count], false) else { panic!("no match") };
        assert_eq!(found.certainty, Certainty::Heuristic);
    }
    assert_eq!(ask(&Rtcp, &key, &packets[..1], false), Probe::Refuse);
}

#[test]
fn packets_that_do_not_follow_each_other_are_no_stream() {
    let key = key(53_134);
    let mut packets: Vec<Vec<u8>> = REAL.iter().map(|text| hex(text)).collect();
    packets.truncate(3);
    let mut other_source = packets.clone();
    other_source[1][11] = 9;
    let mut same = packets.clone();
    same[1][3] = 0x0c;
    let mut other_type = packets.clone();
    other_type[2][1] = 97;
    let mut far = packets.clone();
    far[2][2] = 0x60;
    for packets in [other_source, same, other_type, far] {
        assert_eq!(ask(&Rtp, &key, &packets, true), Probe::Refuse);
    }
}

#[test]
fn neighbours_are_refused_at_once() {
    let packets: Vec<Vec<u8>> = REAL.iter().map(|text| hex(text)).collect();
    assert_eq!(ask(&Rtp, &key(53), &packets, false), Probe::Refuse, "a well-known port");
    let query = hex("80000100000100000000000003777777076578616d706c6503636f6d0000010001");
    let stun = hex("000100002112a442000000000000000000000000");
    for datagram in [query, stun, b"NOTIFY * HTTP/1.1\r\n".to_vec()] {
        let probe = ask(&Rtp, &key(53_134), &[datagram.clone(), datagram.clone(), datagram], true);
        assert_eq!(probe, Probe::Refuse);
    }
}

#[test]
fn a_compound_of_rtcp_is_consistent_and_two_bare_reports_are_heuristic() {
    // RFC 3550 §6.4.2 and §6.5: a receiver report without blocks, then SDES with a CNAME of 2 octets.
    let bare = hex("80c9000111223344");
    let compound = hex("80c900011122334481ca0003112233440102616200000000");
    let key = key(53_135);
    let certainty = |datagrams: &[Vec<u8>]| match ask(&Rtcp, &key, datagrams, true) {
        Probe::Match(found) => Some(found.certainty),
        _ => None,
    };
    assert_eq!(certainty(std::slice::from_ref(&compound)), Some(Certainty::Consistent));
    assert_eq!(certainty(std::slice::from_ref(&bare)), None);
    assert_eq!(certainty(&[bare.clone(), bare.clone()]), Some(Certainty::Heuristic));
    // RFC 3711 §3.4: SRTCP puts an index of 4 octets and a tag of 10 behind, which no length counts.
    let mut encrypted = compound.clone();
    encrypted.extend(hex("800000015555555555555555aaaa"));
    assert_eq!(certainty(&[encrypted.clone(), encrypted]), None);
    for cut in 0..compound.len() {
        let probe = ask(&Rtcp, &key, &[compound[..cut].to_vec()], true);
        assert_eq!(probe, Probe::Refuse, "cut at {cut}");
    }
}
