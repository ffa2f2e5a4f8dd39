//! RTSP inside HTTP: the reply to the GET carries it as it is, the body of the POST in Base64. The two
//! connections share a cookie (`x-sessioncookie`), but each tells its part alone.
//!
//! Memory: four octets, and what [`super::rtsp_follow`] holds.
//!
//! Source: Apple, "Tunnelling QuickTime RTSP and RTP over HTTP" (1999); ONVIF streaming specification
//! §5.1.1.4; RFC 4648 §4 (Base64).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Finding;
use super::Follower;
use super::Located;
use super::Piece;
use super::Side;
use super::rtsp_follow::RtspFollower;
use crate::service::Content;

/// Reads both sides of one HTTP connection.
#[derive(Default)]
pub(super) struct RtspTunnel {
    inner: RtspFollower,
    group: Vec<u8>,
    /// Who writes Base64, once something of it was read.
    coded: Option<Side>,
    broken: bool,
}

impl RtspTunnel {
    /// Takes octets of a body, the first of which stands at `piece.offset`; a request's are Base64.
    pub(super) fn feed(&mut self, piece: &Piece<'_>, coded: bool, findings: &mut Vec<Located>) {
        let mut found = Vec::new();
        if coded {
            self.coded = Some(piece.side);
            for (octet, offset) in piece.octets.iter().zip(piece.offset..) {
                if let Some(plain) = self.decode(*octet) {
                    let offset = offset.saturating_sub(3);
                    let piece = Piece { octets: &plain, offset, ..*piece };
                    let _ = self.inner.octets(&piece, &mut found);
                }
            }
        } else {
            let _ = self.inner.octets(piece, &mut found);
        }
        // That it is media in a tunnel is said already.
        let news =
            |located: &Located| !matches!(located.finding, Finding::Content(Content::InterleavedMedia, _));
        findings.extend(found.into_iter().filter(news));
    }

    /// Octets are missing: where a group of Base64 starts is not known any more on that side.
    pub(super) fn gap(&mut self, side: Side) {
        self.broken |= self.coded.is_none_or(|coded| coded == side);
        let _ = self.inner.gap(side);
    }

    /// Up to three octets, once four characters are there.
    fn decode(&mut self, octet: u8) -> Option<Vec<u8>> {
        if self.broken || octet.is_ascii_whitespace() {
            return None;
        }
        self.group.push(octet);
        if self.group.len() < 4 {
            return None;
        }
        let plain = STANDARD.decode(&self.group).ok();
        self.group.clear();
        self.broken = plain.is_none();
        plain
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::Finding;
    use super::Piece;
    use super::RtspTunnel;
    use super::STANDARD;
    use crate::addr::Addr;
    use crate::flow::FlowKey;
    use crate::recognise::finding_words::RtspMethod;
    use crate::service::Transport;

    /// Whether the request is read where octets of one side are missing in the middle of it.
    fn reads_on(of_coded_side: bool) -> bool {
        let end = |last| (Addr::v4([10, 0, 0, last]), 4000);
        let (key, side) = FlowKey::canonical(end(1), end(2), Transport::Tcp, 0);
        let coded = STANDARD.encode("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
        let (mut tunnel, mut findings) = (RtspTunnel::default(), Vec::new());
        let (first, last) = coded.as_bytes().split_at(10);
        let piece = |octets, offset| Piece { key: &key, side, octets, offset, packet: 1 };
        tunnel.feed(&piece(first, 0), true, &mut findings);
        tunnel.gap(if of_coded_side { side } else { side.other() });
        tunnel.feed(&piece(last, 10), true, &mut findings);
        findings.iter().any(|located| located.finding == Finding::RtspMethod(RtspMethod::Options))
    }

    #[test]
    fn a_gap_loses_the_groups_of_its_own_side_only() {
        assert!(reads_on(false));
        assert!(!reads_on(true));
    }
}
