//! MQTT, with which cameras and IoT devices report events. User name, password and topics are not kept.
//!
//! Source: OASIS MQTT 3.1.1 §2.2 (fixed header), §3.1 (CONNECT), §3.2 (CONNACK); MQTT 5.0 §3.1; the
//! older name `MQIsdp` of MQTT 3.1 §3.1.

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

/// The recogniser of MQTT.
pub(super) struct Mqtt;

/// MQTT's port without TLS.
const PORT: u16 = 1883;

impl Recogniser for Mqtt {
    fn service(&self) -> Service {
        Service::Mqtt
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 0x10 | 0x20)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(0x10) => answer(connect(octets)),
            Ok(0x20) if head.from_port() == PORT => answer(connack(octets)),
            Ok(_) => Probe::Refuse,
            Err(missing) => missing,
        }
    }
}

/// CONNECT: the remaining length in one to four octets, the protocol's name and level.
fn connect(octets: Octets<'_>) -> Read<Recognition> {
    let mut at = 1_usize;
    for _ in 0..3 {
        if octets.u8(at)? < 0x80 {
            break;
        }
        at = at.saturating_add(1);
    }
    require(octets.u8(at)? < 0x80)?;
    let name = at.saturating_add(1);
    octets.expect(name, &[0])?;
    let length = octets.u8(name.saturating_add(1))?;
    let text: &[u8] = match length {
        4 => b"MQTT",
        6 => b"MQIsdp",
        _ => return Err(Probe::Refuse),
    };
    octets.expect(name.saturating_add(2), text)?;
    let level = octets.u8(name.saturating_add(2).saturating_add(text.len()))?;
    require(matches!((length, level & 0x7f), (4, 4 | 5) | (6, 3)))?;
    let end = u16::try_from(name.saturating_add(3).saturating_add(text.len())).unwrap_or(u16::MAX);
    let what = "CONNECT of MQTT";
    Ok(Recognition::proved(Service::Mqtt, Certainty::Signature, Sender::Client, end, what))
}

/// CONNACK: two octets, or with MQTT 5 some properties; so short that the port must support it.
fn connack(octets: Octets<'_>) -> Read<Recognition> {
    let length = octets.u8(1)?;
    require((2..0x80).contains(&length) && octets.u8(2)? <= 1)?;
    let code = octets.u8(3)?;
    require(code <= 5 || code >= 0x80)?;
    let what = "CONNACK of MQTT from its port";
    Ok(Recognition::proved(Service::Mqtt, Certainty::Consistent, Sender::Server, 4, what))
}
