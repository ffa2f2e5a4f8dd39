//! Reads the hellos of DTLS: version offered and chosen, server name, and whether they agree on SRTP.
//!
//! Versions are said as the TLS version that they are made of (RFC 4347: 1.0 is TLS 1.1, RFC 6347: 1.2,
//! RFC 9147: 1.3). Certificates are not read: with SRTP they are self-signed by design (RFC 5763).
//! Memory: 2 × [`MESSAGE_MOST`] octets.
//!
//! Source: RFC 6347 §4.2 (fragments, cookie), RFC 5764 §4.1.1 (`use_srtp`).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::dtls::HANDSHAKE;
use super::dtls::HANDSHAKE_HEADER;
use super::dtls::RECORD_HEADER;
use super::dtls::record;
use super::finding::TlsVersion;
use super::octets::Octets;
use super::octets::size;
use super::tls_hello;
use crate::evidence::Evidence;

/// Longest hello that is joined.
const MESSAGE_MOST: usize = 8 * 1024;
/// Datagrams of one side that are read.
const DATAGRAMS_MOST: u8 = 32;

/// Follows both sides until their hellos are read.
#[derive(Debug, Default)]
pub(super) struct DtlsFollower {
    sides: [Joined; 2],
}

/// A hello that is being joined from its fragments, which must come in order.
#[derive(Debug, Default)]
struct Joined {
    number: u16,
    kind: u8,
    whole: usize,
    octets: Vec<u8>,
    datagrams: u8,
    offered: bool,
    done: bool,
}

impl Follower for DtlsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let joined = piece.side.of_mut(&mut self.sides);
        joined.datagrams = joined.datagrams.saturating_add(1);
        let mut rest = Octets::whole(piece.octets);
        // Each record takes at least its header, so this ends.
        while let Ok(record) = record(rest)
            && !joined.done
        {
            let end = RECORD_HEADER.saturating_add(record.length);
            let body = rest.slice(RECORD_HEADER, record.length).unwrap_or_default();
            if record.kind == HANDSHAKE && record.epoch == 0 {
                joined.messages(body, piece, findings);
            }
            rest = rest.after(end);
        }
        joined.done |= joined.datagrams >= DATAGRAMS_MOST;
        if self.sides.iter().all(|side| side.done) { Following::Done } else { Following::More }
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}

impl Joined {
    /// Takes the fragments in one record.
    fn messages(&mut self, mut body: &[u8], piece: &Piece<'_>, findings: &mut Vec<Located>) {
        while let Some((header, after)) = body.split_at_checked(HANDSHAKE_HEADER) {
            let [kind, a, b, c, high, low, d, e, f, g, h, i] = *header else { return };
            let long = |x, y, z| size(u32::from_be_bytes([0, x, y, z]));
            let (whole, from, length) = (long(a, b, c), long(d, e, f), long(g, h, i));
            let Some((fragment, next)) = after.split_at_checked(length) else { return };
            body = next;
            if !matches!(kind, 1 | 2) || whole > MESSAGE_MOST {
                continue;
            }
            let number = u16::from_be_bytes([high, low]);
            if (self.number, self.kind, self.whole) != (number, kind, whole) {
                (self.number, self.kind, self.whole) = (number, kind, whole);
                self.octets.clear();
            }
            // What was sent again is skipped; what is missing is sent again.
            if let Some(new) = self.octets.len().checked_sub(from).and_then(|known| fragment.get(known..)) {
                let room = whole.saturating_sub(self.octets.len());
                self.octets.extend_from_slice(new.get(..room.min(new.len())).unwrap_or_default());
            }
            if self.octets.len() == whole {
                let message = std::mem::take(&mut self.octets);
                self.hello(kind, &message, piece, findings);
            }
        }
    }

    /// Reads a whole hello.
    fn hello(&mut self, kind: u8, message: &[u8], piece: &Piece<'_>, findings: &mut Vec<Located>) {
        let what = if kind == 1 { "ClientHello of DTLS" } else { "ServerHello of DTLS" };
        let length = u16::try_from(piece.octets.len()).unwrap_or(u16::MAX);
        let evidence = Evidence { packet: piece.packet, offset: piece.offset, length, what };
        let mut add = |finding| findings.push(Located { finding, side: piece.side, evidence });
        if kind == 2 {
            self.done = true;
            // Written as one of TLS 1.2, since the parser knows no versions of DTLS.
            let own = message.first_chunk::<2>().map(|pair| u16::from_be_bytes(*pair));
            let plain = [&[3, 3], message.get(2..).unwrap_or_default()].concat();
            if let Some(hello) = tls_hello::server(&plain) {
                let later = hello.version.filter(|version| *version > TlsVersion::Tls12);
                later
                    .or_else(|| tls_hello::version(own?))
                    .into_iter()
                    .for_each(|version| add(Finding::TlsVersion(version)));
                hello.srtp.then(|| add(Finding::EncryptedMedia));
            }
            return;
        }
        // The hello is sent again with the server's cookie, and says the same.
        if let Some(plain) = without_cookie(message)
            && let Some(hello) = tls_hello::client(&plain)
            && !std::mem::replace(&mut self.offered, true)
        {
            self.done = true;
            hello.version.into_iter().for_each(|version| add(Finding::TlsOffered(version)));
            hello.name.into_iter().for_each(|name| add(Finding::ServerName(name)));
            hello.alpn.into_iter().for_each(|protocol| add(Finding::Alpn(protocol)));
        }
    }
}

/// A ClientHello as TLS writes it: the cookie behind the session identifier is left out.
fn without_cookie(message: &[u8]) -> Option<Vec<u8>> {
    let session = usize::from(*message.get(34)?);
    let (before, rest) = message.split_at_checked(session.saturating_add(35))?;
    let cookie = usize::from(*rest.first()?);
    Some([before, rest.get(cookie.saturating_add(1)..)?].concat())
}
