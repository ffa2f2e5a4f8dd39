//! SSDP, the discovery of UPnP: HTTP's form in datagrams.
//!
//! Source: UPnP Device Architecture 1.1 §1.2 (NOTIFY), §1.3 (M-SEARCH and its unicast answer).

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
use super::text::starts_with;

/// The recogniser of SSDP.
pub(super) struct Ssdp;

const PORT: u16 = 1900;

/// Start lines with who sends them. Who notifies opens the flow, as who searches does.
const STARTS: [(&[u8], &str); 2] = [(b"M-SEARCH * HTTP/1.", "M-SEARCH"), (b"NOTIFY * HTTP/1.", "NOTIFY")];

impl Recogniser for Ssdp {
    fn service(&self) -> Service {
        Service::Ssdp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, b'M' | b'N' | b'H')
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(Octets::of(head), head.from_port() == PORT))
    }
}

fn message(octets: Octets<'_>, from_port: bool) -> Read<Recognition> {
    for (start, what) in STARTS {
        if octets.expect(0, start).is_ok() {
            let length = u16::try_from(start.len()).unwrap_or(u16::MAX);
            let certainty = Certainty::Signature;
            return Ok(Recognition::proved(Service::Ssdp, certainty, Sender::Client, length, what));
        }
    }
    octets.expect(0, b"HTTP/1.")?;
    octets.expect(8, b" 200")?;
    let mut lines = octets.seen().split(|octet| *octet == b'\n');
    let named = lines.any(|line| starts_with(line, b"USN:") || starts_with(line, b"ST:"));
    require(named || (from_port && octets.is_cut()))?;
    let certainty = if named { Certainty::Signature } else { Certainty::Consistent };
    let what = "unicast answer to M-SEARCH";
    Ok(Recognition::proved(Service::Ssdp, certainty, Sender::Server, 12, what))
}
