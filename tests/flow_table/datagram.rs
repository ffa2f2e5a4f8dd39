//! Flows of datagrams: answers, silence that proves the initiator, groups, ICMP.

use camsentry::addr::Addr;
use camsentry::decode::segment::IcmpError;
use camsentry::flow::FlowSettings;
use camsentry::flow::facts::ConnState;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Outcome;
use camsentry::service::Transport;

use crate::script::CLIENT;
use crate::script::CLIENT_SIDE;
use crate::script::Packet;
use crate::script::SERVER;
use crate::script::Stage;
use crate::script::client_udp;
use crate::script::only;
use crate::script::packet;
use crate::script::played;
use crate::script::seconds;
use crate::script::server_udp;

fn error_about(one: &Packet, refused: bool) -> IcmpError {
    IcmpError {
        number: 50,
        time: seconds(1),
        from: one.segment.dst,
        src: one.segment.src,
        dst: one.segment.dst,
        transport: one.segment.transport,
        src_port: one.segment.src_port,
        dst_port: one.segment.dst_port,
        refused,
    }
}

#[test]
fn an_answer_makes_a_datagram_flow_and_payload_makes_data() {
    let notes = played(&[client_udp(b"ask"), server_udp(b"tell")]);
    let (facts, _) = only(&notes);
    assert_eq!((facts.state, facts.outcome), (ConnState::Sf, Outcome::Data));
    assert_eq!((facts.history.as_str(), facts.initiation), ("Dd", Initiation::Unknown));
    let notes = played(&[client_udp(b""), server_udp(b"")]);
    assert_eq!(only(&notes).0.outcome, Outcome::Established);
    let notes = played(&[client_udp(b"ask")]);
    assert_eq!((only(&notes).0.state, only(&notes).0.outcome), (ConnState::S0, Outcome::Attempted));
}

#[test]
fn a_stream_without_answers_is_no_attempt() {
    let notes = played(&vec![client_udp(b"rtp"); 16]);
    assert_eq!(only(&notes).0.outcome, Outcome::Data);
    let notes = played(&vec![client_udp(b"rtp"); 15]);
    assert_eq!(only(&notes).0.outcome, Outcome::Attempted);
}

#[test]
fn the_first_datagram_after_watched_silence_opens_the_flow() {
    for (at, initiation) in [(180, Initiation::Unknown), (181, Initiation::Observed)] {
        let mut stage = Stage::new(FlowSettings::default());
        stage.table.watch_from(seconds(0));
        stage.play_at(at, &client_udp(b"ask"));
        assert_eq!(only(&stage.end()).0.initiation, initiation, "after {at} s");
    }
    let mut stage = Stage::new(FlowSettings::default());
    stage.play_at(1_000_000, &client_udp(b"ask"));
    assert_eq!(only(&stage.end()).0.initiation, Initiation::Unknown, "nobody said that we watched");
}

#[test]
fn octets_that_answer_are_better_than_a_watched_silence() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.notes.server_says = Some(b"tell");
    stage.table.watch_from(seconds(0));
    stage.play_at(181, &server_udp(b"tell"));
    let notes = stage.end();
    assert_eq!(notes.initiated, [(CLIENT_SIDE, Initiation::Inferred)]);
    let (facts, _) = only(&notes);
    assert_eq!((facts.initiator, facts.initiation), (Some(CLIENT_SIDE), Initiation::Inferred));
}

#[test]
fn the_sender_to_a_group_is_the_initiator() {
    let notes = played(&[packet(CLIENT, ([239, 255, 255, 250], 1900), Transport::Udp, None, b"M-SEARCH")]);
    let (facts, _) = only(&notes);
    assert_eq!((facts.initiation, facts.outcome), (Initiation::Inferred, Outcome::Data));
    assert_eq!(facts.initiator.map(|side| facts.key.end(side).0), Some(Addr::v4(CLIENT.0)));
}

#[test]
fn an_echo_reply_tells_that_the_receiver_asked() {
    let echo = |from: ([u8; 4], u16), to: ([u8; 4], u16), reply| {
        let mut one = packet((from.0, 7), (to.0, 8), Transport::Icmp, None, b"abcdefgh");
        // Both directions have the identifier at the asking side and the request's type at the other.
        if reply {
            (one.segment.src_port, one.segment.dst_port) = (8, 7);
        }
        one.segment.icmp_reply = reply;
        one
    };
    let (ask, tell) = (echo(CLIENT, SERVER, false), echo(SERVER, CLIENT, true));
    for packets in [vec![tell.clone()], vec![ask.clone()], vec![ask, tell]] {
        let notes = played(&packets);
        let (facts, _) = only(&notes);
        assert_eq!((facts.initiator, facts.initiation), (Some(CLIENT_SIDE), Initiation::Inferred));
        assert_eq!(facts.state, ConnState::Oth);
    }
}

#[test]
fn an_icmp_error_refuses_a_flow_without_an_answer_and_no_other() {
    let ask = client_udp(b"ask");
    for (packets, about, outcome, known) in [
        (vec![ask.clone()], &ask, Outcome::Refused, true),
        (vec![ask.clone(), server_udp(b"tell")], &ask, Outcome::Data, true),
        // Forged: about a packet that was never sent.
        (vec![ask.clone()], &server_udp(b"tell"), Outcome::Attempted, false),
    ] {
        let mut stage = Stage::new(FlowSettings::default());
        stage.play(&packets);
        assert_eq!(stage.play_error(&error_about(about, true)), known);
        assert_eq!(only(&stage.end()).0.outcome, outcome);
    }
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(std::slice::from_ref(&ask));
    stage.play_error(&error_about(&ask, false));
    assert_eq!(only(&stage.end()).0.outcome, Outcome::Attempted, "time exceeded refuses nothing");
}
