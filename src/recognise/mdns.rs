//! Multicast DNS (port 5353): DNS messages among neighbours.
//!
//! Source: RFC 6762 §6 (responses), §18 (message format).

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

const PORT: u16 = 5353;

impl Recogniser for Mdns {
    fn service(&self) -> Service {
        Service::Mdns
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
        Some(Box::new(DnsFollower(Naming::Owner)))
    }
}

/// Opcode and response code are zero (RFC 6762 §18.3, §18.11). Any host may ask or answer.
fn message(head: &Head<'_>) -> Read<Recognition> {
    require(head.is_at(&[PORT]))?;
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
