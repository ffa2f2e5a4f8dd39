//! Baichuan, the protocol of Reolink's cameras (TCP 9000). Nothing of its login is kept.
//!
//! Source: thirtythreeforty/neolink, its dissector for Wireshark.

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

/// The recogniser of Baichuan.
pub(super) struct Baichuan;

impl Recogniser for Baichuan {
    fn service(&self) -> Service {
        Service::Baichuan
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0xf0
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(baichuan(Octets::of(head)))
    }
}

/// The magic, and the class of message at 18. Message 1 in the legacy class is a login.
fn baichuan(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0xf0, 0xde, 0xbc, 0x0a])?;
    let message = octets.le32(4)?;
    octets.slice(8, 10)?;
    let class = octets.be16(18)?;
    require(matches!(class, 0x1465 | 0x1466 | 0x1464 | 0x0000))?;
    let sender = if message == 1 && class == 0x1465 { Sender::Client } else { Sender::Either };
    let what = "Baichuan magic and class";
    Ok(Recognition::proved(Service::Baichuan, Certainty::Signature, sender, 20, what))
}
