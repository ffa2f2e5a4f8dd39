//! Tells each finding once, with its evidence.

use super::Finding;
use super::Located;
use super::Piece;
use crate::evidence::Evidence;
use crate::flow::Side;

/// Different findings remembered per flow; what comes after is dropped.
const FINDINGS: usize = 64;

/// What one follower has told of its flow.
#[derive(Debug, Default)]
pub struct Told {
    told: Vec<(Side, Finding)>,
}

/// Where a finding is put: the piece that is being read and the list that grows.
pub struct Teller<'a> {
    /// What was told before.
    pub told: &'a mut Told,
    /// The piece that brought the proof.
    pub piece: &'a Piece<'a>,
    /// Where findings go.
    pub findings: &'a mut Vec<Located>,
}

impl Teller<'_> {
    /// Tells of the sender of the piece, unless it was told before. The proof stands at `offset`.
    pub fn tell(&mut self, finding: Finding, offset: u32, length: usize, what: &'static str) {
        self.tell_of(self.piece.side, finding, offset, length, what);
    }

    /// Tells of `side`, whoever sent the octets.
    pub fn tell_of(&mut self, side: Side, finding: Finding, offset: u32, length: usize, what: &'static str) {
        let known = self.told.told.iter().any(|(of, told)| *of == side && *told == finding);
        if known || self.told.told.len() >= FINDINGS {
            return;
        }
        self.told.told.push((side, finding.clone()));
        self.repeat(side, finding, offset, length, what);
    }

    /// Tells of `side`, also what was told before: the order of such findings means something.
    pub fn repeat(&mut self, side: Side, finding: Finding, offset: u32, length: usize, what: &'static str) {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let evidence = Evidence { packet: self.piece.packet, offset, length, what };
        self.findings.push(Located { finding, side, evidence });
    }
}
