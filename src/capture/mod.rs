//! Octets in, nothing understood: capture files, streams and interfaces become frames.
//!
//! A [`FrameSource`] fills recycled [`FrameBatch`]es; each holds whole frames in one arena and a
//! small [`Frame`] descriptor for each. Packet time comes from the source, never from a clock.

mod blocks;
pub mod captures;
mod classic;
mod clock;
mod compressed;
#[cfg(feature = "live")]
mod fanout;
mod folder;
mod gzip;
mod input;
pub mod interfaces;
mod layout;
#[cfg(feature = "live")]
mod link_state;
#[cfg(feature = "live")]
pub mod live;
mod pcapng;
mod pieces;
pub mod run;
mod savefile;
#[cfg(feature = "live")]
pub mod tap;
#[cfg(test)]
mod tests;

use crate::time::Timestamp;

/// A pcap/pcapng link-layer type number (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback, host byte order of the writer.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP as several systems number it in files (LINKTYPE_RAW is 101).
    pub const RAW: Self = Self(101);
    /// Linux cooked v1.
    pub const LINUX_SLL: Self = Self(113);
    /// OpenBSD loopback, network byte order.
    pub const LOOP: Self = Self(108);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked v2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One frame of a batch: where its octets stand, and what the source knows of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Number of the packet in the run, from 1.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Link type of the interface that it came from.
    pub link: LinkType,
    /// Which interface of the whole run (files' interfaces count on), from 0.
    pub interface: u16,
    /// Which file of the run, from 0, in the order of the command line.
    pub file: u16,
    /// Length on the wire in octets.
    pub wire_len: u32,
    /// Where the captured octets start in [`FrameBatch::octets`].
    pub start: u32,
    /// How many octets were captured; less than `wire_len` if the snap length cut the frame.
    pub captured: u32,
}

/// Whole frames and their octets; recycled, so that reading allocates nothing in the long run.
#[derive(Debug, Default)]
pub struct FrameBatch {
    /// The arena. Frames point into it, and what is between them means nothing; `decode` may append joined
    /// fragments.
    pub octets: Vec<u8>,
    /// The frames in the order of reading.
    pub frames: Vec<Frame>,
}

impl FrameBatch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.frames.clear();
    }

    /// The captured octets of `frame`; empty if it is not of this batch.
    pub fn octets_of(&self, frame: &Frame) -> &[u8] {
        part(&self.octets, frame.start, frame.captured)
    }
}

/// So many octets of an arena; none if they are not all there.
#[inline]
pub fn part(arena: &[u8], start: u32, length: u32) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    arena.get(start..end).unwrap_or_default()
}

/// Whether a source may have more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Supply {
    /// There may be more.
    More,
    /// This batch (which may be empty) is the last.
    End,
}

/// Something that frames come from.
pub trait FrameSource {
    /// Clears `batch` and fills it with the next frames, about 128 KiB of them.
    ///
    /// A source that is damaged gives everything up to the break, ends, and says where in
    /// [`FrameSource::faults`]; filling itself never fails.
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply;

    /// What went wrong so far: damaged or unreadable files. Not empty means exit code 2.
    fn faults(&self) -> &[CaptureFault];

    /// Octets of input consumed so far (compressed octets for a compressed file), for a progress bar.
    fn consumed(&self) -> u64;
}

/// What is wrong with one input, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct CaptureFault {
    /// The file as the operator named it, `-` for standard input.
    pub path: String,
    /// What it is, with the octet offset where one is known.
    pub problem: CaptureProblem,
}

/// The kinds of [`CaptureFault`]. Offsets count octets of the uncompressed stream from 0.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureProblem {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(String),
    /// The first octets are those of no capture format we read.
    #[error(
        "is not a pcap or pcapng file (it starts with {0}); give the capture itself, or gzip or zstd of it"
    )]
    NotACapture(String),
    /// It ends inside a header, a record or a block.
    #[error("ends at octet {at} inside {inside}: all {packets} packets before it were read")]
    Truncated {
        /// Where the unfinished thing starts.
        at: u64,
        /// What is unfinished.
        inside: &'static str,
        /// How many whole packets were read before.
        packets: u64,
    },
    /// A length or a field that cannot be.
    #[error("is damaged at octet {at}: {what}: all {packets} packets before it were read")]
    Damaged {
        /// Where the bad record or block starts.
        at: u64,
        /// What is wrong there.
        what: String,
        /// How many whole packets were read before.
        packets: u64,
    },
    /// The file holds no packet at all: an audit of nothing proves nothing.
    #[error("holds no packet")]
    Empty,
    /// A folder holds no capture file.
    #[error("holds no capture file")]
    EmptyFolder,
}
