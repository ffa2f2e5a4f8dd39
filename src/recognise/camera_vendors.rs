//! Protocols of camera vendors outside the guides: Dahua, Xiongmai, Baichuan (Reolink), PPPP.
//!
//! A camera that speaks one of them to a stranger is worth knowing by name. Nothing of their logins
//! is kept.
//!
//! Source: mcw0/DahuaConsole `net.py` (DVRIP, DHIP); AlexxIT/go2rtc `pkg/dvrip/client.go`
//! (Xiongmai); thirtythreeforty/neolink's dissector (Baichuan); pmarrapese/iot `p2p/dissector`
//! (PPPP).

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
/// Dahua's DHIP.
pub(super) struct DahuaDhip;
/// Xiongmai's Sofia protocol.
pub(super) struct Xiongmai;
/// Baichuan.
pub(super) struct Baichuan;
/// PPPP.
pub(super) struct Pppp;

const DVRIP_PORT: u16 = 37_777;
/// Xiongmai's stream and discovery ports.
const XIONGMAI_PORTS: [u16; 2] = [34_567, 34_569];

impl Recogniser for DahuaDvrip {
    fn service(&self) -> Service {
        Service::DahuaDvrip
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(dvrip(Octets::of(head), head.from_port() == DVRIP_PORT))
    }
}

impl Recogniser for DahuaDhip {
    fn service(&self) -> Service {
        Service::DahuaDhip
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let what = "magic of DHIP";
        let magic = Octets::of(head).expect(0, b"\x20\0\0\0DHIP");
        let certainty = Certainty::Signature;
        let found = Recognition::proved(Service::DahuaDhip, certainty, Sender::Either, 8, what);
        answer(magic.map(|()| found))
    }
}

impl Recogniser for Xiongmai {
    fn service(&self) -> Service {
        Service::Xiongmai
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = XIONGMAI_PORTS.contains(&head.from_port()) || XIONGMAI_PORTS.contains(&head.to_port());
        answer(sofia(Octets::of(head), at_port))
    }
}

impl Recogniser for Baichuan {
    fn service(&self) -> Service {
        Service::Baichuan
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(baichuan(Octets::of(head)))
    }
}

impl Recogniser for Pppp {
    fn service(&self) -> Service {
        Service::Pppp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(pppp(Octets::of(head)))
    }
}

/// A header of 32 octets: a login ends in a1 aa; JSON has its length twice and a brace behind it; a
/// reply is known by its port only.
fn dvrip(octets: Octets<'_>, from_port: bool) -> Read<Recognition> {
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

/// f1, a known type, and the exact length of what follows.
fn pppp(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0xf1])?;
    let kind = octets.u8(1)?;
    let known = matches!(kind, 0x00..=0x09 | 0x10..=0x13 | 0x18..=0x1b | 0x20..=0x21 | 0x30..=0x33 | 0x38..=0x4f
        | 0x60..=0x8a | 0x90 | 0xa0..=0xa1 | 0xb0..=0xb8 | 0xd0..=0xd2 | 0xe0..=0xe1 | 0xf0..=0xf1 | 0xf8..=0xff);
    require(known)?;
    let length = usize::from(octets.be16(2)?);
    octets.ends_at(length.saturating_add(4))?;
    let what = "PPPP type and exact length";
    Ok(Recognition::proved(Service::Pppp, Certainty::Consistent, Sender::Either, 4, what))
}
