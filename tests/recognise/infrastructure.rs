//! DNS and its relatives, DHCP, NTP, SSDP, WS-Discovery. Octets written by scapy 2.5.0 unless a
//! source is named.

use crate::probing::Case;
use crate::probing::ask;
use crate::probing::hex;
use crate::probing::holds;
use crate::probing::learned;
use camsentry::addr::Addr;
use camsentry::addr::Mac;
use camsentry::flow::Side;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::DeviceKind;
use camsentry::recognise::finding::Finding;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

const DNS_QUESTION: &str = "1234010000010000000000000363616d076578616d706c65036e65740000010001";
const DNS_ANSWER: &str = "1234818000010003000000000363616d076578616d706c65036e657400000100010363616d07
    6578616d706c65036e657400000500010000000000120465646765076578616d706c65036f7267000465646765076578616d70
    6c65036f72670000010001000000000004cb007107056f74686572076578616d706c65036f726700000100010000000000
    04cb007108";
const MDNS_ANSWER: &str =
    "0000850000000001000000000a6d7831302d312d322d33056c6f63616c00000180010000000000040a010203";
const LLMNR_QUESTION: &str = "0009000000010000000000000a66696c657365727665720000010001";
const NBNS_QUESTION: &str =
    "000001100001000000000000204547454a454d45464644454646434647454646434341434143414341434141410000200001";
const NTP_CLIENT: &str = "2300000000000000000000000000000000000000000000000000000000000000000000000000
    0000e875470000000000";
const NTP_SERVER: &str = "24020a0000000000000000000a010101e875431800000000e87546ffe6666800e8754700666668
    00e875470080000000";
const DHCP6_SOLICIT: &str = "011234560001000a000300010003c5123456000800020000";

/// A BOOTP message of scapy: op, yiaddr, chaddr 00:03:c5:12:34:56, options.
fn dhcp(op: u8, given: [u8; 4], options: &str) -> Vec<u8> {
    let mut message = vec![op, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend(given);
    message.extend([0; 8]);
    message.extend([0x00, 0x03, 0xc5, 0x12, 0x34, 0x56]);
    message.resize(236, 0);
    message.extend(hex("63825363"));
    message.extend(hex(options));
    message
}

fn udp(name: &'static str, ports: (u16, u16), octets: Vec<u8>, service: Service, sender: Sender) -> Case {
    let certainty = Certainty::Signature;
    let parts = vec![octets];
    Case {
        name,
        transport: Transport::Udp,
        ports,
        parts,
        service,
        sender,
        certainty,
        elsewhere: Some(certainty),
    }
}

fn ws_discovery(action: &str, body: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Header><w:Action>\
         http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</w:Action></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )
    .into_bytes()
}

#[test]
fn dns_is_known_on_any_port_and_each_side_alone() {
    for (name, text, sender, ports) in [
        ("DNS question", DNS_QUESTION, Sender::Client, (50_000, 53)),
        ("DNS answer", DNS_ANSWER, Sender::Server, (53, 50_000)),
    ] {
        let octets = hex(text);
        let elsewhere = Some(Certainty::Consistent);
        holds(&Case { elsewhere, ..udp(name, ports, octets.clone(), Service::Dns, sender) });
        let mut framed = u16::try_from(octets.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(octets);
        let tcp = udp(name, ports, framed, Service::Dns, sender);
        holds(&Case { elsewhere, transport: Transport::Tcp, ..tcp });
    }
}

#[test]
fn the_relatives_of_dns_are_told_by_port_or_by_name() {
    let mdns = udp("mDNS", (5353, 5353), hex(MDNS_ANSWER), Service::Mdns, Sender::Either);
    holds(&Case { elsewhere: None, ..mdns });
    let llmnr = udp("LLMNR", (50_000, 5355), hex(LLMNR_QUESTION), Service::Llmnr, Sender::Client);
    let found = ask(Transport::Udp, (50_000, 5355), &llmnr.parts).unwrap();
    assert_eq!((found.service, found.sender), (Service::Llmnr, Sender::Client));
    holds(&udp("NBNS", (137, 137), hex(NBNS_QUESTION), Service::Nbns, Sender::Client));
}

#[test]
fn a_name_is_resolved_through_its_alias_and_a_stranger_s_record_is_left_out() {
    let wanted = Finding::Resolved { name: "cam.example.net".to_owned(), addr: Addr::v4([203, 0, 113, 7]) };
    let said = [(Side::A, hex(DNS_QUESTION)), (Side::B, hex(DNS_ANSWER))];
    assert_eq!(learned(Service::Dns, Transport::Udp, &said, usize::MAX), std::slice::from_ref(&wanted));
    let mut framed = u16::try_from(hex(DNS_ANSWER).len()).unwrap().to_be_bytes().to_vec();
    framed.extend(hex(DNS_ANSWER));
    for piece in [1, 2, 3, 7, 50, 1_000] {
        let said = [(Side::B, framed.clone()), (Side::B, framed.clone())];
        let found = learned(Service::Dns, Transport::Tcp, &said, piece);
        assert_eq!(found, [wanted.clone(), wanted.clone()], "pieces of {piece}");
    }
    let said = [(Side::A, hex(MDNS_ANSWER))];
    let wanted = Finding::Resolved { name: "mx10-1-2-3.local".to_owned(), addr: Addr::v4([10, 1, 2, 3]) };
    assert_eq!(learned(Service::Mdns, Transport::Udp, &said, usize::MAX), [wanted]);
}

#[test]
fn a_name_whose_pointers_loop_is_no_name() {
    // The answer's name points at itself (octet 12).
    let message = hex("1234818000000001000000 00 c00c 0001 0001 00000000 0004 cb007107");
    assert!(ask(Transport::Udp, (53, 50_000), std::slice::from_ref(&message)).is_none());
    assert!(learned(Service::Dns, Transport::Udp, &[(Side::A, message)], usize::MAX).is_empty());
}

#[test]
fn dhcp_is_known_by_its_cookie_and_an_ack_gives_a_lease() {
    let ack = dhcp(2, [10, 20, 0, 17], "35010536040a140001ff");
    let discover = dhcp(1, [0; 4], "350101ff");
    holds(&udp("DHCP discover", (68, 67), discover.clone(), Service::Dhcp, Sender::Client));
    holds(&udp("DHCP ack", (67, 68), ack.clone(), Service::Dhcp, Sender::Server));
    let said = [(Side::A, discover), (Side::B, ack)];
    let mac = Mac([0x00, 0x03, 0xc5, 0x12, 0x34, 0x56]);
    let wanted = Finding::Lease { addr: Addr::v4([10, 20, 0, 17]), mac };
    assert_eq!(learned(Service::Dhcp, Transport::Udp, &said, usize::MAX), [wanted]);
    let offer = dhcp(2, [10, 20, 0, 17], "35010236040a140001ff");
    assert!(learned(Service::Dhcp, Transport::Udp, &[(Side::B, offer)], usize::MAX).is_empty());
}

#[test]
fn dhcpv6_is_known_by_options_that_fill_it() {
    let case = udp("DHCPv6", (546, 547), hex(DHCP6_SOLICIT), Service::Dhcpv6, Sender::Client);
    holds(&Case { certainty: Certainty::Consistent, elsewhere: Some(Certainty::Heuristic), ..case });
    let mut longer = hex(DHCP6_SOLICIT);
    longer.push(0);
    assert!(ask(Transport::Udp, (546, 547), &[longer]).is_none());
}

#[test]
fn ntp_is_known_on_its_port_and_by_set_clocks_elsewhere() {
    for (name, text, sender, ports) in [
        ("NTP client", NTP_CLIENT, Sender::Client, (50_000, 123)),
        ("NTP server", NTP_SERVER, Sender::Server, (123, 50_000)),
    ] {
        let case = udp(name, ports, hex(text), Service::Ntp, sender);
        holds(&Case { certainty: Certainty::Consistent, elsewhere: Some(Certainty::Heuristic), ..case });
    }
    assert!(ask(Transport::Udp, (50_000, 123), &[b"this is text and no time at all!".to_vec()]).is_none());
}

#[test]
fn ssdp_is_known_both_ways() {
    // UPnP Device Architecture 1.1, §1.2.2, §1.3.2, §1.3.3.
    let search =
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n".to_vec();
    let notify = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\n\r\n".to_vec();
    let found =
        b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\n\r\n"
            .to_vec();
    holds(&udp("M-SEARCH", (50_000, 1900), search, Service::Ssdp, Sender::Client));
    holds(&udp("NOTIFY", (1900, 1900), notify, Service::Ssdp, Sender::Client));
    holds(&udp("answer", (1900, 50_000), found, Service::Ssdp, Sender::Server));
    let other = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n".to_vec();
    assert!(ask(Transport::Udp, (1900, 50_000), &[other]).is_none());
}

#[test]
fn ws_discovery_is_known_both_ways_and_tells_onvif_devices() {
    let types =
        "<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/Profile</d:Scopes>";
    let probe = ws_discovery("Probe", "<d:Types>dn:NetworkVideoTransmitter</d:Types>");
    let matches = ws_discovery("ProbeMatches", types);
    holds(&udp("Probe", (50_000, 3702), probe.clone(), Service::WsDiscovery, Sender::Client));
    holds(&udp("ProbeMatches", (3702, 50_000), matches.clone(), Service::WsDiscovery, Sender::Server));
    let answer = ask(Transport::Udp, (3702, 50_000), std::slice::from_ref(&matches)).unwrap();
    assert_eq!(answer.content, Some(Content::Onvif));
    // Who asks for cameras is none.
    assert!(learned(Service::WsDiscovery, Transport::Udp, &[(Side::A, probe)], usize::MAX).is_empty());
    let camera = [Finding::DeviceKind(DeviceKind::OnvifCamera)];
    for said in [matches, ws_discovery("Hello", types)] {
        assert_eq!(learned(Service::WsDiscovery, Transport::Udp, &[(Side::B, said)], usize::MAX), camera);
    }
    let soap = b"<?xml version=\"1.0\"?><Envelope/>".to_vec();
    assert!(ask(Transport::Udp, (50_000, 50_001), &[soap]).is_none());
}
