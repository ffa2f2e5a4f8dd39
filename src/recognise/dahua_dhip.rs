//! Dahua's DHIP. Nothing of its logins is kept.
//!
//! Source: mcw0/DahuaConsole `net.py` (header), `Console.py` (discovery).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::answer;

/// Dahua's DHIP.
pub(super) struct DahuaDhip;

impl Recogniser for DahuaDhip {
    fn service(&self) -> Service {
        Service::DahuaDhip
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0x20
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let what = "magic of DHIP";
        let magic = Octets::of(head).expect(0, b"\x20\0\0\0DHIP");
        let certainty = Certainty::Signature;
        let found = Recognition::proved(Service::DahuaDhip, certainty, Sender::Either, 8, what);
        answer(magic.map(|()| found))
    }
}
