//! Kerberos 5, over UDP and, with a length before it, over TCP.
//!
//! Source: RFC 4120 §5.4 (KDC-REQ, KDC-REP), §5.9.1 (KRB-ERROR), §7.2.2 (TCP).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::ber::element;
use super::ber::tagged;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// See the module.
pub(super) struct Kerberos;

impl Recogniser for Kerberos {
    fn service(&self) -> Service {
        Service::Kerberos
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, transport: Transport) -> bool {
        match transport {
            Transport::Udp => matches!(first, 0x6a..=0x6d | 0x7e),
            _ => first == 0,
        }
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        if head.key.transport == Transport::Udp {
            return answer(message(octets, 0));
        }
        answer(framed(octets))
    }
}

/// The top bit of the length is reserved and zero.
fn framed(octets: Octets<'_>) -> Read<Recognition> {
    let high = octets.u8(0)?;
    require(high == 0)?;
    octets.be32(0)?;
    message(octets, 4)
}

/// The outer tag names the message type; version 5 and the same type must stand inside. A request
/// has them in the fields 1 and 2, an answer in 0 and 1.
fn message(octets: Octets<'_>, at: usize) -> Read<Recognition> {
    let tag = octets.u8(at)?;
    let (kind, sender, first) = match tag {
        0x6a => (10, Sender::Client, 0xa1),
        0x6c => (12, Sender::Client, 0xa1),
        0x6b => (11, Sender::Server, 0xa0),
        0x6d => (13, Sender::Server, 0xa0),
        0x7e => (30, Sender::Server, 0xa0),
        _ => return Err(Probe::Refuse),
    };
    let outer = element(octets, at)?;
    let inner = tagged(octets, outer.at, 0x30)?;
    require(inner.end() <= outer.end())?;
    octets.expect(inner.at, &[first, 3, 2, 1, 5])?;
    octets.expect(inner.at.saturating_add(5), &[first.saturating_add(1), 3, 2, 1, kind])?;
    let what = "Kerberos version and message type";
    let found = Recognition::proved(Service::Kerberos, Certainty::Signature, sender, 10, what);
    Ok(found.at(inner.at))
}
