//! DNS over UDP and TCP, on any port.
//!
//! The header alone fits too much; the whole message must be walked, name by name, to its end.
//!
//! Source: RFC 1035 §4.1, §4.2.2; RFC 2136 (UPDATE), RFC 1996 (NOTIFY), RFC 6891 (EDNS).

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
use super::dns_follow::DnsStreamFollower;
use super::dns_follow::Naming;
use super::dns_message::Header;
use super::dns_message::walk;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// DNS in datagrams.
pub(super) struct Dns;

/// DNS in streams.
pub(super) struct DnsOverTcp;

const PORT: u16 = 53;
/// mDNS, LLMNR and the NetBIOS name service use the format too and have their own recognisers.
const OTHERS: [u16; 3] = [5353, 5355, 137];

impl Recogniser for Dns {
    fn service(&self) -> Service {
        Service::Dns
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if OTHERS.contains(&head.from_port()) || OTHERS.contains(&head.to_port()) {
            return Probe::Refuse;
        }
        answer(message(Octets::of(head), at_port(head)))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DnsFollower(Naming::Asked)))
    }
}

impl Recogniser for DnsOverTcp {
    fn service(&self) -> Service {
        Service::Dns
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        answer(framed(octets, at_port(head)))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DnsStreamFollower::default()))
    }
}

fn at_port(head: &Head<'_>) -> bool {
    head.from_port() == PORT || head.to_port() == PORT
}

/// The first message of a stream, with its length before it.
fn framed(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let length = usize::from(octets.be16(0)?);
    require((17..=4094).contains(&length))?;
    header(octets.after(2))?;
    let message_octets = octets.slice(2, length)?;
    message(Octets::whole(message_octets), at_port).map(|found| found.at(2))
}

/// One message.
fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let header = header(octets)?;
    let [questions, ..] = header.counts;
    // Off its port a message without a question could be anything that is short.
    require(questions == 1 || at_port)?;
    walk(octets, header)?;
    let certainty = if at_port { Certainty::Signature } else { Certainty::Consistent };
    let (sender, what) = match header.answers() {
        true => (Sender::Server, "DNS answer"),
        false => (Sender::Client, "DNS question"),
    };
    let length = u16::try_from(octets.seen().len()).unwrap_or(u16::MAX);
    Ok(Recognition::proved(Service::Dns, certainty, sender, length, what))
}

/// A header that a resolver or a server may write.
fn header(octets: Octets<'_>) -> Read<Header> {
    let flags = octets.be16(2)?;
    let asks = flags & 0x8000 == 0;
    let opcode = (flags >> 11) & 0xf;
    // The reserved bit is zero, and a question carries no response code.
    require(flags & 0x0040 == 0 && matches!(opcode, 0 | 4 | 5))?;
    require(!asks || flags & 0x000f == 0)?;
    let header = Header::read(octets)?;
    let [questions, answers, authorities, additionals] = header.counts;
    require(questions <= 1)?;
    if asks && opcode == 0 {
        require(questions == 1 && answers == 0 && authorities <= 1 && additionals <= 2)?;
    }
    require(header.opcode() == opcode && header.answers() != asks)?;
    Ok(header)
}
