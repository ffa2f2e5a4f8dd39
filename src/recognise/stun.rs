//! STUN and TURN by the magic cookie.
//!
//! Source: RFC 8489 §5 (header), RFC 8656 §18 (TURN methods). With ICE both ends ask, so that only
//! TURN's methods tell the client.

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
const HEADER: usize = 20;

impl Recogniser for Stun {
    fn service(&self) -> Service {
        Service::Stun
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(Octets::of(head), head.key.transport == Transport::Udp))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(StunFollower::default()))
    }
}

fn message(octets: Octets<'_>, datagram: bool) -> Read<Recognition> {
    require(octets.u8(0)? & 0xc0 == 0)?;
    let kind = octets.be16(0)?;
    let length = usize::from(octets.be16(2)?);
    require(length.is_multiple_of(4))?;
    octets.expect(4, &COOKIE)?;
    if datagram {
        octets.ends_at(HEADER.saturating_add(length))?;
    }
    // The class is in bits 4 and 8, the method in the others.
    let method = kind & 0x000f;
    let sender = match (method, kind & 0x0110) {
        (3 | 4 | 6 | 8 | 9, 0x0000) => Sender::Client,
        (3 | 4 | 8 | 9, 0x0100 | 0x0110) => Sender::Server,
        _ => Sender::Either,
    };
    let what = "magic cookie of STUN";
    Ok(Recognition::proved(Service::Stun, Certainty::Signature, sender, 8, what))
}
