//! The program on real mirror ports of a small network of namespaces, with real programs on its hosts: `tests/stage/`.
//!
//! The short form, about three minutes; `tests/stage/run.py --full` measures all that docs/testing.md says. A machine
//! without namespaces or without one of the programs says `skipped`, loudly, and what it lacks.

use std::path::Path;
use std::process::Command;

/// How `run.py` ends where the machine lacks something.
const SKIPPED: i32 = 77;
/// Seconds after which it is ended, on however busy a machine.
const LONGEST: &str = "900";
/// How `timeout` ends where there is no such program.
const NOT_FOUND: i32 = 127;

#[test]
fn planted_violations_on_a_real_mirror_port_are_told_in_time_and_nothing_else_is() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stage/run.py");
    let played = Command::new("timeout")
        .args(["--kill-after=10", LONGEST, "python3"])
        .arg(script)
        .args(["--camsentry", env!("CARGO_BIN_EXE_camsentry")])
        .output();
    let Ok(played) = played else {
        eprintln!("skipped: there is no `timeout` (coreutils) to bound the stage");
        return;
    };
    let told = String::from_utf8_lossy(&played.stdout);
    eprintln!("{told}{}", String::from_utf8_lossy(&played.stderr));
    if played.status.code() == Some(NOT_FOUND) {
        eprintln!("skipped: there is no python3 to play the stage");
        return;
    }
    if played.status.code() == Some(SKIPPED) {
        assert!(told.contains("skipped: "), "it must say what is missing");
        return;
    }
    assert_eq!(played.status.code().unwrap(), 0, "promises were broken: see above");
}
