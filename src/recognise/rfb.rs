//! RFB, the protocol of VNC: the version that both ends write first, the server before the client.
//!
//! Source: RFC 6143 §7.1.1 (ProtocolVersion: `RFB 003.008` and a line feed, twelve octets).

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

/// The recogniser of RFB.
pub(super) struct Rfb;

impl Recogniser for Rfb {
    fn service(&self) -> Service {
        Service::Rfb
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == b'R'
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(version(Octets::of(head)))
    }
}

/// Behind the version a server writes a count of security types (3.7 and later) and a client its
/// choice; neither tells more than the port would, so the sender stays open.
fn version(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, b"RFB 00")?;
    let [major, point, a, b, c, end] = octets.array::<6>(6)?;
    let digits = [major, a, b, c].iter().all(u8::is_ascii_digit);
    require(digits && point == b'.' && end == b'\n')?;
    let what = "ProtocolVersion of RFB";
    Ok(Recognition::proved(Service::Rfb, Certainty::Signature, Sender::Either, 12, what))
}
