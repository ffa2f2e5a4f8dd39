//! HTTP: start lines as httparse reads them too, contents of MOBOTIX and XProtect, no credentials.

use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::AuthScheme;
use camsentry::recognise::finding::DeviceKind;
use camsentry::recognise::http::Http;
use camsentry::recognise::http::HttpMidstream;
use camsentry::recognise::rtsp::Rtsp;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;

use crate::driver::CLIENT;
use crate::driver::SERVER;
use crate::driver::Shown;
use crate::driver::fixture;
use crate::driver::from_client;
use crate::driver::from_server;
use crate::driver::tells_no;
use crate::driver::told;

fn content(content: Content) -> Finding {
    Finding::Content(content, Certainty::Signature)
}

fn has(found: &[(Side, Finding)], side: Side, finding: &Finding) -> bool {
    found.iter().any(|(of, told)| *of == side && told == finding)
}

/// What a client's octets tell.
fn client(octets: &str) -> Vec<(Side, Finding)> {
    told(&Http, &[(CLIENT, octets.as_bytes())])
}

#[test]
fn real_requests_and_replies_name_their_sender_on_any_port() {
    for name in ["http_5432", "http_ipv6"] {
        for port in [80, 5432, 7563, 554] {
            let request = fixture(&format!("{name}_0.bin"));
            let mut headers = [httparse::EMPTY_HEADER; 32];
            assert!(httparse::Request::new(&mut headers).parse(&request).unwrap().is_complete());
            let found = from_client(&request, port).matched(&Http);
            assert_eq!((found.sender, found.certainty), (Sender::Client, Certainty::Signature));
            assert_eq!(from_client(&request, port).claimed(), [Service::Http]);
            let reply = fixture(&format!("{name}_1.bin"));
            let found = from_server(&reply, port).matched(&Http);
            assert_eq!((found.sender, found.certainty), (Sender::Server, Certainty::Signature));
        }
    }
}

#[test]
fn what_old_cameras_write_is_read_too() {
    let reply = b"HTTP/1.0 200 Okay\nContent-Type: image/jpeg\n\n\xff\xd8";
    assert_eq!(from_server(reply, 8080).matched(&Http).sender, Sender::Server);
    let found = told(&Http, &[(CLIENT, b"GET /a b.jpg HTTP/1.0\nhost : CAM-1.example:8080\n\n")]);
    assert_eq!(found, [(CLIENT, Finding::HttpHost("cam-1.example".to_owned()))]);
}

#[test]
fn neighbours_are_refused_by_the_end_of_their_first_line() {
    for line in [
        "OPTIONS * RTSP/1.0\r\n",
        "DESCRIBE rtsp://cam/ RTSP/1.0\r\n",
        "INVITE sip:a@b SIP/2.0\r\n",
        "EHLO mail.example\r\n",
        "USER anonymous\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "NetMatrixMonitorBegin",
        "<?xml version=\"1.0\"?><methodcall>",
        "HTTP/1.1 abc\r\n",
    ] {
        from_client(line.as_bytes(), 80).refused(&Http);
    }
}

#[test]
fn a_request_line_that_the_capture_cuts_is_consistent() {
    let found = from_client(b"GET /control/faststream.jpg?stream=full&need", 80).matched(&Http);
    assert_eq!((found.certainty, found.sender), (Certainty::Consistent, Sender::Client));
    from_client(b"GET sip:camera", 80).refused(&Http);
}

#[test]
fn an_event_stream_is_known_from_either_side() {
    let (request, reply) = (fixture("mobotix_event_request.bin"), fixture("mobotix_event.bin"));
    let found = told(&Http, &[(CLIENT, &request)]);
    assert_eq!(found[0], (CLIENT, content(Content::MxpegEventStream)));
    assert!(has(&found, CLIENT, &Finding::Auth(AuthScheme::Basic)));
    let found = told(&Http, &[(SERVER, &reply)]);
    let wanted = [Finding::DeviceKind(DeviceKind::MobotixCamera), content(Content::MxpegEventStream)];
    assert_eq!(found, wanted.map(|finding| (SERVER, finding)));
    let found = told(&Http, &[(CLIENT, &request), (SERVER, &reply)]);
    assert!(!found.iter().any(|(_, finding)| *finding == content(Content::Mxpeg)));
}

#[test]
fn a_faststream_needs_its_path_or_both_boundary_and_picture() {
    let found = client("GET /control/faststream.jpg?stream=full HTTP/1.0\r\n\r\n");
    assert_eq!(found, [(CLIENT, content(Content::MobotixFaststream))]);
    for name in ["mobotix_push.bin", "mobotix_pushjpeg.bin"] {
        let found = told(&Http, &[(SERVER, &fixture(name))]);
        assert!(has(&found, SERVER, &content(Content::MobotixFaststream)), "{found:?}");
        assert!(!has(&found, SERVER, &content(Content::Mxpeg)));
    }
    // Another maker copied the boundary.
    let copied = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; \
        boundary=--MOBOTIX_Fast_Serverpush\r\n\r\n--MOBOTIX_Fast_Serverpush\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8";
    assert_eq!(told(&Http, &[(SERVER, copied)]), []);
}

#[test]
fn a_banner_alone_proves_no_mobotix() {
    let reply = b"HTTP/1.0 200 OK\r\nServer: thttpd/2.19-MX Jun 2 2022\r\n\r\n<html>MXF\0</html>";
    assert_eq!(told(&Http, &[(SERVER, reply)]), []);
    let demand =
        b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"MOBOTIX Camera User\"\r\n\r\n";
    let wanted = [Finding::DeviceKind(DeviceKind::MobotixCamera), Finding::Auth(AuthScheme::Basic)];
    assert_eq!(told(&Http, &[(SERVER, demand)]), wanted.map(|finding| (SERVER, finding)));
}

#[test]
fn the_factory_password_is_found_and_no_password_is_kept() {
    let with = |value: &str| format!("GET / HTTP/1.1\r\nHost: cam\r\nauthorization: {value}\r\n\r\n");
    let found = client(&with("Basic YWRtaW46bWVpbnNt"));
    assert!(has(&found, CLIENT, &Finding::FactoryPassword));
    assert!(has(&found, CLIENT, &Finding::Auth(AuthScheme::Basic)));
    let found = client(&with("Basic c2VjcmV0OnNlY3JldA=="));
    assert!(!has(&found, CLIENT, &Finding::FactoryPassword));
    let secret = "c2VjcmV0OnNlY3JldA";
    tells_no(secret, &Http, &[(CLIENT, with(&format!("Basic {secret}==")).as_bytes())]);
    let url = "GET http://admin:hunter2@cam.example/ HTTP/1.1\r\n\r\n";
    tells_no("hunter2", &Http, &[(CLIENT, url.as_bytes())]);
    assert_eq!(client(url), [(CLIENT, Finding::HttpHost("cam.example".to_owned()))]);
}

#[test]
fn of_two_schemes_that_a_server_offers_the_stronger_counts() {
    let demand = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
        WWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(told(&Http, &[(SERVER, demand)]), [(SERVER, Finding::Auth(AuthScheme::Digest))]);
}

#[test]
fn a_later_request_behind_bodies_of_every_kind_is_read() {
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n5;x=y\r\nabcde\r\n0\r\nA: b\r\n\r\n";
    let sized = "POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n1234567";
    let admin = "GET /admin/rcontrol?action=sigout HTTP/1.1\r\n\r\n";
    let found = client(&[chunked, sized, "\r\n", admin].concat());
    assert_eq!(found, [(CLIENT, content(Content::MobotixAdmin))]);
    let replies = b"HTTP/1.1 304 Not\r\nContent-Length: 90\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 401 No\r\nWWW-Authenticate: Digest x\r\n\r\n";
    assert_eq!(told(&Http, &[(SERVER, replies)]), [(SERVER, Finding::Auth(AuthScheme::Digest))]);
}

#[test]
fn contents_of_xprotect_onvif_and_upnp_are_told() {
    let first = |octets: &str| client(octets).first().map(|(_, finding)| finding.clone());
    let event = "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 57\r\n\r\n\
        <AnalyticsEvent xmlns=\"urn:milestone-systems\"></AnalyticsE";
    assert_eq!(first(event), Some(content(Content::AnalyticsEvent)));
    let soap =
        "POST /x HTTP/1.1\r\nSOAPAction: \"http://videoos.net/2/XProtectCSServerCommand/Login\"\r\n\r\n";
    assert_eq!(first(soap), Some(content(Content::XprotectSoap)));
    let mobile = "POST /XProtectMobile/Communication HTTP/1.1\r\n\r\n";
    assert_eq!(first(mobile), Some(content(Content::XprotectMobile)));
    let upnp =
        "POST /c HTTP/1.1\r\nSOAPACTION: \"urn:schemas-upnp-org:service:ContentDirectory:1#Browse\"\r\n\r\n";
    assert_eq!(first(upnp), Some(content(Content::Upnp)));
    let onvif = "POST /onvif/device_service HTTP/1.1\r\nContent-Type: application/soap+xml\r\nContent-Length: 60\r\n\r\n\
        <s:Envelope xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl";
    let found = client(onvif);
    assert!(has(&found, CLIENT, &Finding::Content(Content::Onvif, Certainty::Consistent)));
    assert!(has(&found, CLIENT, &content(Content::Onvif)));
}

#[test]
fn motion_jpeg_websocket_and_rtsp_tunnels_are_told() {
    let mjpeg = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n";
    assert_eq!(told(&Http, &[(SERVER, mjpeg)]), [(SERVER, content(Content::Mjpeg))]);
    let socket = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";
    assert_eq!(told(&Http, &[(SERVER, socket)]), [(SERVER, content(Content::Websocket))]);
    let tunnel = "GET /s HTTP/1.0\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n";
    assert_eq!(client(tunnel), [(CLIENT, content(Content::RtspOverHttp))]);
    from_client(tunnel.as_bytes(), 554).refused(&Rtsp);
}

#[test]
fn a_message_behind_the_rest_of_another_is_found_in_mid_stream() {
    let reply = b"\xff\xd9binary\nmoreHTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
    let shown = Shown { octets: reply, port: 8080, side: SERVER, from_start: false };
    let found = shown.matched(&HttpMidstream);
    assert_eq!((found.sender, found.certainty, found.offset), (Sender::Server, Certainty::Consistent, 13));
    let request = b"=yes\r\n\r\nGET /admin/rcontrol HTTP/1.1\r\nHost: c\r\n\r\n";
    let found = Shown { octets: request, side: CLIENT, ..shown }.matched(&HttpMidstream);
    assert_eq!((found.sender, found.offset), (Sender::Client, 8));
    assert_eq!(client(str::from_utf8(request).unwrap())[0], (CLIENT, content(Content::MobotixAdmin)));
    Shown { octets: b"a log: \nGET / HTTP/1.1\nthen no header\n", ..shown }.refused(&HttpMidstream);
    Shown { from_start: true, ..shown }.refused(&HttpMidstream);
}

#[test]
fn motion_jpeg_in_mid_stream_is_told_by_a_part_of_it() {
    let part = b"\xd9\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n\xff\xd8\xff\xe0";
    let shown = Shown { octets: part, port: 80, side: SERVER, from_start: false };
    let found = shown.matched(&HttpMidstream);
    assert_eq!((found.content, found.offset, found.sender), (Some(Content::Mjpeg), 3, Sender::Either));
    let form = b"--b\r\nContent-Disposition: form-data\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0";
    Shown { octets: form, ..shown }.refused(&HttpMidstream);
    let mail = b"--b\r\nContent-Type: image/jpeg\r\n\r\n/9j/4AAQ\r\n";
    Shown { octets: mail, ..shown }.refused(&HttpMidstream);
}
