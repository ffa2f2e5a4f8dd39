//! Reads the TLS hellos that travel inside TDS packets of type 12.
//!
//! Memory: 2 × [`KEPT`] octets, given back when the server's hello was read.
//!
//! Source: [MS-TDS] §2.2.6.5 and §3.2.5.2 (TLS inside PRELOGIN); RFC 8446 §4.1.2, §4.1.3, §4.2.1.

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::finding::TlsVersion;
use super::octets::Octets;
use super::tds::HEADER;
use crate::evidence::Evidence;

/// Octets kept of each side until its hello is whole.
const KEPT: usize = 4096;

/// What each side wrote first.
#[derive(Debug, Default)]
pub(super) struct TdsFollower {
    sides: [Vec<u8>; 2],
    done: [bool; 2],
}

impl Follower for TdsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        if *piece.side.of(&self.done) {
            return self.state();
        }
        let kept = piece.side.of_mut(&mut self.sides);
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(piece.octets.get(..room).unwrap_or(piece.octets));
        let full = kept.len() >= KEPT;
        let hello = hello(kept);
        if let Ok(Some((at, finding))) = &hello {
            let what = "hello of TLS inside TDS";
            let offset = u32::try_from(*at).unwrap_or(u32::MAX);
            let evidence = Evidence { packet: piece.packet, offset, length: 6, what };
            findings.push(Located { finding: finding.clone(), side: piece.side, evidence });
        }
        if full || hello.is_ok() {
            self.finish(piece.side);
        }
        self.state()
    }

    fn gap(&mut self, side: Side) -> Following {
        self.finish(side);
        self.state()
    }
}

impl TdsFollower {
    fn finish(&mut self, side: Side) {
        *side.of_mut(&mut self.done) = true;
        *side.of_mut(&mut self.sides) = Vec::new();
    }

    fn state(&self) -> Following {
        if self.done == [true, true] { Following::Done } else { Following::More }
    }
}

/// Why there is no answer yet: the octets end too early.
struct TooShort;

/// The position of the hello and what it says; nothing if this side will not write one.
type Hello = Result<Option<(usize, Finding)>, TooShort>;

/// Joins the payloads of the packets of type 12 that start with a TLS record.
fn hello(stream: &[u8]) -> Hello {
    let octets = Octets::whole(stream);
    let mut at = 0_usize;
    let mut joined: Vec<u8> = Vec::new();
    let mut first = None;
    // Each packet has at least its header, so this ends with the stream.
    loop {
        let packet = octets.after(at);
        let (Ok(kind), Ok(length)) = (packet.u8(0), packet.be16(2)) else { return Err(TooShort) };
        let length = usize::from(length);
        if length < HEADER || !matches!(kind, 0x12 | 0x04) {
            return Ok(None);
        }
        let there = packet.seen().get(..length).unwrap_or(packet.seen());
        let payload = there.get(HEADER..).unwrap_or_default();
        if kind == 0x12 && (first.is_some() || payload.first() == Some(&0x16)) {
            first.get_or_insert(at.saturating_add(HEADER));
            joined.extend_from_slice(payload);
        }
        if let Some(finding) = read_hello(Octets::whole(&joined)) {
            return Ok(Some((first.unwrap_or(at), finding)));
        }
        if there.len() < length {
            return Err(TooShort);
        }
        at = at.saturating_add(length);
    }
}

/// What a ClientHello or a ServerHello in the first record says of the version.
fn read_hello(record: Octets<'_>) -> Option<Finding> {
    record.expect(0, &[0x16, 3]).ok()?;
    let body = record.after(5);
    let kind = body.u8(0).ok()?;
    let [high, a, b] = body.array::<3>(1).ok()?;
    let length = usize::try_from(u32::from_be_bytes([0, high, a, b])).ok()?;
    let hello = Octets::whole(body.slice(4, length).ok()?);
    let legacy = version(hello.be16(0).ok()?);
    let session = 35_usize.saturating_add(usize::from(hello.u8(34).ok()?));
    match kind {
        1 => {
            let ciphers = usize::from(hello.be16(session).ok()?);
            let methods = session.saturating_add(2).saturating_add(ciphers);
            let compression = usize::from(hello.u8(methods).ok()?);
            let extensions = methods.saturating_add(1).saturating_add(compression);
            let listed = supported_versions(hello, extensions);
            let best = listed.and_then(|list| list.get(1..)).map(highest).unwrap_or(legacy);
            best.or(legacy).map(Finding::TlsOffered)
        }
        2 => {
            let chosen = supported_versions(hello, session.saturating_add(3));
            let chosen = chosen.and_then(highest);
            chosen.or(legacy).map(Finding::TlsVersion)
        }
        _ => None,
    }
}

/// Data of the extension `supported_versions` (43).
fn supported_versions(hello: Octets<'_>, at: usize) -> Option<&[u8]> {
    let mut at = at.saturating_add(2);
    // Each extension takes at least four octets, so this ends with the hello.
    loop {
        let (kind, length) = (hello.be16(at).ok()?, usize::from(hello.be16(at.saturating_add(2)).ok()?));
        let data = at.saturating_add(4);
        if kind == 43 {
            return hello.slice(data, length).ok();
        }
        at = data.saturating_add(length);
    }
}

/// The highest version in a list of two octets each.
fn highest(list: &[u8]) -> Option<TlsVersion> {
    list.chunks_exact(2).filter_map(|pair| version(u16::from_be_bytes([*pair.first()?, *pair.last()?]))).max()
}

/// RFC 8446 §4.1.2 and before.
const fn version(number: u16) -> Option<TlsVersion> {
    match number {
        0x0300 => Some(TlsVersion::Ssl3),
        0x0301 => Some(TlsVersion::Tls10),
        0x0302 => Some(TlsVersion::Tls11),
        0x0303 => Some(TlsVersion::Tls12),
        0x0304 => Some(TlsVersion::Tls13),
        _ => None,
    }
}
