//! SSH: both sides open with their version.
//!
//! Source: RFC 4253 §4.2, §5.1 (`1.99`).

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
pub(super) struct Ssh;

impl Recogniser for Ssh {
    fn service(&self) -> Service {
        Service::Ssh
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == b'S'
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(version(Octets::of(head)))
    }
}

fn version(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, b"SSH-")?;
    let major = octets.u8(4)?;
    require(matches!(major, b'1' | b'2'))?;
    octets.expect(5, b".")?;
    require(octets.u8(6)?.is_ascii_digit())?;
    Ok(Recognition::proved(Service::Ssh, Certainty::Signature, Sender::Either, 7, "version line of SSH"))
}
