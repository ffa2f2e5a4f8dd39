//! NTP: modes 1 to 5 by the fields of the packet, modes 6 and 7 only on its port.
//!
//! Source: RFC 5905 §7.3 (packet), §7.5 (extension fields); RFC 9327 (mode 6).

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

/// See the module.
pub(super) struct Ntp;

const PORT: u16 = 123;
/// Octets of a packet without extensions.
const PACKET: usize = 48;
/// 2000-01-01 and 2036-01-01 in NTP's seconds: a clock that is set stands between them.
const SET: std::ops::Range<u32> = 3_155_673_600..4_291_747_200;

impl Recogniser for Ntp {
    fn service(&self) -> Service {
        Service::Ntp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        (1..=4).contains(&(first >> 3 & 7)) && first & 7 != 0
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&[PORT]);
        answer(packet(Octets::of(head), at_port))
    }
}

fn packet(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let first = octets.u8(0)?;
    let (version, mode) = ((first >> 3) & 7, first & 7);
    require((1..=4).contains(&version) && mode != 0)?;
    if mode >= 6 {
        return control(octets, mode, at_port);
    }
    require(octets.u8(1)? <= 16 && octets.u8(2)? <= 20)?;
    let length = octets.seen().len();
    require(octets.is_cut() || length == PACKET || (length > PACKET && length.is_multiple_of(4)))?;
    let certainty = if at_port { Certainty::Consistent } else { Certainty::Heuristic };
    if !at_port {
        require(length == PACKET && version >= 3 && matches!(mode, 3 | 4))?;
        require(SET.contains(&octets.be32(40)?))?;
        // A client leaves the fields before its own time zero, or fills them all with set clocks.
        let zero = octets.slice(4, 36)?.iter().all(|octet| *octet == 0);
        require(if mode == 4 { times_fit(octets)? } else { zero })?;
    }
    let sender = match mode {
        3 => Sender::Client,
        4 | 5 => Sender::Server,
        _ => Sender::Either,
    };
    Ok(Recognition::proved(Service::Ntp, certainty, sender, 48, "NTP packet"))
}

/// A server's receive and transmit times are set and at most a minute apart.
fn times_fit(octets: Octets<'_>) -> Read<bool> {
    let (received, sent) = (octets.be32(32)?, octets.be32(40)?);
    Ok(SET.contains(&received) && sent >= received && sent.saturating_sub(received) < 60)
}

/// Control (mode 6) and private (mode 7) messages.
fn control(octets: Octets<'_>, mode: u8, at_port: bool) -> Read<Recognition> {
    require(at_port)?;
    octets.slice(0, 8)?;
    let answers = if mode == 6 { octets.u8(1)? } else { octets.u8(0)? } & 0x80 != 0;
    let sender = if answers { Sender::Server } else { Sender::Client };
    let what = "NTP control message";
    Ok(Recognition::proved(Service::Ntp, Certainty::Consistent, sender, 8, what))
}
