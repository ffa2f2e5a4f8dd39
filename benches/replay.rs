//! How many packets each part of an audit takes in a second, side by side in one run: reading, reading
//! and decoding, all workers' stages, the whole audit. `cargo bench --bench replay [CAPTURE...]`; without
//! captures the fixtures.
//!
//! The rounds go through the parts in turn, and the best round of each counts: a machine that is busy
//! makes all of them slower, and the ratios hold.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for developers")]
#![expect(clippy::as_conversions, clippy::arithmetic_side_effects, reason = "a rate for people to read")]

use std::env;
use std::fs;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;

use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::run;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

/// How often every capture is gone through in one round.
const REPEATS: usize = 20;
/// Rounds; the best one counts.
const ROUNDS: usize = 5;

/// The shipped rules without a site, read once.
static POLICY: LazyLock<Arc<Policy>> =
    LazyLock::new(|| Arc::new(Policy::new(packs::shipped(), None, false, 0)));

type Part = (&'static str, fn(&[u8]) -> u64);

/// Each takes one capture and gives the packets of it.
const PARTS: [Part; 5] = [
    ("read", read),
    ("read, decode", decode),
    ("read, decode, flow, recognise", watch),
    ("whole audit", audit),
    ("whole audit, 2 workers", audit_by_two),
];

fn main() {
    let captures = captures();
    let mut best = [Duration::MAX; PARTS.len()];
    let mut packets = 0;
    for _ in 0..ROUNDS {
        for ((_, part), best) in PARTS.iter().zip(&mut best) {
            let (seen, took) = timed(&captures, *part);
            packets = seen;
            *best = took.min(*best);
        }
    }
    println!("{packets} packets a round, best of {ROUNDS} rounds");
    let whole = best.first().map_or(0.0, Duration::as_secs_f64);
    for ((name, _), best) in PARTS.iter().zip(&best) {
        let took = best.as_secs_f64();
        println!(
            "{name:32} {:>10.0} packets/s   {:>6.2} × reading alone",
            packets as f64 / took,
            took / whole
        );
    }
}

fn captures() -> Vec<Vec<u8>> {
    let named: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if !named.is_empty() {
        return named.iter().map(|path| fs::read(path).unwrap()).collect();
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.map(|folder| fs::read(folder.join("capture.pcap")).unwrap()).collect()
}

#[expect(clippy::disallowed_methods, reason = "a clock is what a benchmark is about")]
fn timed(captures: &[Vec<u8>], part: fn(&[u8]) -> u64) -> (u64, Duration) {
    let start = Instant::now();
    let mut packets = 0;
    for _ in 0..REPEATS {
        packets += captures.iter().map(|capture| part(capture)).sum::<u64>();
    }
    (packets, start.elapsed())
}

fn open(capture: &[u8]) -> Captures {
    Captures::from_reader("bench", Cursor::new(capture.to_vec()))
}

fn read(capture: &[u8]) -> u64 {
    let (mut source, mut batch, mut packets) = (open(capture), FrameBatch::default(), 0);
    loop {
        let supply = source.fill(&mut batch);
        packets += batch.frames.len() as u64;
        if supply == Supply::End {
            return packets;
        }
    }
}

fn decode(capture: &[u8]) -> u64 {
    let (mut source, mut batch, mut out) = (open(capture), FrameBatch::default(), Decoded::default());
    let mut decoder = Decoder::new(DecodeSettings::default());
    loop {
        let supply = source.fill(&mut batch);
        out.clear();
        for index in 0..batch.frames.len() {
            decoder.decode(&mut batch, index, &mut out);
        }
        if supply == Supply::End {
            return decoder.tally().seen.frames;
        }
    }
}

fn watch(capture: &[u8]) -> u64 {
    let (settings, stop) = (PipelineSettings::default(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let tally = run(&mut open(capture), &settings, NonZeroUsize::MIN, &mut control, &mut drop);
    tally.decode.seen.frames
}

fn audit(capture: &[u8]) -> u64 {
    audited(capture, 1)
}

fn audit_by_two(capture: &[u8]) -> u64 {
    audited(capture, 2)
}

fn audited(capture: &[u8], workers: usize) -> u64 {
    let policy = Arc::clone(&POLICY);
    let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
    let auditor = Auditor { policy, workers, keep_flows: false, draft: false };
    auditor.run(&mut open(capture), &AtomicBool::new(false), &mut |_| {}).run.packets
}
