//! OpenVPN: the resets that open its control channel, and data on its port.
//!
//! Source: OpenVPN wire protocol (openvpn-rfc, "OpenVPN Wire Protocol"), sections on packet
//! opcodes, `--tls-auth` and P_DATA_V2.

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

/// The recogniser of OpenVPN.
pub(super) struct Openvpn;

const PORT: u16 = 1194;
/// Opcode P_DATA_V2, in the upper five bits of the first octet.
const DATA: u8 = 9;
/// Octets of an HMAC of `--tls-auth`: none, SHA-1, SHA-256, SHA-512.
const HMACS: [usize; 4] = [0, 20, 32, 64];

impl Recogniser for Openvpn {
    fn service(&self) -> Service {
        Service::Openvpn
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, transport: Transport) -> bool {
        transport != Transport::Udp || opener(first).is_some() || first >> 3 == DATA
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        if head.key.transport == Transport::Tcp {
            return answer(framed(octets));
        }
        let at_port = head.is_at(&[PORT]);
        match answer(reset(octets)) {
            Probe::Refuse if at_port => data(head),
            other => other,
        }
    }
}

/// On TCP each packet has its length before it.
fn framed(octets: Octets<'_>) -> Read<Recognition> {
    let length = octets.be16(0)?;
    require((14..=128).contains(&length))?;
    require(opener(octets.u8(2)?).is_some())?;
    let packet = octets.slice(2, usize::from(length))?;
    reset(Octets::whole(packet)).map(|found| found.at(2))
}

/// P_CONTROL_HARD_RESET of client (7, 10) or server (8), with key identifier 0.
const fn opener(octet: u8) -> Option<Sender> {
    match octet {
        0x38 | 0x50 => Some(Sender::Client),
        0x40 => Some(Sender::Server),
        _ => None,
    }
}

/// Opcode, session, perhaps an HMAC with packet number 1 and a time, acknowledgements, packet 0.
fn reset(octets: Octets<'_>) -> Read<Recognition> {
    let Some(sender) = opener(octets.u8(0)?) else { return Err(Probe::Refuse) };
    require(octets.array::<8>(1)? != [0; 8])?;
    let what = "hard reset of OpenVPN's control channel";
    for hmac in HMACS {
        let guard = if hmac == 0 { 0 } else { hmac.saturating_add(8) };
        let acks = 9_usize.saturating_add(guard);
        let guarded = hmac == 0 || octets.be32(9_usize.saturating_add(hmac)) == Ok(1);
        let count = octets.u8(acks).unwrap_or(u8::MAX);
        // Each acknowledgement takes four octets, and with any the peer's session follows.
        let acked = if count == 0 { 0 } else { usize::from(count).saturating_mul(4).saturating_add(8) };
        let number = acks.saturating_add(1).saturating_add(acked);
        let ends = octets.ends_at(number.saturating_add(4)).is_ok();
        if guarded && count <= 8 && ends && octets.be32(number) == Ok(0) {
            return Ok(Recognition::proved(Service::Openvpn, Certainty::Consistent, sender, 14, what));
        }
    }
    Err(Probe::Refuse)
}

/// P_DATA_V2 of one peer, twice.
fn data(head: &Head<'_>) -> Probe {
    let mut datagrams = head.datagrams();
    let Some([first, ..]) = datagrams.next() else { return Probe::Refuse };
    if first >> 3 != DATA {
        return Probe::Refuse;
    }
    let opening = head.first().get(..4);
    match datagrams.next() {
        None if !head.finished => Probe::NeedMore,
        Some(second) if opening.is_some() && second.get(..4) == opening => {
            let what = "OpenVPN data of one peer on its port";
            let certainty = Certainty::Heuristic;
            Probe::Match(Recognition::proved(Service::Openvpn, certainty, Sender::Either, 4, what))
        }
        _ => Probe::Refuse,
    }
}
