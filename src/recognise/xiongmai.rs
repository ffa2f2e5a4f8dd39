//! Xiongmai's Sofia protocol (TCP 34567, discovery UDP 34569). Nothing of its login is kept.
//!
//! Source: AlexxIT/go2rtc `pkg/dvrip/client.go`.

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

/// The recogniser of Xiongmai's Sofia protocol.
pub(super) struct Xiongmai;

/// Stream and discovery.
const PORTS: [u16; 2] = [34_567, 34_569];

impl Recogniser for Xiongmai {
    fn service(&self) -> Service {
        Service::Xiongmai
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0xff
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&PORTS);
        answer(sofia(Octets::of(head), at_port))
    }
}

/// ff, version, two zero octets; message number at 14, length at 16, then JSON.
fn sofia(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    octets.expect(0, &[0xff])?;
    require(octets.u8(1)? <= 1)?;
    octets.expect(2, &[0, 0])?;
    octets.slice(4, 10)?;
    let message = octets.le16(14)?;
    let length = octets.le32(16)?;
    require((1000..=3000).contains(&message) && length <= 0x0010_0000)?;
    let json = length > 0 && octets.u8(20)? == b'{';
    require(json || at_port)?;
    let certainty = if json { Certainty::Signature } else { Certainty::Consistent };
    let sender = match message {
        1000 => Sender::Client,
        1001 => Sender::Server,
        _ => Sender::Either,
    };
    let what = "Xiongmai header and message number";
    Ok(Recognition::proved(Service::Xiongmai, certainty, sender, 20, what))
}
