//! XProtect by path and by body, as Milestone's public samples write them.

use camsentry::recognise::Finding;
use camsentry::service::Certainty;
use camsentry::service::Content;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::tcp;

#[test]
fn every_documented_path_names_its_content_whoever_s_port_it_is() {
    let paths = [
        ("POST", "/ManagementServer/ServerCommandServiceOAuth.svc", Content::XprotectSoap),
        ("POST", "/ManagementServer/ConfigurationApiService.svc", Content::XprotectSoap),
        ("POST", "/ServerAPI/ServerCommandService.asmx", Content::XprotectSoap),
        ("POST", "/RecorderCommandService/RecorderCommandService.asmx", Content::XprotectSoap),
        ("POST", "/RecorderStatusService/RecorderStatusService.asmx", Content::XprotectSoap),
        ("POST", "/Central/AlarmServiceToken", Content::XprotectSoap),
        ("POST", "/Central/AlarmService2", Content::XprotectSoap),
        ("POST", "/LogServer/LogCommandService.asmx", Content::XprotectSoap),
        ("POST", "/IDP/connect/token", Content::XprotectSoap),
        ("GET", "/API/IDP/.well-known/openid-configuration", Content::XprotectSoap),
        ("GET", "/api/rest/v1/cameras", Content::XprotectSoap),
        ("POST", "/API/REST/v1/WebRTC/Session", Content::XprotectSoap),
        ("GET", "/api/ws/events/v1", Content::XprotectSoap),
        ("GET", "/api/ws/messages/v1", Content::XprotectSoap),
        ("POST", "/XProtectMobile/Communication", Content::XprotectMobile),
        ("GET", "/XProtectMobile/Video/4711", Content::XprotectMobile),
        ("POST", "/XProtectMobile/Audio", Content::XprotectMobile),
    ];
    for (method, path, content) in paths {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: vms\r\nContent-Length: 0\r\n\r\n");
        for port in [80, 7563, 22_331, 22_337, 8081] {
            let heard = tcp(port, &[(CLIENT, request.as_bytes())]).heard();
            let told = heard.found.iter().any(|(_, f)| matches!(f, Finding::Content(c, _) if *c == content));
            assert!(told, "{path} on {port}: {heard:?}");
        }
    }
}

#[test]
fn bodies_name_what_their_paths_do_not() {
    let cases = [
        ("<AnalyticsEvent xmlns=\"urn:milestone-systems\">", Content::AnalyticsEvent, Certainty::Signature),
        ("<Alert xmlns=\"http://tempuri.org/Alert.xsd\">", Content::AnalyticsEvent, Certainty::Consistent),
        (
            "<s:Envelope><a:Action>http://videoos.net/2/CentralServerAlarmCommand/x</a:Action>",
            Content::XprotectSoap,
            Certainty::Signature,
        ),
        (
            "<Communication><Command SequenceId=\"1\"><Type>Request</Type>",
            Content::XprotectMobile,
            Certainty::Consistent,
        ),
        (
            "<e:propertyset><u:x xmlns:u=\"urn:schemas-upnp-org:service:AVTransport:1\">",
            Content::Upnp,
            Certainty::Signature,
        ),
        (
            "<s:Body><trt:GetProfiles xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\"/>",
            Content::Onvif,
            Certainty::Signature,
        ),
    ];
    for (body, content, certainty) in cases {
        let request = format!(
            "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let heard = tcp(9090, &[(CLIENT, request.as_bytes())]).heard();
        heard.demand(CLIENT, Finding::Content(content, certainty));
    }
    // XML-RPC and a neighbour's metrics say none of it.
    for body in ["<methodCall><methodName>x</methodName></methodCall>", "# HELP up 1 if up\nup 1\n"] {
        let request = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let heard = tcp(9090, &[(CLIENT, request.as_bytes())]).heard();
        assert!(!heard.found.iter().any(|(_, f)| matches!(f, Finding::Content(..))), "{body}");
    }
}

#[test]
fn a_websocket_of_the_api_gateway_keeps_the_name_of_its_path() {
    let ask =
        b"GET /api/ws/events/v1 HTTP/1.1\r\nHost: vms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let consent =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02{}";
    let heard = tcp(443, &[(CLIENT, ask), (SERVER, consent)]).heard();
    heard.demand(CLIENT, Finding::Content(Content::XprotectSoap, Certainty::Consistent));
    heard.demand(SERVER, Finding::Content(Content::Websocket, Certainty::Signature));
}
