//! RTSP 1.0 (RFC 2326) and 2.0 (RFC 7826): by its start lines, read leniently, and by interleaved
//! media (RFC 2326 §10.12), where two frames in a row fit each other.

use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::rtp::looks_like_media;
use super::rtsp_follow::RtspFollower;
use super::text::Opening;
use super::text::StartLine;
use super::text::block_end;
use super::text::opening;
use super::text::starts_with;
use super::text::within;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser of RTSP from the start of a message or frame.
pub struct Rtsp;
/// The recogniser of RTSP's media where the first octets stand in the middle of a frame.
pub struct RtspMidstream;

/// What start lines of RTSP name.
pub const NAME: &[u8] = b"RTSP/";
/// Requests that only a client sends; a server may send the others too.
pub const CLIENT_METHODS: &[&[u8]] = &[b"SETUP", b"DESCRIBE", b"PLAY", b"OPTIONS", b"RECORD", b"PAUSE"];
/// Headers that only a server's replies have.
const SERVER_HEADERS: &[&[u8]] =
    &[b"Server:", b"Public:", b"Content-Base:", b"RTP-Info:", b"WWW-Authenticate:", b"Transport:"];
/// First octet of an interleaved frame.
pub const FRAME: u8 = b'$';
/// Octets of a frame's header.
pub const FRAME_HEADER: usize = 4;
/// Highest channel believed without RTSP's own words.
const CHANNELS: u8 = 15;
/// Octets of an MPEG transport stream packet (ISO/IEC 13818-1).
const TS_PACKET: usize = 188;

impl Recogniser for Rtsp {
    fn service(&self) -> Service {
        Service::Rtsp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.octets.first() == Some(&FRAME) {
            return match two_frames(head.octets, 0) {
                Chain::Two => media(0),
                Chain::Open if !head.finished => Probe::NeedMore,
                Chain::Open | Chain::Broken => Probe::Refuse,
            };
        }
        match opening(head, NAME) {
            Opening::Is(StartLine::Request { method, .. }, at, length) => {
                let client = CLIENT_METHODS.contains(&method);
                let sender = if client { Sender::Client } else { Sender::Either };
                matched(Certainty::Signature, sender, at, length, "request line ending in RTSP")
            }
            Opening::Is(StartLine::Reply { .. }, at, length) => reply(head, at, length),
            Opening::CutRequest(method, target) if starts_with(target, b"rtsp") => matched(
                Certainty::Consistent,
                Sender::Either,
                0,
                method.len(),
                "start of an RTSP request line",
            ),
            Opening::Open => Probe::NeedMore,
            Opening::Broken => Probe::Malformed,
            Opening::CutRequest(..) | Opening::Not => Probe::Refuse,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(RtspFollower::default()))
    }
}

impl Recogniser for RtspMidstream {
    fn service(&self) -> Service {
        Service::Rtsp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start {
            return Probe::Refuse;
        }
        for at in memchr::memchr_iter(FRAME, head.octets) {
            match two_frames(head.octets, at) {
                Chain::Two => return media(at),
                Chain::Open if !head.finished => return Probe::NeedMore,
                Chain::Open | Chain::Broken => {}
            }
        }
        // Media may still come in front of a message that is there already.
        if !head.finished {
            return Probe::NeedMore;
        }
        match within(head, NAME) {
            Ok((start, at, length)) => {
                let asks =
                    matches!(start, StartLine::Request { method, .. } if CLIENT_METHODS.contains(&method));
                let sender = if asks { Sender::Client } else { Sender::Either };
                matched(Certainty::Consistent, sender, at, length, "RTSP message in mid-stream")
            }
            Err(_) => Probe::Refuse,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(RtspFollower::default()))
    }
}

/// A reply at the start of a connection comes from the server; in mid-stream it may be a client's
/// answer to a server's request, unless its headers tell.
fn reply(head: &Head<'_>, at: usize, length: usize) -> Probe {
    let what = "status line of RTSP";
    if head.from_start {
        return matched(Certainty::Signature, Sender::Server, at, length, what);
    }
    let end = block_end(head.octets);
    if end.is_none() && !head.finished {
        return Probe::NeedMore;
    }
    let block = head.octets.get(..end.unwrap_or(head.octets.len())).unwrap_or_default();
    let mut lines = block.split(|octet| *octet == b'\n');
    let tells = lines.any(|line| SERVER_HEADERS.iter().any(|name| starts_with(line, name)));
    let sender = if tells { Sender::Server } else { Sender::Either };
    matched(Certainty::Signature, sender, at, length, what)
}

fn media(at: usize) -> Probe {
    let what = "two interleaved frames in a row";
    let found = Recognition::proved(Service::Rtsp, Certainty::Consistent, Sender::Either, 4, what).at(at);
    Probe::Match(Recognition { content: Some(Content::InterleavedMedia), ..found })
}

fn matched(certainty: Certainty, sender: Sender, at: usize, length: usize, what: &'static str) -> Probe {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    Probe::Match(Recognition::proved(Service::Rtsp, certainty, sender, length, what).at(at))
}

/// Whether two frames stand one after the other.
enum Chain {
    Two,
    Open,
    Broken,
}

/// What an interleaved frame starts with.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Frame {
    channel: u8,
    length: usize,
    /// RTP's source; none of RTCP and of a transport stream.
    ssrc: Option<[u8; 4]>,
}

fn two_frames(octets: &[u8], at: usize) -> Chain {
    let rest = octets.get(at..).unwrap_or_default();
    let first = match frame(rest) {
        Ok(Some(first)) => first,
        Ok(None) => return Chain::Open,
        Err(()) => return Chain::Broken,
    };
    let next = first.length.saturating_add(FRAME_HEADER);
    match frame(rest.get(next..).unwrap_or_default()) {
        Ok(None) => Chain::Open,
        Ok(Some(second)) => {
            let same = first.channel != second.channel || first.ssrc == second.ssrc;
            if same { Chain::Two } else { Chain::Broken }
        }
        Err(()) => Chain::Broken,
    }
}

/// Reads a frame's header and the first octets of what it carries: RTP, RTCP, or packets of an MPEG
/// transport stream without RTP. `Ok(None)` if octets are missing, `Err` if it is none.
fn frame(octets: &[u8]) -> Result<Option<Frame>, ()> {
    match octets {
        [] | [FRAME] => return Ok(None),
        [FRAME, channel, ..] if *channel <= CHANNELS => {}
        _ => return Err(()),
    }
    let [_, channel, high, low, payload @ ..] = octets else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let frame = Frame { channel: *channel, length, ssrc: None };
    match payload {
        _ if length < 8 => Err(()),
        [] => Ok(None),
        [0x47, ..] if length.checked_rem(TS_PACKET) == Some(0) => Ok(Some(frame)),
        [first] => {
            if first >> 6 == 2 {
                Ok(None)
            } else {
                Err(())
            }
        }
        [_, second, ..] if !looks_like_media(payload) || (second & 0x7f < 72 && length < 12) => Err(()),
        [_, second, ..] if matches!(second & 0x7f, 72..=76) => Ok(Some(frame)),
        [_, _, _, _, _, _, _, _, a, b, c, d, ..] => Ok(Some(Frame { ssrc: Some([*a, *b, *c, *d]), ..frame })),
        _ => Ok(None),
    }
}
