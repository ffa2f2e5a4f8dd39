//! NetBIOS name service (port 137), known by the name that it asks for or answers.
//!
//! Source: RFC 1002 §4.2.

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::dns_message::Header;
use super::netbios_name::netbios_name;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// The name service.
pub(super) struct Nbns;

const PORT: u16 = 137;
const DNS_PORT: u16 = 53;

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
