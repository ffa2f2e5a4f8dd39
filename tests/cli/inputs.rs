//! A capture comes as a file, compressed, in a folder, in parts, or by standard input.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::program::Scratch;
use crate::program::camsentry;
use crate::program::program;
use crate::program::text;

const DEMO: &str = "fixtures/captures/demo/capture.pcap";
const SITE: &str = "fixtures/captures/demo/site.toml";

/// The JSON lines of a check less what names the files.
fn findings(captures: &[&str]) -> Vec<Value> {
    let args = [&["check", "--site", SITE, "--format", "json"], captures].concat();
    findings_of(camsentry(args).stdout)
}

fn findings_of(result: Vec<u8>) -> Vec<Value> {
    let mut lines: Vec<Value> =
        String::from_utf8(result).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.last_mut().unwrap()["files"] = Value::Null;
    lines
}

#[test]
fn compressed_files_give_what_the_plain_one_gives() {
    let scratch = Scratch::new();
    let plain = fs::read(DEMO).unwrap();
    let expected = findings(&[DEMO]);
    assert!(expected.len() > 10);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gz = scratch.path("capture.pcap.gz");
    fs::write(&gz, gzip.finish().unwrap()).unwrap();
    assert_eq!(findings(&[&gz]), expected);
    let zst = scratch.path("capture.pcap.zst");
    fs::write(&zst, zstd::encode_all(&*plain, 1).unwrap()).unwrap();
    assert_eq!(findings(&[&zst]), expected);
}

#[test]
fn a_folder_is_read_and_what_is_no_capture_in_it_is_left_out_aloud() {
    let scratch = Scratch::new();
    fs::copy(DEMO, scratch.path("capture.pcap")).unwrap();
    fs::write(scratch.path("notes.txt"), "the SPAN port is Gi0/24\n").unwrap();
    let folder = text(Path::new(&scratch.path("capture.pcap")).parent().unwrap());
    assert_eq!(findings(&[&folder]), findings(&[DEMO]));
    let report = camsentry(["check", "--site", SITE, &folder]).stdout;
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains("left out") && report.contains("notes.txt"), "{report}");
}

#[test]
fn standard_input_is_a_capture_too() {
    let mut child = program(["check", "--site", SITE, "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut feed = child.stdin.take().unwrap();
    feed.write_all(&fs::read(DEMO).unwrap()).unwrap();
    drop(feed);
    let ran = child.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(findings_of(ran.stdout), findings(&[DEMO]));
}

#[test]
fn a_capture_cut_in_two_files_is_judged_as_one() {
    let scratch = Scratch::new();
    let whole = fs::read(DEMO).unwrap();
    // pcap: a file header of 24 octets, then for each packet 16 octets whose third word is its length.
    let (head, mut at) = (&whole[..24], 24);
    while at < whole.len() / 2 {
        let length: [u8; 4] = whole[at + 8..at + 12].try_into().unwrap();
        at += 16 + usize::try_from(u32::from_le_bytes(length)).unwrap();
    }
    let (first, second) = (scratch.path("1.pcap"), scratch.path("2.pcap"));
    fs::write(&first, &whole[..at]).unwrap();
    fs::write(&second, [head, &whole[at..]].concat()).unwrap();
    let expected = findings(&[DEMO]);
    assert_eq!(findings(&[&first, &second]), expected);
    assert_eq!(findings(&[&second, &first]), expected, "packet time is the order, not the command line");
}

#[test]
fn no_odd_capture_makes_it_panic() {
    let Some(shared) = env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return;
    };
    let entries = fs::read_dir(Path::new(&shared).join("odd")).unwrap();
    let mut paths: Vec<String> = entries.map(|entry| text(&entry.unwrap().path())).collect();
    paths.retain(|path| path.ends_with("cap") || path.ends_with("pcapng"));
    paths.sort();
    assert!(paths.len() > 50, "{} captures were found", paths.len());
    for path in &paths {
        survives(path, &["--workers", "1", path]);
    }
    let mut together = vec!["--workers", "4"];
    together.extend(paths.iter().map(String::as_str));
    survives("all of them together", &together);
}

/// It ends as it should, with a summary that accounts for every packet.
fn survives(what: &str, args: &[&str]) {
    let ran = camsentry([&["check", "--format", "json"], args].concat());
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(matches!(ran.status.code(), Some(0..=2)), "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    let result = String::from_utf8(ran.stdout).unwrap();
    let last: Value = serde_json::from_str(result.lines().last().unwrap()).unwrap();
    let field = |place: &str| last.pointer(place);
    assert_eq!(field("/type").and_then(Value::as_str), Some("summary"), "{what}");
    assert_eq!(field("/packets/unaccounted").and_then(Value::as_u64), Some(0), "{what}");
    assert_eq!(field("/packets/undecoded/abandoned"), None, "{what}");
}
