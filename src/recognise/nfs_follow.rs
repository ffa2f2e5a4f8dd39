//! Reads NFS calls for a MOBOTIX camera's recording: names of its folders, and pictures that are
//! written.
//!
//! Names are XDR strings (a length in four octets, then the name) in every version: LOOKUP, CREATE and
//! MKDIR of versions 2 and 3, and COMPOUND of version 4. So they are searched for as that, which needs
//! no table of procedures. Memory: 2 × [`KEPT`] octets.
//!
//! Source: RFC 4506 §4.11 (strings), RFC 5531 §11 (record marking), RFC 1813 §3.3, RFC 7530 §16;
//! MOBOTIX on-camera help `help?event-storage`.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Certainty;
use super::Content;
use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::Transport;
use super::octets::Octets;
use super::octets::size;
use super::smb_recording::holds_mobotix_picture;
use super::smb_recording::is_recording_path;
use crate::evidence::Evidence;

/// Octets kept of the start of each message.
const KEPT: usize = 4096;
/// Longest name looked at.
const NAME_MOST: usize = 255;
/// What the name of a camera's folder starts with.
static FOLDER_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"10_"));

/// What is known of one connection.
#[derive(Debug, Default)]
pub(super) struct NfsFollower {
    sides: [Messages; 2],
    recording: Option<Certainty>,
}

/// One side's octets, cut into records.
#[derive(Debug, Default)]
struct Messages {
    /// Record mark and start of the record.
    kept: Vec<u8>,
    start: u32,
    skip: usize,
    /// Where a record starts is not known.
    lost: bool,
}

impl Follower for NfsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        if piece.key.transport != Transport::Tcp {
            let start = piece.octets.get(..KEPT).unwrap_or(piece.octets);
            self.learn(start, piece.offset, piece, findings);
            return self.following();
        }
        let mut rest = piece.octets;
        let mut at = piece.offset;
        while !rest.is_empty() && !piece.side.of(&self.sides).lost {
            let used = piece.side.of_mut(&mut self.sides).take(rest, at);
            rest = rest.get(used..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
            if let Some((message, start)) = piece.side.of_mut(&mut self.sides).message() {
                self.learn(&message, start, piece, findings);
            }
        }
        self.following()
    }

    fn gap(&mut self, side: Side) -> Following {
        *side.of_mut(&mut self.sides) = Messages { lost: true, ..Messages::default() };
        self.following()
    }
}

impl Messages {
    /// Takes what it can use of `rest`, at least one octet.
    fn take(&mut self, rest: &[u8], at: u32) -> usize {
        if self.skip > 0 {
            let used = self.skip.min(rest.len());
            self.skip = self.skip.saturating_sub(used);
            return used;
        }
        if self.kept.is_empty() {
            self.start = at;
        }
        let used = self.wanted().saturating_sub(self.kept.len()).max(1).min(rest.len());
        self.kept.extend_from_slice(rest.get(..used).unwrap_or_default());
        used
    }

    /// Octets of the mark and the record behind it.
    fn whole(&self) -> usize {
        size(Octets::whole(&self.kept).be32(0).unwrap_or(0) & 0x7fff_ffff).saturating_add(4)
    }

    fn wanted(&self) -> usize {
        if self.kept.len() < 4 { 4 } else { self.whole().min(KEPT) }
    }

    /// The record at hand, as much of it as is kept, and where it starts.
    fn message(&mut self) -> Option<(Vec<u8>, u32)> {
        if self.kept.len() < 4 || self.kept.len() < self.wanted() {
            return None;
        }
        self.skip = self.whole().saturating_sub(self.kept.len());
        Some((std::mem::take(&mut self.kept), self.start))
    }
}

impl NfsFollower {
    fn following(&self) -> Following {
        let lost = self.sides.iter().all(|side| side.lost);
        if lost || self.recording == Some(Certainty::Signature) { Following::Done } else { Following::More }
    }

    /// Reads the start of one message.
    fn learn(&mut self, message: &[u8], start: u32, piece: &Piece<'_>, findings: &mut Vec<Located>) {
        let found = if self.recording.is_none() { folder(message) } else { None };
        let found = found.map(|at| (at, Certainty::Consistent, "folder of a MOBOTIX recording"));
        let picture = || {
            let at = holds_mobotix_picture(message)?;
            Some((at, Certainty::Signature, "MXF header in written data"))
        };
        for (at, certainty, what) in found.into_iter().chain(picture()) {
            self.recording = Some(certainty);
            let offset = start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            let evidence = Evidence { packet: piece.packet, offset, length: 8, what };
            let finding = Finding::Content(Content::CameraRecording, certainty);
            findings.push(Located { finding, side: piece.side, evidence });
        }
    }
}

/// Where an XDR string stands that is the name of a camera's folder.
fn folder(message: &[u8]) -> Option<usize> {
    FOLDER_FINDER.find_iter(message).find(|at| {
        let length = at.checked_sub(4).and_then(|at| Octets::whole(message).be32(at).ok()).map_or(0, size);
        let name = message.get(*at..at.saturating_add(length));
        (8..=NAME_MOST).contains(&length) && name.is_some_and(|name| is_recording_path(name, false))
    })
}
