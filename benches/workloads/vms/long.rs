//! The streams of the site that are open all the time.

use super::content::Kind;
use super::hosts::BROWSERS;
use super::hosts::CAMERAS;
use super::hosts::CLIENTS;
use super::hosts::FILES;
use super::hosts::Hosts;
use super::hosts::MOBILE;
use super::hosts::MOBOTIX;
use super::hosts::MXMC;
use super::hosts::RECORDERS;
use super::scene;
use super::streams::Connection;
use super::streams::Media;
use super::streams::Messages;
use super::streams::Pace;
use super::streams::Stream;
use super::streams::payload;
use super::timeline::Voice;

/// A kind of stream.
pub(super) struct Long {
    /// How many there are in the whole workload.
    pub(super) count: u64,
    /// Keys of the step that opens it.
    pub(super) keys: &'static str,
    pub(super) from: Hosts,
    pub(super) to: Hosts,
    /// The first of the hosts in `to`.
    pub(super) first: u64,
    pub(super) port: u16,
    /// Octets of a picture, one each 40 ms.
    pub(super) size: u64,
    pub(super) goes_on: GoesOn,
}

/// What comes after the opening.
#[derive(Clone, Copy)]
pub(super) enum GoesOn {
    /// RTP beside the connection, between ports that are agreed on for each stream.
    Media,
    /// Messages from the server; so many of them are part of the opening.
    FromServer(Kind, u64),
    /// The same from the client.
    FromClient(Kind, u64),
}

const TLS: &str = "say = 'tls'\nversion = '1.2'\nsni = 'vms.site.example'";
const EVENTS: &str = "say = 'event-stream'\nauth = 'digest'";
const FAST: &str = "say = 'faststream'\nauth = 'digest'";
const MJPEG: &str = "say = 'mjpeg'\nauth = 'digest'";
const SERVED_TLS: GoesOn = GoesOn::FromServer(Kind::Tls, 0);

#[rustfmt::skip]
pub(super) const STREAMS: &[Long] = &[
    Long { count: 88, keys: "say = 'rtsp'", from: RECORDERS, to: CAMERAS, first: 0, port: 554, size: 15_500, goes_on: GoesOn::Media },
    Long { count: 20, keys: "say = 'rtsp'", from: RECORDERS, to: CAMERAS, first: 88, port: 554, size: 10_800, goes_on: GoesOn::FromServer(Kind::Interleaved, 0) },
    Long { count: 4, keys: MJPEG, from: RECORDERS, to: CAMERAS, first: 108, port: 80, size: 7_300, goes_on: GoesOn::FromServer(Kind::MotionJpeg, 3) },
    Long { count: 16, keys: "say = 'imageserver'", from: CLIENTS, to: RECORDERS, first: 0, port: 7563, size: 13_600, goes_on: GoesOn::FromServer(Kind::ImageServer, 3) },
    Long { count: 10, keys: TLS, from: CLIENTS, to: RECORDERS, first: 0, port: 7563, size: 5_800, goes_on: SERVED_TLS },
    Long { count: 8, keys: TLS, from: BROWSERS, to: MOBILE, first: 0, port: 8082, size: 5_800, goes_on: SERVED_TLS },
    Long { count: 12, keys: EVENTS, from: MXMC, to: MOBOTIX, first: 0, port: 80, size: 8_600, goes_on: GoesOn::FromServer(Kind::EventStream, 4) },
    Long { count: 16, keys: TLS, from: MXMC, to: MOBOTIX, first: 16, port: 443, size: 5_800, goes_on: SERVED_TLS },
    Long { count: 4, keys: FAST, from: MXMC, to: MOBOTIX, first: 32, port: 8080, size: 7_300, goes_on: GoesOn::FromServer(Kind::FastStream, 2) },
    Long { count: 8, keys: "say = 'smb2'", from: MOBOTIX, to: FILES, first: 0, port: 445, size: 8_192, goes_on: GoesOn::FromClient(Kind::Smb, 6) },
];

/// Ports of RTP at the recorder and at the camera of stream `index`.
fn media_ports(index: u64) -> [u16; 2] {
    [40_000 + 2 * index as u16, 50_000 + 2 * index as u16]
}

/// Opens stream `index` of a kind at a time, between these hosts, from this port of the client.
pub(super) fn open(
    long: &Long,
    index: u64,
    (from, to): &(String, String),
    port: u16,
    pace: Pace,
    at: u64,
) -> Voice {
    let ports = media_ports(index);
    let media = match long.goes_on {
        GoesOn::Media => format!("media = {}\nserver-media = {}", ports[0], ports[1]),
        _ => String::new(),
    };
    let keys =
        format!("from = '{from}:{port}'\nto = '{to}:{}'\nhow = 'open'\n{}\n{media}", long.port, long.keys);
    let mut frames = scene::play(at, "tcp", &keys);
    // The dialogue says good bye at its end; this one stays.
    let end = frames.iter().position(|frame| says_good_bye(payload(&frame.octets)));
    frames.truncate(end.unwrap_or(frames.len()));
    let connection = Connection::after(&frames);
    let stream: Box<dyn Stream> = match long.goes_on {
        GoesOn::Media => Box::new(Media::new(&connection, ports, pace)),
        GoesOn::FromServer(kind, first) => Box::new(Messages::new(connection, 1, kind, first, pace)),
        GoesOn::FromClient(kind, first) => Box::new(Messages::new(connection, 0, kind, first, pace)),
    };
    Voice::new(frames, Some(stream))
}

/// RTSP's TEARDOWN, or SMB's CLOSE ([MS-SMB2] §2.2.1: the command, behind the length).
fn says_good_bye(payload: &[u8]) -> bool {
    payload.starts_with(b"TEARDOWN") || payload.get(4..8) == Some(b"\xfeSMB") && payload[16] == 6
}
