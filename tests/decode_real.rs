//! Over the shared captures: nothing panics, every frame is counted once, and the innermost
//! 5-tuples are as many as tshark's conversations (`truth.json`).
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::print_stdout, reason = "says what was skipped")]

#[expect(dead_code, reason = "each test file uses its part")]
mod decode_frames;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use camsentry::flow::FlowKey;
use camsentry::service::Transport;
use decode_frames::Bench;
use serde_json::Value;

/// Frames of each innermost 5-tuple.
type Tuples = BTreeMap<FlowKey, u64>;

#[test]
fn tuples_and_their_frames_in_the_real_captures_are_those_of_the_truth() {
    let Some(folder) = captures("real") else { return };
    let mut compared = 0;
    for (name, facts) in truth(&folder) {
        let Some((seen, packets)) = decode(&folder.join(&name), usize::MAX) else { continue };
        compared += 1;
        assert_eq!(facts["packets"], packets, "{name}");
        // A fragment counts for the datagram here, for itself in tshark.
        let is_fragmented = facts["ip_fragments"] != 0;
        let plain = |tuples: Tuples| -> Tuples {
            tuples.into_iter().map(|(key, frames)| (key, if is_fragmented { 0 } else { frames })).collect()
        };
        assert_eq!(plain(ported(seen)), plain(conversations(&facts)), "{name}");
    }
    println!("{compared} files compared");
    assert!(compared > 0);
}

#[test]
fn the_tuples_of_untunnelled_captures_are_the_same_from_60_octets_of_each_frame() {
    let Some(folder) = captures("real") else { return };
    let mut compared = 0;
    for (name, facts) in truth(&folder) {
        let is_plain = facts["tunnels"].as_object().unwrap().is_empty()
            && facts["vlan_depth"] == 0
            && facts["ipv6_packets"] == 0
            && facts["ip_fragments"] == 0;
        let Some((whole, packets)) = decode(&folder.join(&name), usize::MAX).filter(|_| is_plain) else {
            continue;
        };
        compared += 1;
        for length in [60, 64, 96, 128, 256] {
            assert_eq!(
                decode(&folder.join(&name), length),
                Some((whole.clone(), packets)),
                "{name} at {length}"
            );
        }
    }
    println!("{compared} files compared");
    assert!(compared > 0);
}

#[test]
fn odd_captures_are_counted_to_the_last_frame() {
    let Some(folder) = captures("odd") else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = files.iter().filter(|path| decode(path, usize::MAX).is_some()).count();
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

fn truth(folder: &Path) -> Vec<(String, Value)> {
    let text = fs::read_to_string(folder.join("truth.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    truth.get("files").and_then(Value::as_object).unwrap().clone().into_iter().collect()
}

/// The conversations that tshark found, as our keys.
fn conversations(facts: &Value) -> Tuples {
    let mut tuples = Tuples::new();
    for conversation in facts["conversations"].as_array().unwrap() {
        let end = |side: &str| {
            let ip = conversation[format!("{side}_ip")].as_str().unwrap();
            let port = conversation[format!("{side}_port")].as_u64().unwrap();
            (decode_frames::addr(ip), u16::try_from(port).unwrap())
        };
        let transport = if conversation["proto"] == "tcp" { Transport::Tcp } else { Transport::Udp };
        let (key, _) = FlowKey::canonical(end("client"), end("server"), transport, 0);
        *tuples.entry(key).or_default() += conversation["packets"].as_u64().unwrap();
    }
    tuples
}

/// Of all tuples, those of TCP and UDP.
fn ported(mut tuples: Tuples) -> Tuples {
    tuples.retain(|key, _| matches!(key.transport, Transport::Tcp | Transport::Udp));
    tuples
}

/// Decodes the first `length` octets of each frame of a file, and asserts after each frame that
/// the counts add up. Gives the tuples and how many frames there were.
fn decode(path: &Path, length: usize) -> Option<(Tuples, u64)> {
    let (link, frames) = classic_frames(&fs::read(path).unwrap())?;
    let mut bench = Bench::new();
    let mut tuples = Tuples::new();
    for (nanos, wire, octets) in frames {
        bench.cut_at(nanos, link, octets.get(..length).unwrap_or(&octets), wire);
        collect(&mut bench, &mut tuples);
    }
    bench.finish();
    collect(&mut bench, &mut tuples);
    Some((tuples, bench.tally().seen.frames))
}

/// Keeps the tuples, so that memory stays that of one frame.
fn collect(bench: &mut Bench, tuples: &mut Tuples) {
    for segment in &bench.out.segments {
        *tuples.entry(FlowKey::of(segment, false).0).or_default() += u64::from(segment.frames);
    }
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
