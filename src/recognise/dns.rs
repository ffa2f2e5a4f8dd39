//! DNS over UDP and TCP, on any port.
//!
//! The header alone fits too much; the whole message must be walked, name by name, to its end.
//!
//! Source: RFC 1035 §4.1, §4.2.2, §6.4 (inverse queries); RFC 2136 (UPDATE), RFC 1996 (NOTIFY), RFC 6891
//! (EDNS), RFC 6895 §3.1 (types).

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
use super::dns_message::HEADER;
use super::dns_message::Header;
use super::dns_message::question;
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
    header(octets.after(2), at_port)?;
    let message_octets = octets.slice(2, length)?;
    message(Octets::whole(message_octets), at_port).map(|found| found.at(2))
}

/// One message.
fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let header = header(octets, at_port)?;
    let [questions, ..] = header.counts;
    let asked = question(octets, HEADER);
    // Off its port a message without a question could be anything that is short.
    require(at_port || (questions == 1 && asked.is_ok_and(|asked| is_assigned(asked.kind))))?;
    walk(octets, header)?;
    // Of a question that the snap length cut, too little is there to be sure.
    let is_sure = at_port && (questions == 0 || asked.is_ok());
    let certainty = if is_sure { Certainty::Signature } else { Certainty::Consistent };
    let (sender, what) = match header.answers() {
        true => (Sender::Server, "DNS answer"),
        false => (Sender::Client, "DNS question"),
    };
    let length = u16::try_from(octets.seen().len()).unwrap_or(u16::MAX);
    Ok(Recognition::proved(Service::Dns, certainty, sender, length, what))
}

/// Types that are assigned (RFC 6895 §3.1 and the registry that it keeps), private use aside.
const fn is_assigned(kind: u16) -> bool {
    matches!(kind, 1..=68 | 99..=110 | 128 | 249..=264 | 32_768..=32_769)
}

/// A header that a resolver or a server may write. Inverse queries (1) and status requests (2) have
/// little inside that proves them, so they need the port.
fn header(octets: Octets<'_>, at_port: bool) -> Read<Header> {
    let flags = octets.be16(2)?;
    let asks = flags & 0x8000 == 0;
    let opcode = (flags >> 11) & 0xf;
    // The reserved bit is zero, and a question carries no response code.
    require(flags & 0x0040 == 0 && (matches!(opcode, 0 | 4 | 5) || (at_port && matches!(opcode, 1 | 2))))?;
    require(!asks || flags & 0x000f == 0)?;
    let header = Header::read(octets)?;
    let [questions, answers, authorities, additionals] = header.counts;
    require(questions <= 1)?;
    let fits = match opcode {
        0 => questions == 1 && answers == 0 && authorities <= 1 && additionals <= 2,
        // An answer to which the question is sought (RFC 1035 §6.4.1).
        1 => questions == 0 && answers == 1 && authorities == 0,
        2 => header.counts == [0; 4],
        _ => true,
    };
    require(fits || !asks)?;
    require(header.opcode() == opcode && header.answers() != asks)?;
    Ok(header)
}
