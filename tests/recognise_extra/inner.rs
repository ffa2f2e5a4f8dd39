//! What comes inside or after another protocol: the first answer hides nothing that follows.

use camsentry::recognise::Finding;
use camsentry::recognise::finding::AuthScheme;
use camsentry::recognise::finding::DeviceKind;
use camsentry::recognise::finding::TlsVersion;
use camsentry::recognise::finding_words::RtspMethod;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;

use crate::talk::CLIENT;
use crate::talk::Heard;
use crate::talk::SERVER;
use crate::talk::fixture;
use crate::talk::hex;
use crate::talk::tcp;

const CONNECT: &[u8] = b"CONNECT cloud.example:443 HTTP/1.1\r\nHost: cloud.example:443\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

fn tells_tls_12(heard: &Heard) {
    heard.demand(SERVER, Finding::TlsVersion(TlsVersion::Tls12));
    assert!(heard.found.iter().any(|(_, finding)| matches!(finding, Finding::Certificate(_))));
}

#[test]
fn tls_inside_a_connect_is_read_from_both_sides_and_from_each() {
    let (hello, answer) = (fixture("tls12_0.bin"), fixture("tls12_1.bin"));
    let talk = tcp(3128, &[(CLIENT, CONNECT), (SERVER, OK), (CLIENT, &hello), (SERVER, &answer)]);
    let heard = talk.heard();
    assert_eq!(heard.named[0].1.service, Service::Http);
    heard.demand(CLIENT, Finding::HttpHost("cloud.example".to_owned()));
    heard.demand(CLIENT, Finding::Upgrade(Service::Tls));
    tells_tls_12(&heard);
    let client = talk.of(CLIENT).heard();
    assert!(client.found.iter().any(|(_, finding)| matches!(finding, Finding::ServerName(_))));
    tells_tls_12(&talk.of(SERVER).heard());
}

#[test]
fn http_and_ssh_inside_a_connect_are_read_too() {
    let request = b"GET http://cam-9.example/ HTTP/1.1\r\n\r\n";
    let reply = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"MOBOTIX Camera User\"\r\nContent-Length: 0\r\n\r\n";
    let heard = tcp(8080, &[(CLIENT, CONNECT), (SERVER, OK), (CLIENT, request), (SERVER, reply)]).heard();
    heard.demand(CLIENT, Finding::HttpHost("cam-9.example".to_owned()));
    heard.demand(SERVER, Finding::DeviceKind(DeviceKind::MobotixCamera));
    let greeting = b"SSH-2.0-OpenSSH_9.2\r\n";
    let heard = tcp(8080, &[(CLIENT, CONNECT), (SERVER, OK), (SERVER, greeting), (CLIENT, greeting)]).heard();
    heard.demand(SERVER, Finding::Upgrade(Service::Ssh));
    // The proxy refuses, the client asks again.
    let no = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    let hello = fixture("tls12_0.bin");
    let again =
        tcp(8080, &[(CLIENT, CONNECT), (SERVER, no), (CLIENT, CONNECT), (SERVER, OK), (CLIENT, &hello)]);
    again.heard().demand(CLIENT, Finding::Upgrade(Service::Tls));
}

#[test]
fn a_reply_without_a_type_is_still_read_as_a_body() {
    let request = b"GET /pic HTTP/1.0\r\n\r\n";
    let body = b"HTTP/1.0 200 OK\r\n\r\n<s:Envelope xmlns:tt=\"http://www.onvif.org/ver10/schema\">";
    let heard = tcp(80, &[(CLIENT, request), (SERVER, body)]).heard();
    heard.demand(SERVER, Finding::Content(Content::Onvif, Certainty::Signature));
}

#[test]
fn tls_after_an_upgrade_of_http_and_inside_postgresql_and_net_tcp_is_read() {
    let (hello, answer) = (fixture("tls12_0.bin"), fixture("tls12_1.bin"));
    // RFC 2817 §3.2.
    let ask = b"OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n";
    let consent =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n";
    let via = b"\x00\x01\x00\x01\x02\x02\x12net.tcp://a:808/sv\x03\x08";
    let framed = [via.as_slice(), b"\x09\x13application/ssl-tls"].concat();
    let before: [(u16, Service, &[u8], &[u8]); 3] = [
        (80, Service::Http, ask, consent),
        (5432, Service::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
        (808, Service::McNmf, &framed, b"\x0a"),
    ];
    for (port, service, ask, consent) in before {
        let talk = tcp(port, &[(CLIENT, ask), (SERVER, consent), (CLIENT, &hello), (SERVER, &answer)]);
        let heard = talk.heard();
        assert_eq!(heard.named[0].1.service, service);
        tells_tls_12(&heard);
    }
    let other = [via.as_slice(), b"\x09\x15application/negotiate"].concat();
    let heard = tcp(808, &[(CLIENT, &other), (SERVER, b"\x0a\x16\x01\x00\x00\x10")]).heard();
    assert!(heard.found.is_empty(), "another upgrade is not TLS");
}

#[test]
fn tls_on_the_port_of_rtsps_is_tls() {
    let talk = tcp(322, &[(CLIENT, &fixture("tls12_0.bin")), (SERVER, &fixture("tls12_1.bin"))]);
    let heard = talk.heard();
    assert_eq!(heard.named[0].1.service, Service::Tls);
    tells_tls_12(&heard);
}

#[test]
fn rtsp_inside_http_tells_what_rtsp_tells() {
    let get =
        b"GET /stream HTTP/1.0\r\nx-sessioncookie: 4711\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n";
    let reply = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n\
        RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n";
    let heard = tcp(80, &[(CLIENT, get), (SERVER, reply)]).heard();
    heard.demand(CLIENT, Finding::Content(Content::RtspOverHttp, Certainty::Signature));
    heard.demand(SERVER, Finding::Auth(AuthScheme::Digest));
    heard.demand(SERVER, Finding::RtspStatus(401));
    let plain = tcp(80, &[(SERVER, reply)]).heard();
    plain.demand(SERVER, Finding::Auth(AuthScheme::Digest));
    // `printf … | base64` of two requests, each coded alone.
    let post = "POST /stream HTTP/1.0\r\nx-sessioncookie: 4711\r\nContent-Type: application/x-rtsp-tunnelled\r\n\
        Content-Length: 32767\r\n\r\n\
        REVTQ1JJQkUgcnRzcDovL2NhbS9tb2JvdGl4Lmgy\r\nNjQgUlRTUC8xLjANCkNTZXE6IDENCkF1dGhvcml6YXRpb246IEJhc2ljIGMyVmpjbVYwDQoNCg==\
        U0VUVVAgcnRzcDovL2NhbS8gUlRTUC8xLjANCkNTZXE6IDINClRyYW5zcG9ydDogUlRQL0FWUC9UQ1A7aW50ZXJsZWF2ZWQ9MC0xDQoNCg==";
    let heard = tcp(80, &[(CLIENT, post.as_bytes())]).heard();
    heard.demand(CLIENT, Finding::RtspMethod(RtspMethod::Describe));
    heard.demand(CLIENT, Finding::RtspMethod(RtspMethod::Setup));
    heard.demand(CLIENT, Finding::Auth(AuthScheme::Basic));
    heard.demand(SERVER, Finding::DeviceKind(DeviceKind::MobotixCamera));
    assert!(!format!("{heard:?}").contains("c2VjcmV0"), "the password stays inside");
    let media = [reply.as_slice(), &hex("24000010 80600001 00000000 01020304 00000000")].concat();
    let heard = tcp(80, &[(CLIENT, get), (SERVER, &media)]).heard();
    let interleaved = |f: &Finding| matches!(f, Finding::Content(Content::InterleavedMedia, _));
    assert!(
        !heard.found.iter().any(|(_, finding)| interleaved(finding)),
        "the tunnel is named, not its frames"
    );
}
