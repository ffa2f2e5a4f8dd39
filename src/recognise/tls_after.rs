//! Sees a protocol go over to TLS after a first message in clear (PostgreSQL, RDP, LDAP, `net.tcp`).
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
use super::tls_follow::ONE_WAY_OCTETS;
use crate::evidence::Evidence;

/// Octets kept of each side.
const KEPT: usize = 1024;

/// Reads how long the message in clear is, and looks at what follows it.
pub(super) struct TlsAfter {
    /// How many octets of a side stand before TLS.
    in_clear: fn(Octets<'_>) -> Read<usize>,
    kept: [Vec<u8>; 2],
    /// Where the first octet kept stands in what the side sent.
    starts: [Option<u32>; 2],
    done: [bool; 2],
}

impl TlsAfter {
    /// `in_clear` tells how many octets of a side stand before TLS, or refuses.
    pub(super) fn new(in_clear: fn(Octets<'_>) -> Read<usize>) -> Self {
        Self { in_clear, kept: [Vec::new(), Vec::new()], starts: [None; 2], done: [false, false] }
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
            let one_way = piece.offset > ONE_WAY_OCTETS;
            return if one_way { Following::Done } else { Following::More };
        }
        let start = *piece.side.of_mut(&mut self.starts).get_or_insert(piece.offset);
        let kept = piece.side.of_mut(&mut self.kept);
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(piece.octets.get(..room).unwrap_or(piece.octets));
        let full = kept.len() >= KEPT;
        match self.starts_at(piece.side) {
            Ok(Some(at)) => {
                let what = "TLS record after the message in clear";
                let offset = start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
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

#[cfg(test)]
mod tests {
    use super::Follower;
    use super::Following;
    use super::Piece;
    use super::Side;
    use super::TlsAfter;
    use crate::addr::Addr;
    use crate::flow::FlowKey;
    use crate::service::Transport;

    /// A flow whose sides say `hello` before TLS.
    fn after_hello() -> (FlowKey, Side, TlsAfter) {
        let end = |last| (Addr::v4([10, 0, 0, last]), 4000);
        let (key, side) = FlowKey::canonical(end(1), end(2), Transport::Tcp, 0);
        (key, side, TlsAfter::new(|octets| octets.expect(0, b"hello").map(|()| 5)))
    }

    #[test]
    fn tls_is_found_where_it_stands_though_the_head_began_later() {
        let (key, side, mut follower) = after_hello();
        let mut findings = Vec::new();
        for (octets, offset) in [(b"hel".as_slice(), 700), (b"lo\x16\x03", 703)] {
            let piece = Piece { key: &key, side, octets, offset, packet: 1 };
            let following = follower.octets(&piece, &mut findings);
            assert_eq!(following == Following::Done, offset == 703);
        }
        assert_eq!(findings[0].evidence.offset, 705);
    }

    #[test]
    fn a_side_that_is_not_captured_is_not_awaited_for_ever() {
        let (key, side, mut follower) = after_hello();
        let mut octets = |offset| {
            follower.octets(&Piece { key: &key, side, octets: b"other", offset, packet: 1 }, &mut Vec::new())
        };
        assert_eq!([0, 5, 60_000].map(&mut octets), [Following::More; 3]);
        assert_eq!(octets(70_000), Following::Done);
    }
}
