//! The cage: once everything is open, the process gives up whatever it does not need any more.
//!
//! Whoever takes over the process through a packet meets four walls: no capability, no new privileges,
//! Landlock around the files and seccomp around the kernel. docs/appliance.md says what each of them keeps
//! out, and what none does.
//!
//! Capabilities and Landlock bind the thread that asks for them and the threads that it starts later. So
//! [`Cage::close`] belongs before the first thread; a thread that is already there is named as missing.

mod calls;
mod capabilities;
mod files;

pub use crate::watch::sandbox::capabilities::with_raw;

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::ValueEnum;
use rustix::process::DumpableBehavior;
use rustix::process::set_dumpable_behavior;
use rustix::thread::set_no_new_privs;

/// How much of the cage must hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Mode {
    /// All of it, or do not start
    Strict,
    /// What this kernel can; the log and a metric say how much that is
    #[default]
    BestEffort,
    /// None
    Off,
}

/// How much of the cage holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// There is none.
    Off,
    /// Something is missing.
    Partly,
    /// All of it.
    Full,
}

impl Level {
    /// The value of `camsentry_sandbox_level`.
    pub fn value(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Partly => 1,
            Self::Full => 2,
        }
    }

    /// One word for the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Partly => "partly",
            Self::Full => "full",
        }
    }
}

/// Why there is no cage.
#[derive(Debug, thiserror::Error)]
pub enum SandboxFault {
    /// A file or a folder that must stay in reach is not there.
    #[error("cannot keep {} in reach: {error}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Something is missing, and all was asked for.
    #[error("the sandbox is not complete, and it must be: {}", .0.join("; "))]
    Incomplete(Vec<String>),
}

/// What is still needed once the cage is closed. Everything else is out of reach.
#[derive(Clone, Debug, Default)]
pub struct Cage {
    /// How much of it must hold.
    pub mode: Mode,
    /// Files and folders to read, with all that is in them. [`Cage::reload_from`] adds a file that may be
    /// replaced.
    pub readable: Vec<PathBuf>,
    /// Folders in which files are made, written, renamed and removed.
    pub writable: Vec<PathBuf>,
    /// Whether connections are accepted, on sockets that listen already.
    pub listens: bool,
    /// TCP ports to connect to. Names mean nothing any more: what a name stands for is asked before.
    pub connects: Vec<u16>,
    /// Whether UDP sockets are opened (a system log that is sent to in datagrams). Landlock does not see where
    /// to.
    pub datagrams: bool,
    /// Whether Unix sockets are connected to (a system log that may be restarted).
    pub local_sockets: bool,
    /// Whether an interface that vanished is opened again. That keeps `CAP_NET_RAW` at hand, for
    /// [`with_raw`] to put in force.
    pub reopens: bool,
}

impl Cage {
    /// Keeps `file` readable when another takes its place under the same name: the folders of the name, and of
    /// what it leads to, become readable.
    pub fn reload_from(&mut self, file: &Path) {
        self.readable.push(folder_of(file));
        if let Ok(real) = fs::canonicalize(file) {
            self.readable.push(folder_of(&real));
        }
    }

    /// Closes the cage around this thread and all that it will start; seccomp takes in those that are there
    /// already. It cannot be opened again. Gives how much of it holds, and in words what does not.
    ///
    /// # Errors
    ///
    /// If a file to be kept in reach is not there; in [`Mode::Strict`] also if anything is missing. The process
    /// should then end: parts of the cage may be closed.
    pub fn close(&self) -> Result<(Level, Vec<String>), SandboxFault> {
        if self.mode == Mode::Off {
            return Ok((Level::Off, Vec::new()));
        }
        let mut missing = Vec::new();
        let mut closed = 0_u8;
        let mut note = |done: Result<Vec<String>, String>| match done {
            Ok(lacks) => {
                closed = closed.saturating_add(1);
                missing.extend(lacks);
            }
            Err(lack) => missing.push(lack),
        };
        note(only_thread());
        note(no_way_back());
        note(capabilities::give_up(self.reopens));
        // Files before calls: Landlock's own calls are not among those that remain.
        note(files::restrict(self)?);
        note(calls::restrict(self));
        let level = match (missing.is_empty(), closed) {
            (true, _) => Level::Full,
            (false, 0) => Level::Off,
            (false, _) => Level::Partly,
        };
        if self.mode == Mode::Strict && level != Level::Full {
            return Err(SandboxFault::Incomplete(missing));
        }
        Ok((level, missing))
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => PathBuf::from("/"),
    }
}

/// No other thread may be there: it would stay outside.
fn only_thread() -> Result<Vec<String>, String> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(0 | 1) => Ok(Vec::new()),
        Ok(threads) => {
            let others = threads.saturating_sub(1);
            Err(format!("{others} other threads were there before and keep files and capabilities"))
        }
        Err(error) => Err(format!("other threads cannot be counted: {error}")),
    }
}

/// Nothing that is executed gains rights, and nobody of the same user reads our memory: packets are in it.
fn no_way_back() -> Result<Vec<String>, String> {
    set_no_new_privs(true).map_err(|error| format!("no new privileges: {error}"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("no core dumps: {error}"))?;
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::path::PathBuf;

    use super::Cage;
    use super::Level;
    use super::Mode;
    use super::folder_of;

    #[test]
    fn no_cage_is_closed_when_it_is_off() {
        let cage = Cage { mode: Mode::Off, readable: vec![PathBuf::from("/nowhere")], ..Cage::default() };
        assert_eq!(cage.close().unwrap(), (Level::Off, Vec::new()));
    }

    #[test]
    fn the_folder_of_a_file_is_kept_for_its_successor() {
        assert_eq!(folder_of(Path::new("site.toml")), Path::new("."));
        assert_eq!(folder_of(Path::new("/etc/camsentry/site.toml")), Path::new("/etc/camsentry"));
        assert_eq!(folder_of(Path::new("/")), Path::new("/"));
        let mut cage = Cage::default();
        cage.reload_from(Path::new("/proc/self/exe"));
        let real = std::fs::read_link("/proc/self/exe").unwrap();
        assert_eq!(cage.readable, [Path::new("/proc/self"), real.parent().unwrap()]);
    }
}
