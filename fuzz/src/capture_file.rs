//! Arbitrary octets as a capture. The first octet chooses how they are wrapped and handed over, the
//! rest is the file. Plain, gzip and zstd give the same frames, in whatever portions they arrive.

use std::io::Cursor;
use std::io::Read;

use camsentry::capture::CaptureFault;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;

use crate::cost::Budget;
use crate::cost::within;

/// zstd may ask for a window of 128 MiB; the rest is a piece, a batch, and interfaces.
const BUDGET: Budget = Budget { octets: 160 << 20, octets_each: 64, micros_each: 5 };

/// Hands over so many octets at once.
struct Portions(Cursor<Vec<u8>>, usize);

impl Read for Portions {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(out.len());
        self.0.read(&mut out[..most])
    }
}

type Harvest = (Vec<(Frame, Vec<u8>)>, Vec<CaptureFault>);

fn harvest(file: Vec<u8>, portion: usize) -> Harvest {
    let mut captures = Captures::from_reader("made", Portions(Cursor::new(file), portion.max(1)));
    let (mut frames, mut batch) = (Vec::new(), FrameBatch::default());
    loop {
        let supply = captures.fill(&mut batch);
        for frame in &batch.frames {
            let octets = batch.octets_of(frame);
            assert_eq!(octets.len(), usize::try_from(frame.captured).unwrap());
            assert!(frame.wire_len >= frame.captured);
            frames.push((Frame { start: 0, ..*frame }, octets.to_vec()));
        }
        if supply == Supply::End {
            return (frames, captures.faults().to_vec());
        }
    }
}

fn gzip(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(file, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
    out
}

/// The target.
pub fn run(octets: &[u8]) {
    let Some((mode, file)) = octets.split_first() else { return };
    let portion = usize::from(mode >> 2).pow(2);
    within(BUDGET, file.len(), || {
        let (frames, faults) = harvest(file.to_vec(), usize::MAX);
        assert!(!frames.is_empty() || faults.len() == 1, "an audit of nothing is a fault");
        let numbers = frames.iter().map(|(frame, _)| frame.number);
        assert!(numbers.eq(1..=u64::try_from(frames.len()).unwrap()));
        let is_packed =
            file.starts_with(&[0x1f, 0x8b]) || file.starts_with(&[0x28, 0xb5]) || file.get(1) == Some(&0x2a);
        let other = match mode & 3 {
            1 if !is_packed => gzip(file),
            2 if !is_packed => zstd::encode_all(file, 1).unwrap(),
            _ => file.to_vec(),
        };
        assert!(harvest(other, portion) == (frames, faults), "another wrapping, another reading");
    });
}
