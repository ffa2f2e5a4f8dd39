//! Tells each finding once, with its evidence.

use std::mem::discriminant;

use super::Finding;
use super::Located;
use super::Piece;
use crate::evidence::Evidence;
use crate::flow::Side;

/// Different findings of one kind that are remembered per flow, where the wire chooses their values; what
/// comes after is dropped. Kinds whose values are of a closed set are bounded by it: who sends many names or
/// statuses first hides nothing of them.
const OPEN_FINDINGS: usize = 64;

/// What one follower has told of its flow.
#[derive(Debug, Default)]
pub struct Told {
    told: Vec<(Side, Finding)>,
}

impl Told {
    /// How many findings of this one's kind were told.
    fn of_kind(&self, finding: &Finding) -> usize {
        self.told.iter().filter(|(_, told)| discriminant(told) == discriminant(finding)).count()
    }
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
        if known || is_open(&finding) && self.told.of_kind(&finding) >= OPEN_FINDINGS {
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

/// Whether the wire may give as many different findings of this kind as it likes.
const fn is_open(finding: &Finding) -> bool {
    match finding {
        Finding::ServerName(_)
        | Finding::HttpHost(_)
        | Finding::Certificate(_)
        | Finding::Media(_)
        | Finding::Resolved { .. }
        | Finding::Lease { .. }
        | Finding::Alpn(_)
        | Finding::RtspStatus(_)
        | Finding::Redirect(_) => true,
        Finding::Content(..)
        | Finding::Upgrade(_)
        | Finding::TlsVersion(_)
        | Finding::TlsOffered(_)
        | Finding::Auth(_)
        | Finding::Unauthenticated
        | Finding::FactoryPassword
        | Finding::SmbDialect(_)
        | Finding::DeviceKind(_)
        | Finding::Command(_)
        | Finding::RtspMethod(_)
        | Finding::Codec(_)
        | Finding::EncryptedMedia => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Finding;
    use super::OPEN_FINDINGS;
    use super::Piece;
    use super::Teller;
    use super::Told;
    use crate::addr::Addr;
    use crate::flow::FlowKey;
    use crate::flow::Side;
    use crate::recognise::finding::AuthScheme;
    use crate::recognise::finding::DeviceKind;
    use crate::service::Transport;

    #[test]
    fn many_values_of_the_wire_hide_no_other_kind_of_finding() {
        let ends = ((Addr::v4([10, 0, 0, 1]), 40_000), (Addr::v4([10, 0, 0, 2]), 554));
        let key = FlowKey::canonical(ends.0, ends.1, Transport::Tcp, 0).0;
        let piece = Piece { key: &key, side: Side::B, octets: &[], offset: 0, packet: 1 };
        let (mut told, mut findings) = (Told::default(), Vec::new());
        let mut teller = Teller { told: &mut told, piece: &piece, findings: &mut findings };
        for status in 300..500 {
            teller.tell(Finding::RtspStatus(status), 0, 0, "a status");
        }
        let closed = [
            Finding::Unauthenticated,
            Finding::FactoryPassword,
            Finding::DeviceKind(DeviceKind::MobotixCamera),
            Finding::Auth(AuthScheme::Basic),
        ];
        let others = closed.into_iter().chain([Finding::Redirect("cam.example.net".to_owned())]);
        for finding in others.clone() {
            teller.tell(finding.clone(), 0, 0, "a finding");
            teller.tell(finding, 0, 0, "the same again");
        }
        assert_eq!(findings.len(), OPEN_FINDINGS.saturating_add(5));
        let last: Vec<Finding> = findings.into_iter().skip(OPEN_FINDINGS).map(|one| one.finding).collect();
        assert_eq!(last, others.collect::<Vec<_>>());
    }
}
