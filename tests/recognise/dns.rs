//! DNS beyond the plain question and answer. Octets written by scapy 2.5.0.

use crate::probing::Question;
use crate::probing::ask;
use crate::probing::hex;
use camsentry::recognise::Probe;
use camsentry::recognise::Recognition;
use camsentry::recognise::Sender;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;

const TO_DNS: (u16, u16) = (50_000, 53);
const ELSEWHERE: (u16, u16) = (41_111, 42_222);

/// `DNS(id=0x1234, rd=1, qd=DNSQR(qname="cam.example.net", qtype="A"))`
const QUESTION: &str = "1234010000010000000000000363616d076578616d706c65036e65740000010001";

/// A node status request (RFC 1002 §4.2.17) for `*`: in first-level encoding `CK` and thirty `A`.
const NODE_STATUS: &str =
    "80f00010000100000000000020434b4141414141414141414141414141414141414141414141414141414141410000210001";

fn udp(ports: (u16, u16), octets: &str) -> Option<Recognition> {
    ask(Transport::Udp, ports, &[hex(octets)])
}

fn service(ports: (u16, u16), octets: &str) -> Option<Service> {
    udp(ports, octets).map(|found| found.service)
}

#[test]
fn an_inverse_query_and_a_status_request_are_dns_on_its_port_alone() {
    // `DNS(id=0x1234, opcode=1, rd=0, qd=None, an=DNSRR(rrname=".", ttl=0, rdata="10.20.0.17"))`
    let inverse = "12340800000000010000000000000100010000000000040a140011";
    // RFC 1035 §4.1.1: opcode 2, nothing asked.
    let status = "123410000000000000000000";
    for asked in [inverse, status] {
        let found = udp(TO_DNS, asked).unwrap();
        assert_eq!((found.service, found.sender), (Service::Dns, Sender::Client), "{asked}");
        assert_eq!(service(ELSEWHERE, asked), None, "{asked}");
    }
    // An inverse query brings its answer, a status request brings nothing.
    assert_eq!(service(TO_DNS, "123408000000000000000000"), None);
    assert_eq!(service(TO_DNS, "12341000000000010000000000000100010000000000040a140011"), None);
}

#[test]
fn a_type_of_private_use_is_asked_for_on_the_port_of_dns_alone() {
    // Type 65399 (RFC 6895 §3.1).
    let asked = "1234010000010000000000000363616d076578616d706c65036e657400ff770001";
    assert_eq!(service(TO_DNS, asked), Some(Service::Dns));
    assert_eq!(service(ELSEWHERE, asked), None);
}

#[test]
fn padding_in_a_record_of_type_zero_leaves_a_question_what_it_is() {
    // `ar=DNSRR(rrname=".", type=0, rclass=0, ttl=0, rdata=...)` after the question: RFC 7830's padding
    // of four octets, under a type that no record has.
    let padded =
        format!("{}0000000000000000000008000c000400000000", QUESTION.replacen("0000000363", "0000010363", 1));
    assert_eq!(service(ELSEWHERE, &padded), Some(Service::Dns));
    // One octet too many is no DNS.
    assert_eq!(service(ELSEWHERE, &format!("{padded}00")), None);
}

#[test]
fn a_question_that_the_snap_length_cut_is_consistent_with_dns_on_its_port_alone() {
    let whole = hex(QUESTION);
    for length in 0..=whole.len() {
        let seen = |ports, is_cut| {
            let mut question = Question::new(Transport::Udp, ports, &[whole[..length].to_vec()]);
            (question.cut, question.finished) = (is_cut, true);
            match question.asked() {
                Probe::Match(found) => Some((found.service, found.certainty)),
                _ => None,
            }
        };
        let is_whole = length == whole.len();
        let at_port = match length {
            0..=12 => None,
            _ if is_whole => Some((Service::Dns, Certainty::Signature)),
            _ => Some((Service::Dns, Certainty::Consistent)),
        };
        assert_eq!(seen(TO_DNS, true), at_port, "{length} octets");
        let elsewhere = is_whole.then_some((Service::Dns, Certainty::Consistent));
        assert_eq!(seen(ELSEWHERE, true), elsewhere, "{length} octets elsewhere");
        assert_eq!(seen(TO_DNS, false).is_some(), is_whole, "{length} octets and no more were sent");
    }
    // A label of more than 63 octets begins no name.
    let mut odd = Question::new(Transport::Udp, TO_DNS, &[hex("123401000001000000000000416363")]);
    (odd.cut, odd.finished) = (true, true);
    assert_eq!(odd.asked(), Probe::Refuse);
}

#[test]
fn a_netbios_name_is_asked_of_dns_on_port_53_and_of_its_own_service_elsewhere() {
    assert_eq!(service(TO_DNS, NODE_STATUS), Some(Service::Dns));
    assert_eq!(service((50_000, 137), NODE_STATUS), Some(Service::Nbns));
    assert_eq!(service(ELSEWHERE, NODE_STATUS), Some(Service::Nbns));
    assert_eq!(service((137, 53), NODE_STATUS), Some(Service::Nbns));
}
