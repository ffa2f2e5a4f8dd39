//! Reads FTP's control connection: TLS, data connections that it announces, and whether a MOBOTIX
//! camera records here.
//!
//! Memory: 2 × [`super::line::LINE_OCTETS`] octets. Of a line only paths and ports are looked at; names
//! and passwords are handed to nobody.
//!
//! Source: RFC 959 §4.1.2 (PORT, PASV), §4.1.3 (STOR, CWD, MKD), RFC 2428 (EPRT, EPSV), RFC 4217
//! (AUTH TLS); MOBOTIX on-camera help `help?event-storage` (folders).

use super::Certainty;
use super::Content;
use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::Transport;
use super::finding::MediaAnnouncement;
use super::line::LineReader;
use super::smb_recording::is_recording_path;
use super::starttls::StartTls;
use super::text::number;
use super::text::starts_with;
use super::told::Teller;
use super::told::Told;
use crate::addr::Addr;

/// Commands whose parameter is a path.
const PATHS: [&[u8]; 6] = [b"STOR ", b"APPE ", b"CWD ", b"MKD ", b"XMKD ", b"RNTO "];

/// Follows one control connection.
pub(super) struct FtpFollower {
    tls: StartTls,
    lines: [LineReader; 2],
    told: Told,
}

impl Default for FtpFollower {
    fn default() -> Self {
        let tls = StartTls::new(b"AUTH TLS", b"234");
        Self { tls, lines: <[LineReader; 2]>::default(), told: Told::default() }
    }
}

impl Follower for FtpFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let before = findings.len();
        let following = self.tls.octets(piece, findings);
        // What stands behind the start of TLS is no line; it is read before the upgrade is told.
        let upgrade = findings.split_off(before);
        let tls_at = upgrade.first().map(|located| located.evidence.offset.saturating_sub(piece.offset));
        let clear = tls_at.and_then(|at| usize::try_from(at).ok()).unwrap_or(piece.octets.len());
        let mut rest = piece.octets.get(..clear).unwrap_or_default();
        let mut at = piece.offset;
        while !rest.is_empty() {
            let reader = piece.side.of_mut(&mut self.lines);
            let (used, whole) = reader.take(rest, at);
            rest = rest.get(used..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
            if whole {
                let (line, start) = reader.finish();
                let mut teller = Teller { told: &mut self.told, piece, findings };
                learn(&line, start, &mut teller);
            }
        }
        findings.extend(upgrade);
        following
    }

    fn gap(&mut self, side: Side) -> Following {
        side.of_mut(&mut self.lines).clear();
        self.tls.gap(side)
    }
}

/// What a line says. A command is the client's, a reply the server's.
fn learn(line: &[u8], at: u32, teller: &mut Teller<'_>) {
    let path = PATHS.iter().find(|command| starts_with(line, command));
    if let Some(path) = path.and_then(|command| line.get(command.len()..)) {
        if is_recording_path(path, false) {
            let finding = Finding::Content(Content::CameraRecording, Certainty::Consistent);
            teller.tell(finding, at, line.len(), "path of a MOBOTIX recording");
        }
        return;
    }
    let ours = teller.piece.key.end(teller.piece.side).0;
    let theirs = teller.piece.key.end(teller.piece.side.other()).0;
    let announced = if starts_with(line, b"PORT ") || starts_with(line, b"EPRT ") {
        // The client listens, at its own address: another would be a bounce attack (RFC 2577 §2).
        listening(line).map(|port| announcement(ours, theirs, (port, 0)))
    } else if line.starts_with(b"227 ") || line.starts_with(b"229 ") {
        // The server listens.
        listening(line).map(|port| announcement(theirs, ours, (0, port)))
    } else {
        None
    };
    if let Some(media) = announced {
        // Each transfer has its own, as many as there are pictures.
        let what = "FTP announces a data connection";
        teller.repeat(teller.piece.side, Finding::Media(media), at, 4, what);
    }
}

/// The client receives and the server sends, whoever listens: port 0 is not known.
fn announcement(client: Addr, server: Addr, (client_port, server_port): (u16, u16)) -> MediaAnnouncement {
    MediaAnnouncement {
        transport: Transport::Tcp,
        receiver: client,
        receiver_port: client_port,
        receiver_last: client_port,
        sender: Some(server),
        sender_port: server_port,
        sender_last: server_port,
        ended: false,
    }
}

/// The port in `PORT 10,0,0,1,195,80`, `227 … (10,0,0,1,195,80)`, `EPRT |1|10.0.0.1|5000|`,
/// `229 … (|||5000|)`.
fn listening(line: &[u8]) -> Option<u16> {
    let text = line.get(4..)?;
    let port = if starts_with(line, b"EPRT") || line.starts_with(b"229") {
        let fields: Vec<&[u8]> = text.split(|octet| *octet == b'|').take(6).collect();
        u16::try_from(number(fields.get(3)?)?).ok()?
    } else {
        let digits = text.iter().position(u8::is_ascii_digit)?;
        let mut numbers = text.get(digits..)?.split(|octet| *octet == b',').map(number).skip(4);
        let (high, low) = (numbers.next()??, numbers.next()??);
        u16::from_be_bytes([u8::try_from(high).ok()?, u8::try_from(low).ok()?])
    };
    (port > 0).then_some(port)
}
