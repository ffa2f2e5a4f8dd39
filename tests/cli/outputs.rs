//! Nothing but the result goes to standard output; a pipe may close early; colours are for terminals.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::process::Stdio;

use crate::program::Scratch;
use crate::program::camsentry;
use crate::program::program;

const DEMO: [&str; 4] =
    ["check", "--site", "fixtures/captures/demo/site.toml", "fixtures/captures/demo/capture.pcap"];
const ESCAPE: u8 = 0x1b;

#[test]
fn the_result_goes_to_standard_output_and_nothing_else_anywhere() {
    let ran = camsentry(DEMO);
    assert!(ran.stdout.starts_with(b"camsentry "));
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let ran = camsentry([&DEMO[..], &["--format", "json"]].concat());
    assert!(ran.stderr.is_empty());
    for line in String::from_utf8(ran.stdout).unwrap().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn warnings_about_a_site_file_go_to_standard_error() {
    let scratch = Scratch::new();
    let site = scratch.path("site.toml");
    // No host of the demo has this address: nothing is wrong with that, and nothing is conforming by it.
    fs::write(&site, "name = \"Small\"\nmonitored = [\"10.0.0.0/8\"]\n").unwrap();
    let ran = camsentry(["check", "--site", &site, "--format", "json", DEMO[3]]);
    for line in String::from_utf8(ran.stdout).unwrap().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let planted = "fixtures/captures/mixed-planted";
    let site = format!("{planted}/site.toml");
    let capture = format!("{planted}/capture.pcap");
    let flows = ["flows", "--site", &site, &capture];
    assert!(camsentry(flows).stdout.len() > 128 * 1024, "more than a pipe holds");
    let mut child = program(flows).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let ran = child.wait_with_output().unwrap();
    assert!(line.starts_with("{\"ts\":"));
    assert_eq!(ran.status.code(), Some(0));
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn what_is_piped_has_no_colour() {
    assert!(!camsentry(DEMO).stdout.contains(&ESCAPE));
    let broken = camsentry(["check", "--site", "Cargo.toml", DEMO[3]]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(!broken.stderr.is_empty() && !broken.stderr.contains(&ESCAPE));
}

#[test]
fn a_terminal_has_colours_unless_no_color_is_set() {
    // `script` of util-linux gives the program a terminal, and writes down what it saw there.
    let scratch = Scratch::new();
    let seen = scratch.path("typescript");
    let on_a_terminal = |no_color: bool| {
        let typed = [&[env!("CARGO_BIN_EXE_camsentry")], &DEMO[..]].concat().join(" ");
        let mut command = Command::new("script");
        command.args(["-qefc", &typed, &seen]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(Stdio::null()).env_remove("NO_COLOR");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        command.output().ok()
    };
    let Some(coloured) = on_a_terminal(false) else {
        eprintln!("skipped: `script` is not installed");
        return;
    };
    assert!(coloured.stdout.contains(&ESCAPE));
    assert!(!on_a_terminal(true).unwrap().stdout.contains(&ESCAPE));
}

#[test]
fn files_that_it_writes_are_whole_or_not_there() {
    let scratch = Scratch::new();
    let (flows, metrics) = (scratch.path("conn.log"), scratch.path("camsentry.prom"));
    fs::write(&flows, "old").unwrap();
    let ran = camsentry([&DEMO[..], &["--flows", &flows, "--metrics", &metrics]].concat());
    assert_eq!(ran.status.code(), Some(1));
    assert!(fs::read_to_string(&flows).unwrap().ends_with("}\n"));
    assert!(fs::read_to_string(&metrics).unwrap().ends_with('\n'));
    let left: Vec<_> = fs::read_dir(std::path::Path::new(&flows).parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 2, "no temporary file is left");
}

#[test]
fn a_device_a_pipe_and_a_link_stay_what_they_are() {
    let scratch = Scratch::new();
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let (real, link) = (scratch.path("real.prom"), scratch.path("link.prom"));
    fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    let ran = camsentry([&DEMO[..], &["--flows", &pipe, "--metrics", &link]].concat());
    assert_eq!(ran.status.code(), Some(1), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(reader.join().unwrap().ends_with("}\n"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().ends_with('\n'));
}
