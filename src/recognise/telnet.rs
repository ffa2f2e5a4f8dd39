//! Telnet by its option negotiation, which either end may start.
//!
//! Source: RFC 854 "TELNET command structure"; RFC 855 (options).

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

/// The recogniser of Telnet.
pub(super) struct Telnet;

const PORT: u16 = 23;
/// Highest option that is assigned and in use (IANA "Telnet Options").
const OPTION_MOST: u8 = 49;

impl Recogniser for Telnet {
    fn service(&self) -> Service {
        Service::Telnet
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&[PORT]);
        answer(negotiation(Octets::of(head), at_port))
    }
}

/// IAC, then WILL, WON'T, DO or DON'T, then an option: once on its port, twice elsewhere.
fn negotiation(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let times = if at_port { 1 } else { 2 };
    for at in [0_usize, 3].into_iter().take(times) {
        octets.expect(at, &[0xff])?;
        require((0xfb..=0xfe).contains(&octets.u8(at.saturating_add(1))?))?;
        require(octets.u8(at.saturating_add(2))? <= OPTION_MOST)?;
    }
    let what = "option negotiation of Telnet";
    Ok(Recognition::proved(Service::Telnet, Certainty::Consistent, Sender::Either, 3, what))
}
