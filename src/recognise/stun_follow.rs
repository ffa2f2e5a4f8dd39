//! Sees DTLS come behind STUN on one pair of ports, as ICE and WebRTC do.
//!
//! Source: RFC 7983 (which first octets are whose on shared ports).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Service;
use super::Side;
use super::Transport;
use super::dtls::record;
use super::octets::Octets;
use crate::evidence::Evidence;

/// Datagrams of both sides that are looked at: checks of connectivity come first, for some seconds.
const DATAGRAMS: u8 = 128;

/// Looks at the first octets of each datagram. Keeps nothing of them.
#[derive(Debug, Default)]
pub(super) struct StunFollower {
    datagrams: u8,
}

impl Follower for StunFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        self.datagrams = self.datagrams.saturating_add(1);
        if piece.key.transport != Transport::Udp || self.datagrams >= DATAGRAMS {
            return Following::Done;
        }
        if record(Octets::whole(piece.octets)).is_err() {
            return Following::More;
        }
        let what = "DTLS record behind STUN";
        let evidence = Evidence { packet: piece.packet, offset: piece.offset, length: 13, what };
        findings.push(Located { finding: Finding::Upgrade(Service::Dtls), side: piece.side, evidence });
        Following::Done
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}
