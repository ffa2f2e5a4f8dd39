//! QUIC by its long headers, whose lengths must fit the datagram: versions 1 and 2, the drafts, and
//! those of Facebook and Google that have the same header. A version that nobody told us is QUIC by the
//! shape of a client's first datagram alone. Short headers say nothing by themselves: they belong to a
//! flow whose long headers were seen, or to none.
//!
//! Source: RFC 8999 (what all versions share), RFC 9000 §17.2 (long headers, version negotiation),
//! §14.1 (a client's first datagram has 1200 octets or more), §7.2 (its first identifier has 8 or more),
//! §15 (versions), RFC 9369 §3 (version 2).

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
use super::octets::require;
use super::octets::size;
use super::quic_follow::QuicFollower;
use super::quic_initial::Keys;
use super::quic_version::Dialect;
use super::quic_version::dialect;
use super::quic_version::is_google;
use super::quic_version::is_greased;
use super::quic_version::is_of_quic;

/// See the module.
pub(super) struct Quic;

/// Longest connection identifier (RFC 9000 §17.2).
const IDENTIFIER_MOST: u8 = 20;
/// Fewest octets of a datagram with a client's Initial (RFC 9000 §14.1).
const CLIENT_LEAST: usize = 1200;
/// Fewest octets of the identifier that a client chooses for the server (RFC 9000 §7.2).
const CHOSEN_LEAST: usize = 8;

/// The kinds of long headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Carries the hellos.
    Initial,
    /// Data before the handshake is done; only a client sends it.
    ZeroRtt,
    /// Carries the rest of the handshake.
    Handshake,
    /// A server asks to begin again with a token.
    Retry,
}

/// A long header and what its lengths say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// How its version speaks.
    pub(super) dialect: Dialect,
    /// What it is.
    pub(super) kind: Kind,
    /// Destination connection identifier; of a client's first Initial the keys are made from it.
    pub(super) destination: &'a [u8],
    /// An Initial has a token: only a client's may.
    pub(super) token: bool,
    /// Where the protected packet number starts.
    pub(super) number_at: usize,
    /// The packet, from its first octet to its last.
    pub(super) octets: &'a [u8],
}

impl Recogniser for Quic {
    fn service(&self) -> Service {
        Service::Quic
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first & 0x80 != 0
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.be32(1) {
            Ok(0) => answer(negotiation(octets)),
            Ok(version) if dialect(version).is_some() => answer(long(octets)),
            // Google's others have another header.
            Ok(version) if !is_google(version) => answer(untold(octets, version)),
            _ => Probe::Refuse,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(QuicFollower::default()))
    }
}

fn long(octets: Octets<'_>) -> Read<Recognition> {
    let (certainty, consistent) = (Certainty::Signature, Certainty::Consistent);
    let packet = packet(octets)?;
    let long_enough = octets.seen().len() >= CLIENT_LEAST;
    let opens = packet.kind == Kind::Initial
        && long_enough
        && Keys::of_client(packet.dialect, packet.destination).open(&packet).is_some();
    let (certainty, sender, what) = match packet.kind {
        Kind::Initial if opens => (certainty, Sender::Client, "QUIC Initial that opens with a client's keys"),
        Kind::Initial if packet.token => (consistent, Sender::Client, "QUIC Initial with a token"),
        Kind::Initial => (consistent, Sender::Either, "QUIC Initial"),
        Kind::ZeroRtt => (consistent, Sender::Client, "QUIC 0-RTT packet"),
        Kind::Handshake => (consistent, Sender::Either, "QUIC Handshake packet"),
        Kind::Retry => (consistent, Sender::Server, "QUIC Retry"),
    };
    Ok(Recognition::proved(Service::Quic, certainty, sender, 7, what))
}

/// A client's first datagram in a version that we do not know: its Initial is as long as version 1
/// wants it, and fills its datagram as version 1's does. Of a greased version that is all there is; of
/// another it is a guess that it kept this form, which RFC 8999 does not promise.
fn untold(octets: Octets<'_>, version: u32) -> Read<Recognition> {
    require(octets.u8(0)? & 0xf0 == 0xc0)?;
    require(!octets.is_cut() && octets.seen().len() >= CLIENT_LEAST)?;
    let packet = shaped(octets, Dialect::FIRST)?;
    require(packet.destination.len() >= CHOSEN_LEAST)?;
    // What follows is padding outside of the packet or a packet more (RFC 9000 §12.2).
    let rest = octets.after(packet.octets.len());
    let padded = rest.seen().iter().all(|octet| *octet == 0);
    require(padded || (rest.u8(0)? & 0xc0 == 0xc0 && rest.be32(1)? == version))?;
    let (certainty, sender, what) = if is_greased(version) {
        (Certainty::Consistent, Sender::Client, "QUIC Initial of a version reserved for greasing")
    } else {
        (Certainty::Heuristic, Sender::Either, "shape of a QUIC Initial of an unknown version")
    };
    Ok(Recognition::proved(Service::Quic, certainty, sender, 7, what))
}

/// Version negotiation: version 0, two identifiers, and whole versions to the datagram's end, one of
/// which is known, or of the pattern that is reserved for greasing.
fn negotiation(octets: Octets<'_>) -> Read<Recognition> {
    require(octets.u8(0)? & 0x80 != 0)?;
    let (at, _) = identifiers(octets)?;
    let versions = octets.after(at).seen();
    require(!versions.is_empty() && (octets.is_cut() || versions.len().is_multiple_of(4)))?;
    let known = versions.chunks_exact(4).filter_map(|version| version.first_chunk::<4>());
    let mut known = known.map(|version| u32::from_be_bytes(*version));
    require(known.any(is_of_quic))?;
    let what = "QUIC version negotiation";
    Ok(Recognition::proved(Service::Quic, Certainty::Consistent, Sender::Server, 7, what))
}

/// Reads the identifiers: gives where they end, and the destination's.
fn identifiers(octets: Octets<'_>) -> Read<(usize, &[u8])> {
    let length = octets.u8(5)?;
    require(length <= IDENTIFIER_MOST)?;
    let destination = octets.slice(6, usize::from(length))?;
    let at = usize::from(length).saturating_add(6);
    let source = octets.u8(at)?;
    require(source <= IDENTIFIER_MOST)?;
    Ok((at.saturating_add(usize::from(source)).saturating_add(1), destination))
}

/// Reads a packet with a long header of a version that is known.
pub(super) fn packet(octets: Octets<'_>) -> Read<Packet<'_>> {
    let dialect = dialect(octets.be32(1)?);
    shaped(octets, dialect.ok_or(Probe::Refuse)?)
}

/// Reads a packet with a long header as if its version spoke like this.
fn shaped(octets: Octets<'_>, dialect: Dialect) -> Read<Packet<'_>> {
    let first = octets.u8(0)?;
    require(first & 0xc0 == 0xc0)?;
    // Version 2 numbers the kinds differently (RFC 9369 §3.2).
    let shift = u8::from(dialect.second);
    let kind = match (first >> 4 & 3).wrapping_sub(shift) & 3 {
        0 => Kind::Initial,
        1 => Kind::ZeroRtt,
        2 => Kind::Handshake,
        _ => Kind::Retry,
    };
    let (mut at, destination) = identifiers(octets)?;
    let mut token = false;
    if kind == Kind::Retry {
        // A token of at least an octet and a tag of 16.
        require(octets.seen().len() >= at.saturating_add(17))?;
        let number_at = at;
        return Ok(Packet { dialect, kind, destination, token, number_at, octets: octets.seen() });
    }
    if kind == Kind::Initial {
        let (length, next) = number(octets, at)?;
        token = length > 0;
        at = next.saturating_add(length);
    }
    let (length, number_at) = number(octets, at)?;
    // A packet number and a sample for the header's protection at least.
    require(length >= 20)?;
    let end = number_at.saturating_add(length);
    require(octets.is_cut() || octets.seen().len() >= end)?;
    let whole = octets.seen();
    let packet = whole.get(..end.min(whole.len())).unwrap_or_default();
    Ok(Packet { dialect, kind, destination, token, number_at, octets: packet })
}

/// A number of variable length (RFC 9000 §16) as a length, and where it ends.
pub(super) fn number(octets: Octets<'_>, at: usize) -> Read<(usize, usize)> {
    let first = octets.u8(at)?;
    let (value, length) = match first >> 6 {
        0 => (u32::from(first), 1),
        1 => (u32::from(octets.be16(at)? & 0x3fff), 2),
        2 => (octets.be32(at)? & 0x3fff_ffff, 4),
        // Nothing in a datagram is as long as that.
        _ => return Err(Probe::Refuse),
    };
    Ok((size(value), at.saturating_add(length)))
}
