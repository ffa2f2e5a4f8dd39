//! Runs the built program as an operator does, on the captures that are at hand.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// A command line of the program, in the package's folder, with no terminal anywhere.
pub(crate) fn program<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_camsentry"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Runs the program to its end.
pub(crate) fn camsentry<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    program(args).output().unwrap()
}

/// A capture and, if there is one, the site file that belongs to it.
pub(crate) struct Subject {
    /// The capture's path.
    pub(crate) capture: String,
    /// The site file's path.
    pub(crate) site: Option<String>,
}

impl Subject {
    /// `check` on it with these options.
    pub(crate) fn check(&self, options: &[&str]) -> Output {
        let site = self.site.iter().flat_map(|site| ["--site", site]);
        camsentry(["check"].into_iter().chain(site).chain(options.iter().copied()).chain([&*self.capture]))
    }
}

/// Every capture of `fixtures/captures` with its site, and every shared real capture without one.
pub(crate) fn subjects() -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let fixture = |folder: &PathBuf| Subject {
        capture: text(&folder.join("capture.pcap")),
        site: Some(text(&folder.join("site.toml"))),
    };
    let mut subjects: Vec<Subject> = folders.iter().map(fixture).collect();
    assert!(subjects.len() > 5, "the fixtures were found");
    let Some(shared) = env::var_os("CAMSENTRY_CAPTURES") else {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
        return subjects;
    };
    let mut real: Vec<PathBuf> =
        fs::read_dir(Path::new(&shared).join("real")).unwrap().map(|entry| entry.unwrap().path()).collect();
    real.retain(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"));
    real.sort();
    subjects.extend(real.iter().map(|path| Subject { capture: text(path), site: None }));
    subjects
}

/// The path as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A folder for one test, gone when it ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new empty folder.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("camsentry-test-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> String {
        text(&self.0.join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever is left is in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
