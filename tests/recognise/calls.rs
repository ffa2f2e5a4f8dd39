//! SIP, STUN and TURN.

use camsentry::recognise::Sender;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;

use crate::probing::ask;
use crate::probing::hex;
use crate::probing::holds;
use crate::remote_and_vendors::consistent;
use crate::remote_and_vendors::tcp;
use crate::remote_and_vendors::udp;

#[test]
fn sip_and_stun_are_known() {
    // RFC 3261 §24.1, §24.2; RFC 5769 §2.1 (its first attribute), RFC 8656.
    let sip = Service::Sip;
    let register = b"REGISTER sip:registrar.biloxi.com SIP/2.0\r\nVia: x\r\n\r\n".to_vec();
    let invite = b"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: x\r\n\r\n".to_vec();
    holds(&tcp("REGISTER", (50_000, 5060), register, sip, Sender::Client));
    holds(&udp("INVITE", (5060, 5060), invite, sip, Sender::Either));
    holds(&udp("answer", (5060, 5060), b"SIP/2.0 180 Ringing\r\n\r\n".to_vec(), sip, Sender::Either));
    let options = b"OPTIONS rtsp://cam/ RTSP/1.0\r\n\r\n".to_vec();
    assert_ne!(ask(Transport::Tcp, (50_000, 554), &[options]).map(|found| found.service), Some(sip));
    let binding = hex("0001000c 2112a442 b7e7a701bc34d686fa87dfae 80220008 5354554e20746573");
    holds(&udp("binding", (50_000, 3478), binding, Service::Stun, Sender::Either));
    let allocate = hex("00030008 2112a442 b7e7a701bc34d686fa87dfae 00190004 11000000");
    holds(&tcp("allocate", (50_000, 3478), allocate, Service::Stun, Sender::Client));
}

#[test]
fn empty_lines_before_a_message_of_sip_are_passed_over() {
    // RFC 3261 §7.5; RFC 5626 §4.4.1.
    let sip = Service::Sip;
    let options = b"\r\n\r\nOPTIONS sip:door@example.net SIP/2.0\r\nVia: x\r\n\r\n".to_vec();
    holds(&tcp("in front of a request", (50_000, 5060), options.clone(), sip, Sender::Either));
    holds(&udp("in its datagram", (5060, 5060), options.clone(), sip, Sender::Either));
    let mut alone = udp("in datagrams of their own", (5060, 5060), b"\r\n\r\n".to_vec(), sip, Sender::Either);
    alone.parts.extend([b"\r\n".to_vec(), options]);
    holds(&alone);
    assert_eq!(ask(Transport::Udp, (5060, 5060), &alone.parts).unwrap().offset, 10);
    for nothing in [b"\r\n".repeat(200), b"\r\n\r\nPING\r\n".to_vec()] {
        assert!(ask(Transport::Udp, (5060, 5060), &[nothing]).is_none());
    }
}

#[test]
fn stun_without_the_cookie_is_known_by_its_attributes() {
    // RFC 3489 §11.2.4 (CHANGE-REQUEST); §11.2.1 to §11.2.3 and a SERVER, which is optional; §11.2.9.
    let head =
        |kind: &str, length: &str| [hex(kind), hex(length), hex("b7e7a701bc34d686fa87dfae01020304")].concat();
    let request = [head("0001", "0008"), hex("0003 0004 00000006")].concat();
    let addresses = hex("0001 0008 0001c350c0000201 0004 0008 00010d96c6336401 0005 0008 00010d97c6336402");
    let answer = [head("0101", "002c"), addresses, hex("8022 0004 53545544")].concat();
    let failure = [head("0111", "000c"), hex("0009 0008 00000400 42616421")].concat();
    for octets in [request, answer, failure] {
        let longer = [octets.as_slice(), &[0]].concat();
        assert!(ask(Transport::Udp, (50_000, 3478), &[longer]).is_none(), "an octet too many");
        let case = udp("attributes", (50_000, 3478), octets, Service::Stun, Sender::Either);
        holds(&consistent(case, Some(Certainty::Consistent)));
    }
    let strange = [
        (head("0001", "0000"), "nothing but a type"),
        ([head("0001", "0008"), hex("0003 0004 000000ff")].concat(), "flags that are none"),
        ([head("0101", "000c"), hex("0001 0008 0003c350c0000201")].concat(), "an unknown family"),
        ([head("0001", "000c"), hex("0001 0008 0001c350c0000201")].concat(), "an address in a request"),
        ([head("0001", "0008"), hex("8022 0004 53545544")].concat(), "an optional attribute alone"),
        ([head("0001", "0008"), hex("0003 0008 00000006")].concat(), "an attribute beyond the end"),
    ];
    for (octets, what) in strange {
        assert!(ask(Transport::Udp, (50_000, 3478), &[octets]).is_none(), "{what}");
    }
}

#[test]
fn turn_of_windows_is_known_by_its_own_cookie() {
    // [MS-TURN] §2.2.1, §2.2.2: nothing is padded, and the transaction holds no cookie.
    let id = hex("b7e7a701bc34d686fa87dfae01020304");
    let cookie = hex("000f0004 72c64bc6");
    let data = [hex("0115 0011"), id.clone(), cookie.clone(), hex("0013 0005 68656c6c6f")].concat();
    holds(&udp("data", (3478, 50_000), data.clone(), Service::Stun, Sender::Either));
    let allocate =
        [hex("0003 000f"), hex("2112a442"), id[4..].to_vec(), cookie, hex("0006 0003 63616d")].concat();
    holds(&udp("allocate", (50_000, 3478), allocate, Service::Stun, Sender::Client));
    let mut padded = data;
    padded.push(0);
    assert!(ask(Transport::Udp, (3478, 50_000), &[padded]).is_none(), "longer than it says");
}
