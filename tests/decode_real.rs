//! Over the shared captures: nothing panics, every frame is counted once, and the innermost
//! 5-tuples are as many as tshark's conversations (`truth.json`).
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::print_stdout, reason = "says what was skipped")]

mod decode_frames;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use camsentry::flow::FlowKey;
use camsentry::service::Transport;
use decode_frames::Bench;

/// Distinct innermost 5-tuples by transport, and frames seen.
struct Seen {
    tcp: usize,
    udp: usize,
    frames: u64,
}

#[test]
fn the_tuples_of_the_real_captures_are_those_of_the_truth() {
    let Some(folder) = captures("real") else { return };
    let truth: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let mut wrong = BTreeMap::new();
    let mut compared = 0;
    for (name, facts) in truth["files"].as_object().unwrap() {
        let Some(seen) = decode(&folder.join(name)) else { continue };
        compared += 1;
        let found = [seen.frames, u64::try_from(seen.tcp).unwrap(), u64::try_from(seen.udp).unwrap()];
        let expected = ["packets", "n_tcp", "n_udp"].map(|key| facts[key].as_u64().unwrap());
        if found != expected {
            wrong.insert(name, (found, expected));
        }
    }
    println!("{compared} files compared");
    assert!(wrong.is_empty(), "packets, TCP and UDP tuples, ours and the truth: {wrong:#?}");
    assert!(compared > 0);
}

#[test]
fn odd_captures_are_counted_to_the_last_frame() {
    let Some(folder) = captures("odd") else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = files.iter().filter(|path| decode(path).is_some()).count();
    println!("{read} files read");
    assert!(read > 0);
}

fn captures(kind: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        println!("skipped: CAMSENTRY_CAPTURES is not set");
        return None;
    };
    Some(Path::new(&folder).join(kind))
}

/// Decodes a file whole, and asserts after each frame that the counts add up.
fn decode(path: &Path) -> Option<Seen> {
    let (link, frames) = classic_frames(&fs::read(path).unwrap())?;
    let mut bench = Bench::new();
    let mut tuples = BTreeSet::new();
    for (nanos, wire, octets) in frames {
        bench.cut_at(nanos, link, &octets, wire);
        collect(&mut bench, &mut tuples);
    }
    bench.finish();
    collect(&mut bench, &mut tuples);
    let count = |transport| tuples.iter().filter(|key| key.transport == transport).count();
    if std::env::var_os("DECODE_REAL_SHOWS").is_some() {
        println!("{} {:#?}", path.display(), bench.tally());
    }
    Some(Seen { tcp: count(Transport::Tcp), udp: count(Transport::Udp), frames: bench.tally().seen.frames })
}

/// Keeps the tuples, so that memory stays that of one frame.
fn collect(bench: &mut Bench, tuples: &mut BTreeSet<FlowKey>) {
    tuples.extend(bench.out.segments.iter().map(|segment| FlowKey::of(segment, false).0));
    bench.forget();
}

/// Time in nanoseconds, length on the wire, captured octets.
type Record = (i64, usize, Vec<u8>);

/// A minimal walk of a classic little-endian pcap file of microseconds, for this test alone, until
/// the reader of `capture` can be used here. `None` for every other file.
fn classic_frames(file: &[u8]) -> Option<(u32, Vec<Record>)> {
    let le32 = |at: usize| file.get(at..)?.first_chunk::<4>().map(|octets| u32::from_le_bytes(*octets));
    if le32(0)? != 0xa1b2_c3d4 {
        return None;
    }
    let link = le32(20)? & 0xffff;
    let mut frames = Vec::new();
    let mut at = 24;
    while let (Some(seconds), Some(micros), Some(captured), Some(wire)) =
        (le32(at), le32(at + 4), le32(at + 8), le32(at + 12))
    {
        let end = at + 16 + usize::try_from(captured).unwrap();
        let Some(octets) = file.get(at + 16..end) else { break };
        let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1_000;
        frames.push((nanos, usize::try_from(wire).unwrap(), octets.to_vec()));
        at = end;
    }
    Some((link, frames))
}
