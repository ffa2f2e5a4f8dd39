//! Google's QUIC in its own header, Q002 to Q046: the version's tag in what a client sends, and the
//! messages of its handshake that are in clear. What follows the handshake has no version and is not
//! named. From Q050 on the header is the IETF's: see `quic.rs`.
//!
//! Source: Google, "QUIC Wire Layout Specification" (public header, public reset, STREAM frames) and
//! "QUIC Crypto" (tags, CHLO, REJ), both by chromium.org/quic; Chromium's `quic_framer.cc` for Q046 and
//! draft-ietf-quic-transport-11 §4.1, whose first octets Q044 has. Wireshark's dissector agrees.

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::gquic_follow::GquicFollower;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::quic_version::is_google;
use super::quic_version::is_greased;

/// See the module.
pub(super) struct Gquic;

/// Bits of the public header's first octet.
const VERSION: u8 = 0x01;
const RESET: u8 = 0x02;
const IDENTIFIER: u8 = 0x08;
const UNUSED: u8 = 0xc0;
/// What versions and resets come with.
const VERSIONED: u8 = VERSION | IDENTIFIER;
const RESETTING: u8 = RESET | IDENTIFIER;
/// The last version with the public header, and the first without private flags behind the hash.
const PUBLIC_LAST: u32 = u32::from_be_bytes(*b"Q043");
const PLAIN_FIRST: u32 = u32::from_be_bytes(*b"Q034");
/// The versions with a long header that is neither the public one nor the IETF's.
const Q044: u32 = u32::from_be_bytes(*b"Q044");
const Q046: u32 = u32::from_be_bytes(*b"Q046");
/// Octets of the hash that stands where later the tag of the encryption stands.
const HASH: usize = 12;
/// Octets of a connection's identifier.
const IDENTIFIER_OCTETS: usize = 8;
/// Tags of a message, at most.
const TAGS_MOST: u16 = 128;

/// What a datagram is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Datagram<'a> {
    /// A client's hello, from its tag on.
    Hello(&'a [u8]),
    /// A server's refusal, which asks for another hello.
    Reject,
    /// A list of the versions that a server knows.
    Negotiation,
    /// The end of a connection that somebody does not know.
    Reset,
    /// The header alone is in clear; it tells who sent it.
    Closed(Sender),
}

impl Recogniser for Gquic {
    fn service(&self) -> Service {
        Service::Quic
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        // A long header, or a public one with a version, a reset, or neither.
        first & UNUSED == UNUSED
            || (first & UNUSED == 0
                && matches!(first & (VERSION | RESET | IDENTIFIER), 0 | IDENTIFIER | VERSIONED | RESETTING))
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(datagram(Octets::of(head)).map(named))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(GquicFollower::default()))
    }
}

fn named(datagram: Datagram<'_>) -> Recognition {
    let (signature, consistent) = (Certainty::Signature, Certainty::Consistent);
    let (certainty, sender, what) = match datagram {
        Datagram::Hello(_) => (signature, Sender::Client, "CHLO of Google's QUIC"),
        Datagram::Reject => (signature, Sender::Server, "REJ of Google's QUIC"),
        Datagram::Negotiation => (consistent, Sender::Server, "version negotiation of Google's QUIC"),
        Datagram::Reset => (signature, Sender::Either, "public reset of Google's QUIC"),
        Datagram::Closed(sender) => (consistent, sender, "version of Google's QUIC in its header"),
    };
    Recognition::proved(Service::Quic, certainty, sender, 13, what)
}

/// Reads a datagram.
pub(super) fn datagram(octets: Octets<'_>) -> Read<Datagram<'_>> {
    let flags = octets.u8(0)?;
    if flags & 0x80 != 0 {
        return long(octets, flags);
    }
    require(flags & UNUSED == 0)?;
    let identified = flags & IDENTIFIER != 0;
    let at = if identified { IDENTIFIER_OCTETS.saturating_add(1) } else { 1 };
    match flags & (VERSION | RESET) {
        VERSION if identified => versioned(octets, flags, at),
        RESET if identified => reset(octets, at),
        0 => {
            let at = at.saturating_add(number_octets(flags));
            let mut either = [false, true].into_iter().filter_map(|private| message(octets, at, private));
            require(either.any(is_reject))?;
            Ok(Datagram::Reject)
        }
        _ => Err(Probe::Refuse),
    }
}

/// A public header with the version: a client's, or a server's with all that it knows.
fn versioned(octets: Octets<'_>, flags: u8, at: usize) -> Read<Datagram<'_>> {
    let version = octets.be32(at)?;
    require(is_google(version))?;
    let listed = octets.after(at).seen();
    let mut versions = listed.chunks_exact(4).filter_map(|version| version.first_chunk::<4>());
    let all = versions.all(|version| {
        let version = u32::from_be_bytes(*version);
        is_google(version) || is_greased(version)
    });
    if all && (octets.is_cut() || listed.len().is_multiple_of(4)) {
        return Ok(Datagram::Negotiation);
    }
    require(version <= PUBLIC_LAST)?;
    let at = at.saturating_add(4).saturating_add(number_octets(flags));
    // A frame stands behind the hash, or the hash is the tag of what is encrypted.
    require(octets.is_cut() || octets.seen().len() > at.saturating_add(HASH))?;
    Ok(match message(octets, at, version < PLAIN_FIRST) {
        Some(message) if message.starts_with(b"CHLO") => Datagram::Hello(message),
        _ => Datagram::Closed(Sender::Client),
    })
}

/// A long header with the lengths of both identifiers in one octet: the server's alone is there.
fn long(octets: Octets<'_>, first: u8) -> Read<Datagram<'_>> {
    let number = match octets.be32(1)? {
        Q046 if first & 0x40 != 0 => usize::from(first & 3).saturating_add(1),
        Q044 if first >= 0xfc => 4,
        _ => return Err(Probe::Refuse),
    };
    let sender = match octets.u8(5)? {
        0x50 => Sender::Client,
        0x05 => Sender::Server,
        _ => return Err(Probe::Refuse),
    };
    let at = IDENTIFIER_OCTETS.saturating_add(6).saturating_add(number);
    require(octets.is_cut() || octets.seen().len() > at.saturating_add(HASH))?;
    Ok(match message(octets, at, false) {
        Some(message) if sender == Sender::Client && message.starts_with(b"CHLO") => Datagram::Hello(message),
        Some(message) if sender == Sender::Server && is_reject(message) => Datagram::Reject,
        _ => Datagram::Closed(sender),
    })
}

/// A public reset is a message without a packet around it.
fn reset(octets: Octets<'_>, at: usize) -> Read<Datagram<'_>> {
    octets.expect(at, b"PRST")?;
    require(is_message(octets.after(at).seen()))?;
    Ok(Datagram::Reset)
}

/// Octets of the packet's number, by the public header's first octet.
const fn number_octets(flags: u8) -> usize {
    match flags >> 4 & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 6,
    }
}

/// A message of the handshake that starts in the packet's first frame, which is of stream 1. It is not
/// read to its end: it may go on in the next packet.
fn message(octets: Octets<'_>, hash_at: usize, private: bool) -> Option<&[u8]> {
    let at = hash_at.saturating_add(HASH).saturating_add(usize::from(private));
    // 1fdooossB: a STREAM frame, its end, a length, octets of the offset, octets of the stream.
    let [kind, 1, ..] = octets.after(at).seen() else { return None };
    if kind & 0x83 != 0x80 {
        return None;
    }
    let offset = match usize::from(kind >> 2 & 7) {
        0 => 0,
        octets => octets.saturating_add(1),
    };
    let length = if kind & 0x20 == 0 { 0 } else { 2 };
    let message = octets.after(at.saturating_add(offset).saturating_add(length).saturating_add(2)).seen();
    is_message(message).then_some(message)
}

/// A tag, how many tags it has, two zeros.
fn is_message(message: &[u8]) -> bool {
    let [_, _, _, _, low, high, 0, 0, ..] = message else { return false };
    (1..=TAGS_MOST).contains(&u16::from_le_bytes([*low, *high]))
}

fn is_reject(message: &[u8]) -> bool {
    message.starts_with(b"REJ\0") || message.starts_with(b"SREJ")
}
