//! Searches the bodies of one side of HTTP for what names their content: words in the first octets,
//! and MOBOTIX pictures further on.
//!
//! Source: MOBOTIX developer documentation `mxf.html`, `how.html`; RFC 2046 §5.1 (multipart).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Finding;
use super::finding::DeviceKind;
use super::http_content;
use super::http_content::BODY_WORD;
use super::mxpeg::Mark;
use super::mxpeg::Scanner;
use super::told::Teller;
use crate::service::Certainty;
use crate::service::Content;

/// Type of the parts of a motion JPEG stream.
const JPEG_PART: &[u8] = b"image/jpeg";
static JPEG_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(JPEG_PART));
/// Octets of each body that are searched for words.
const WORD_OCTETS: usize = 4 * 1024;
/// Octets of all bodies of one side that are searched for pictures, where some were found.
const PICTURE_OCTETS: usize = 4 * 1024 * 1024;
/// The same where none was: a MOBOTIX stream has one in every frame.
const BLANK_OCTETS: usize = 512 * 1024;

/// The search. Holds at most [`BODY_WORD`] and 46 octets.
#[derive(Debug, Default)]
pub struct MediaSearch {
    scanner: Scanner,
    /// Octets of the current body, and of all.
    body: usize,
    searched: usize,
    tail: Vec<u8>,
    multipart: bool,
    mobotix_boundary: bool,
    settled: bool,
}

impl MediaSearch {
    /// A body begins.
    pub fn begin(&mut self, multipart: bool, mobotix_boundary: bool) {
        (self.multipart, self.mobotix_boundary) = (multipart, mobotix_boundary);
        self.body = 0;
        self.tail.clear();
        self.scanner.gap();
    }

    /// Octets are missing.
    pub fn gap(&mut self) {
        self.tail.clear();
        self.scanner.gap();
    }

    /// Whether more octets of this body would tell nothing more.
    pub fn is_settled(&self) -> bool {
        let most = if self.scanner.saw_picture() { PICTURE_OCTETS } else { BLANK_OCTETS };
        self.settled || self.searched >= most
    }

    /// Takes octets of the body, the first of which stands at `at`. With `stream` the request named
    /// the content, so that pictures only tell the device.
    pub fn feed(&mut self, octets: &[u8], at: u32, stream: bool, teller: &mut Teller<'_>) {
        let left = WORD_OCTETS.saturating_sub(self.body);
        let part = octets.get(..octets.len().min(left)).unwrap_or_default();
        if !part.is_empty() {
            self.words(part, at, stream, teller);
        }
        self.body = self.body.saturating_add(octets.len());
        self.pictures(octets, at, stream, teller);
        if self.multipart && self.mobotix_boundary && !stream && self.is_settled() && !self.settled {
            // The boundary was copied by another maker.
            let finding = Finding::Content(Content::Mjpeg, Certainty::Consistent);
            teller.tell(finding, at, 0, "multipart without MOBOTIX pictures");
        }
    }

    /// The boundary of a MOBOTIX stream stands in the middle of a body whose start was not seen.
    pub fn boundary(&mut self) {
        (self.multipart, self.mobotix_boundary) = (true, true);
    }

    /// Searches for pictures within the budget, which grows when the first one is found.
    pub fn pictures(&mut self, octets: &[u8], at: u32, stream: bool, teller: &mut Teller<'_>) {
        let mut rest = octets;
        let mut at = at;
        while !rest.is_empty() && !self.is_settled() {
            let most = if self.scanner.saw_picture() { PICTURE_OCTETS } else { BLANK_OCTETS };
            let room = rest.len().min(most.saturating_sub(self.searched));
            let Some((part, after)) = rest.split_at_checked(room) else { return };
            self.searched = self.searched.saturating_add(room);
            for (mark, at) in self.scanner.feed(part, at) {
                self.scanner.count(mark);
                self.picture(mark, at, stream, teller);
            }
            rest = after;
            at = at.saturating_add(u32::try_from(room).unwrap_or(u32::MAX));
        }
    }

    fn words(&mut self, part: &[u8], at: u32, stream: bool, teller: &mut Teller<'_>) {
        let from = at.saturating_sub(u32::try_from(self.tail.len()).unwrap_or(0));
        self.tail.extend_from_slice(part);
        let mut hits = Vec::new();
        if self.multipart
            && !stream
            && !self.mobotix_boundary
            && let Some(at) = JPEG_FINDER.find(&self.tail)
        {
            hits.push((Content::Mjpeg, Certainty::Signature, at, JPEG_PART.len()));
        }
        for ((content, certainty), at, length) in http_content::of_body(&self.tail) {
            hits.push((content, certainty, at, length));
        }
        // In the order in which they end, as a smaller piece would have shown them.
        hits.sort_by_key(|(_, _, at, length)| at.saturating_add(*length));
        for (content, certainty, at, length) in hits {
            let at = from.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            teller.tell(Finding::Content(content, certainty), at, length, "body names the content");
        }
        self.tail.drain(..self.tail.len().saturating_sub(BODY_WORD));
    }

    fn picture(&mut self, mark: Mark, at: u32, stream: bool, teller: &mut Teller<'_>) {
        if self.settled {
            return;
        }
        let picture = matches!(mark, Mark::Picture { .. });
        if picture {
            teller.tell(Finding::DeviceKind(DeviceKind::MobotixCamera), at, 24, "MXF frame header");
        }
        if stream {
            self.settled |= picture;
            return;
        }
        if picture && self.mobotix_boundary {
            let finding = Finding::Content(Content::MobotixFaststream, Certainty::Signature);
            teller.tell(finding, at, 24, "MOBOTIX server push with MOBOTIX pictures");
            self.settled = true;
        } else if let Some((content, certainty)) = self.scanner.content() {
            teller.tell(Finding::Content(content, certainty), at, 24, "MOBOTIX segments");
            self.settled |= content == Content::MxpegEventStream;
        }
    }
}
