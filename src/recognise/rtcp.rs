//! RTCP over UDP that no session announced: by compound packets that fill their datagrams, or reports of
//! one source.
//!
//! Source: RFC 3550 §6.1 (compound packets), §6.4 (reports).

use super::Head;
use super::Probe;
use super::Recogniser;
use super::rtp::excluded;
use super::rtp::matched;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser of RTCP.
pub struct Rtcp;

impl Recogniser for Rtcp {
    fn service(&self) -> Service {
        Service::Rtcp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first >> 6 == 2
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if excluded(head) {
            return Probe::Refuse;
        }
        let mut before = None;
        let mut at = 0_usize;
        for datagram in head.datagrams() {
            match rtcp_compound(datagram) {
                // A report and the source's description: RFC 3550 §6.1 wants both in each packet.
                Some((_, packets)) if packets >= 2 => {
                    let what = "RTCP compound packet";
                    return matched(Service::Rtcp, Certainty::Consistent, at, datagram.len(), what);
                }
                Some((ssrc, _)) if before == Some(ssrc) => {
                    let what = "two RTCP reports of one source";
                    return matched(Service::Rtcp, Certainty::Heuristic, at, datagram.len(), what);
                }
                Some((ssrc, _)) => before = Some(ssrc),
                None => return Probe::Refuse,
            }
            at = at.saturating_add(datagram.len());
        }
        if head.finished { Probe::Refuse } else { Probe::NeedMore }
    }
}

/// Walks a compound RTCP packet (RFC 3550 §6.1): the first is a report, and the lengths fill the
/// datagram exactly. Gives the source and the number of packets.
fn rtcp_compound(datagram: &[u8]) -> Option<(u32, u32)> {
    let [_, 200 | 201, _, _, a, b, c, d, ..] = datagram else { return None };
    let mut rest = datagram;
    let mut packets = 0_u32;
    while let [first, kind, high, low, ..] = rest {
        let words = usize::from(u16::from_be_bytes([*high, *low]));
        let blocks = usize::from(first & 0x1f).saturating_mul(24);
        let least = match kind {
            200 => blocks.saturating_add(28),
            201 => blocks.saturating_add(8),
            192..=213 => 4,
            _ => return None,
        };
        let length = words.saturating_add(1).saturating_mul(4);
        if first >> 6 != 2 || length < least {
            return None;
        }
        rest = rest.get(length..)?;
        packets = packets.saturating_add(1);
    }
    rest.is_empty().then(|| (u32::from_be_bytes([*a, *b, *c, *d]), packets))
}
