//! NetBIOS datagram service (port 138), known by the names that it carries.
//!
//! Source: RFC 1002 §4.4.

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::netbios_name::netbios_name;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// The datagram service.
pub(super) struct Nbdgm;

/// Octets of a datagram service header of types 0x10 to 0x12.
const DATAGRAM_HEADER: usize = 14;

impl Recogniser for Nbdgm {
    fn service(&self) -> Service {
        Service::Nbdgm
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        (0x10..=0x16).contains(&first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(datagram_service(Octets::of(head)))
    }
}

fn datagram_service(octets: Octets<'_>) -> Read<Recognition> {
    let kind = octets.u8(0)?;
    require((0x10..=0x16).contains(&kind) && octets.u8(1)? <= 0x0f)?;
    octets.slice(2, 8)?;
    let what = "NetBIOS name in a datagram";
    if kind == 0x13 {
        return Err(Probe::Refuse);
    }
    if kind <= 0x12 {
        let length = usize::from(octets.be16(10)?);
        octets.ends_at(DATAGRAM_HEADER.saturating_add(length))?;
        netbios_name(octets, DATAGRAM_HEADER)?;
    } else {
        netbios_name(octets, 10)?;
    }
    Ok(Recognition::proved(Service::Nbdgm, Certainty::Signature, Sender::Either, 48, what))
}
