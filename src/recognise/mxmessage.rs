//! MOBOTIX MxMessage, by shape alone: encrypted datagrams on its port.
//!
//! No public source gives its layout, so this is always `heuristic`: at least two datagrams of 32
//! octets or more that look random for their length, on UDP port 19800 or, in multicast mode, the
//! one before it. Text on that port is something else, and is refused. Asked last of all.
//!
//! Source: on-camera help `help?msgdistri` (transport, both ports); MOBOTIX community 959 (19800).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::entropy::random_at_least;
use super::entropy::shape;

/// The recogniser of MxMessage.
pub(super) struct MxMessage;

/// The port of "the preceding port" mode and the default port.
const PORTS: [u16; 2] = [19799, 19800];
/// Shorter datagrams say nothing.
const SHORTEST: usize = 32;
/// Datagrams that must look random.
const ENOUGH: u8 = 2;
/// Room below the table for a header in clear.
const ROOM: f64 = 0.3;
/// More printable octets than that are text.
const TEXT: f64 = 0.65;

impl Recogniser for MxMessage {
    fn service(&self) -> Service {
        Service::Mxmessage
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn only_at(&self) -> &'static [u16] {
        &PORTS
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if !head.is_at(&PORTS) {
            return Probe::Refuse;
        }
        let mut random = 0_u8;
        for datagram in head.datagrams().filter(|datagram| datagram.len() >= SHORTEST) {
            let shape = shape(datagram);
            if shape.printable >= TEXT || shape.entropy < random_at_least(datagram.len()) - ROOM {
                return Probe::Refuse;
            }
            random = random.saturating_add(1);
            if random == ENOUGH {
                return Probe::Match(by_shape(head));
            }
        }
        if head.finished { Probe::Refuse } else { Probe::NeedMore }
    }
}

fn by_shape(head: &Head<'_>) -> Recognition {
    let what = if head.to_group {
        "datagrams to a group that look random, on the port of MxMessage"
    } else {
        "datagrams that look random, on the port of MxMessage"
    };
    let length = u16::try_from(head.first().len()).unwrap_or(u16::MAX);
    Recognition::proved(Service::Mxmessage, Certainty::Heuristic, Sender::Either, length, what)
}
