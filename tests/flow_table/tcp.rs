//! TCP states and history letters as Zeek's documentation defines them (`conn.log`, `conn_state` and
//! `history`), outcomes, the initiator, and what must not end a living connection.

use crate::script::ACK;
use crate::script::CLIENT_SIDE;
use crate::script::FIN;
use crate::script::Notes;
use crate::script::Packet;
use crate::script::RST;
use crate::script::SERVER_SIDE;
use crate::script::SYN;
use crate::script::Stage;
use crate::script::client;
use crate::script::handshake;
use crate::script::only;
use crate::script::played;
use crate::script::seconds;
use crate::script::server;
use camsentry::flow::FlowSettings;
use camsentry::flow::facts::ConnState;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Outcome;

fn told(notes: &Notes) -> (ConnState, String, Outcome) {
    let (facts, _) = only(notes);
    (facts.state, facts.history.as_str().to_owned(), facts.outcome)
}

/// A whole connection: handshake, 3 octets there, 4 back, both FINs.
fn whole() -> Vec<Packet> {
    let mut packets = handshake(100, 500);
    packets.extend([
        client(ACK, 101, 501, b"ask"),
        server(ACK, 501, 104, b"tell"),
        client(ACK | FIN, 104, 505, b""),
        server(ACK | FIN, 505, 105, b""),
        client(ACK, 105, 506, b""),
    ]);
    packets
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per state")]
fn each_connection_state_is_the_one_that_zeek_documents() {
    let shake = || handshake(100, 500);
    let with = |more: Vec<Packet>| [shake(), more].concat();
    let cases: Vec<(&str, Vec<Packet>, ConnState, &str, Outcome)> = vec![
        ("attempt, no reply", vec![client(SYN, 100, 0, b"")], ConnState::S0, "S", Outcome::Attempted),
        ("established", shake(), ConnState::S1, "ShA", Outcome::Established),
        ("normal", whole(), ConnState::Sf, "ShADdFf", Outcome::Data),
        (
            "rejected",
            vec![client(SYN, 100, 0, b""), server(RST | ACK, 0, 101, b"")],
            ConnState::Rej,
            "Sr",
            Outcome::Refused,
        ),
        (
            "originator closes",
            with(vec![client(ACK | FIN, 101, 501, b"")]),
            ConnState::S2,
            "ShAF",
            Outcome::Established,
        ),
        (
            "responder closes",
            with(vec![server(ACK | FIN, 501, 101, b"")]),
            ConnState::S3,
            "ShAf",
            Outcome::Established,
        ),
        (
            "originator aborts",
            with(vec![client(RST, 101, 0, b"")]),
            ConnState::Rsto,
            "ShAR",
            Outcome::Established,
        ),
        (
            "responder aborts",
            with(vec![server(RST, 501, 0, b"")]),
            ConnState::Rstr,
            "ShAr",
            Outcome::Established,
        ),
        (
            "SYN and RST of the originator",
            vec![client(SYN, 100, 0, b""), client(RST, 101, 0, b"")],
            ConnState::Rstos0,
            "SR",
            Outcome::Attempted,
        ),
        (
            "SYN-ACK and RST of the responder",
            vec![server(SYN | ACK, 500, 101, b""), server(RST, 501, 0, b"")],
            ConnState::Rstrh,
            "hr",
            Outcome::Established,
        ),
        (
            "SYN and FIN of the originator",
            vec![client(SYN, 100, 0, b""), client(FIN, 101, 0, b"")],
            ConnState::Sh,
            "SF",
            Outcome::Attempted,
        ),
        (
            "SYN-ACK and FIN of the responder",
            vec![server(SYN | ACK, 500, 101, b""), server(ACK | FIN, 501, 101, b"")],
            ConnState::Shr,
            "hf",
            Outcome::Established,
        ),
        (
            "midstream",
            vec![client(ACK, 7000, 9000, b"abc"), server(ACK, 9000, 7003, b"")],
            ConnState::Oth,
            "Da",
            Outcome::Data,
        ),
    ];
    for (name, packets, state, history, outcome) in cases {
        let have = told(&played(&packets));
        assert_eq!(have, (state, history.to_owned(), outcome), "{name}");
    }
}

#[test]
fn history_tells_retransmissions_wrong_checksums_and_gaps() {
    let mut packets = handshake(100, 500);
    packets.extend([client(ACK, 101, 501, b"ask"), client(ACK, 101, 501, b"ask")]);
    assert_eq!(told(&played(&packets)).1, "ShADT");

    let mut bad = handshake(100, 500);
    bad.push(client(ACK, 101, 501, b"ask"));
    bad.last_mut().unwrap().segment.oddities.bad_checksum = true;
    assert_eq!(told(&played(&bad)).1, "ShACD");

    let mut gap = handshake(100, 500);
    gap.extend([client(ACK, 101, 501, b"ask"), client(ACK, 110, 501, b"more")]);
    let notes = played(&gap);
    assert_eq!(told(&notes).1, "ShADG");
    let (facts, said) = only(&notes);
    assert!(facts.gap);
    assert_eq!((CLIENT_SIDE.of(&said.octets).as_slice(), *CLIENT_SIDE.of(&said.gaps)), (&b"askmore"[..], 1));
}

#[test]
fn the_initiator_is_found_however_much_of_the_start_is_missing() {
    let cases: Vec<(&str, Vec<Packet>, Initiation)> = vec![
        ("whole", whole(), Initiation::Observed),
        ("minus SYN", whole().split_off(1), Initiation::Inferred),
        ("minus SYN and SYN-ACK", whole().split_off(2), Initiation::Unknown),
        (
            "client only",
            whole().into_iter().filter(|one| one.segment.dst_port == 554).collect(),
            Initiation::Observed,
        ),
        (
            "server only",
            whole().into_iter().filter(|one| one.segment.src_port == 554).collect(),
            Initiation::Inferred,
        ),
    ];
    for (name, packets, initiation) in cases {
        let notes = played(&packets);
        let (facts, _) = only(&notes);
        assert_eq!(facts.initiation, initiation, "{name}");
        let side = (initiation != Initiation::Unknown).then_some(CLIENT_SIDE);
        assert_eq!(facts.initiator, side, "{name}");
    }
    for start in 0..whole().len() {
        let notes = played(&whole().split_off(start));
        let (facts, _) = only(&notes);
        assert_ne!(facts.initiator, Some(SERVER_SIDE), "started at packet {start}");
        assert_eq!(facts.midstream, start > 1, "started at packet {start}");
    }
}

#[test]
fn octets_that_only_a_server_sends_tell_the_initiator_and_turn_the_history() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.notes.server_says = Some(b"RTSP/1.0 200 OK");
    stage.play(&[server(ACK, 500, 100, b""), server(ACK, 500, 100, b"RTSP/1.0 200 OK\r\n")]);
    let notes = stage.end();
    let (facts, _) = only(&notes);
    assert_eq!((facts.initiator, facts.initiation), (Some(CLIENT_SIDE), Initiation::Inferred));
    assert_eq!(notes.initiated, [(CLIENT_SIDE, Initiation::Inferred)]);
    assert_eq!(facts.history.as_str(), "ad^");
}

#[test]
fn a_syn_that_comes_after_its_syn_ack_is_still_the_best_evidence() {
    let mut packets = whole();
    packets.swap(0, 1);
    let notes = played(&packets);
    let (facts, said) = only(&notes);
    assert_eq!((facts.initiator, facts.initiation), (Some(CLIENT_SIDE), Initiation::Observed));
    assert_eq!(facts.state, ConnState::Sf);
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"ask");
}

#[test]
fn ports_that_are_used_again_open_a_new_flow() {
    let mut packets = whole();
    packets.extend(handshake(9_000_000, 8_000_000));
    packets.push(client(ACK, 9_000_001, 8_000_001, b"again"));
    let notes = played(&packets);
    assert_eq!(notes.closed.len(), 2);
    let (facts, said) = notes.closed.last().unwrap();
    assert_eq!(
        (facts.initiation, CLIENT_SIDE.of(&said.octets).as_slice()),
        (Initiation::Observed, &b"again"[..])
    );
}

#[test]
fn ports_that_are_used_again_without_an_end_seen_open_a_new_flow_when_the_syn_is_answered() {
    let mut packets = handshake(100, 500);
    packets.push(client(ACK, 101, 501, b"ask"));
    packets.extend(handshake(90_000_000, 80_000_000));
    packets.push(client(ACK, 90_000_001, 80_000_001, b"again"));
    let notes = played(&packets);
    assert_eq!(notes.closed.len(), 2);
    let (facts, said) = notes.closed.last().unwrap();
    assert_eq!((facts.initiator, facts.initiation), (Some(CLIENT_SIDE), Initiation::Observed));
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"again");
}

#[test]
fn a_repeated_syn_is_the_same_attempt() {
    let syn = client(SYN, 100, 0, b"");
    let mut stage = Stage::new(FlowSettings::default());
    for at in [0, 1, 3, 7, 15, 31, 63, 127] {
        stage.play_at(at, &syn);
    }
    let notes = stage.end();
    assert_eq!(only(&notes).0.state, ConnState::S0);
    assert_eq!(CLIENT_SIDE.of(&only(&notes).0.tallies).packets, 8);
    // Refused and tried again with the same number, as Windows does.
    let refused = [syn.clone(), server(RST | ACK, 0, 101, b""), syn, server(RST | ACK, 0, 101, b"")];
    assert_eq!(told(&played(&refused)).0, ConnState::Rej);
}

#[test]
fn a_syn_with_another_number_does_not_end_the_audit_of_a_living_flow() {
    // CVE-2025-59147: before the answer …
    let mut early = vec![client(SYN, 77_000_000, 0, b"")];
    early.extend(handshake(100, 500));
    early.push(client(ACK, 101, 501, b"ask"));
    let notes = played(&early);
    let (facts, said) = only(&notes);
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"ask");
    assert_eq!((facts.state, facts.gap), (ConnState::S1, false));
    // … and in the middle, from either side.
    let mut late = handshake(100, 500);
    late.extend([
        client(ACK, 101, 501, b"ask"),
        client(SYN, 77_000_000, 0, b""),
        server(SYN, 66_000_000, 0, b""),
        server(ACK, 501, 104, b"tell"),
        client(ACK, 104, 505, b" more"),
    ]);
    let notes = played(&late);
    let (facts, said) = only(&notes);
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"ask more");
    assert_eq!(SERVER_SIDE.of(&said.octets), b"tell");
    assert_eq!((facts.initiator, facts.state), (Some(CLIENT_SIDE), ConnState::S1));
}

#[test]
fn a_forged_end_does_not_end_a_living_flow() {
    let mut outside = handshake(100, 500);
    outside.extend([server(RST, 3_000_000_000, 0, b""), client(FIN | ACK, 2_000_000_000, 501, b"")]);
    let mut wrong = handshake(100, 500);
    wrong.extend([server(RST, 501, 0, b""), client(FIN | ACK, 101, 501, b"")]);
    for forged in wrong.iter_mut().skip(3) {
        forged.segment.oddities.bad_checksum = true;
    }
    for packets in [outside, wrong] {
        let mut stage = Stage::new(FlowSettings::default());
        stage.play(&packets);
        stage.play_at(40, &client(ACK, 101, 501, b"ask"));
        let notes = stage.end();
        let (facts, said) = only(&notes);
        assert_eq!((facts.state, CLIENT_SIDE.of(&said.octets).as_slice()), (ConnState::S1, &b"ask"[..]));
    }
}

#[test]
fn data_after_a_well_forged_rst_keeps_the_flow_open() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(&handshake(100, 500));
    stage.play_at(1, &server(RST, 501, 0, b""));
    stage.play_at(2, &client(ACK, 101, 501, b"ask"));
    stage.play_at(600, &client(ACK, 104, 501, b" more"));
    let notes = stage.end();
    assert_eq!(CLIENT_SIDE.of(&only(&notes).1.octets), b"ask more");
}

#[test]
fn a_host_that_offloads_its_checksums_is_believed() {
    let mut packets = whole();
    for one in packets.iter_mut().filter(|one| one.segment.dst_port == 554) {
        one.segment.oddities.bad_checksum = true;
    }
    let notes = played(&packets);
    let (facts, said) = only(&notes);
    assert_eq!((facts.state, CLIENT_SIDE.of(&said.octets).as_slice()), (ConnState::Sf, &b"ask"[..]));
}

#[test]
fn octets_with_a_wrong_checksum_among_right_ones_are_taken() {
    // As a capture on the host itself shows long segments, which the card cuts.
    let mut packets = handshake(100, 500);
    packets.extend([server(ACK, 501, 101, b"a long answer"), server(ACK, 514, 101, b" and its end")]);
    packets[3].segment.oddities.bad_checksum = true;
    let notes = played(&packets);
    let (facts, said) = only(&notes);
    assert_eq!(
        (SERVER_SIDE.of(&said.octets).as_slice(), facts.gap),
        (&b"a long answer and its end"[..], false)
    );
    assert!(!facts.overlap_differs);
    // Forged octets do not go unseen.
    let mut forged = handshake(100, 500);
    forged.extend([server(ACK, 501, 101, b"decoy"), server(ACK, 501, 101, b"truth")]);
    forged[3].segment.oddities.bad_checksum = true;
    assert!(only(&played(&forged)).0.overlap_differs);
}

#[test]
fn a_lone_acknowledgment_that_is_reset_was_refused() {
    let notes = played(&[client(ACK, 100, 500, b""), server(RST, 500, 0, b"")]);
    assert_eq!(only(&notes).0.outcome, Outcome::Refused);
    assert_eq!(notes.reached, [Outcome::Refused]);
}

#[test]
fn times_are_those_of_the_first_and_the_latest_packet() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.play_at(5, &client(SYN, 100, 0, b""));
    stage.play_at(9, &server(SYN | ACK, 500, 101, b""));
    stage.play_at(8, &client(ACK, 101, 501, b""));
    let notes = stage.end();
    let (facts, _) = only(&notes);
    assert_eq!((facts.first_seen, facts.last_seen), (seconds(5), seconds(9)));
}
