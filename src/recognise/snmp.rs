//! SNMP 1, 2c and 3. The community is a password and is not kept.
//!
//! Source: RFC 1157 §4, RFC 3416 §3 (PDUs), RFC 3412 §6 (version 3).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::ber::integer;
use super::ber::tagged;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// See the module.
pub(super) struct Snmp;

/// Longest community or engine that is plausible.
const STRING_MOST: usize = 255;

impl Recogniser for Snmp {
    fn service(&self) -> Service {
        Service::Snmp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0x30
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(Octets::of(head)))
    }
}

fn message(octets: Octets<'_>) -> Read<Recognition> {
    let whole = tagged(octets, 0, 0x30)?;
    octets.ends_at(whole.end())?;
    let (version, next) = integer(octets, whole.at, 0x02)?;
    let sender = match version {
        0 | 1 => community_based(octets, next)?,
        3 => user_based(octets, next)?,
        _ => return Err(Probe::Refuse),
    };
    let what = "SNMP message of this version";
    let length = u16::try_from(next).unwrap_or(u16::MAX);
    Ok(Recognition::proved(Service::Snmp, Certainty::Signature, sender, length, what))
}

/// The community, then a PDU; its tag tells who sends it. Who sends a trap opens the flow.
fn community_based(octets: Octets<'_>, at: usize) -> Read<Sender> {
    let community = tagged(octets, at, 0x04)?;
    require(community.length <= STRING_MOST)?;
    let pdu = community.end();
    match octets.u8(pdu)? {
        0xa2 | 0xa8 => Ok(Sender::Server),
        0xa0 | 0xa1 | 0xa3..=0xa7 => Ok(Sender::Client),
        _ => Err(Probe::Refuse),
    }
}

/// msgGlobalData: identifier, size, flags of one octet, the model; the PDU may be encrypted. The
/// reportable flag (bit 2) is set by who expects an answer (RFC 3412 §6.4).
fn user_based(octets: Octets<'_>, at: usize) -> Read<Sender> {
    let global = tagged(octets, at, 0x30)?;
    let (_, next) = integer(octets, global.at, 0x02)?;
    let (_, next) = integer(octets, next, 0x02)?;
    octets.expect(next, &[0x04, 0x01])?;
    let flags = octets.u8(next.saturating_add(2))?;
    let (model, end) = integer(octets, next.saturating_add(3), 0x02)?;
    require(flags <= 7 && model <= 255 && end == global.end())?;
    octets.expect(end, &[0x04])?;
    Ok(if flags & 4 == 0 { Sender::Either } else { Sender::Client })
}
