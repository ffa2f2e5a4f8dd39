//! Reads on in an SMB session: the dialect that the server chose, and whether a MOBOTIX camera
//! records here.
//!
//! It frames both sides by the NetBIOS length, keeps the first [`KEPT`] octets of each message and
//! counts the rest away. Memory: 2 × [`KEPT`] octets.
//!
//! Source: [MS-SMB2] §2.2.4 (NEGOTIATE response), §2.2.13 (CREATE), §2.2.21 (WRITE), §2.2.42.1 (compressed), §3.2.5.1.9
//! (compound messages); [MS-CIFS] §2.2.4.64 (NT_CREATE_ANDX).

use super::Certainty;
use super::Content;
use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::finding::SmbDialect;
use super::octets::Octets;
use super::octets::size;
use super::smb::FRAME;
use super::smb::SMB_FINDER;
use super::smb::message;
use super::smb_recording::holds_mobotix_picture;
use super::smb_recording::is_recording_path;
use crate::evidence::Evidence;

/// Octets kept of the start of each message: a WRITE's header and the head of the picture in it.
const KEPT: usize = 4096;
/// Octets that are searched at a time for a frame.
const SEARCHED: usize = 256;
/// Octets of an SMB2 header ([MS-SMB2] §2.2.1.2).
const SMB2_HEADER: usize = 64;

/// What is known of one SMB session.
#[derive(Debug, Default)]
pub(super) struct SmbFollower {
    sides: [Framer; 2],
    dialect: Option<SmbDialect>,
    recording: Option<Certainty>,
}

/// One side's octets, cut into messages.
#[derive(Debug, Default)]
struct Framer {
    /// Start of the message at hand with its frame, or octets in which none was found yet.
    kept: Vec<u8>,
    /// Position of the first octet of `kept`.
    start: u32,
    /// Octets of the message at hand that are still to come and not kept.
    skip: usize,
    /// `kept` starts at a frame.
    framed: bool,
}

/// What one message taught, and where in it.
struct Lesson {
    finding: Finding,
    at: usize,
    length: u16,
    what: &'static str,
}

impl Follower for SmbFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let mut rest = piece.octets;
        let mut offset = piece.offset;
        while !rest.is_empty() {
            let framer = piece.side.of_mut(&mut self.sides);
            let taken = framer.take(rest, offset);
            rest = rest.get(taken..).unwrap_or_default();
            offset = offset.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
            // A short message may have brought the next one with it; each takes octets away.
            while let Some((message, start)) = piece.side.of_mut(&mut self.sides).message() {
                self.learn(&message, start, piece, findings);
            }
        }
        if self.dialect.is_some() && self.recording == Some(Certainty::Signature) {
            return Following::Done;
        }
        Following::More
    }

    fn gap(&mut self, side: Side) -> Following {
        *side.of_mut(&mut self.sides) = Framer::default();
        Following::More
    }
}

impl Framer {
    /// Takes what it can use of `rest`, at least one octet.
    fn take(&mut self, rest: &[u8], offset: u32) -> usize {
        if self.skip > 0 {
            let taken = self.skip.min(rest.len());
            self.skip = self.skip.saturating_sub(taken);
            return taken;
        }
        if self.kept.is_empty() {
            self.start = offset;
        }
        let room = self.wanted().saturating_sub(self.kept.len()).max(1).min(rest.len());
        self.kept.extend_from_slice(rest.get(..room).unwrap_or_default());
        room
    }

    /// How many octets `kept` should have before it is looked at.
    fn wanted(&self) -> usize {
        if self.framed { FRAME.saturating_add(self.length()).min(KEPT) } else { SEARCHED }
    }

    /// Length in the frame.
    fn length(&self) -> usize {
        size(Octets::whole(&self.kept).be32(0).unwrap_or(0) & 0x00ff_ffff)
    }

    /// The message at hand without its frame, once enough of it is there, and its position.
    fn message(&mut self) -> Option<(Vec<u8>, u32)> {
        if !self.framed && !self.find_frame() {
            return None;
        }
        let wanted = self.wanted();
        if self.kept.len() < wanted {
            return None;
        }
        let whole = FRAME.saturating_add(self.length());
        let after = self.kept.split_off(wanted);
        let message = std::mem::take(&mut self.kept).split_off(FRAME);
        let start = self.start.saturating_add(4);
        // Octets after a short message that stood in the search buffer begin the next one.
        self.start = self.start.saturating_add(u32::try_from(wanted).unwrap_or(u32::MAX));
        self.kept = after;
        self.skip = whole.saturating_sub(wanted);
        self.framed = false;
        Some((message, start))
    }

    /// Looks for a frame, drops what stands before it, and says whether there is one.
    fn find_frame(&mut self) -> bool {
        let kept = Octets::whole(&self.kept);
        let found = SMB_FINDER
            .find_iter(&self.kept)
            .filter_map(|at| at.checked_sub(FRAME.saturating_add(1)))
            .find(|at| message(kept.after(*at)).is_ok());
        let keep_from = found.unwrap_or(self.kept.len().saturating_sub(FRAME.saturating_add(20)));
        self.kept.drain(..keep_from);
        self.start = self.start.saturating_add(u32::try_from(keep_from).unwrap_or(u32::MAX));
        self.framed = found.is_some();
        self.framed
    }
}

impl SmbFollower {
    /// Reads one message, or the compound messages in it.
    fn learn(&mut self, message: &[u8], start: u32, piece: &Piece<'_>, findings: &mut Vec<Located>) {
        let mut at = 0_usize;
        loop {
            let one = Octets::whole(message).after(at);
            let lesson = match one.seen() {
                [0xff, ..] => self.smb1(one),
                [0xfe, ..] => self.smb2(one),
                [0xfc, ..] => self.in_front_of_compressed(one),
                _ => None,
            };
            if let Some(lesson) = lesson {
                let offset = at.saturating_add(lesson.at);
                let evidence = Evidence {
                    packet: piece.packet,
                    offset: start.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX)),
                    length: lesson.length,
                    what: lesson.what,
                };
                findings.push(Located { finding: lesson.finding, side: piece.side, evidence });
            }
            // NextCommand of [MS-SMB2] §2.2.1.2: from the start of this header, a multiple of 8.
            let next = size(one.le32(20).unwrap_or(0));
            if one.seen().first() != Some(&0xfe) || next < SMB2_HEADER || !next.is_multiple_of(8) {
                return;
            }
            at = at.saturating_add(next);
        }
    }

    fn smb1(&mut self, message: Octets<'_>) -> Option<Lesson> {
        let command = message.u8(4).ok()?;
        let answers = message.u8(9).ok()? & 0x80 != 0;
        // A NEGOTIATE may still lead to SMB 2; index ffff says that the server took no dialect.
        let chosen = command != 0x72 || (answers && message.le16(33).ok()? != 0xffff);
        if self.dialect.is_none() && chosen {
            self.dialect = Some(SmbDialect::Smb1);
            let finding = Finding::SmbDialect(SmbDialect::Smb1);
            return Some(Lesson { finding, at: 0, length: 5, what: "SMB 1 command" });
        }
        match command {
            0xa2 if !answers => {
                let unicode = message.le16(10).ok()? & 0x8000 != 0;
                let length = usize::from(message.le16(38).ok()?);
                let at = if unicode { 84 } else { 83 };
                self.path(message, at, length, unicode)
            }
            0x2f if !answers => self.picture(message, 32),
            _ => None,
        }
    }

    fn smb2(&mut self, message: Octets<'_>) -> Option<Lesson> {
        let command = message.le16(12).ok()?;
        let answers = message.le32(16).ok()? & 1 != 0;
        match (command, answers) {
            (0, true) if self.dialect.is_none() => {
                let dialect = dialect(message.le16(68).ok()?)?;
                self.dialect = Some(dialect);
                let finding = Finding::SmbDialect(dialect);
                Some(Lesson { finding, at: 68, length: 2, what: "dialect in the NEGOTIATE response" })
            }
            (5, false) => {
                let (at, length) = (message.le16(108).ok()?, message.le16(110).ok()?);
                self.path(message, usize::from(at), usize::from(length), true)
            }
            (9, false) => self.picture(message, usize::from(message.le16(66).ok()?)),
            _ => None,
        }
    }

    /// What stands uncompressed in front of compressed data, where the transform is not chained
    /// ([MS-SMB2] §2.2.42.1: flags at 10, the octets' count at 12).
    fn in_front_of_compressed(&mut self, message: Octets<'_>) -> Option<Lesson> {
        let chained = message.le16(10).ok()? != 0;
        let plain = message.slice(16, size(message.le32(12).ok()?)).ok().filter(|_| !chained)?;
        let lesson = if plain.first() == Some(&0xfe) { self.smb2(Octets::whole(plain)) } else { None };
        lesson.map(|lesson| Lesson { at: lesson.at.saturating_add(16), ..lesson })
    }

    /// A name that is opened: is it a camera's recording?
    fn path(&mut self, message: Octets<'_>, at: usize, length: usize, unicode: bool) -> Option<Lesson> {
        let name = message.slice(at, length).ok()?;
        if self.recording.is_some() || !is_recording_path(name, unicode) {
            return None;
        }
        self.recording = Some(Certainty::Consistent);
        let finding = Finding::Content(Content::CameraRecording, Certainty::Consistent);
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        Some(Lesson { finding, at, length, what: "path of a MOBOTIX recording" })
    }

    /// Data that is written: is there a camera's picture in it?
    fn picture(&mut self, message: Octets<'_>, at: usize) -> Option<Lesson> {
        let data = message.after(at).seen();
        if self.recording == Some(Certainty::Signature) {
            return None;
        }
        let found = holds_mobotix_picture(data)?;
        self.recording = Some(Certainty::Signature);
        let finding = Finding::Content(Content::CameraRecording, Certainty::Signature);
        Some(Lesson { finding, at: at.saturating_add(found), length: 8, what: "MXF header in written data" })
    }
}

/// DialectRevision ([MS-SMB2] §2.2.4). `02ff` only says that a second NEGOTIATE follows.
const fn dialect(revision: u16) -> Option<SmbDialect> {
    match revision {
        0x0202 => Some(SmbDialect::Smb202),
        0x0210 => Some(SmbDialect::Smb210),
        0x0300 => Some(SmbDialect::Smb300),
        0x0302 => Some(SmbDialect::Smb302),
        0x0311 => Some(SmbDialect::Smb311),
        _ => None,
    }
}
