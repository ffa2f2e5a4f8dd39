//! Reads the TLS hellos that travel inside TDS packets of type 12.
//!
//! Memory: a packet header per side, and what [`HandshakeReader`] holds.
//!
//! Source: [MS-TDS] §2.2.3.1 (packets), §2.2.6.5 and §3.2.5.2 (TLS inside PRELOGIN).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::tds::HEADER;
use super::tls::HANDSHAKE;
use super::tls_follow::ONE_WAY_OCTETS;
use super::tls_handshake::HandshakeReader;
use super::tls_handshake::Message;
use super::tls_hello;
use crate::evidence::Evidence;

/// Octets of each side that are read for its hello.
const READ: usize = 4096;
/// Type of a packet that holds PRELOGIN or TLS.
const PRELOGIN: u8 = 0x12;
/// Type of a server's answer.
const ANSWER: u8 = 0x04;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// Reads both sides up to their hellos. What else TLS says is left unread: where only the login is
/// encrypted, the server makes itself a certificate that nobody chose.
#[derive(Default)]
pub(super) struct TdsFollower {
    sides: [Packets; 2],
}

/// One side's packets, and TLS inside them.
#[derive(Default)]
struct Packets {
    /// The header of the packet at hand, as far as it is there.
    header: Vec<u8>,
    /// Octets of its payload that are still to come.
    left: usize,
    /// Whether the payload is TLS, once its first octet is there.
    tls: Option<bool>,
    /// A packet with TLS was read, so that the next ones go on with it.
    begun: bool,
    read: usize,
    over: bool,
    hello: HandshakeReader,
}

impl Follower for TdsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let side = piece.side.of_mut(&mut self.sides);
        side.feed(piece.octets, piece.offset, |message| {
            let what = "hello of TLS inside TDS";
            let evidence = Evidence { packet: piece.packet, offset: message.offset, length: 6, what };
            let finding = version(message);
            findings.extend(finding.map(|finding| Located { finding, side: piece.side, evidence }));
            Following::Done
        });
        let one_way = side.over && piece.offset > ONE_WAY_OCTETS;
        if one_way { Following::Done } else { self.following() }
    }

    fn gap(&mut self, side: Side) -> Following {
        side.of_mut(&mut self.sides).over = true;
        self.following()
    }
}

impl TdsFollower {
    fn following(&self) -> Following {
        if self.sides.iter().all(|side| side.over) { Following::Done } else { Following::More }
    }
}

impl Packets {
    /// Takes octets, the first of which stands at `offset`, and hands over the first message of TLS.
    fn feed(&mut self, octets: &[u8], offset: u32, mut take: impl FnMut(&Message<'_>) -> Following) {
        let mut rest = octets;
        let mut at = offset;
        while !self.over && !rest.is_empty() {
            let wanted = if self.left > 0 { self.left } else { HEADER.saturating_sub(self.header.len()) };
            let Some((part, after)) = rest.split_at_checked(wanted.min(rest.len())) else { return };
            if self.left > 0 {
                self.left = self.left.saturating_sub(part.len());
                self.payload(part, at, &mut take);
            } else {
                self.header.extend_from_slice(part);
                self.begin();
            }
            rest = after;
            at = at.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
            self.read = self.read.saturating_add(part.len());
            self.over |= self.read >= READ || self.hello.is_done();
        }
    }

    /// Reads the packet's header once it is whole.
    fn begin(&mut self) {
        let [kind, _, high, low, _, _, _, _] = *self.header.as_slice() else { return };
        let length = usize::from(u16::from_be_bytes([high, low]));
        self.over = length < HEADER || !matches!(kind, PRELOGIN | ANSWER);
        self.left = length.saturating_sub(HEADER);
        self.tls = (kind != PRELOGIN).then_some(false).or(self.begun.then_some(true));
        self.header.clear();
    }

    /// A packet that starts with a record of TLS begins it.
    fn payload(&mut self, part: &[u8], at: u32, take: &mut impl FnMut(&Message<'_>) -> Following) {
        if *self.tls.get_or_insert(part.first() == Some(&HANDSHAKE)) {
            self.begun = true;
            self.hello.feed(part, at, take);
        }
    }
}

/// The version that a hello offers or chooses.
fn version(message: &Message<'_>) -> Option<Finding> {
    match message.kind {
        CLIENT_HELLO => tls_hello::client(message.octets)?.version.map(Finding::TlsOffered),
        SERVER_HELLO => tls_hello::server(message.octets)?.version.map(Finding::TlsVersion),
        _ => None,
    }
}
