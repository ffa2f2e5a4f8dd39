//! A watch that sees the same hosts do the same things again and again comes to an end of its growth: what is over and
//! quiet is forgotten, and what is remembered of hosts is there already. Each time the clients call from other ports, as
//! real ones do, so that each round's flows fall into other shards.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test helpers, on a capture of ours"
)]

use std::path::Path;
use std::sync::Arc;

use camsentry::capture::CaptureFault;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::cli::args::PolicyArgs;
use camsentry::cli::policy_files::PolicyFiles;
use camsentry::inventory::Inventory;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::online::Online;
use camsentry::time::Span;

/// So long after one round the next begins: longer than any silence that ends a flow of it, and than the quiet time.
const ROUND: Span = Span::from_secs(4_000);
const STEP: Span = Span::from_secs(10);
/// Ports from here on are clients' (the first that Linux gives them).
const CLIENTS: u16 = 32_768;
const QUIET: Span = Span::from_secs(300);

/// One capture, from memory, as often as it is asked for, each time later.
struct Again {
    frames: Vec<Frame>,
    octets: Vec<u8>,
    round: u64,
    is_given: bool,
}

impl Again {
    fn of(path: &Path) -> Self {
        let mut source = Captures::open(&[path.display().to_string()]);
        let (mut frames, mut octets, mut batch) = (Vec::new(), Vec::new(), FrameBatch::default());
        loop {
            let supply = source.fill(&mut batch);
            for frame in &batch.frames {
                let start = u32::try_from(octets.len()).unwrap();
                octets.extend_from_slice(batch.octets_of(frame));
                frames.push(Frame { start, ..*frame });
            }
            if supply == Supply::End {
                return Self { frames, octets, round: 0, is_given: false };
            }
        }
    }

    fn later(&self) -> Span {
        Span::from_nanos(ROUND.nanos() * self.round)
    }
}

impl FrameSource for Again {
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.clear();
        if std::mem::replace(&mut self.is_given, true) {
            return Supply::More;
        }
        let (later, count) = (self.later(), u64::try_from(self.frames.len()).unwrap());
        batch.octets.extend_from_slice(&self.octets);
        for frame in &self.frames {
            let start = usize::try_from(frame.start).unwrap();
            let end = start + usize::try_from(frame.captured).unwrap();
            call_from_another_port(&mut batch.octets[start..end], self.round);
        }
        let number = |frame: &Frame| frame.number + self.round * count;
        let again = |frame: &Frame| Frame { number: number(frame), time: frame.time.plus(later), ..*frame };
        batch.frames.extend(self.frames.iter().map(again));
        Supply::More
    }

    fn faults(&self) -> &[CaptureFault] {
        &[]
    }

    fn consumed(&self) -> u64 {
        0
    }
}

/// Moves the client's port of a TCP segment in an Ethernet frame on by `by`, and the checksum with it (RFC 1624).
fn call_from_another_port(frame: &mut [u8], by: u64) {
    let is_tcp = frame.get(12..14) == Some(&[8, 0])
        && frame.get(20..24).is_some_and(|at| at[0] & 0x3f == 0 && at[1] == 0 && at[3] == 6);
    let header = 14 + usize::from(frame.get(14).copied().unwrap_or(0) & 15) * 4;
    if !is_tcp || frame.len() < header + 20 {
        return;
    }
    let word = |frame: &[u8], at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    for at in [header, header + 2] {
        let port = word(frame, at);
        if port < CLIENTS {
            continue;
        }
        let other = CLIENTS
            + u16::try_from((u64::from(port - CLIENTS) + by) % u64::from(u16::MAX - CLIENTS)).unwrap();
        let sum = u32::from(!word(frame, header + 16)) + u32::from(!port) + u32::from(other);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        frame[at..at + 2].copy_from_slice(&other.to_be_bytes());
        frame[header + 16..header + 18].copy_from_slice(&sum.to_be_bytes());
    }
}

/// What the judge told in one round: violations that came, and that went.
fn play(source: &mut Again, online: &mut Online<'_>, judge: &mut Judge) -> usize {
    let mut events = Vec::new();
    source.is_given = false;
    online.read(source, &mut events);
    judge.take(events);
    let mut now = online.last_time();
    let end = now.plus(ROUND);
    let mut told = 0;
    while now.plus(STEP).plus(STEP) < end {
        now = now.plus(STEP);
        let mut events = Vec::new();
        online.advance(now, &mut events);
        judge.take(events);
        told += judge.advance(now).transitions.len();
    }
    source.round += 1;
    told
}

#[test]
fn the_same_again_and_again_takes_no_more_memory() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/demo");
    let args = PolicyArgs { site: Some(demo.join("site.toml")), rules: None };
    let policy = Arc::new(PolicyFiles::read(&args).unwrap().policy(false));
    let inventory = Inventory::new(policy.site().cloned()).without_inference();
    let settings = JudgeSettings { quiet: Some(QUIET), ..JudgeSettings::default() };
    let mut judge = Judge::new(policy, inventory, settings);
    let mut online = Online::new(&PipelineSettings::default());
    let mut source = Again::of(&demo.join("capture.pcap"));
    let first = play(&mut source, &mut online, &mut judge);
    // 13 violations open, and close when they are quiet.
    assert_eq!((first, judge.standing().count(), judge.held().0), (26, 0, 0));
    let grown = |rounds: u64, judge: &mut Judge, online: &mut Online<'_>, source: &mut Again| {
        allocation_counter::measure(|| {
            for _ in 0..rounds {
                assert_eq!(play(source, online, judge), 26);
            }
        })
        .bytes_current
    };
    let warm = grown(20, &mut judge, &mut online, &mut source);
    let later = grown(100, &mut judge, &mut online, &mut source);
    eprintln!(
        "{warm} octets more after 20 rounds, {later} more after 100 further ones: {} a round",
        later / 100
    );
    assert_eq!(judge.held().0, 0);
    // What a round may leave: sessions whose media may still be asked for, up to their cap.
    assert!(later / 100 < 1_024, "{later} octets in 100 rounds");
}
