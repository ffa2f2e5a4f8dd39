//! DHCPv6: its options must fill the message exactly.
//!
//! Source: RFC 8415 §8 (client and server messages), §9 (relay), §21.1 (options).

use super::Certainty;
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

/// See the module.
pub(super) struct Dhcpv6;

/// Ports of client and server.
const PORTS: [u16; 2] = [546, 547];

impl Recogniser for Dhcpv6 {
    fn service(&self) -> Service {
        Service::Dhcpv6
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        (1..=13).contains(&first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&PORTS);
        answer(message(Octets::of(head), at_port))
    }
}

fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let kind = octets.u8(0)?;
    let (sender, options) = match kind {
        1 | 3..=6 | 8 | 9 | 11 => (Sender::Client, 4),
        2 | 7 | 10 => (Sender::Server, 4),
        12 => (Sender::Client, 34),
        13 => (Sender::Server, 34),
        _ => return Err(Probe::Refuse),
    };
    let identified = walk(octets, options)?;
    require(at_port || identified)?;
    let certainty = if at_port { Certainty::Consistent } else { Certainty::Heuristic };
    Ok(Recognition::proved(Service::Dhcpv6, certainty, sender, 4, "DHCPv6 message and its options"))
}

/// Walks the options, of which there is one at least, and says whether a DUID identifies a party.
fn walk(octets: Octets<'_>, options: usize) -> Read<bool> {
    let mut at = options;
    let mut identified = false;
    // Each option takes four octets or more, so this ends with the message.
    loop {
        let (code, length) = match (octets.be16(at), octets.be16(at.saturating_add(2))) {
            (Ok(code), Ok(length)) => (code, usize::from(length)),
            _ if octets.is_cut() && at > options => return Ok(identified),
            _ => return Err(Probe::Refuse),
        };
        require((1..=150).contains(&code))?;
        let data = at.saturating_add(4);
        let duid = matches!(code, 1 | 2) && (4..=132).contains(&length);
        identified |= duid && octets.be16(data).is_ok_and(|kind| (1..=4).contains(&kind));
        at = data.saturating_add(length);
        if at >= octets.seen().len() {
            octets.ends_at(at).or_else(|probe| if octets.is_cut() { Ok(()) } else { Err(probe) })?;
            return Ok(identified);
        }
    }
}
