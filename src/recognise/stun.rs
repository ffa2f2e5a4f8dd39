//! STUN and TURN by a magic cookie; without one, by attributes that fill the message.
//!
//! Source: RFC 8489 §5 (header), RFC 8656 §18 (TURN methods); RFC 3489 §11 (no cookie, attributes of fixed
//! lengths); [MS-TURN] §2.2.1, §2.2.2 (a cookie of its own as first attribute, no padding). With ICE both
//! ends ask, so that only TURN's methods tell the client.

use super::Certainty;
use super::Follower;
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
use super::stun_follow::StunFollower;

/// See the module.
pub(super) struct Stun;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// The attribute with Microsoft's cookie ([MS-TURN] §2.2.2.8): type 15, four octets, these.
const OTHER_COOKIE: [u8; 8] = [0, 15, 0, 4, 0x72, 0xc6, 0x4b, 0xc6];
const HEADER: usize = 20;
/// Most attributes of RFC 3489 that are walked.
const ATTRIBUTES: usize = 16;

impl Recogniser for Stun {
    fn service(&self) -> Service {
        Service::Stun
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first & 0xc0 == 0
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        answer(if head.key.transport == Transport::Udp { datagram(octets) } else { stream(octets) })
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(StunFollower::default()))
    }
}

/// The first message of a stream, in front of which nothing stands (RFC 8489 §6.2.2).
fn stream(octets: Octets<'_>) -> Read<Recognition> {
    require(octets.u8(0)? & 0xc0 == 0)?;
    require(octets.be16(2)?.is_multiple_of(4))?;
    octets.expect(4, &COOKIE)?;
    Ok(proved(octets.be16(0)?, "magic cookie of STUN"))
}

/// A message is as long as its datagram.
fn datagram(octets: Octets<'_>) -> Read<Recognition> {
    let (kind, length) = (octets.be16(0)?, octets.be16(2)?);
    require(kind & 0xc000 == 0)?;
    octets.ends_at(usize::from(length).saturating_add(HEADER))?;
    if octets.expect(HEADER, &OTHER_COOKIE).is_ok() {
        return Ok(proved(kind, "magic cookie of TURN in Windows"));
    }
    require(length.is_multiple_of(4))?;
    if octets.expect(4, &COOKIE).is_ok() {
        return Ok(proved(kind, "magic cookie of STUN"));
    }
    attributes(octets, kind)?;
    let what = "attributes of STUN that fill the message";
    Ok(Recognition::proved(Service::Stun, Certainty::Consistent, Sender::Either, 28, what))
}

fn proved(kind: u16, what: &'static str) -> Recognition {
    // The class is in bits 4 and 8, the method in the others.
    let sender = match (kind & 0x000f, kind & 0x0110) {
        (3 | 4 | 6 | 8 | 9, 0x0000) => Sender::Client,
        (3 | 4 | 8 | 9, 0x0100 | 0x0110) => Sender::Server,
        _ => Sender::Either,
    };
    Recognition::proved(Service::Stun, Certainty::Signature, sender, 8, what)
}

/// Refuses unless this is a binding message of RFC 3489 §11: its attributes are those of §11.2, one at
/// least, each as long as that says and in the messages that have it, and they end with the message.
/// Optional ones (from 8000 hex) prove nothing.
fn attributes(octets: Octets<'_>, kind: u16) -> Read<()> {
    require(matches!(kind, 0x0001 | 0x0101 | 0x0111) && !octets.is_cut())?;
    let (mut at, mut first) = (HEADER, true);
    for _ in 0..ATTRIBUTES {
        if octets.after(at).seen().is_empty() && !first {
            return Ok(());
        }
        let (attribute, length) = (octets.be16(at)?, usize::from(octets.be16(at.saturating_add(2))?));
        let value = octets.slice(at.saturating_add(4), length)?;
        // An address: unused, family 1, port, address.
        let address = matches!(value, [_, 1, _, _, _, _, _, _]);
        require(match (attribute, kind) {
            (0x0001 | 0x0004 | 0x0005 | 0x000b, 0x0101) | (0x0002, 0x0001) => address,
            (0x0003, 0x0001) => matches!(value, [0, 0, 0, flags] if flags & !0x06 == 0),
            (0x0006, 0x0001) => length > 0 && length.is_multiple_of(4),
            (0x0008, _) => length == 20,
            (0x0009, 0x0111) => matches!(value, [0, 0, 1..=6, 0..=99, ..]),
            (0x000a, 0x0111) => length > 0 && length.is_multiple_of(4),
            (0x8000.., _) => !first,
            _ => false,
        })?;
        first = false;
        at = at.saturating_add(length).saturating_add(4);
    }
    Err(Probe::Refuse)
}
