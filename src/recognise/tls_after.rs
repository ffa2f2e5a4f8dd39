//! Sees a protocol go over to TLS after a first message in clear (PostgreSQL, RDP).
//!
//! Memory: 2 × [`KEPT`] octets.
//!
//! Source: PostgreSQL documentation "SSL Session Encryption"; [MS-RDPBCGR] §5.4.5; RFC 4511 §4.14;
//! [MC-NMF] §2.2.3.5.

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Probe;
use super::Service;
use super::Side;
use super::octets::Octets;
use super::octets::Read;
use crate::evidence::Evidence;

/// Octets kept of each side.
const KEPT: usize = 1024;

/// Reads how long the message in clear is, and looks at what follows it.
pub(super) struct TlsAfter {
    /// How many octets of a side stand before TLS.
    in_clear: fn(Octets<'_>) -> Read<usize>,
    kept: [Vec<u8>; 2],
    done: [bool; 2],
}

impl TlsAfter {
    /// `in_clear` tells how many octets of a side stand before TLS, or refuses.
    pub(super) fn new(in_clear: fn(Octets<'_>) -> Read<usize>) -> Self {
        Self { in_clear, kept: [Vec::new(), Vec::new()], done: [false, false] }
    }

    /// Where TLS starts on this side, once that can be said.
    fn starts_at(&self, side: Side) -> Read<Option<usize>> {
        let octets = Octets::growing(side.of(&self.kept).as_slice());
        let at = match (self.in_clear)(octets) {
            Ok(at) => at,
            Err(Probe::NeedMore) => return Err(Probe::NeedMore),
            Err(_) => return Ok(None),
        };
        match octets.after(at).expect(0, &[0x16, 3]) {
            Ok(()) => Ok(Some(at)),
            Err(Probe::NeedMore) => Err(Probe::NeedMore),
            Err(_) => Ok(None),
        }
    }
}

impl Follower for TlsAfter {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        if *piece.side.of(&self.done) {
            return Following::More;
        }
        let kept = piece.side.of_mut(&mut self.kept);
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(piece.octets.get(..room).unwrap_or(piece.octets));
        let full = kept.len() >= KEPT;
        match self.starts_at(piece.side) {
            Ok(Some(at)) => {
                let what = "TLS record after the message in clear";
                let offset = u32::try_from(at).unwrap_or(u32::MAX);
                let evidence = Evidence { packet: piece.packet, offset, length: 2, what };
                let finding = Finding::Upgrade(Service::Tls);
                findings.push(Located { finding, side: piece.side, evidence });
                return Following::Done;
            }
            Err(_) if !full => return Following::More,
            _ => {}
        }
        self.gap(piece.side)
    }

    fn gap(&mut self, side: Side) -> Following {
        *side.of_mut(&mut self.done) = true;
        *side.of_mut(&mut self.kept) = Vec::new();
        if self.done == [true, true] { Following::Done } else { Following::More }
    }
}
