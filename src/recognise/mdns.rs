//! Multicast DNS (port 5353) and LLMNR (port 5355): DNS messages among neighbours.
//!
//! Source: RFC 6762 §6, §18; RFC 4795 §2.1.

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

/// Multicast DNS, its unicast answers included.
pub(super) struct Mdns;

/// Link-local multicast name resolution.
pub(super) struct Llmnr;

const MDNS_PORT: u16 = 5353;
const LLMNR_PORT: u16 = 5355;

impl Recogniser for Mdns {
    fn service(&self) -> Service {
        Service::Mdns
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(mdns(head))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DnsFollower(Naming::Owner)))
    }
}

impl Recogniser for Llmnr {
    fn service(&self) -> Service {
        Service::Llmnr
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(llmnr(head))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DnsFollower(Naming::Asked)))
    }
}

/// Opcode and response code are zero (RFC 6762 §18.3, §18.11). Any host may ask or answer.
fn mdns(head: &Head<'_>) -> Read<Recognition> {
    require(head.from_port() == MDNS_PORT || head.to_port() == MDNS_PORT)?;
    let octets = Octets::of(head);
    let header = Header::read(octets)?;
    require(header.opcode() == 0 && header.rcode() == 0)?;
    let [questions, answers, ..] = header.counts;
    require(questions > 0 || answers > 0)?;
    walk(octets, header)?;
    let length = u16::try_from(octets.seen().len()).unwrap_or(u16::MAX);
    let what = "DNS message on the port of mDNS";
    Ok(Recognition::proved(Service::Mdns, Certainty::Signature, Sender::Either, length, what))
}

/// One question; the four bits after T are zero (RFC 4795 §2.1.1).
fn llmnr(head: &Head<'_>) -> Read<Recognition> {
    let (asked, from) = (head.to_port() == LLMNR_PORT, head.from_port() == LLMNR_PORT);
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
