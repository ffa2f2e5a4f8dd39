//! The short way of the common headers and the walk say the same of every frame: segments, errors,
//! sightings and every count, over all captures at hand and over real frames that were changed.
//!
//! The shared captures take part if `CAMSENTRY_CAPTURES` names their folder. `CAMSENTRY_VARIANTS=full`
//! changes twenty times as many frames.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::print_stdout, reason = "says what was compared")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;

/// Changed frames of the short run.
const VARIANTS: usize = 200_000;
/// Of each capture so many frames, spread over it, are there to be changed.
const SAMPLES: usize = 64;
/// A longer frame's payload adds nothing.
const LONGEST_SAMPLE: usize = 400;
/// Changed frames that the decoders see in one batch.
const BATCH: usize = 256;

/// Values of headers' fields that mean something else than the ones around them.
const TELLING: [u8; 24] = [
    0x00, 0x01, 0x04, 0x05, 0x06, 0x08, 0x11, 0x14, 0x20, 0x2f, 0x33, 0x40, 0x44, 0x45, 0x46, 0x50, 0x60,
    0x81, 0x86, 0x88, 0xa8, 0xb5, 0xdd, 0xff,
];

/// A frame with its link type and its length on the wire.
#[derive(Clone)]
struct Sample {
    frame: Frame,
    octets: Vec<u8>,
}

/// Two decoders that are given the same.
struct Ways {
    short: Decoder,
    walk: Decoder,
    compared: u64,
}

impl Ways {
    fn new() -> Self {
        let settings = DecodeSettings::default();
        assert!(settings.fast, "the short way is the default");
        let walk = Decoder::new(DecodeSettings { fast: false, ..settings });
        Self { short: Decoder::new(settings), walk, compared: 0 }
    }

    /// Gives both the same batch.
    fn compare(&mut self, batch: &FrameBatch, what: &str) {
        let short = decode(&mut self.short, batch, false);
        let walk = decode(&mut self.walk, batch, false);
        self.assert_same(&short, &walk, what);
        self.compared += u64::try_from(batch.frames.len()).unwrap();
    }

    fn finish(mut self, what: &str) -> u64 {
        let short = decode(&mut self.short, &FrameBatch::default(), true);
        let walk = decode(&mut self.walk, &FrameBatch::default(), true);
        self.assert_same(&short, &walk, what);
        self.compared
    }

    fn assert_same(&self, short: &Decoded, walk: &Decoded, what: &str) {
        for (one, other) in short.segments.iter().zip(&walk.segments) {
            assert_eq!(one, other, "{what}");
        }
        assert_eq!(short.segments.len(), walk.segments.len(), "{what}");
        assert_eq!(short.errors, walk.errors, "{what}");
        assert_eq!(short.sightings, walk.sightings, "{what}");
        assert_eq!(self.short.tally(), self.walk.tally(), "{what}");
    }
}

fn decode(decoder: &mut Decoder, batch: &FrameBatch, is_end: bool) -> Decoded {
    let mut batch = FrameBatch { octets: batch.octets.clone(), frames: batch.frames.clone() };
    let mut out = Decoded::default();
    for index in 0..batch.frames.len() {
        decoder.decode(&mut batch, index, &mut out);
    }
    if is_end {
        decoder.finish(&mut batch, &mut out);
    }
    out
}

/// All captures at hand, in a fixed order.
fn captures() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut paths: Vec<PathBuf> = entries(&fixtures).iter().flat_map(|folder| entries(folder)).collect();
    match std::env::var_os("CAMSENTRY_CAPTURES") {
        Some(shared) => {
            for kind in ["real", "odd"] {
                paths.extend(entries(&Path::new(&shared).join(kind)));
            }
        }
        None => println!("the shared captures are skipped: CAMSENTRY_CAPTURES is not set"),
    }
    paths.retain(|path| path.is_file() && path.extension().is_none_or(|end| end != "toml" && end != "json"));
    paths.sort();
    paths
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Each batch of a capture.
fn for_each_batch(path: &Path, mut act: impl FnMut(&FrameBatch)) {
    let mut source = Captures::open(&[path.to_str().unwrap().to_owned()]);
    let mut batch = FrameBatch::default();
    loop {
        let supply = source.fill(&mut batch);
        act(&batch);
        if supply == Supply::End {
            return;
        }
    }
}

/// Frames of all captures to be changed.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for path in captures() {
        let mut all = Vec::new();
        for_each_batch(&path, |batch| {
            let step = (batch.frames.len() / SAMPLES).max(1);
            for frame in batch.frames.iter().step_by(step) {
                let octets = batch.octets_of(frame);
                let octets = octets[..octets.len().min(LONGEST_SAMPLE)].to_vec();
                all.push(Sample { frame: *frame, octets });
            }
        });
        let step = (all.len() / SAMPLES).max(1);
        samples.extend(all.into_iter().step_by(step));
    }
    samples
}

/// The numbers of xorshift64* (Vigna): the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap();
        number % end.max(1)
    }

    fn octet(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// A place that is more likely in the headers.
    fn place(&mut self, octets: &[u8]) -> usize {
        let end = if self.below(4) == 0 { octets.len() } else { octets.len().min(70) };
        self.below(end)
    }

    /// One to three changes of a frame.
    fn change(&mut self, sample: &mut Sample) {
        for _ in 0..=self.below(3) {
            let at = self.place(&sample.octets);
            let octets = &mut sample.octets;
            match self.below(9) {
                0 if at < octets.len() => octets[at] ^= 1 << self.below(8),
                1 | 2 if at < octets.len() => octets[at] = TELLING[self.below(TELLING.len())],
                3 if at + 1 < octets.len() => {
                    octets[at] = 0;
                    octets[at + 1] = self.octet();
                }
                4 => octets.truncate(at),
                5 => octets.extend((0..self.below(40)).map(|fill| u8::try_from(fill).unwrap())),
                6 if octets.len() > 12 => {
                    let tag = [0x81, 0x00, self.octet(), self.octet()];
                    octets.splice(12..12, tag);
                }
                7 => sample.frame.wire_len = u32::try_from(self.below(octets.len() + 100)).unwrap(),
                8 if octets.len() > 38 => {
                    let port: [u8; 2] =
                        [[0x12, 0xb5], [0x17, 0xc1], [0x21, 0x18], [0x12, 0xb6]][self.below(4)];
                    octets[36..38].copy_from_slice(&port);
                }
                _ => {}
            }
        }
    }
}

#[test]
fn both_ways_say_the_same_of_every_capture() {
    let mut compared = 0;
    let paths = captures();
    for path in &paths {
        let name = path.display().to_string();
        let mut ways = Ways::new();
        for_each_batch(path, |batch| ways.compare(batch, &name));
        compared += ways.finish(&name);
    }
    println!("{compared} frames of {} files compared", paths.len());
    assert!(compared > 1_000);
}

#[test]
fn both_ways_say_the_same_of_real_frames_that_were_changed() {
    let samples = samples();
    let is_full = std::env::var_os("CAMSENTRY_VARIANTS").is_some_and(|kind| kind == "full");
    let variants = if is_full { VARIANTS * 20 } else { VARIANTS };
    let (mut chance, mut ways) = (Chance(0x5eed_cafe), Ways::new());
    for _ in 0..variants / BATCH {
        let mut batch = FrameBatch::default();
        for _ in 0..BATCH {
            let mut sample = samples[chance.below(samples.len())].clone();
            chance.change(&mut sample);
            let start = u32::try_from(batch.octets.len()).unwrap();
            let captured = u32::try_from(sample.octets.len()).unwrap();
            batch.octets.extend_from_slice(&sample.octets);
            batch.frames.push(Frame { start, captured, ..sample.frame });
        }
        ways.compare(&batch, "changed frames");
    }
    println!("{} changed frames of {} compared", ways.finish("changed frames"), samples.len());
}
