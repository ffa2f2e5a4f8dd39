//! RDP: the X.224 connection that opens it. The name in its cookie is not kept.
//!
//! Source: [MS-RDPBCGR] §2.2.1.1 (connection request), §2.2.1.2 (confirm); RFC 1006 (TPKT). ISO
//! transport on port 102 (S7) opens alike, but with parameters that RDP does not write.

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
use super::tls_after::TlsAfter;

/// The recogniser of RDP.
pub(super) struct Rdp;

const PORT: u16 = 3389;
/// Octets of TPKT and the fixed part of X.224.
const FIXED: u16 = 11;

impl Recogniser for Rdp {
    fn service(&self) -> Service {
        Service::Rdp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 3
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&[PORT]);
        answer(connection(Octets::of(head), at_port))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TlsAfter::new(in_clear)))
    }
}

/// The first message of each side stands before TLS.
fn in_clear(octets: Octets<'_>) -> Read<usize> {
    octets.expect(0, &[3, 0])?;
    octets.be16(2).map(usize::from)
}

fn connection(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    octets.expect(0, &[3, 0])?;
    let length = octets.be16(2)?;
    require((FIXED..=1024).contains(&length))?;
    let indicator = octets.u8(4)?;
    require(u16::from(indicator).saturating_add(5) == length)?;
    let sender = match octets.u8(5)? {
        0xe0 => Sender::Client,
        0xd0 => Sender::Server,
        _ => return Err(Probe::Refuse),
    };
    octets.expect(6, &[0, 0])?;
    octets.be16(8)?;
    octets.expect(10, &[0])?;
    let what = "X.224 connection of RDP";
    if length == FIXED {
        require(at_port)?;
        return Ok(Recognition::proved(Service::Rdp, Certainty::Consistent, sender, 11, what));
    }
    match octets.u8(11)? {
        b'C' => octets.expect(11, b"Cookie: ")?,
        // RDP_NEG_REQ, RDP_NEG_RSP, RDP_NEG_FAILURE: type, flags, length 8.
        1..=3 => {
            octets.u8(12)?;
            octets.expect(13, &[8, 0])?;
        }
        _ => return Err(Probe::Refuse),
    }
    Ok(Recognition::proved(Service::Rdp, Certainty::Signature, sender, 15, what))
}
