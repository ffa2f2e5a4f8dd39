//! Reads the server's name out of the hello of Google's QUIC, which is in clear. The rest of its
//! handshake is not TLS, so that there is no version of TLS to tell.
//!
//! Memory: none but a count.
//!
//! Source: Google, "QUIC Crypto" (chromium.org/quic), sections on handshake messages and on CHLO.

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::gquic::Datagram;
use super::gquic::datagram;
use super::octets::Octets;
use super::octets::size;
use super::text::host_name;
use crate::evidence::Evidence;

/// Datagrams that are read, of both sides.
const DATAGRAMS: u8 = 16;
/// Octets before a message's tags: its own, their count, two zeros.
const HEADER: usize = 8;

/// Follows both sides until the name is read.
#[derive(Debug, Default)]
pub(super) struct GquicFollower {
    datagrams: u8,
}

impl Follower for GquicFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        self.datagrams = self.datagrams.saturating_add(1);
        if let Ok(Datagram::Hello(hello)) = datagram(Octets::whole(piece.octets))
            && let Some(name) = server_name(hello)
        {
            let length = u16::try_from(piece.octets.len()).unwrap_or(u16::MAX);
            let what = "SNI in CHLO of Google's QUIC";
            let evidence = Evidence { packet: piece.packet, offset: piece.offset, length, what };
            findings.push(Located { finding: Finding::ServerName(name), side: piece.side, evidence });
            return Following::Done;
        }
        if self.datagrams < DATAGRAMS { Following::More } else { Following::Done }
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}

/// The server's name in a hello, if that part of it is there: each tag says where its value ends.
pub(super) fn server_name(hello: &[u8]) -> Option<String> {
    let count = usize::from(u16::from_le_bytes(*hello.get(4..)?.first_chunk()?));
    let (tags, values) = hello.get(HEADER..)?.split_at_checked(count.checked_mul(8)?)?;
    let mut start = 0_usize;
    for tag in tags.chunks_exact(8) {
        let (name, end) = (tag.first_chunk::<4>()?, tag.last_chunk::<4>()?);
        let end = size(u32::from_le_bytes(*end));
        if name == b"SNI\0" {
            return host_name(values.get(start..end)?);
        }
        start = end;
    }
    None
}
