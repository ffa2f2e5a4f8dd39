//! RTSP: two real sessions and one in mid-stream, their ports as tshark prints them.

use camsentry::addr::Addr;
use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Probe;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::AuthScheme;
use camsentry::recognise::finding::DeviceKind;
use camsentry::recognise::finding::MediaAnnouncement;
use camsentry::recognise::finding_words::Codec;
use camsentry::recognise::finding_words::RtspMethod;
use camsentry::recognise::rtsp::Rtsp;
use camsentry::recognise::rtsp::RtspMidstream;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

use crate::driver::CLIENT;
use crate::driver::SERVER;
use crate::driver::Shown;
use crate::driver::fixture;
use crate::driver::from_client;
use crate::driver::from_server;
use crate::driver::tells_no;
use crate::driver::told;

fn media(ports: [u16; 4], ended: bool) -> Finding {
    let [receiver_port, receiver_last, sender_port, sender_last] = ports;
    Finding::Media(MediaAnnouncement {
        transport: Transport::Udp,
        receiver: Addr::v4([10, 0, 0, 1]),
        receiver_port,
        receiver_last,
        sender: None,
        sender_port,
        sender_last,
        ended,
    })
}

fn only_media(found: Vec<(Side, Finding)>) -> Vec<Finding> {
    found.into_iter().map(|(_, finding)| finding).filter(|f| matches!(f, Finding::Media(_))).collect()
}

#[test]
fn real_sessions_are_named_from_either_side_on_any_port() {
    for name in ["rtsp_live555", "rtsp_2005"] {
        for port in [554, 8554, 80, 7563] {
            let request = fixture(&format!("{name}_0.bin"));
            let found = from_client(&request, port).matched(&Rtsp);
            assert_eq!((found.sender, found.certainty), (Sender::Client, Certainty::Signature));
            assert_eq!(from_client(&request, port).claimed(), [Service::Rtsp]);
            let reply = fixture(&format!("{name}_1.bin"));
            let found = from_server(&reply, port).matched(&Rtsp);
            assert_eq!((found.sender, found.certainty), (Sender::Server, Certainty::Signature));
        }
    }
}

#[test]
fn the_ports_of_a_real_session_are_announced_by_requests_or_replies_alone() {
    let (requests, replies) = (fixture("rtsp_live555_0.bin"), fixture("rtsp_live555_1.bin"));
    // Its requests name 37216-37217 and 49022-49023, its replies also 6970-6971 and 6972-6973.
    let asked = [
        media([37216, 37217, 0, 0], false),
        media([49022, 49023, 0, 0], false),
        media([37216, 37217, 0, 0], true),
        media([49022, 49023, 0, 0], true),
    ];
    assert_eq!(only_media(told(&Rtsp, &[(CLIENT, &requests)])), asked);
    let found = told(&Rtsp, &[(SERVER, &replies)]);
    assert!(found.contains(&(SERVER, Finding::DeviceKind(DeviceKind::VideoServer))));
    assert!(!found.iter().any(|(_, finding)| *finding == Finding::Unauthenticated));
    let given = [media([37216, 37217, 6970, 6971], false), media([49022, 49023, 6972, 6973], false)];
    assert_eq!(only_media(found), given);
    let both = told(&Rtsp, &[(CLIENT, &requests), (SERVER, &replies)]);
    assert!(both.contains(&(SERVER, Finding::Unauthenticated)));
}

#[test]
fn a_session_ends_in_order_and_may_begin_again() {
    let setup =
        b"SETUP rtsp://c/1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n";
    let teardown = b"TEARDOWN rtsp://c/ RTSP/1.0\r\nCSeq: 2\r\nSession: 9\r\n\r\n";
    let found = told(&Rtsp, &[(CLIENT, setup), (CLIENT, teardown), (CLIENT, setup)]);
    let ports = [5000, 5001, 0, 0];
    assert_eq!(only_media(found), [media(ports, false), media(ports, true), media(ports, false)]);
}

#[test]
fn media_captured_in_mid_stream_is_rtsp() {
    let octets = fixture("rtsp_interleaved_1.bin");
    let shown = Shown { octets: &octets, port: 554, side: SERVER, from_start: false };
    let found = shown.matched(&Rtsp);
    assert_eq!(found.content, Some(Content::InterleavedMedia));
    assert_eq!(found.sender, Sender::Either);
    // The same from the middle of a frame: the next one starts at 1320.
    let later = Shown { octets: &octets[100..], port: 9000, ..shown };
    assert_eq!(later.answer(&Rtsp), Probe::Refuse);
    let found = later.matched(&RtspMidstream);
    assert_eq!((found.content, found.offset), (Some(Content::InterleavedMedia), 1220));
    assert_eq!(later.claimed(), [Service::Rtsp]);
}

#[test]
fn one_frame_is_no_rtsp_and_two_that_do_not_fit_are_none() {
    let frame = |channel: u8, source: u8| {
        let mut frame = vec![b'$', channel, 0, 14, 0x80, 96, 0, 1, 0, 0, 0, 9, source, 1, 1, 1];
        frame.extend([0xaa, 0xbb]);
        frame
    };
    let show = |octets: &[u8]| Shown { octets, port: 554, side: SERVER, from_start: false }.answer(&Rtsp);
    assert!(matches!(show(&[frame(0, 5), frame(0, 5)].concat()), Probe::Match(_)));
    assert!(matches!(show(&[frame(0, 5), frame(2, 6)].concat()), Probe::Match(_)));
    assert_eq!(show(&frame(0, 5)), Probe::Refuse);
    assert_eq!(show(&[frame(0, 5), frame(0, 6)].concat()), Probe::Refuse);
    assert_eq!(show(b"$5.00 and then some more text"), Probe::Refuse);
}

#[test]
fn requests_that_a_server_may_send_prove_no_direction() {
    let sender =
        |line: &str| from_client(format!("{line}\nCSeq: 1\n\n").as_bytes(), 554).matched(&Rtsp).sender;
    for method in ["SETUP", "DESCRIBE", "PLAY", "OPTIONS"] {
        assert_eq!(sender(&format!("{method} rtsp://c/ RTSP/2.0")), Sender::Client);
    }
    for method in ["ANNOUNCE", "SET_PARAMETER", "REDIRECT", "GET_PARAMETER"] {
        assert_eq!(sender(&format!("{method} /relative path RTSP/1.0")), Sender::Either);
    }
}

#[test]
fn a_reply_in_mid_stream_proves_the_server_only_by_a_servers_header() {
    let bare =
        Shown { octets: b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n", port: 554, side: CLIENT, from_start: false };
    assert_eq!(bare.matched(&Rtsp).sender, Sender::Either);
    let server = Shown { octets: b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nserver: x\r\n\r\n", ..bare };
    assert_eq!(server.matched(&Rtsp).sender, Sender::Server);
}

#[test]
fn neighbours_are_refused() {
    for line in ["OPTIONS * HTTP/1.1\r\n", "GET / HTTP/1.1\r\n", "OPTIONS sip:a SIP/2.0\r\n", "220 mail\r\n"]
    {
        from_client(line.as_bytes(), 554).refused(&Rtsp);
    }
    from_client(b"RTSP/1.0 never\r\n", 554).refused(&Rtsp);
}

#[test]
fn authentication_is_told_without_what_it_says() {
    let request =
        |auth: &str| format!("DESCRIBE rtsp://user:hunter2@c/mobotix.h264 RTSP/1.0\r\nCseq: 7\r\n{auth}\r\n");
    let demand =
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 7\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\
        WWW-Authenticate: Basic realm=\"r\"\r\n\r\n";
    let answer = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n";
    let plain = request("");
    let basic = request("Authorization: Basic c2VjcmV0\r\n");
    let turns = [
        (CLIENT, plain.as_bytes()),
        (SERVER, demand.as_slice()),
        (CLIENT, basic.as_bytes()),
        (SERVER, answer.as_slice()),
    ];
    let found = told(&Rtsp, &turns);
    let wanted = [
        (SERVER, Finding::DeviceKind(DeviceKind::MobotixCamera)),
        (CLIENT, Finding::RtspMethod(RtspMethod::Describe)),
        (SERVER, Finding::RtspStatus(401)),
        (SERVER, Finding::Auth(AuthScheme::Digest)),
        (CLIENT, Finding::Auth(AuthScheme::Basic)),
    ];
    assert_eq!(found, wanted);
    tells_no("hunter2", &Rtsp, &turns);
    tells_no("c2VjcmV0", &Rtsp, &turns);
    let open = told(&Rtsp, &[(CLIENT, plain.as_bytes()), (SERVER, answer)]);
    assert!(open.contains(&(SERVER, Finding::Unauthenticated)));
    let late = b"PLAY rtsp://c/ RTSP/1.0\r\nCSeq: 7\r\nSession: 1\r\n\r\n";
    let played = [(CLIENT, Finding::RtspMethod(RtspMethod::Play))];
    assert_eq!(told(&Rtsp, &[(CLIENT, late), (SERVER, answer)]), played, "it may have been asked before");
}

#[test]
fn a_description_names_mxpeg_also_where_its_last_line_has_no_end() {
    let sdp = "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 X-MXPEG/90000";
    let reply =
        format!("RTSP/1.0 200 OK\nContent-Type: application/sdp\nContent-Length: {}\n\n{sdp}", sdp.len());
    let next = "RTSP/1.0 200 OK\nCSeq: 3\nTransport: RTP/AVP;unicast;client_port=5000;server_port=6000\n\n";
    let found = told(&Rtsp, &[(SERVER, [reply.as_str(), next].concat().as_bytes())]);
    let wanted = [
        Finding::DeviceKind(DeviceKind::VideoServer),
        Finding::Content(Content::Mxpeg, Certainty::Signature),
        Finding::DeviceKind(DeviceKind::MobotixCamera),
        Finding::Codec(Codec::Mxpeg),
        media([5000, 5001, 6000, 6001], false),
    ];
    assert_eq!(found, wanted.map(|finding| (SERVER, finding)));
}

#[test]
fn a_message_between_and_behind_media_is_read() {
    let stream = fixture("rtsp_interleaved_1.bin");
    let reply = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nTransport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n";
    let wanted = media([5000, 5001, 0, 0], false);
    let between = [&stream[..2640], reply.as_slice(), &stream[..1320]].concat();
    let found = told(&Rtsp, &[(SERVER, &between)]);
    assert!(found.contains(&(SERVER, wanted.clone())), "{found:?}");
    let interleaved = Finding::Content(Content::InterleavedMedia, Certainty::Signature);
    assert!(found.contains(&(SERVER, interleaved)));
    // The first octets stand in the middle of a frame.
    let behind = [&stream[100..1320], reply.as_slice()].concat();
    assert!(told(&Rtsp, &[(SERVER, &behind)]).contains(&(SERVER, wanted)));
    let shown = Shown { octets: &behind, port: 554, side: SERVER, from_start: false };
    assert_eq!(shown.matched(&RtspMidstream).offset, 1220);
}
