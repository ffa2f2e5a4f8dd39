//! Dahua's DVRIP (TCP 37777). Nothing of its logins is kept.
//!
//! Source: mcw0/DahuaConsole `net.py` (headers of login, reply and JSON).

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

/// Dahua's DVRIP.
pub(super) struct DahuaDvrip;

const PORT: u16 = 37_777;

impl Recogniser for DahuaDvrip {
    fn service(&self) -> Service {
        Service::DahuaDvrip
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 0xa0 | 0xb0 | 0xf6)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(header(Octets::of(head), head.from_port() == PORT))
    }
}

/// A header of 32 octets: a login ends in a1 aa; JSON has its length twice and a brace behind it; a
/// reply is known by its port only.
fn header(octets: Octets<'_>, from_port: bool) -> Read<Recognition> {
    let kind = octets.u8(0)?;
    let (certainty, sender, what) = match kind {
        0xa0 => {
            require(matches!(octets.u8(1)?, 0 | 1 | 5))?;
            octets.expect(2, &[0, 0])?;
            octets.slice(4, 26)?;
            octets.expect(30, &[0xa1, 0xaa])?;
            (Certainty::Signature, Sender::Client, "DVRIP login")
        }
        0xb0 => {
            require(from_port && octets.u8(1)? <= 1)?;
            octets.slice(2, 30)?;
            (Certainty::Consistent, Sender::Server, "DVRIP reply from its port")
        }
        0xf6 => {
            octets.expect(1, &[0, 0, 0])?;
            let length = octets.le32(4)?;
            require(octets.le32(16)? == length && length > 1)?;
            octets.slice(20, 12)?;
            octets.expect(32, b"{")?;
            (Certainty::Signature, Sender::Either, "DVRIP header before JSON")
        }
        _ => return Err(Probe::Refuse),
    };
    Ok(Recognition::proved(Service::DahuaDvrip, certainty, sender, 32, what))
}
