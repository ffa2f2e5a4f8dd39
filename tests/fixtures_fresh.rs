//! The committed captures are what the writer makes of their scenes, octet for octet.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[path = "../fixtures/writer/mod.rs"]
mod writer;

fn scenes() -> Vec<PathBuf> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(captures).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[test]
fn every_committed_capture_is_what_its_scene_says() {
    for folder in scenes() {
        let scene = fs::read_to_string(folder.join("scene.toml")).unwrap();
        let committed = fs::read(folder.join("capture.pcap")).unwrap();
        assert!(
            committed == writer::capture(&scene),
            "{} is stale: run `cargo run --example fixtures`",
            folder.display()
        );
    }
}

#[test]
fn every_capture_is_small_and_has_its_papers() {
    let mut total = 0;
    for folder in scenes() {
        let size = fs::metadata(folder.join("capture.pcap")).unwrap().len();
        assert!(size < 300_000, "{} has {size} octets", folder.display());
        total += size;
        for paper in ["README.md", "site.toml", "scene.toml", "expected.toml"] {
            assert!(folder.join(paper).exists(), "{} has no {paper}", folder.display());
        }
    }
    assert!(total < 2_000_000, "{total} octets in all");
}
