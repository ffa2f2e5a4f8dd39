//! Reads the ClientHello out of QUIC's Initials: version offered, server name, ALPN. It may be spread
//! over several Initials and shuffled inside them. Google's Q050 has its own hello there.
//!
//! Memory: 2 × [`PIECES_OCTETS`] octets.
//!
//! Source: RFC 9001 §4 (the handshake is TLS 1.3 in CRYPTO frames), §4.2 (nothing older than TLS 1.3).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::finding::TlsVersion;
use super::gquic_follow::server_name;
use super::octets::Octets;
use super::octets::size;
use super::quic::Kind;
use super::quic::packet;
use super::quic_initial::Keys;
use super::tls_hello;
use crate::evidence::Evidence;

/// Octets of the handshake that are kept of each side.
const PIECES_OCTETS: usize = 16 * 1024;
/// Pieces of it.
const PIECES: usize = 64;
/// Datagrams of each side that are read.
const DATAGRAMS: u8 = 16;
/// Packets of one datagram that are read.
const PACKETS: usize = 8;

/// Follows both sides until the hello is read.
#[derive(Default)]
pub(super) struct QuicFollower {
    sides: [Collected; 2],
    client: Option<Side>,
    answered: bool,
}

/// What a side's Initials brought.
#[derive(Default)]
struct Collected {
    keys: Option<Keys>,
    pieces: Vec<(usize, Vec<u8>)>,
    octets: usize,
    datagrams: u8,
}

impl Follower for QuicFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let side = piece.side.of_mut(&mut self.sides);
        side.datagrams = side.datagrams.saturating_add(1);
        let mut rest = Octets::whole(piece.octets);
        for _ in 0..PACKETS {
            let Ok(packet) = packet(rest) else { break };
            if packet.kind == Kind::Initial && self.client.is_none() {
                let side = piece.side.of_mut(&mut self.sides);
                let fresh = || Keys::of_client(packet.dialect, packet.destination);
                // After a Retry the keys change with the identifier.
                let opened = side.keys.as_ref().and_then(|keys| keys.open(&packet)).or_else(|| {
                    let keys = side.keys.insert(fresh());
                    keys.open(&packet)
                });
                opened.into_iter().flatten().for_each(|part| side.keep(part));
                self.hello(piece, findings);
            }
            self.answer(packet.kind, piece, findings);
            rest = rest.after(packet.octets.len());
        }
        let read = |side: &Collected| side.datagrams >= DATAGRAMS;
        let over = self.answered || self.sides.iter().all(read);
        let over = over || self.client.is_some_and(|client| read(client.of(&self.sides)));
        if over { Following::Done } else { Following::More }
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}

impl QuicFollower {
    /// Reads the hello once it is whole.
    fn hello(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) {
        let Some(whole) = piece.side.of(&self.sides).whole() else { return };
        let length = u16::try_from(piece.octets.len()).unwrap_or(u16::MAX);
        let what = "hello in QUIC's Initial";
        let evidence = Evidence { packet: piece.packet, offset: piece.offset, length, what };
        let mut add = |finding| findings.push(Located { finding, side: piece.side, evidence });
        if whole.starts_with(b"CHLO") {
            // Google's own handshake: no TLS will be chosen, so that its name is all that there is.
            let name = server_name(&whole);
            self.answered = name.is_some();
            name.into_iter().for_each(|name| add(Finding::ServerName(name)));
            return;
        }
        let Some(hello) = message(&whole).and_then(tls_hello::client) else { return };
        self.client = Some(piece.side);
        hello.version.into_iter().for_each(|version| add(Finding::TlsOffered(version)));
        hello.name.into_iter().for_each(|name| add(Finding::ServerName(name)));
        hello.alpn.into_iter().for_each(|protocol| add(Finding::Alpn(protocol)));
        let side = piece.side.of_mut(&mut self.sides);
        (side.pieces, side.keys) = (Vec::new(), None);
    }

    /// A server that goes on with the handshake has chosen TLS 1.3: QUIC knows no older one.
    fn answer(&mut self, kind: Kind, piece: &Piece<'_>, findings: &mut Vec<Located>) {
        let server = self.client == Some(piece.side.other());
        if self.answered || !server || !matches!(kind, Kind::Initial | Kind::Handshake) {
            return;
        }
        self.answered = true;
        let what = "QUIC handshake, which is TLS 1.3";
        let evidence = Evidence { packet: piece.packet, offset: piece.offset, length: 7, what };
        let finding = Finding::TlsVersion(TlsVersion::Tls13);
        findings.push(Located { finding, side: piece.side, evidence });
    }
}

impl Collected {
    fn keep(&mut self, part: (usize, Vec<u8>)) {
        let octets = self.octets.saturating_add(part.1.len());
        if octets <= PIECES_OCTETS && self.pieces.len() < PIECES {
            self.octets = octets;
            self.pieces.push(part);
        }
    }

    /// The handshake as far as it is there without a hole.
    fn whole(&self) -> Option<Vec<u8>> {
        let mut pieces: Vec<&(usize, Vec<u8>)> = self.pieces.iter().collect();
        pieces.sort_by_key(|(offset, _)| *offset);
        let mut whole: Vec<u8> = Vec::new();
        for (offset, octets) in pieces {
            let known = whole.len().checked_sub(*offset)?;
            whole.extend_from_slice(octets.get(known..).unwrap_or_default());
        }
        Some(whole)
    }
}

/// The body of the ClientHello, if all of it is there.
fn message(whole: &[u8]) -> Option<&[u8]> {
    let [1, a, b, c, body @ ..] = whole else { return None };
    body.get(..size(u32::from_be_bytes([0, *a, *b, *c])))
}
