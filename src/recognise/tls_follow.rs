//! Reads the hellos and, up to TLS 1.2, the server's certificate out of a TLS flow.
//!
//! Source: RFC 5246 §7.4 and RFC 8446 §4 (handshake messages), RFC 7301 (ALPN).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::finding::TlsVersion;
use super::tls_handshake::HandshakeReader;
use super::tls_handshake::Message;
use super::tls_hello;
use super::x509;
use crate::evidence::Evidence;
use crate::flow::Side;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// Octets of a side whose hello is read, after which the other side's is no longer awaited: it is not
/// captured.
pub(super) const ONE_WAY_OCTETS: u32 = 64 * 1024;

/// Follows both sides; each holds at most one handshake message (see [`HandshakeReader`]).
#[derive(Default)]
pub struct TlsFollower {
    sides: [HandshakeReader; 2],
    offered: bool,
    chosen: Option<TlsVersion>,
}

impl Follower for TlsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let mut reader = std::mem::take(piece.side.of_mut(&mut self.sides));
        reader.feed(piece.octets, piece.offset, |message| self.message(piece, message, findings));
        let late = reader.is_done() && piece.offset > ONE_WAY_OCTETS;
        *piece.side.of_mut(&mut self.sides) = reader;
        if late { Following::Done } else { self.following() }
    }

    fn gap(&mut self, side: Side) -> Following {
        side.of_mut(&mut self.sides).stop();
        self.following()
    }
}

impl TlsFollower {
    fn following(&self) -> Following {
        let done = self.sides.iter().all(HandshakeReader::is_done);
        if done { Following::Done } else { Following::More }
    }

    /// Handles one whole handshake message; says whether this side may still tell something.
    fn message(
        &mut self,
        piece: &Piece<'_>,
        message: &Message<'_>,
        findings: &mut Vec<Located>,
    ) -> Following {
        let mut add = |finding, what| {
            let length = u16::try_from(message.octets.len()).unwrap_or(u16::MAX);
            let evidence = Evidence { packet: piece.packet, offset: message.offset, length, what };
            findings.push(Located { finding, side: piece.side, evidence });
        };
        match message.kind {
            CLIENT_HELLO => {
                // A second hello answers a retry request and says nothing new.
                if let Some(hello) = tls_hello::client(message.octets)
                    && !std::mem::replace(&mut self.offered, true)
                {
                    hello.version.into_iter().for_each(|v| add(Finding::TlsOffered(v), "ClientHello"));
                    hello.name.into_iter().for_each(|n| add(Finding::ServerName(n), "server_name"));
                    hello.alpn.into_iter().for_each(|p| add(Finding::Alpn(p), "ALPN offered"));
                }
                Following::Done
            }
            SERVER_HELLO => {
                let hello = tls_hello::server(message.octets).unwrap_or_default();
                self.chosen = hello.version;
                self.chosen.into_iter().for_each(|v| add(Finding::TlsVersion(v), "ServerHello"));
                hello.alpn.into_iter().for_each(|p| add(Finding::Alpn(p), "ALPN chosen"));
                let hides = self.chosen.is_none_or(|version| version >= TlsVersion::Tls13);
                if hides { Following::Done } else { Following::More }
            }
            CERTIFICATE => {
                if self.chosen.is_some()
                    && let Some(facts) = x509::chain(message.octets)
                {
                    add(Finding::Certificate(Box::new(facts)), "Certificate");
                }
                Following::Done
            }
            SERVER_HELLO_DONE => Following::Done,
            _ => Following::More,
        }
    }
}
