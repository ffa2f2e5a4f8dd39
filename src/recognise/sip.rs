//! SIP over UDP and TCP. Either end of a call may send requests.
//!
//! Source: RFC 3261 §7.1, §7.2, §7.5 (empty lines before the start line); methods of RFC 3262, 3265, 3311,
//! 3428, 3515, 3903, 6086. Empty lines alone keep a path open (RFC 5626 §4.4.1); over UDP they are
//! datagrams of their own.

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::sip_follow::SipFollower;

/// See the module.
pub(super) struct Sip;

/// Longest start line read.
const LINE_MOST: usize = 1024;
/// Most octets of empty lines that are passed over at once.
const EMPTY_MOST: usize = 64;

const METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"OPTIONS",
    b"BYE",
    b"CANCEL",
    b"REGISTER",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];

impl Recogniser for Sip {
    fn service(&self) -> Service {
        Service::Sip
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, b'\r' | b'\n' | b'S') || METHODS.iter().any(|method| method.first() == Some(&first))
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let mut at = 0_usize;
        for datagram in head.datagrams() {
            let window = datagram.iter().take(EMPTY_MOST);
            let empty = window.take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
            if empty < datagram.len() {
                let octets = if at == 0 { Octets::of(head) } else { Octets::whole(datagram) };
                let found = start_line(octets.after(empty));
                return answer(found.map(|found| found.at(at.saturating_add(empty))));
            }
            at = at.saturating_add(datagram.len());
        }
        if head.finished { Probe::Refuse } else { Probe::NeedMore }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(SipFollower::default()))
    }
}

fn start_line(octets: Octets<'_>) -> Read<Recognition> {
    let proved = |sender, length: usize, what| {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        Ok(Recognition::proved(Service::Sip, Certainty::Signature, sender, length, what))
    };
    let mut waiting = false;
    match octets.expect(0, b"SIP/2.0 ") {
        Ok(()) => return proved(Sender::Either, 8, "status line of SIP"),
        Err(Probe::NeedMore) => waiting = true,
        Err(_) => {}
    }
    for method in METHODS {
        match octets.expect(0, method).and_then(|()| octets.expect(method.len(), b" ")) {
            Ok(()) => {
                uri(octets, method.len().saturating_add(1))?;
                let line = octets.line(0, LINE_MOST)?;
                require(line.ends_with(b" SIP/2.0"))?;
                let sender = if method == b"REGISTER" { Sender::Client } else { Sender::Either };
                return proved(sender, line.len(), "request line of SIP");
            }
            Err(Probe::NeedMore) => waiting = true,
            Err(_) => {}
        }
    }
    Err(if waiting { Probe::NeedMore } else { Probe::Refuse })
}

/// The scheme of the request's address.
fn uri(octets: Octets<'_>, at: usize) -> Read<()> {
    let schemes: [&[u8]; 3] = [b"sip:", b"sips:", b"tel:"];
    let mut waiting = false;
    for scheme in schemes {
        match octets.expect_word(at, scheme) {
            Ok(()) => return Ok(()),
            Err(Probe::NeedMore) => waiting = true,
            Err(_) => {}
        }
    }
    Err(if waiting { Probe::NeedMore } else { Probe::Refuse })
}
