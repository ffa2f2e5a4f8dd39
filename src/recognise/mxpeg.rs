//! MOBOTIX pictures and MxPEG, known by their marker segments wherever they are carried: the frame
//! header `MXF`, the tile mask `MXM`, and what an event stream puts between frames.
//!
//! Source: MOBOTIX developer documentation `mxf.html` and `how.html`, the MxPEG SDK, FFmpeg `mxg.c`.

use std::ops::RangeInclusive;

use memchr::memchr_iter;

use crate::service::Certainty;
use crate::service::Content;

/// Octets needed from the first octet of a segment to judge it: marker, length, and the frame header
/// up to the end of its time.
const WINDOW: usize = 24;
/// Lengths believed of the JPEG comment that holds a frame header.
pub(super) const FRAME_LENGTHS: RangeInclusive<u16> = 26..=4096;
/// Octets kept from one piece to the next.
const CARRY: usize = 23;
/// Pictures that must all be whole JPEGs before the flow is called MOBOTIX MJPEG.
const WHOLE_PICTURES: u32 = 5;

/// A segment that was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// `MXF`: a frame of a MOBOTIX camera.
    Picture {
        /// The header calls its picture MxPEG; a hint only.
        mxpeg_hint: bool,
        /// Its time lies between 2001 and 2103.
        timed: bool,
    },
    /// `MXM`: the tiles that a partial frame carries; MxPEG alone has it.
    Mask,
    /// A JSON message or the audio of an event stream.
    Event,
    /// SOF0: the frame is a whole picture.
    Whole,
}

/// Searches octets in pieces, finds the same marks however they are cut.
#[derive(Debug, Default)]
pub struct Scanner {
    carry: Vec<u8>,
    pictures: u32,
    whole: u32,
    hinted: u32,
    open: bool,
    partial: bool,
    mask: bool,
    event: bool,
}

impl Scanner {
    /// Searches the next octets, the first of which stands at `offset`. Gives each mark and where it is.
    pub fn feed(&mut self, octets: &[u8], offset: u32) -> Vec<(Mark, u32)> {
        let mut marks = Vec::new();
        let lap = octets.get(..octets.len().min(CARRY)).unwrap_or_default();
        let kept = self.carry.len();
        self.carry.extend_from_slice(lap);
        let base = offset.saturating_sub(u32::try_from(kept).unwrap_or(0));
        search(&self.carry, kept, base, &mut marks);
        search(octets, octets.len(), offset, &mut marks);
        if octets.len() >= CARRY {
            self.carry.clear();
            self.carry.extend(octets.get(octets.len().saturating_sub(CARRY)..).unwrap_or_default());
        } else {
            self.carry.drain(..self.carry.len().saturating_sub(CARRY));
        }
        marks
    }

    /// Octets are missing here. What was learned stays.
    pub fn gap(&mut self) {
        self.carry.clear();
        self.open = false;
    }

    /// Counts a mark; marks are counted in the order in which they stand.
    pub fn count(&mut self, mark: Mark) {
        match mark {
            Mark::Picture { mxpeg_hint, .. } => {
                self.partial |= self.open;
                self.open = true;
                self.pictures = self.pictures.saturating_add(1);
                self.hinted = self.hinted.saturating_add(u32::from(mxpeg_hint));
            }
            Mark::Whole if self.open => {
                self.open = false;
                self.whole = self.whole.saturating_add(1);
            }
            Mark::Whole => {}
            Mark::Mask => self.mask = true,
            Mark::Event => self.event = true,
        }
    }

    /// Whether a MOBOTIX picture was seen.
    pub fn saw_picture(&self) -> bool {
        self.pictures > 0
    }

    /// What the marks counted so far prove.
    pub fn content(&self) -> Option<(Content, Certainty)> {
        if self.event && self.pictures > 0 {
            return Some((Content::MxpegEventStream, Certainty::Signature));
        }
        if self.mask {
            return Some((Content::Mxpeg, Certainty::Signature));
        }
        if self.whole < WHOLE_PICTURES || self.partial {
            return None;
        }
        // A wholly moving scene has no masks either; the header's hint tells the two apart.
        let moving = self.hinted == self.pictures;
        let content = if moving { Content::Mxpeg } else { Content::MobotixMjpeg };
        Some((content, Certainty::Consistent))
    }
}

/// Finds the marks that start before `starts` and are there with all of [`WINDOW`].
fn search(octets: &[u8], starts: usize, base: u32, marks: &mut Vec<(Mark, u32)>) {
    for at in memchr_iter(0xff, octets.get(..starts).unwrap_or_default()) {
        let Some(window) = octets.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>()) else { return };
        if let Some(mark) = mark(window) {
            marks.push((mark, base.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))));
        }
    }
}

/// What starts at these octets.
fn mark(window: &[u8; WINDOW]) -> Option<Mark> {
    let [0xff, marker, high, low, payload @ ..] = window else { return None };
    let length = u16::from_be_bytes([*high, *low]);
    match (*marker, payload) {
        (0xfe, [b'M', b'X', b'F', 0, rest @ ..]) => picture(length, rest),
        (0xfe, [b'M', b'X', b'M', 0, a, b, c, d, ..]) => {
            let tiles = u32::from(u16::from_le_bytes([*a, *b]))
                .saturating_mul(u32::from(u16::from_le_bytes([*c, *d])));
            let needed = tiles.div_ceil(8).saturating_add(14);
            (tiles > 0 && needed <= u32::from(length)).then_some(Mark::Mask)
        }
        (0xec, [b'{', b'"' | b' ' | b'\n' | b'\r', ..]) if length >= 4 => Some(Mark::Event),
        (0xeb, [b'M', b'X', b'S' | b'A' | b'O', 0, ..]) => Some(Mark::Event),
        // SOF0 with 8 bits per sample; its length fits its components.
        (0xc0, [8, _, _, _, _, parts @ 1..=4, ..]) => {
            let fits = u16::from(*parts).saturating_mul(3).saturating_add(8) == length;
            fits.then_some(Mark::Whole)
        }
        _ => None,
    }
}

/// Judges a frame header: `rest` starts with its second word.
fn picture(length: u16, rest: &[u8]) -> Option<Mark> {
    let (flags, micros) = (rest.first()?, rest.get(4..)?.first_chunk::<8>()?);
    let timed = (1_000_000_000_000_000..4_200_000_000_000_000).contains(&u64::from_le_bytes(*micros));
    let mxpeg_hint = flags & 0xc0 == 0x40;
    FRAME_LENGTHS.contains(&length).then_some(Mark::Picture { mxpeg_hint, timed })
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use super::Scanner;

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let pairs = (0..digits.len()).step_by(2);
        pairs
            .map(|at| u8::from_str_radix(digits.get(at..at.saturating_add(2)).unwrap(), 16).unwrap())
            .collect()
    }

    const FRAME: &str = "fffe00424d584600594581000040 1e18240a0600 0000000000000000";

    #[test]
    fn the_documented_vectors_are_found() {
        let picture = Mark::Picture { mxpeg_hint: true, timed: true };
        assert_eq!(Scanner::default().feed(&hex(FRAME), 5), [(picture, 5)]);
        let mask = hex("fffe00a44d584d0028001e0000000000 0000000000000000");
        assert_eq!(Scanner::default().feed(&mask, 0), [(Mark::Mask, 0)]);
        let audio = hex("ffeb00144d58530002010000803e0000205031360101 0000");
        assert_eq!(Scanner::default().feed(&audio, 0), [(Mark::Event, 0)]);
    }

    #[test]
    fn what_only_looks_alike_is_not_found() {
        for text in [
            "fffe00424d584620594581000040 1e18240a0600 0000000000000000",
            "ffe000424d584600594581000040 1e18240a0600 0000000000000000",
            "4d584600594581000040 1e18240a0600 00000000000000000000000000",
            "060e2b34020501010d01020101020400 0000000000000000",
            "fffe00104d584d0028001e0000000000 0000000000000000",
            "fffe00104d5846004581000040 1e18240a0600 000000000000000000",
        ] {
            assert_eq!(Scanner::default().feed(&hex(text), 0), [], "{text}");
        }
    }

    #[test]
    fn a_mark_is_found_once_however_it_is_cut() {
        let mut octets = vec![0_u8; 30];
        octets.extend(hex(FRAME));
        octets.extend([7_u8; 40]);
        for cut in 0..octets.len() {
            let (head, tail) = octets.split_at(cut);
            let mut scanner = Scanner::default();
            let mut marks = scanner.feed(head, 0);
            marks.extend(scanner.feed(tail, u32::try_from(cut).unwrap()));
            assert_eq!(marks, [(Mark::Picture { mxpeg_hint: true, timed: true }, 30)], "cut {cut}");
        }
        let mut scanner = Scanner::default();
        let single = octets.iter().enumerate();
        let marks = single.flat_map(|(at, o)| scanner.feed(&[*o], u32::try_from(at).unwrap()));
        assert_eq!(marks.count(), 1);
    }
}
