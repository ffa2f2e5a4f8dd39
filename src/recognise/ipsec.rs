//! IPsec in UDP: IKE on any port, ESP in UDP on port 4500. ESP and AH of their own are IP protocols
//! and have no octets for a recogniser.
//!
//! Source: RFC 7296 §3.1 (IKE header), §3.1 on port 4500 (four zero octets before it), RFC 2408
//! §3.1 (version 1), RFC 3948 §2.1 (ESP in UDP).

use super::Certainty;
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
use super::octets::size;

/// See the module.
pub(super) struct Ipsec;

/// IKE and ESP behind address translation.
const NAT_PORT: u16 = 4500;
/// Most packets lost between two that are compared.
const STEP_MOST: u32 = 64;

impl Recogniser for Ipsec {
    fn service(&self) -> Service {
        Service::Ipsec
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&[NAT_PORT]);
        let octets = Octets::of(head);
        match octets.be32(0) {
            Ok(0) => answer(ike(octets.after(4)).map(|found| found.at(4))),
            Ok(_) if at_port => esp(head),
            Ok(_) => answer(ike(octets)),
            Err(_) => Probe::Refuse,
        }
    }
}

fn ike(octets: Octets<'_>) -> Read<Recognition> {
    let initiator: [u8; 8] = octets.array(0)?;
    let responder: [u8; 8] = octets.array(8)?;
    let version = octets.u8(17)?;
    let exchange = octets.u8(18)?;
    let flags = octets.u8(19)?;
    require(initiator != [0; 8])?;
    let fits = match version {
        0x10 => matches!(exchange, 1..=6 | 32..=33) && flags & 0xf8 == 0,
        0x20 => (34..=44).contains(&exchange) && flags & 0xc7 == 0,
        _ => false,
    };
    require(fits)?;
    octets.ends_at(size(octets.be32(24)?))?;
    // Version 2: bit 3 is set by who opened the association. Version 1: only the first message
    // lacks the responder's cookie.
    let sender = match (version, flags & 0x08 != 0, responder == [0; 8]) {
        (0x20, true, _) | (0x10, _, true) => Sender::Client,
        (0x20, false, _) => Sender::Server,
        _ => Sender::Either,
    };
    let what = "IKE header";
    Ok(Recognition::proved(Service::Ipsec, Certainty::Signature, sender, 28, what))
}

/// Two datagrams with one security parameter index and a rising sequence.
fn esp(head: &Head<'_>) -> Probe {
    // One octet of ff keeps a translation alive.
    let mut datagrams = head.datagrams().filter(|datagram| *datagram != [0xff]).map(Octets::whole);
    // What comes twice tells nothing.
    let first = datagrams.next();
    let second = datagrams.find(|later| first.is_some_and(|first| first.seen() != later.seen()));
    let (Some(first), Some(second)) = (first, second) else {
        return if head.finished { Probe::Refuse } else { Probe::NeedMore };
    };
    answer(pair(first, second))
}

fn pair(first: Octets<'_>, second: Octets<'_>) -> Read<Recognition> {
    let step = second.be32(4)?.wrapping_sub(first.be32(4)?);
    require(first.be32(0)? == second.be32(0)? && (1..=STEP_MOST).contains(&step))?;
    let what = "ESP in UDP: one index, rising sequence";
    Ok(Recognition::proved(Service::Ipsec, Certainty::Consistent, Sender::Either, 8, what))
}
