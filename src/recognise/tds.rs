//! Microsoft SQL Server's TDS, version 7 and later.
//!
//! PRELOGIN, LOGIN7 and TLS inside PRELOGIN are known on any port; other packets only on SQL
//! Server's own port, where their shape must fit. TDS 8 starts with TLS and shows as that.
//!
//! Source: [MS-TDS] §2.2.3.1 (packet header), §2.2.6.5 (PRELOGIN), §2.2.6.4 (LOGIN7), §4.1 example.

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
use super::octets::either;
use super::octets::require;
use super::tds_follow::TdsFollower;

/// The recogniser of TDS.
pub(super) struct Tds;

/// SQL Server's port.
const PORT: u16 = 1433;
/// Octets of a packet header.
pub(super) const HEADER: usize = 8;
/// A PRELOGIN is short; longer ones of type 12 carry TLS.
const PRELOGIN_MOST: u16 = 512;

impl Recogniser for Tds {
    fn service(&self) -> Service {
        Service::Tds
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        let by_octets = match octets.u8(0) {
            Ok(0x12) => either(prelogin(octets), || tls_inside(octets)),
            Ok(0x04) => prelogin(octets),
            Ok(0x10) => login7(octets),
            Ok(_) => Err(Probe::Refuse),
            Err(missing) => Err(missing),
        };
        answer(either(by_octets, || on_its_port(octets, head)))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TdsFollower::default()))
    }
}

/// PRELOGIN and its answer: the option table starts with VERSION, whose data are six octets.
fn prelogin(octets: Octets<'_>) -> Read<Recognition> {
    let asks = octets.u8(0)? == 0x12;
    octets.expect(1, &[1])?;
    let length = octets.be16(2)?;
    require((26..=PRELOGIN_MOST).contains(&length))?;
    let session = octets.be16(4)?;
    require(!asks || session == 0)?;
    octets.u8(6)?;
    octets.expect(7, &[0, 0, 0])?;
    let options = octets.u8(10)?;
    require(options >= 6 && u16::from(options) < length)?;
    octets.expect(11, &[0, 6])?;
    let sender = if asks { Sender::Client } else { Sender::Server };
    let what = if asks { "PRELOGIN" } else { "answer to PRELOGIN" };
    Ok(Recognition::proved(Service::Tds, Certainty::Signature, sender, 13, what))
}

/// A handshake record of TLS inside a packet of type 12; also where the capture starts after PRELOGIN.
fn tls_inside(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0x12])?;
    require(octets.u8(1)? <= 1)?;
    require(octets.be16(2)? >= 13)?;
    octets.be16(4)?;
    octets.u8(6)?;
    octets.expect(7, &[0, 0x16, 3])?;
    require(octets.u8(10)? <= 4)?;
    octets.be16(11)?;
    let sender = match octets.u8(13)? {
        1 => Sender::Client,
        2 => Sender::Server,
        _ => Sender::Either,
    };
    let what = "TLS handshake inside PRELOGIN";
    Ok(Recognition::proved(Service::Tds, Certainty::Signature, sender, 14, what))
}

/// LOGIN7 with its TDS version; user name and password follow and are not read.
fn login7(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0x10])?;
    require(octets.u8(1)? <= 1)?;
    let packet = octets.be16(2)?;
    require(packet > 16)?;
    octets.be16(4)?;
    octets.u8(6)?;
    octets.expect(7, &[0])?;
    let length = octets.le32(8)?;
    require((94..=131_072).contains(&length))?;
    require(length.saturating_add(8) >= u32::from(packet))?;
    octets.le16(12)?;
    octets.u8(14)?;
    require((0x70..=0x74).contains(&octets.u8(15)?))?;
    Ok(Recognition::proved(Service::Tds, Certainty::Signature, Sender::Client, 16, "LOGIN7"))
}

/// Any packet, where one end has SQL Server's port. A TPKT header (`03 00 00`) looks like it and is
/// refused: RDP and ISO transport write it.
fn on_its_port(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let (to, from) = (head.to_port() == PORT, head.from_port() == PORT);
    require(to != from)?;
    let kind = octets.u8(0)?;
    let answers = kind == 4;
    let asks = matches!(kind, 1..=3 | 6..=8 | 14 | 16..=18);
    require((answers && from) || (asks && to) || (kind == 18 && from))?;
    let status = octets.u8(1)?;
    require(status & !0x1f == 0)?;
    let length = octets.be16(2)?;
    require((8..=32_767).contains(&length) && !(kind == 3 && status == 0 && length < 256))?;
    octets.be16(4)?;
    octets.u8(6)?;
    octets.expect(7, &[0])?;
    let sender = if to { Sender::Client } else { Sender::Server };
    let what = "TDS packet header on SQL Server's port";
    Ok(Recognition::proved(Service::Tds, Certainty::Consistent, sender, 8, what))
}
