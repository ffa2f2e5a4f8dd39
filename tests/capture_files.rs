//! The capture reader against captures of the world, as tshark counts them.
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::indexing_slicing, reason = "fields of known documents")]
#![expect(clippy::print_stdout, reason = "says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use camsentry::capture::CaptureProblem;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::capture::run::CaptureFile;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// What one source gave in all.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Packets, captured octets and octets on the wire, added up over the frames.
    totals: (u64, u64, u64),
    /// Time and octets of every frame, hashed in order.
    digest: u64,
    faults: Vec<CaptureProblem>,
}

fn shared_captures() -> Option<PathBuf> {
    let folder = std::env::var_os("CAMSENTRY_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: CAMSENTRY_CAPTURES is not set");
    }
    folder
}

fn read(captures: &mut Captures) -> Seen {
    let mut seen = Seen { digest: 0xcbf2_9ce4_8422_2325, ..Seen::default() };
    let mut batch = FrameBatch::default();
    loop {
        let supply = captures.fill(&mut batch);
        for frame in &batch.frames {
            let (packets, captured, wire) = seen.totals;
            seen.totals =
                (packets + 1, captured + u64::from(frame.captured), wire + u64::from(frame.wire_len));
            assert_eq!(frame.number, seen.totals.0);
            let octets = batch.octets_of(frame);
            assert_eq!(octets.len(), usize::try_from(frame.captured).unwrap());
            for octet in frame.time.nanos().to_le_bytes().iter().chain(octets) {
                seen.digest = (seen.digest ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        if supply == Supply::End {
            break;
        }
    }
    seen.faults = captures.faults().iter().map(|fault| fault.problem.clone()).collect();
    seen
}

fn read_path(path: &Path) -> Seen {
    read(&mut Captures::open(&[path.to_str().unwrap().to_owned()]))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Packets, captured octets and octets on the wire, as tshark says.
///
/// tshark numbers pcapng custom blocks as frames although they are no packets: they have no
/// interface, no link type and no time. capinfos, of the same release, does not count them. One
/// real capture has three, of 116 octets.
fn totals_of(truth: &Value) -> (u64, u64, u64) {
    let number = |field: &str| truth[field].as_u64().unwrap();
    let blocks = &truth["container"]["blocks"];
    let custom: u64 = ["0xbad", "0x40000bad"].iter().filter_map(|kind| blocks[*kind].as_u64()).sum();
    let custom_octets = if custom == 3 { 116 } else { 0 };
    (
        number("packets") - custom,
        number("bytes_captured") - custom_octets,
        number("bytes_wire") - custom_octets,
    )
}

#[test]
fn packets_and_octets_of_the_real_captures_are_those_of_tshark() {
    let Some(shared) = shared_captures() else { return };
    let folder = shared.join("real");
    let truth = json(&folder.join("truth.json"));
    let files = truth["files"].as_object().unwrap();
    assert_eq!(files.len(), 25);
    for (name, truth) in files {
        let seen = read_path(&folder.join(name));
        assert_eq!(seen.totals, totals_of(truth), "{name}");
        let is_damaged = name == "truncated_tls.pcapng";
        assert_eq!(!seen.faults.is_empty(), is_damaged, "{name}: {:?}", seen.faults);
        assert!(
            seen.faults.iter().all(|fault| matches!(fault, CaptureProblem::Truncated { packets: 27, .. }))
        );
    }
}

#[test]
fn packets_of_the_odd_captures_are_those_of_tshark() {
    let Some(shared) = shared_captures() else { return };
    let folder = shared.join("odd");
    let manifest = json(&folder.join("manifest.json"));
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 547);
    let mut wrong = Vec::new();
    for file in files {
        let name = file["file"].as_str().unwrap();
        let seen = read_path(&folder.join(name));
        if seen.totals.0 == 0 {
            assert!(!seen.faults.is_empty(), "{name} is silently empty");
        }
        if file["packets"].as_u64().is_some_and(|packets| packets != seen.totals.0) {
            wrong.push(format!(
                "{name}: {} packets, tshark says {}: {:?}",
                seen.totals.0, file["packets"], seen.faults
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_real_capture_reads_the_same_from_gzip_and_zstd() {
    let Some(shared) = shared_captures() else { return };
    let scratch = std::env::temp_dir().join(format!("camsentry-capture-files-{}", std::process::id()));
    fs::create_dir_all(&scratch).unwrap();
    for name in ["many_protocols.pcap", "mixed_endian_sections.pcapng"] {
        let path = shared.join("real").join(name);
        let plain = fs::read(&path).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&plain).unwrap();
        let expected = read_path(&path);
        for (ending, packed) in
            [("gz", gzip.finish().unwrap()), ("zst", zstd::encode_all(plain.as_slice(), 3).unwrap())]
        {
            let packed_path = scratch.join(format!("{name}.{ending}"));
            fs::write(&packed_path, packed).unwrap();
            assert_eq!(read_path(&packed_path), expected, "{name}.{ending}");
        }
    }
    fs::remove_dir_all(&scratch).unwrap();
}

#[test]
fn the_folder_of_real_captures_is_merged_and_loses_nothing() {
    let Some(shared) = shared_captures() else { return };
    let folder = shared.join("real");
    let mut captures = Captures::open(&[folder.to_str().unwrap().to_owned()]);
    let seen = read(&mut captures);
    let truth = json(&folder.join("truth.json"));
    let expected: u64 = truth["files"].as_object().unwrap().values().map(|file| totals_of(file).0).sum();
    assert_eq!(seen.totals.0, expected);
    let names: Vec<&CaptureFile> = captures.files().iter().collect();
    assert!(names.is_sorted_by_key(|file| &file.name));
    assert_eq!(names.len(), 25);
    // README.md, manifest.json and truth.json are no captures.
    assert_eq!(captures.skipped_count(), 3);
}
