//! What RTSP tells beside its ports: methods, statuses, encodings, encryption, other hosts.

use camsentry::recognise::Finding;
use camsentry::recognise::finding_words::Codec;
use camsentry::recognise::finding_words::RtspMethod;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::fixture;
use crate::talk::tcp;

#[test]
fn a_real_session_tells_its_methods_and_encodings() {
    let talk =
        tcp(8554, &[(CLIENT, &fixture("rtsp_live555_0.bin")), (SERVER, &fixture("rtsp_live555_1.bin"))]);
    let heard = talk.heard();
    // `tshark -Y rtsp.method` and `sdp.mime.type` of the same octets.
    for method in [RtspMethod::Describe, RtspMethod::Setup, RtspMethod::Play, RtspMethod::Teardown] {
        heard.demand(CLIENT, Finding::RtspMethod(method));
    }
    assert!(
        heard.found.iter().any(|(side, finding)| *side == SERVER && matches!(finding, Finding::Codec(_)))
    );
}

#[test]
fn encodings_and_encryption_are_told_from_either_side_s_description() {
    let sdp = "v=0\r\nm=video 0 RTP/SAVP 96\r\na=rtpmap:96 H265/90000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:hunter2\r\n";
    let reply = format!(
        "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let heard = tcp(554, &[(SERVER, reply.as_bytes())]).heard();
    heard.demand(SERVER, Finding::Codec(Codec::H265));
    heard.demand(SERVER, Finding::EncryptedMedia);
    assert!(!format!("{heard:?}").contains("hunter2"), "the key of SRTP is a credential");
    let setup =
        b"SETUP rtsp://c/ RTSP/2.0\r\nCSeq: 2\r\nTransport: RTP/SAVPF;unicast;client_port=5000-5001\r\n\r\n";
    tcp(554, &[(CLIENT, setup)]).heard().demand(CLIENT, Finding::EncryptedMedia);
}

#[test]
fn another_host_is_told_wherever_it_is_named() {
    let moved =
        b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://admin:hunter2@cam-9.example:554/s\r\n\r\n";
    let heard = tcp(554, &[(SERVER, moved)]).heard();
    heard.demand(SERVER, Finding::Redirect("cam-9.example".to_owned()));
    heard.demand(SERVER, Finding::RtspStatus(302));
    assert!(!format!("{heard:?}").contains("hunter2"));
    let ask = b"REDIRECT rtsp://c/ RTSP/1.0\r\nCSeq: 7\r\nLocation: rtsp://10.9.9.9/s\r\n\r\n";
    tcp(554, &[(SERVER, ask)]).heard().demand(SERVER, Finding::Redirect("10.9.9.9".to_owned()));
    let setup = |to: &str| {
        let text = format!(
            "SETUP rtsp://c/ RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;destination={to};client_port=5000-5001\r\n\r\n"
        );
        tcp(554, &[(CLIENT, text.as_bytes())]).heard()
    };
    setup("203.0.113.7").demand(CLIENT, Finding::Redirect("203.0.113.7".to_owned()));
    for own in ["10.0.0.1", "10.0.0.2", "0.0.0.0", "239.1.1.1"] {
        assert!(!setup(own).found.iter().any(|(_, f)| matches!(f, Finding::Redirect(_))), "{own}");
    }
}
