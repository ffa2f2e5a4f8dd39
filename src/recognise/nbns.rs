//! NetBIOS name service (137) and datagram service (138).
//!
//! Both hold names in first-level encoding: 32, then 32 letters from A to P, which nothing else does.
//!
//! Source: RFC 1002 §4.2 (name service), §4.4 (datagram service).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::dns_message::Header;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::smb::netbios_name;

/// The name service.
pub(super) struct Nbns;

/// The datagram service.
pub(super) struct Nbdgm;

const PORT: u16 = 137;
const DNS_PORT: u16 = 53;
/// Octets of a datagram service header of types 10 to 12.
const DATAGRAM_HEADER: usize = 14;

impl Recogniser for Nbns {
    fn service(&self) -> Service {
        Service::Nbns
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let ports = [head.from_port(), head.to_port()];
        // On the port of DNS the same octets are its question: NBSTAT is SRV there.
        if ports.contains(&DNS_PORT) && !ports.contains(&PORT) {
            return Probe::Refuse;
        }
        answer(name_service(Octets::of(head)))
    }
}

impl Recogniser for Nbdgm {
    fn service(&self) -> Service {
        Service::Nbdgm
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(datagram_service(Octets::of(head)))
    }
}

fn name_service(octets: Octets<'_>) -> Read<Recognition> {
    let header = Header::read(octets)?;
    require(matches!(header.opcode(), 0 | 5..=9 | 15))?;
    let [questions, answers, authorities, additionals] = header.counts;
    require(questions <= 1 && answers <= 1 && authorities <= 1 && additionals <= 1)?;
    require(questions == 1 || answers == 1 || authorities == 1)?;
    netbios_name(octets, 12)?;
    // NB or NBSTAT; NULL in a negative answer, A and NS in a redirect.
    require(matches!(octets.be16(46)?, 0x20 | 0x21 | 0x0a | 1 | 2))?;
    require(octets.be16(48)? == 1)?;
    let sender = if header.answers() { Sender::Server } else { Sender::Client };
    let what = "NetBIOS name in a name service message";
    Ok(Recognition::proved(Service::Nbns, Certainty::Signature, sender, 50, what))
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
