//! HTTP/1.x (RFC 9112) by its start lines, read leniently.

use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::http_follow::HttpFollower;
use super::text::Opening;
use super::text::StartLine;
use super::text::header;
use super::text::opening;
use super::text::starts_with;
use super::text::within;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser of HTTP from the start of a message.
pub struct Http;
/// The recogniser of HTTP where the first octets stand in the middle of a message.
pub struct HttpMidstream;

/// Octets in which a part's header must end.
const PART_HEADER: usize = 512;
/// What start lines of HTTP name.
pub const NAME: &[u8] = b"HTTP/";
/// Methods believed where the capture cut the line before its end.
const METHODS: &[&[u8]] = &[b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"CONNECT", b"OPTIONS"];

impl Recogniser for Http {
    fn service(&self) -> Service {
        Service::Http
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let (signature, consistent) = (Certainty::Signature, Certainty::Consistent);
        match opening(head, NAME) {
            Opening::Is(StartLine::Request { .. }, at, length) => {
                matched(signature, Sender::Client, at, length, "request line ending in HTTP")
            }
            Opening::Is(StartLine::Reply { .. }, at, length) => {
                matched(signature, Sender::Server, at, length, "status line of HTTP")
            }
            Opening::CutRequest(method, target) if METHODS.contains(&method) && is_target(target) => {
                matched(consistent, Sender::Client, 0, method.len(), "start of an HTTP request line")
            }
            Opening::Open => Probe::NeedMore,
            Opening::Broken => Probe::Malformed,
            Opening::CutRequest(..) | Opening::Not => Probe::Refuse,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(HttpFollower::default()))
    }
}

impl Recogniser for HttpMidstream {
    fn service(&self) -> Service {
        Service::Http
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start {
            return Probe::Refuse;
        }
        match within(head, NAME) {
            Ok((start, at, length)) => {
                let client = matches!(start, StartLine::Request { .. });
                let sender = if client { Sender::Client } else { Sender::Server };
                matched(Certainty::Consistent, sender, at, length, "HTTP message in mid-stream")
            }
            Err(true) => Probe::NeedMore,
            Err(false) => jpeg_part(head.octets).map_or(Probe::Refuse, mjpeg),
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(HttpFollower::default()))
    }
}

/// Where a part of a motion JPEG stream starts (RFC 2046 §5.1.1): a boundary, the type right behind it,
/// and a JPEG behind the part's header. Forms and mail put other headers or other octets there.
fn jpeg_part(octets: &[u8]) -> Option<usize> {
    let mut boundary = None;
    let mut start = 0_usize;
    for end in memchr::memchr_iter(b'\n', octets) {
        let line = octets.get(start..end).unwrap_or_default();
        let typed = header(line).is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case(b"Content-Type") && starts_with(value, b"image/jpeg")
        });
        if typed && boundary.is_some() {
            let rest = octets.get(end..).unwrap_or_default();
            let rest = rest.get(..rest.len().min(PART_HEADER)).unwrap_or_default();
            let blank = [b"\n\r\n\xff\xd8".as_slice(), b"\n\n\xff\xd8"];
            if blank.iter().any(|blank| memchr::memmem::find(rest, blank).is_some()) {
                return boundary;
            }
        }
        boundary = line.starts_with(b"--").then_some(start);
        start = end.saturating_add(1);
    }
    None
}

fn mjpeg(at: usize) -> Probe {
    Probe::Match(Recognition {
        service: Service::Http,
        certainty: Certainty::Consistent,
        content: Some(Content::Mjpeg),
        sender: Sender::Either,
        offset: u32::try_from(at).unwrap_or(u32::MAX),
        length: 2,
        what: "part of a motion JPEG stream in mid-stream",
    })
}

/// Whether a cut target is one of HTTP.
fn is_target(target: &[u8]) -> bool {
    target.starts_with(b"/") || starts_with(target, b"http://") || starts_with(target, b"https://")
}

fn matched(certainty: Certainty, sender: Sender, at: usize, length: usize, what: &'static str) -> Probe {
    Probe::Match(Recognition {
        service: Service::Http,
        certainty,
        content: None,
        sender,
        offset: u32::try_from(at).unwrap_or(u32::MAX),
        length: u16::try_from(length).unwrap_or(u16::MAX),
        what,
    })
}
