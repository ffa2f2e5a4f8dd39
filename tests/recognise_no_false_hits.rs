//! All recognisers over the start of every conversation of the shared captures, compared with what
//! tshark says of them in `truth.json`.
//!
//! The walk reads Ethernet, VLAN tags, IPv4 and IPv6 without tunnels or fragments, and joins the
//! segments of a side in their order of arrival as long as they continue each other.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use camsentry::addr::Addr;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Head;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Recognition;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::SmbDialect;
use camsentry::recognise::head::HEAD_DATAGRAMS;
use camsentry::recognise::head::HEAD_OCTETS;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;
use serde_json::Value;

/// Where tshark is wrong or says nothing, as (file, port, its word, ours or none).
///
/// Port 1080: tshark takes it for SOCKS by its number; the octets are `05 00 00 03 10 00 00 00`, a
/// DCE/RPC request, and tshark agrees when told to decode it so. Port 33000: `04 00 01 00`, but the
/// length field at 74 is no length; "On Line" and "**0200" are a plant's own protocol. PPPP is the hand label of `truth.json`.
const EXPLAINED: [(&str, u16, Option<&str>, Option<Service>); 6] = [
    ("ics_lab_tds_http.pcap", 1080, Some("socks"), Some(Service::Dcerpc)),
    ("ics_lab_tds_http.pcap", 33_000, Some("dcerpc"), None),
    ("yi_camera_p2p.pcap", 32_100, None, Some(Service::Pppp)),
    ("yi_camera_p2p.pcap", 32_108, None, Some(Service::Pppp)),
    ("yi_camera_p2p.pcap", 17_916, None, Some(Service::Pppp)),
    ("yi_camera_p2p.pcap", 21_985, None, Some(Service::Pppp)),
];

/// Services that no recogniser of the registry knows yet are left out of the score.
fn known(service: Service) -> bool {
    RECOGNISERS.iter().any(|one| one.service() == service)
}

/// What one side sent first.
#[derive(Default)]
struct Start {
    octets: Vec<u8>,
    ends: Vec<u32>,
    from_start: bool,
    next: Option<u32>,
    broken: bool,
    cut: bool,
}

type Conversations = BTreeMap<FlowKey, [Start; 2]>;

/// One packet above Ethernet.
struct Packet<'a> {
    transport: Transport,
    from: (Addr, u16),
    to: (Addr, u16),
    sequence: u32,
    opens: bool,
    payload: &'a [u8],
    cut: bool,
}

fn be16(raw: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(raw.get(at..at + 2)?.try_into().ok()?)))
}

fn read_packet(frame: &[u8]) -> Option<Packet<'_>> {
    let mut at = 12;
    while matches!(be16(frame, at)?, 0x8100 | 0x88a8) {
        at += 4;
    }
    let ip = frame.get(at + 2..)?;
    let (transport, from, to, header, length) = match be16(frame, at)? {
        0x0800 => {
            if be16(ip, 6)? & 0x3fff != 0 {
                return None;
            }
            let octets = |at: usize| Some(Addr::v4(ip.get(at..at + 4)?.try_into().ok()?));
            (ip[9], octets(12)?, octets(16)?, usize::from(ip[0] & 15) * 4, be16(ip, 2)?)
        }
        0x86dd => {
            let octets = |at: usize| Some(Addr::v6(ip.get(at..at + 16)?.try_into().ok()?));
            (*ip.get(6)?, octets(8)?, octets(24)?, 40, be16(ip, 4)? + 40)
        }
        _ => return None,
    };
    let captured = ip.get(..length);
    let body = captured.unwrap_or(ip).get(header..)?;
    let ports = (u16::try_from(be16(body, 0)?).ok()?, u16::try_from(be16(body, 2)?).ok()?);
    let transport = Transport::from_number(transport);
    let (sequence, opens, payload) = match transport {
        Transport::Tcp => {
            let sequence = u32::from_be_bytes(body.get(4..8)?.try_into().ok()?);
            (sequence, body.get(13)? & 2 != 0, body.get(usize::from(body.get(12)? >> 4) * 4..)?)
        }
        Transport::Udp => (0, false, body.get(8..be16(body, 4)?.min(body.len()))?),
        _ => return None,
    };
    Some(Packet {
        transport,
        from: (from, ports.0),
        to: (to, ports.1),
        sequence,
        opens,
        payload,
        cut: captured.is_none(),
    })
}

fn add(conversations: &mut Conversations, packet: &Packet<'_>) {
    let (key, side) = FlowKey::canonical(packet.from, packet.to, packet.transport, 0);
    let start = side.of_mut(conversations.entry(key).or_default());
    if packet.opens {
        start.from_start = start.octets.is_empty();
        start.next = Some(packet.sequence.wrapping_add(1));
        return;
    }
    if packet.payload.is_empty() || start.broken {
        return;
    }
    if packet.transport == Transport::Udp {
        if start.ends.len() == HEAD_DATAGRAMS || start.octets.len() + packet.payload.len() > HEAD_OCTETS {
            start.broken = true;
            return;
        }
        start.octets.extend(packet.payload);
        start.ends.push(u32::try_from(start.octets.len()).unwrap());
    } else {
        if start.next.is_some_and(|next| next != packet.sequence) {
            // A repetition changes nothing; what is missing ends the head.
            start.broken = packet.sequence.wrapping_sub(start.next.unwrap()) < 0x8000_0000;
            return;
        }
        start.next = Some(packet.sequence.wrapping_add(u32::try_from(packet.payload.len()).unwrap()));
        let room = HEAD_OCTETS.saturating_sub(start.octets.len());
        start.octets.extend(packet.payload.iter().take(room));
    }
    start.broken |= packet.cut;
    start.cut = packet.cut;
}

/// The packets of a pcap file of Ethernet in the byte order of this format's usual writers.
fn conversations(file: &Path, snap_length: usize) -> Option<Conversations> {
    let raw = fs::read(file).unwrap();
    if !matches!(raw.get(..4)?, [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1])
        || raw.get(20..22)? != [1, 0]
    {
        return None;
    }
    let mut found = Conversations::new();
    let mut at = 24;
    while let Some(header) = raw.get(at..at + 16) {
        let length = usize::try_from(u32::from_le_bytes(header[8..12].try_into().unwrap())).unwrap();
        let Some(frame) = raw.get(at + 16..at + 16 + length) else { break };
        if let Some(packet) = read_packet(frame.get(..snap_length).unwrap_or(frame)) {
            add(&mut found, &packet);
        }
        at += 16 + length;
    }
    Some(found)
}

/// The first answer in the registry's order, heuristics after all others.
fn ask(key: &FlowKey, side: Side, start: &Start) -> Option<Recognition> {
    let head = Head {
        key,
        side,
        octets: &start.octets,
        datagram_ends: &start.ends,
        from_start: start.from_start,
        finished: true,
        cut: start.cut,
        to_group: key.end(side.other()).0.is_group(),
    };
    let mut weak = None;
    for recogniser in RECOGNISERS.iter().filter(|one| one.speaks(key.transport)) {
        match recogniser.probe(&head) {
            Probe::Match(found) if found.certainty >= Certainty::Consistent => return Some(found),
            Probe::Match(found) => weak = weak.or(Some(found)),
            Probe::NeedMore => panic!("{} waits for a finished head", recogniser.service()),
            Probe::Refuse | Probe::Malformed => {}
        }
    }
    weak
}

/// The key of a conversation of `truth.json`, and which side its client is.
fn key_of(truth: &Value) -> Option<(FlowKey, Side)> {
    let end = |ip: &str, port: &str| {
        let ip: IpAddr = truth[ip].as_str()?.parse().ok()?;
        Some((Addr::from(ip), u16::try_from(truth[port].as_u64()?).ok()?))
    };
    let transport = if truth["proto"] == "tcp" { Transport::Tcp } else { Transport::Udp };
    let (from, to) = (end("client_ip", "client_port")?, end("server_ip", "server_port")?);
    Some(FlowKey::canonical(from, to, transport, 0))
}

/// How many sides of a conversation sent octets, and how many of them were named rightly.
#[derive(Default)]
struct Sides {
    spoke: u8,
    named: u8,
}

/// What must be found: tshark's word, or what explains it away.
fn wanted(file: &str, truth: &Value, key: &FlowKey) -> Option<&'static str> {
    let app = truth["app"].as_str();
    let explained = EXPLAINED.iter().find(|(name, port, word, _)| {
        *name == file && [key.a_port, key.b_port].contains(port) && *word == app
    });
    match explained {
        Some((.., ours)) => ours.map(Service::as_str),
        None => app.and_then(Service::parse).map(Service::as_str),
    }
}

/// What is wrong with the answers for one conversation.
fn faults(
    app: Option<&str>,
    truth: &Value,
    key: &FlowKey,
    client: Side,
    starts: &[Start; 2],
) -> (Vec<String>, Sides) {
    let mut faults = Vec::new();
    let mut sides = Sides::default();
    for side in [Side::A, Side::B] {
        let start = side.of(starts);
        sides.spoke += u8::from(!start.octets.is_empty());
        let Some(found) = (!start.octets.is_empty()).then(|| ask(key, side, start)).flatten() else {
            continue;
        };
        let (from, to) = (key.end(side), key.end(side.other()));
        let what =
            format!("{}:{} > {}:{} {} {:?}", from.0, from.1, to.0, to.1, found.service, found.certainty);
        sides.named += u8::from(app == Some(found.service.as_str()));
        if app != Some(found.service.as_str()) {
            faults.push(format!("tshark says {}: {what}", truth["app"]));
        }
        let swapped = match found.sender {
            Sender::Client => side != client,
            Sender::Server => side == client,
            Sender::Either => false,
        };
        if swapped && truth["role_by"].as_str().is_some_and(|by| by.starts_with("syn")) {
            faults.push(format!("the client is the other end: {what}"));
        }
    }
    (faults, sides)
}

#[test]
fn no_conversation_of_the_real_captures_is_taken_for_another_protocol() {
    let Some(captures) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    let folder = Path::new(&captures).join("real");
    let truth: Value = serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    let (mut wrong, mut missed, mut right) = (Vec::new(), Vec::new(), 0_u32);
    for (name, file) in truth["files"].as_object().unwrap() {
        let Some(conversations) = conversations(&folder.join(name), usize::MAX) else { continue };
        for record in file["conversations"].as_array().unwrap() {
            let Some((key, client)) = key_of(record) else { continue };
            let Some(starts) = conversations.get(&key) else { continue };
            let app = wanted(name, record, &key);
            let (faults, sides) = faults(app, record, &key, client, starts);
            wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
            let app = app.and_then(Service::parse).filter(|service| known(*service));
            match app {
                // Each side that spoke must be enough alone.
                Some(_) if sides.named > 0 && sides.named == sides.spoke => right += 1,
                Some(service) => missed.push(format!("{name}: {service} {record}")),
                None => {}
            }
        }
    }
    for line in wrong.iter().chain(&missed) {
        eprintln!("{line}");
    }
    eprintln!("right {right}, wrong {}, missed {}", wrong.len(), missed.len());
    assert_eq!((wrong.len(), missed.len()), (0, 0));
}

#[test]
fn a_short_snap_length_hides_protocols_and_invents_none() {
    let Some(captures) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    let folder = Path::new(&captures).join("real");
    let truth: Value = serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap();
    for snap_length in [54, 60, 64, 96, 128, 256] {
        let (mut wrong, mut right) = (Vec::new(), 0_u32);
        for (name, file) in truth["files"].as_object().unwrap() {
            let Some(conversations) = conversations(&folder.join(name), snap_length) else { continue };
            for record in file["conversations"].as_array().unwrap() {
                let Some((key, client)) = key_of(record) else { continue };
                let Some(starts) = conversations.get(&key) else { continue };
                let (faults, sides) = faults(wanted(name, record, &key), record, &key, client, starts);
                wrong.extend(faults.into_iter().map(|fault| format!("{name} at {snap_length}: {fault}")));
                right += u32::from(sides.named > 0);
            }
        }
        eprintln!("snap length {snap_length}: {right} named");
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn the_smb_dialect_is_the_one_that_tshark_reads() {
    let Some(captures) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    // tshark -T fields -e smb2.dialect of the last NEGOTIATE response; smb1_ntlm has none.
    for (file, dialect) in [
        ("smb2_admin.pcap", SmbDialect::Smb210),
        ("smb311_encrypted_midstream.pcap", SmbDialect::Smb311),
        ("smb1_ntlm.pcap", SmbDialect::Smb1),
    ] {
        let conversations = conversations(&Path::new(&captures).join("real").join(file), usize::MAX).unwrap();
        let smb = RECOGNISERS.iter().find(|one| one.service() == Service::Smb).unwrap();
        let mut findings = Vec::new();
        for (key, starts) in conversations.iter().filter(|(key, _)| key.transport == Transport::Tcp) {
            let mut follower = smb.follow().unwrap();
            for side in [Side::A, Side::B] {
                let octets = &side.of(starts).octets;
                assert!(octets.is_empty() || ask(key, side, side.of(starts)).is_some());
                follower.octets(&Piece { key, side, octets, offset: 0, packet: 1 }, &mut findings);
            }
        }
        let found: Vec<Finding> = findings.into_iter().map(|located| located.finding).collect();
        assert_eq!(found, [Finding::SmbDialect(dialect)], "{file}");
    }
}

#[test]
fn names_are_resolved_as_tshark_reads_them() {
    let Some(captures) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    let conversations =
        conversations(&Path::new(&captures).join("real/many_protocols.pcap"), usize::MAX).unwrap();
    let dns = RECOGNISERS.iter().find(|one| one.service() == Service::Dns).unwrap();
    let mut resolved = BTreeSet::new();
    for (key, starts) in conversations.iter().filter(|(key, _)| key.transport == Transport::Udp) {
        for side in [Side::A, Side::B] {
            let start = side.of(starts);
            if ask(key, side, start).is_none_or(|found| found.service != Service::Dns) {
                continue;
            }
            let mut follower = dns.follow().unwrap();
            let mut findings = Vec::new();
            let mut from = 0;
            for end in &start.ends {
                let end = usize::try_from(*end).unwrap();
                let octets = &start.octets[from..end];
                follower.octets(&Piece { key, side, octets, offset: 0, packet: 1 }, &mut findings);
                from = end;
            }
            resolved.extend(findings.into_iter().filter_map(|located| match located.finding {
                Finding::Resolved { name, addr } => Some((name, addr)),
                _ => None,
            }));
        }
    }
    // Pairs of the question's name and an address that stands, through CNAMEs, in the answer section:
    // tshark -e dns.qry.name -e dns.resp.name -e dns.resp.type -e dns.a -e dns.cname, joined by script.
    assert_eq!(resolved.len(), 295);
}

/// A head of TCP that may still grow.
fn growing<'a>(key: &'a FlowKey, side: Side, octets: &'a [u8], from_start: bool) -> Head<'a> {
    Head { key, side, octets, datagram_ends: &[], from_start, finished: false, cut: false, to_group: false }
}

#[test]
fn each_recogniser_says_the_same_however_a_real_stream_was_cut() {
    let Some(captures) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    let mut asked = 0_u32;
    for entry in fs::read_dir(Path::new(&captures).join("real")).unwrap() {
        let Some(conversations) = conversations(&entry.unwrap().path(), usize::MAX) else { continue };
        for (key, starts) in conversations.iter().filter(|(key, _)| key.transport == Transport::Tcp) {
            for side in [Side::A, Side::B] {
                let start = side.of(starts);
                let shown = start.octets.get(..300).unwrap_or(&start.octets);
                for recogniser in RECOGNISERS.iter().filter(|one| one.speaks(Transport::Tcp)) {
                    let whole = recogniser.probe(&growing(key, side, shown, start.from_start));
                    for length in 0..shown.len() {
                        let cut = recogniser.probe(&growing(key, side, &shown[..length], start.from_start));
                        let service = recogniser.service();
                        assert!(cut == Probe::NeedMore || cut == whole, "{service}: {cut:?}, then {whole:?}");
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 50_000, "{asked} cuts");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_recogniser_panics_or_waits_for_ever_on_any_octets(
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        opening in 0_usize..12,
        port in proptest::sample::select(vec![25_u16, 53, 88, 111, 123, 137, 138, 139, 161, 389, 445, 500, 1194, 1433,
            1900, 2049, 3702, 4500, 5353, 5355, 5432, 19_800, 37_777, 50_001]),
        cut in proptest::prelude::any::<bool>(),
        tcp in proptest::prelude::any::<bool>(),
    ) {
        // Openings after which recognisers read on; most random octets are refused at once.
        let openings: [&[u8]; 12] = [
            b"", b"\x00\x00\x01\x00\xfeSMB\x40\x00", b"\x12\x01\x00\x60\x00\x00\x00\x00", b"<?xml ", b"\x30\x82\x01\x00\x02\x01",
            b"\x00\x00\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00", b"\x82\x00\x00\x00", b"220-", b"\x05\x00\x0b\x03\x10\x00\x00\x00",
            b"\x10\x00", b"\x6a\x81\xa0\x30", b"\x38",
        ];
        let payload = [openings[opening], &octets].concat();
        let transport = if tcp { Transport::Tcp } else { Transport::Udp };
        let (from, to) = ((Addr::v4([10, 0, 0, 1]), 50_000), (Addr::v4([10, 0, 0, 2]), port));
        let (key, side) = FlowKey::canonical(from, to, transport, 0);
        let ends = [u32::try_from(payload.len()).unwrap()];
        for recogniser in RECOGNISERS.iter().filter(|one| one.speaks(transport)) {
            let whole = Head {
                key: &key, side, octets: &payload, datagram_ends: if tcp { &[] } else { &ends },
                from_start: false, finished: true, cut, to_group: false,
            };
            proptest::prop_assert_ne!(recogniser.probe(&whole), Probe::NeedMore);
            let Some(mut follower) = recogniser.follow() else { continue };
            let mut findings = Vec::new();
            for (packet, octets) in (1_u64..).zip(payload.chunks(97)) {
                for side in [Side::A, Side::B] {
                    let piece = Piece { key: &key, side, octets, offset: 0, packet };
                    follower.octets(&piece, &mut findings);
                }
                follower.gap(Side::A);
            }
        }
    }
}
