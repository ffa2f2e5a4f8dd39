//! Captures made by hand, octet by octet, and what must come out of them.

mod classic;
mod compressed;
mod folders;
mod merge;
mod mutation;
mod pcapng;

use crate::capture::CaptureProblem;
use crate::capture::Frame;
use crate::capture::FrameBatch;
use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::capture::captures::Captures;
use std::io::Cursor;
use std::path::PathBuf;

/// Writes numbers in one byte order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn all(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }
}

/// A pcap file header.
fn header(order: Order, magic: u32, version: (u16, u16), snaplen: u32, link: u32) -> Vec<u8> {
    let mut out = order.u32(magic).to_vec();
    out.extend(order.u16(version.0));
    out.extend(order.u16(version.1));
    out.extend(order.all(&[0, 0, snaplen, link]));
    out
}

/// A little-endian pcap file of microseconds with a packet of four octets at each of `seconds`.
fn small_pcap(seconds: &[u32]) -> Vec<u8> {
    let mut out = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 1);
    for (packet, second) in (1..).zip(seconds) {
        out.extend(Order::Little.all(&[*second, 5, 4, 60]));
        out.extend([packet, 2, 3, 4]);
    }
    out
}

/// All frames of a source with their octets, and what went wrong.
#[derive(Debug, Default)]
struct Harvest {
    frames: Vec<(Frame, Vec<u8>)>,
    faults: Vec<CaptureProblem>,
}

impl Harvest {
    fn of(captures: &mut Captures) -> Self {
        let mut harvest = Self::default();
        let mut batch = FrameBatch::default();
        loop {
            let supply = captures.fill(&mut batch);
            // Where the octets stand is no part of what was read.
            let octets = |frame: &Frame| (Frame { start: 0, ..*frame }, batch.octets_of(frame).to_vec());
            harvest.frames.extend(batch.frames.iter().map(octets));
            if supply == Supply::End {
                break;
            }
        }
        harvest.faults = captures.faults().iter().map(|fault| fault.problem.clone()).collect();
        harvest
    }

    fn of_octets(octets: &[u8]) -> Self {
        Self::of(&mut Captures::from_reader("made", Cursor::new(octets.to_vec())))
    }

    fn of_paths(paths: &[PathBuf]) -> Self {
        Self::of(&mut Captures::open(&names(paths)))
    }

    fn nanos(&self) -> Vec<i64> {
        self.frames.iter().map(|(frame, _)| frame.time.nanos()).collect()
    }

    fn first_octets(&self) -> Vec<u8> {
        self.frames.iter().filter_map(|(_, octets)| octets.first().copied()).collect()
    }
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

/// A folder of a test's own that goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("camsentry-capture-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, octets).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
