//! Calls of SIP: the messages of RFC 3665 §3.1 and descriptions of RFC 4317, over both transports, cut at
//! each octet and seen from one side.

use camsentry::addr::Addr;
use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::finding::MediaAnnouncement;
use camsentry::recognise::finding_words::Codec;
use camsentry::service::Service;
use camsentry::service::Transport;

use crate::talk::CLIENT;
use crate::talk::Heard;
use crate::talk::SERVER;
use crate::talk::Talk;
use crate::talk::tcp;
use crate::talk::udp;

const ALICE: &str = "v=0\r\no=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\ns=-\r\n\
                     c=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
const BOB: &str = "v=0\r\no=bob 2890844527 2890844527 IN IP4 client.biloxi.example.com\r\ns=-\r\n\
                   c=IN IP4 192.0.2.201\r\nt=0 0\r\nm=audio 3456 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// A message: its first line, `CSeq`, the tag of `To`, and a description.
fn message(first: &str, sequence: &str, tag: &str, body: &str) -> Vec<u8> {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{first}\r\nVia: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\nMax-Forwards: 70\r\n\
         From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\nTo: Bob <sip:bob@biloxi.example.com>{tag}\r\n\
         Call-ID: 3848276298220188511@atlanta.example.com\r\nCSeq: {sequence}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn request(method: &str, body: &str) -> Vec<u8> {
    message(&format!("{method} sip:bob@biloxi.example.com SIP/2.0"), &format!("1 {method}"), "", body)
}

fn inside(method: &str, body: &str) -> Vec<u8> {
    let first = format!("{method} sip:bob@client.biloxi.example.com SIP/2.0");
    message(&first, &format!("2 {method}"), ";tag=8321234356", body)
}

fn reply(status: &str, sequence: &str, body: &str) -> Vec<u8> {
    message(&format!("SIP/2.0 {status}"), sequence, ";tag=8321234356", body)
}

/// RFC 3665 §3.1.
fn call() -> Vec<(Side, Vec<u8>)> {
    vec![
        (CLIENT, request("INVITE", ALICE)),
        (SERVER, reply("180 Ringing", "1 INVITE", "")),
        (SERVER, reply("200 OK", "1 INVITE", BOB)),
        (CLIENT, inside("ACK", "")),
        (SERVER, inside("BYE", "")),
        (CLIENT, reply("200 OK", "2 BYE", "")),
    ]
}

fn talk(transport: Transport, turns: &[(Side, Vec<u8>)]) -> Talk {
    let turns: Vec<(Side, &[u8])> = turns.iter().map(|(side, octets)| (*side, octets.as_slice())).collect();
    if transport == Transport::Udp { udp(5060, &turns) } else { tcp(5060, &turns) }
}

fn at(host: [u8; 4], port: u16, last: u16, ended: bool) -> Finding {
    Finding::Media(MediaAnnouncement {
        transport: Transport::Udp,
        receiver: Addr::v4(host),
        receiver_port: port,
        receiver_last: last,
        sender: None,
        sender_port: 0,
        sender_last: 0,
        ended,
    })
}

fn alice(ended: bool) -> Finding {
    at([192, 0, 2, 101], 49172, 49173, ended)
}

fn bob(ended: bool) -> Finding {
    at([192, 0, 2, 201], 3456, 3457, ended)
}

fn media(heard: &Heard) -> Vec<(Side, Finding)> {
    heard.found.iter().filter(|(_, finding)| matches!(finding, Finding::Media(_))).cloned().collect()
}

/// What is announced over UDP, which is what is over TCP, however that is cut.
fn announced(turns: &[(Side, Vec<u8>)]) -> Vec<(Side, Finding)> {
    let datagrams = media(&talk(Transport::Udp, turns).heard());
    assert_eq!(datagrams, media(&talk(Transport::Tcp, turns).heard()));
    datagrams
}

#[test]
fn each_end_of_a_call_announces_where_it_listens_until_the_call_ends() {
    // The lengths are those that RFC 3665 prints.
    assert_eq!((ALICE.len(), BOB.len()), (151, 147));
    let ended = [(SERVER, alice(true)), (SERVER, bob(true))];
    let whole = [&[(CLIENT, alice(false)), (SERVER, bob(false))], &ended[..]].concat();
    assert_eq!(announced(&call()), whole);
    for transport in [Transport::Tcp, Transport::Udp] {
        let heard = talk(transport, &call()).heard();
        assert!(heard.services().iter().all(|service| *service == Service::Sip), "{heard:?}");
        heard.demand(CLIENT, Finding::Codec(Codec::Pcmu));
        heard.demand(SERVER, Finding::Codec(Codec::Pcmu));
        // One side alone: its own media, and the end that its own octets tell.
        let caller = media(&talk(transport, &call()).of(CLIENT).heard());
        assert_eq!(caller, [(CLIENT, alice(false)), (CLIENT, alice(true))]);
        let called = media(&talk(transport, &call()).of(SERVER).heard());
        assert_eq!(called, [(SERVER, bob(false)), (SERVER, bob(true))]);
    }
}

#[test]
fn a_call_that_is_withdrawn_or_refused_ends_and_a_change_that_is_refused_does_not() {
    let invite = (CLIENT, request("INVITE", ALICE));
    let ends = [(CLIENT, request("CANCEL", "")), (SERVER, reply("486 Busy Here", "1 INVITE", ""))];
    for end in ends {
        let told = announced(&[invite.clone(), end.clone()]);
        assert_eq!(told, [(CLIENT, alice(false)), (end.0, alice(true))]);
        // RFC 3261 §9.1, §14.1: neither ends a call that was answered.
        let answered = [invite.clone(), (SERVER, reply("200 OK", "1 INVITE", BOB)), end];
        assert_eq!(announced(&answered), [(CLIENT, alice(false)), (SERVER, bob(false))]);
    }
    // The change alone is seen: its tag says that the call was answered.
    let change = [(CLIENT, inside("INVITE", ALICE)), (SERVER, reply("488 Not Acceptable", "2 INVITE", ""))];
    assert_eq!(announced(&change), [(CLIENT, alice(false))]);
    // Another call of the same flow goes on.
    let other = String::from_utf8(request("CANCEL", "")).unwrap().replace("3848276298220188511@", "1@");
    assert_eq!(announced(&[invite.clone(), (CLIENT, other.into_bytes())]), [(CLIENT, alice(false))]);
    // Again after a demand for authentication (RFC 3665 §3.3), and again in each copy of a message.
    let demand = (SERVER, reply("407 Proxy Authentication Required", "1 INVITE", ""));
    let again = announced(&[invite.clone(), invite.clone(), demand, invite.clone(), invite]);
    assert_eq!(again, [(CLIENT, alice(false)), (SERVER, alice(true)), (CLIENT, alice(false))]);
}

#[test]
fn offers_and_answers_may_stand_in_other_messages_of_a_call_and_in_no_others() {
    // RFC 3261 §13.2.1, RFC 3262 §5, RFC 3311 §5.
    for method in ["ACK", "PRACK", "UPDATE"] {
        assert_eq!(announced(&[(CLIENT, inside(method, ALICE))]), [(CLIENT, alice(false))], "{method}");
    }
    for answer in [reply("183 Session Progress", "1 INVITE", BOB), reply("200 OK", "2 PRACK", BOB)] {
        assert_eq!(announced(&[(SERVER, answer)]), [(SERVER, bob(false))]);
    }
    // RFC 3261 §11.2: what could be. A description that somebody sends as a message is none of a call.
    let others = [
        (SERVER, reply("200 OK", "1 OPTIONS", BOB)),
        (SERVER, reply("488 Not Acceptable Here", "1 INVITE", BOB)),
        (CLIENT, request("OPTIONS", ALICE)),
        (CLIENT, request("MESSAGE", ALICE)),
        (CLIENT, request("INFO", ALICE)),
    ];
    for other in others {
        let heard = talk(Transport::Udp, &[other]).heard();
        assert!(heard.found.is_empty() && heard.services() == [Service::Sip], "{heard:?}");
    }
}

#[test]
fn several_streams_their_encryption_and_their_encodings_are_told() {
    // RFC 4317 §2.2 with an address for its host, its second stream rejected; RFC 4568 §1; RFC 5764 §8.
    let offer = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n\
                 m=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:8 PCMA/8000\r\nm=video 51372 RTP/SAVP 31\r\n\
                 a=rtpmap:31 H264/90000\r\na=rtcp:51400\r\nm=audio 0 RTP/AVP 0\r\n";
    let host = [192, 0, 2, 101];
    let told = [(49170, 49171), (51372, 51372), (51400, 51400)];
    let told = told.map(|(first, last)| (CLIENT, at(host, first, last, false)));
    assert_eq!(announced(&[(CLIENT, request("INVITE", offer))]), told);
    let heard = talk(Transport::Tcp, &[(CLIENT, request("INVITE", offer))]).heard();
    for finding in [Finding::EncryptedMedia, Finding::Codec(Codec::Pcma), Finding::Codec(Codec::H264)] {
        heard.demand(CLIENT, finding);
    }
    // RFC 4317 as it is names hosts: nobody here asks DNS.
    let named = ALICE.replace("192.0.2.101", "host.atlanta.example.com");
    assert!(announced(&[(CLIENT, request("INVITE", &named))]).is_empty());
    // Nobody wants its own media at the host that shall send them.
    let theirs = ALICE.replace("192.0.2.101", "10.0.0.2");
    assert!(announced(&[(CLIENT, request("INVITE", &theirs))]).is_empty());
}

#[test]
fn headers_may_be_short_folded_and_in_any_order() {
    // RFC 3261 §7.3.1, §7.3.3.
    let text = format!(
        "INVITE sip:bob@biloxi.example.com SIP/2.0\r\nl:\r\n  151\r\nc:\r\n\tapplication/sdp\r\nI: 1@a\r\n\
         cseq: 1\r\n INVITE\r\n\r\n{ALICE}"
    );
    let cancel =
        "CANCEL sip:bob@biloxi.example.com SIP/2.0\r\nCall-ID : 1@a\r\nCSeq: 1 CANCEL\r\nl: 0\r\n\r\n";
    let turns = [(CLIENT, text.into_bytes()), (CLIENT, cancel.as_bytes().to_vec())];
    assert_eq!(announced(&turns), [(CLIENT, alice(false)), (CLIENT, alice(true))]);
}

#[test]
fn over_tcp_a_length_tells_where_a_message_ends() {
    // The message inside the message is text.
    let hidden = String::from_utf8(request("INVITE", ALICE)).unwrap();
    let note = request("MESSAGE", "x").strip_suffix(b"x").unwrap().to_vec();
    let note = String::from_utf8(note)
        .unwrap()
        .replace("Content-Length: 1", &format!("Content-Length: {}", hidden.len()));
    let stream = [note.as_bytes(), hidden.as_bytes(), b"\r\n\r\n", &request("INVITE", BOB)].concat();
    assert_eq!(media(&talk(Transport::Tcp, &[(CLIENT, stream)]).heard()), [(CLIENT, bob(false))]);
}

#[test]
fn over_udp_a_datagram_holds_one_message_and_no_length_is_needed() {
    // RFC 3261 §18.3.
    let heard = |octets: &[u8]| media(&talk(Transport::Udp, &[(CLIENT, octets.to_vec())]).heard());
    let invite = String::from_utf8(request("INVITE", ALICE)).unwrap();
    let bare = invite.replace("Content-Length: 151\r\n", "");
    assert_eq!(heard(bare.as_bytes()), [(CLIENT, alice(false))]);
    assert_eq!(heard(&[invite.as_bytes(), &request("INVITE", BOB)].concat()), [(CLIENT, alice(false))]);
    let start = bare.find("m=audio").unwrap();
    for length in 0..invite.len() {
        assert!(heard(&invite.as_bytes()[..length]).is_empty(), "cut at {length}");
        // Without a length a whole line may be the last one; half a port is none.
        let cut = heard(&bare.as_bytes()[..length.min(bare.len())]);
        assert!(cut.is_empty() || cut == [(CLIENT, alice(false))] && length > start, "cut at {length}");
    }
}

#[test]
fn what_is_no_message_is_passed_over_and_memory_has_bounds() {
    let middle =
        [b"=audio 1 RTP/AVP 0\r\nVia: SIP/2.0/TCP a\r\n\r\n".to_vec(), request("INVITE", ALICE)].concat();
    let start = request("INVITE", BOB);
    let recovered = Talk { from_start: false, ..talk(Transport::Tcp, &[(CLIENT, start), (CLIENT, middle)]) };
    assert_eq!(media(&recovered.in_pieces(usize::MAX, usize::MAX)).len(), 2);
    // More calls than are remembered: all are announced, and the end of the last is told.
    let mut turns = Vec::new();
    for number in 0..200 {
        let named = |text: Vec<u8>| {
            String::from_utf8(text).unwrap().replace("3848276298220188511@", &format!("{number}@"))
        };
        turns.push((CLIENT, named(request("INVITE", ALICE)).into_bytes()));
        if number == 199 {
            turns.push((CLIENT, named(request("CANCEL", "")).into_bytes()));
        }
    }
    let told = media(&talk(Transport::Udp, &turns).heard());
    assert_eq!((told.len(), told.last()), (201, Some(&(CLIENT, alice(true)))));
}
