//! RTP over UDP that no session announced: by several packets that fit each other, since one packet
//! alone proves nothing. SRTP (RFC 3711) has the same header and looks the same.
//!
//! Source: RFC 3550 §5.1 (header), RFC 5761 §4 (what RTP and RTCP share).

use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::head::HEAD_DATAGRAMS;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser of RTP.
pub struct Rtp;

/// Packets in a row that make a stream.
const PACKETS: u32 = 3;
/// Largest step of the sequence number between packets in a row.
const STEP: u16 = 16;
/// Ports of other protocols above the well-known range.
const OTHERS: &[u16] = &[1900, 3702, 5353, 5355];

/// The fields of an RTP header that stay or rise.
#[derive(Clone, Copy)]
struct RtpHeader {
    ssrc: u32,
    sequence: u16,
    payload_type: u8,
}

impl Recogniser for Rtp {
    fn service(&self) -> Service {
        Service::Rtp
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
        let mut last: Option<RtpHeader> = None;
        let (mut chain, mut at) = (0_u32, 0_usize);
        for datagram in head.datagrams() {
            let header = rtp_header(datagram);
            chain = match (header, last) {
                (Some(header), Some(last)) if follows(last, header) => chain.saturating_add(1),
                (Some(_), _) => 1,
                (None, _) => 0,
            };
            if chain >= PACKETS {
                let what = "three RTP packets of one source in sequence";
                return matched(Service::Rtp, Certainty::Heuristic, at, 12, what);
            }
            at = at.saturating_add(datagram.len());
            last = header;
        }
        // Three more must still fit in, or follow what is there.
        let left = HEAD_DATAGRAMS.saturating_sub(head.datagram_ends.len());
        let enough = u32::try_from(left).unwrap_or(0).saturating_add(chain) >= PACKETS;
        let began =
            head.octets.is_empty() || head.datagrams().next().is_some_and(|d| rtp_header(d).is_some());
        if began && enough && !head.finished { Probe::NeedMore } else { Probe::Refuse }
    }
}

/// Whether a port of the flow is well known or another protocol's: media have neither.
pub(super) fn excluded(head: &Head<'_>) -> bool {
    [head.from_port(), head.to_port()].iter().any(|port| *port < 1024 || OTHERS.contains(port))
}

/// A match whose proof is `length` octets at `at`, sent by either end.
pub(super) fn matched(
    service: Service,
    certainty: Certainty,
    at: usize,
    length: usize,
    what: &'static str,
) -> Probe {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    Probe::Match(Recognition::proved(service, certainty, Sender::Either, length, what).at(at))
}

fn follows(last: RtpHeader, next: RtpHeader) -> bool {
    let step = next.sequence.wrapping_sub(last.sequence);
    last.ssrc == next.ssrc && last.payload_type == next.payload_type && (1..=STEP).contains(&step)
}

/// Reads an RTP header (RFC 3550 §5.1). Payload types 72 to 76 are RTCP's, 35 to 95 unassigned.
fn rtp_header(datagram: &[u8]) -> Option<RtpHeader> {
    let [first, second, high, low, _, _, _, _, a, b, c, d, rest @ ..] = datagram else { return None };
    let payload_type = second & 0x7f;
    let sources = usize::from(first & 0x0f).saturating_mul(4);
    let mut needed = sources;
    if first & 0x10 != 0 {
        let extension = rest.get(sources..)?.first_chunk::<4>()?;
        let words = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        needed = needed.saturating_add(words.saturating_mul(4)).saturating_add(4);
    }
    let sane = first >> 6 == 2 && matches!(payload_type, 0..=34 | 96..=127) && needed <= rest.len();
    let (ssrc, sequence) = (u32::from_be_bytes([*a, *b, *c, *d]), u16::from_be_bytes([*high, *low]));
    sane.then_some(RtpHeader { ssrc, sequence, payload_type })
}

/// Whether `payload` starts like a packet of RTP or RTCP, by its first octets alone.
pub fn looks_like_media(payload: &[u8]) -> bool {
    match payload {
        [first, second, ..] => first >> 6 == 2 && matches!(second & 0x7f, 0..=34 | 72..=76 | 96..=127),
        _ => false,
    }
}
