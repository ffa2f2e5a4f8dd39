//! PPPP, the peer-to-peer framing of cheap cameras (CS2, iLnkP2P, Yi), on any UDP port.
//!
//! Source: pmarrapese/iot `p2p/dissector`, `p2p/lansearch.py`.

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

/// The recogniser of PPPP.
pub(super) struct Pppp;

impl Recogniser for Pppp {
    fn service(&self) -> Service {
        Service::Pppp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0xf1
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(pppp(Octets::of(head)))
    }
}

/// f1, a known type, and the exact length of what follows.
fn pppp(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0xf1])?;
    let kind = octets.u8(1)?;
    let known = matches!(kind, 0x00..=0x09 | 0x10..=0x13 | 0x18..=0x1b | 0x20..=0x21 | 0x30..=0x33 | 0x38..=0x4f
        | 0x60..=0x8a | 0x90 | 0xa0..=0xa1 | 0xb0..=0xb8 | 0xd0..=0xd2 | 0xe0..=0xe1 | 0xf0..=0xf1 | 0xf8..=0xff);
    require(known)?;
    let length = usize::from(octets.be16(2)?);
    octets.ends_at(length.saturating_add(4))?;
    let what = "PPPP type and exact length";
    Ok(Recognition::proved(Service::Pppp, Certainty::Consistent, Sender::Either, 4, what))
}
