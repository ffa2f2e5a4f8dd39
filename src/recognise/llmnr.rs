//! Link-local multicast name resolution (port 5355): DNS messages among neighbours.
//!
//! Source: RFC 4795 §2.1 (message format).

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::dns_follow::DnsFollower;
use super::dns_follow::Naming;
use super::dns_message::Header;
use super::dns_message::walk;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// Link-local multicast name resolution.
pub(super) struct Llmnr;

const PORT: u16 = 5355;

impl Recogniser for Llmnr {
    fn service(&self) -> Service {
        Service::Llmnr
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn only_at(&self) -> &'static [u16] {
        &[PORT]
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(head))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DnsFollower(Naming::Asked)))
    }
}

/// One question; the four bits after T are zero (RFC 4795 §2.1.1).
fn message(head: &Head<'_>) -> Read<Recognition> {
    let (asked, from) = (head.to_port() == PORT, head.from_port() == PORT);
    require(asked || from)?;
    let octets = Octets::of(head);
    let header = Header::read(octets)?;
    let [questions, answers, authorities, _] = header.counts;
    require(header.opcode() == 0 && questions == 1 && header.flags & 0x00f0 == 0)?;
    require(header.answers() || (answers == 0 && authorities == 0))?;
    walk(octets, header)?;
    let sender = if header.answers() { Sender::Server } else { Sender::Client };
    let length = u16::try_from(octets.seen().len()).unwrap_or(u16::MAX);
    let what = "DNS message on the port of LLMNR";
    Ok(Recognition::proved(Service::Llmnr, Certainty::Signature, sender, length, what))
}
