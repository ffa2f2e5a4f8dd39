//! Sees a line protocol go over to TLS.
//!
//! The proof is the server's consent to the client's command, or the first TLS record where a line
//! would start; so one direction is enough. Memory: 2 × [`LINE_KEPT`] octets; the lines may hold
//! passwords and are never handed on.
//!
//! Source: RFC 3207 §4 (SMTP), RFC 4217 §4 (FTP), RFC 2595 §4 (POP3), RFC 9051 §6.2.1 (IMAP).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Service;
use super::Side;
use crate::evidence::Evidence;

/// Octets kept of the line at hand.
const LINE_KEPT: usize = 16;

/// Reads lines until TLS starts.
#[derive(Debug)]
pub(super) struct StartTls {
    command: &'static [u8],
    consent: &'static [u8],
    lines: [Line; 2],
    asked: Option<Side>,
}

/// Start of the line at hand, and how much of it there was.
#[derive(Debug, Default)]
struct Line {
    kept: [u8; LINE_KEPT],
    length: usize,
}

impl StartTls {
    /// For a protocol whose client says `command` and whose server consents with the code `consent`.
    pub(super) fn new(command: &'static [u8], consent: &'static [u8]) -> Self {
        Self { command, consent, lines: [Line::default(), Line::default()], asked: None }
    }

    /// What the line at hand is worth when `octet` is added: our words if TLS starts.
    fn add(&mut self, side: Side, octet: u8) -> Option<&'static str> {
        let line = side.of_mut(&mut self.lines);
        if octet != b'\n' {
            if let Some(slot) = line.kept.get_mut(line.length) {
                *slot = octet;
            }
            line.length = line.length.saturating_add(1);
            // No line starts with the octets of a TLS handshake record.
            let record = line.length == 3 && line.kept.starts_with(&[0x16, 3]) && octet <= 4;
            return record.then_some("TLS record where a line would start");
        }
        let text = line.kept.get(..line.length.min(LINE_KEPT)).unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let commands = text.eq_ignore_ascii_case(self.command);
        let consents = text.starts_with(self.consent) && text.get(3) != Some(&b'-');
        *line = Line::default();
        if commands {
            self.asked = Some(side);
            return None;
        }
        let answers = self.asked == Some(side.other());
        if answers && !consents {
            // The server said no; the client may ask again.
            self.asked = None;
        }
        (answers && consents).then_some("consent to start TLS")
    }
}

impl Follower for StartTls {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        for (at, octet) in (0_u32..).zip(piece.octets) {
            let Some(what) = self.add(piece.side, *octet) else { continue };
            let offset = piece.offset.saturating_add(at).saturating_sub(2);
            let evidence = Evidence { packet: piece.packet, offset, length: 3, what };
            findings.push(Located { finding: Finding::Upgrade(Service::Tls), side: piece.side, evidence });
            return Following::Done;
        }
        Following::More
    }

    fn gap(&mut self, side: Side) -> Following {
        *side.of_mut(&mut self.lines) = Line::default();
        Following::More
    }
}
