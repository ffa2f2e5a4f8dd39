//! The program on real mirror ports of a small network of namespaces, with real programs on its hosts: `tests/stage/`.
//!
//! The short form, about three minutes; `tests/stage/run.py --full` measures all that docs/testing.md says. A machine
//! without namespaces or without one of the programs says `skipped`, loudly, and what it lacks.

use std::path::Path;
use std::process::Command;

/// How `run.py` ends where the machine lacks something.
const SKIPPED: i32 = 77;

#[test]
fn planted_violations_on_a_real_mirror_port_are_told_in_time_and_nothing_else_is() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stage/run.py");
    let played =
        Command::new("python3").arg(script).args(["--camsentry", env!("CARGO_BIN_EXE_camsentry")]).output();
    let Ok(played) = played else {
        eprintln!("skipped: there is no python3 to play the stage");
        return;
    };
    let told = String::from_utf8_lossy(&played.stdout);
    eprintln!("{told}{}", String::from_utf8_lossy(&played.stderr));
    if played.status.code() == Some(SKIPPED) {
        assert!(told.contains("skipped: "), "it must say what is missing");
        return;
    }
    assert_eq!(played.status.code().unwrap(), 0, "promises were broken: see above");
}
