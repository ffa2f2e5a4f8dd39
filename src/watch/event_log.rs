//! The event file: JSON lines, whole or not at all. Each record is one `write(2)`; what could be written in
//! part only is taken back and counted as lost, and the audit goes on. Full files are rotated by renaming.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

mod tail;

/// Longest record, its line end included, in octets. One that is longer is lost.
pub const RECORD_CAP: usize = 64 * 1024;

/// What becomes of records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SinkCounts {
    /// Handed over whole.
    pub written: u64,
    /// Not handed over, and gone.
    pub lost: u64,
}

/// Where events go.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// The file. Full ones stand beside it as `FILE.1`, `FILE.2` and so on, the newest first.
    pub path: PathBuf,
    /// A file that would get larger is rotated, in octets. Default 64 MiB.
    pub max_octets: u64,
    /// How many full ones are kept beside the file, at least 1. Default 8: 576 MiB in all with the file.
    pub keep: u32,
}

/// Why there is no event file.
#[derive(Debug, Error)]
pub enum EventLogFault {
    /// It cannot be opened or read.
    #[error("{}: {error}: camsentry's user must be able to read and write it and its folder", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is there and was not written by camsentry.
    #[error("{} is no event file, it is left as it is: give another name to --events", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds its lock.
    #[error("{} is being written by another camsentry: give each its own file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
}

/// What the operator should hear of, told once when it begins and once when it ends.
#[derive(Debug, Eq, PartialEq)]
pub enum News {
    /// Records are being lost, for this reason.
    Failing(String),
    /// Records are written again; so many were lost.
    Resumed(u64),
}

/// An event file that is open.
#[derive(Debug)]
pub struct EventLog {
    settings: EventSettings,
    target: Target,
    /// A part of a record stands behind this length and has to be cut off before anything else is written.
    torn_at: Option<u64>,
    line: Vec<u8>,
    counts: SinkCounts,
    /// What was lost when it last worked.
    lost_before: Option<u64>,
}

/// A file and what tells it from others.
#[derive(Debug)]
struct Target {
    file: File,
    id: (u64, u64),
    /// A regular file; a device (`/dev/null`) is neither repaired nor rotated.
    is_plain: bool,
    /// Octets of a torn record that were cut off when it was opened.
    cut: u64,
}

impl EventLog {
    /// Opens the file, or makes it with mode 0600, and cuts off a record that a crash left unfinished.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is no event file, or is in use.
    pub fn open(mut settings: EventSettings) -> Result<Self, EventLogFault> {
        let target = Target::open(&settings.path)?;
        // Renaming must move the file and not a link to it.
        settings.path = fs::canonicalize(&settings.path).unwrap_or(settings.path);
        let counts = SinkCounts::default();
        Ok(Self { settings, target, torn_at: None, line: Vec::new(), counts, lost_before: None })
    }

    /// Where it really stands: absolute, and not a link. Its folder is the one that must stay writable.
    pub fn path(&self) -> &Path {
        &self.settings.path
    }

    /// How many octets of an unfinished record were cut off at the start.
    pub const fn repaired(&self) -> u64 {
        self.target.cut
    }

    /// What became of the records so far.
    pub const fn counts(&self) -> SinkCounts {
        self.counts
    }

    /// Appends a record as one line, or counts it as lost. Says what is new about it.
    pub fn append<T: Serialize + ?Sized>(&mut self, record: &T) -> Option<News> {
        match self.put(record) {
            Ok(()) => {
                self.counts.written = self.counts.written.saturating_add(1);
                let before = self.lost_before.take()?;
                Some(News::Resumed(self.counts.lost.saturating_sub(before)))
            }
            Err(error) => {
                let before = self.counts.lost;
                self.counts.lost = before.saturating_add(1);
                if self.lost_before.is_some() {
                    return None;
                }
                self.lost_before = Some(before);
                Some(News::Failing(format!("{}: {error}", self.settings.path.display())))
            }
        }
    }

    /// Hands everything to the disk and closes the file.
    pub fn close(mut self) -> SinkCounts {
        drop(self.mend());
        // What is written stands in the file; whether the disk has it, it cannot say twice.
        drop(self.target.file.sync_all());
        self.counts
    }

    fn put<T: Serialize + ?Sized>(&mut self, record: &T) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(Capped(&mut self.line), record)?;
        if self.line.contains(&b'\n') {
            return Err(io::Error::new(ErrorKind::InvalidData, "a record with a line end in it"));
        }
        self.line.push(b'\n');
        if !self.target.is_plain {
            return write_whole(&self.target.file, &self.line);
        }
        self.follow();
        self.mend()?;
        let mut size = self.target.file.metadata()?.len();
        let line = u64::try_from(self.line.len()).unwrap_or(u64::MAX);
        // Where renaming fails the file grows beyond its size: better a large file than lost records.
        if size > 0 && size.saturating_add(line) > self.settings.max_octets && self.rotate().is_ok() {
            size = self.target.file.metadata()?.len();
        }
        let put = write_whole(&self.target.file, &self.line);
        if put.is_err() {
            self.torn_at = Some(size);
            // If it cannot be taken back now, it will be before the next record.
            drop(self.mend());
        }
        put
    }

    /// Takes back what was written of a record that did not fit.
    fn mend(&mut self) -> io::Result<()> {
        if let Some(whole) = self.torn_at {
            if self.target.file.metadata()?.len() > whole {
                self.target.file.set_len(whole)?;
            }
            self.torn_at = None;
        }
        Ok(())
    }

    /// Goes on in a new file if somebody else (logrotate) has moved this one away. If that cannot be opened,
    /// goes on in the old one, wherever it is: better there than nowhere.
    fn follow(&mut self) {
        let is_moved = match fs::metadata(&self.settings.path) {
            Ok(found) => id_of(&found) != self.target.id,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if is_moved && self.mend().is_ok() {
            self.reopen();
        }
    }

    /// Moves the full file to `FILE.1` and those before it one further, and begins a new one. A name that is
    /// free takes what comes before it, so that an attempt that failed half way moves nothing twice.
    fn rotate(&mut self) -> io::Result<()> {
        let keep = self.settings.keep.max(1);
        let numbered = |number: u32| {
            let mut name = OsString::from(&self.settings.path);
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        let free = (1..keep).find(|number| fs::symlink_metadata(numbered(*number)).is_err()).unwrap_or(keep);
        for number in (1..free).rev() {
            fs::rename(numbered(number), numbered(number.saturating_add(1)))?;
        }
        fs::rename(&self.settings.path, numbered(1))?;
        if self.reopen() { Ok(()) } else { Err(io::Error::from(ErrorKind::NotFound)) }
    }

    fn reopen(&mut self) -> bool {
        match Target::open(&self.settings.path) {
            Ok(target) if target.is_plain => {
                self.target = target;
                true
            }
            _ => false,
        }
    }
}

impl Target {
    fn open(path: &Path) -> Result<Self, EventLogFault> {
        let fault = |error| EventLogFault::Open { path: path.to_owned(), error };
        // A pipe would block, and has no lines that could be taken back.
        let is_fit = |found: &Metadata| found.is_file() || found.file_type().is_char_device();
        if fs::metadata(path).is_ok_and(|found| !is_fit(&found)) {
            return Err(EventLogFault::Foreign { path: path.to_owned() });
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(fault)?;
        let found = file.metadata().map_err(fault)?;
        let is_plain = found.is_file();
        let mut cut = 0;
        if is_plain {
            match file.try_lock() {
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(EventLogFault::InUse { path: path.to_owned() });
                }
                // Some network file systems have no locks.
                Ok(()) | Err(fs::TryLockError::Error(_)) => {}
            }
            let whole = tail::whole_lines(&file).map_err(fault)?;
            let whole = whole.ok_or_else(|| EventLogFault::Foreign { path: path.to_owned() })?;
            cut = found.len().saturating_sub(whole);
            if cut > 0 {
                file.set_len(whole).map_err(fault)?;
            }
        }
        Ok(Self { file, id: id_of(&found), is_plain, cut })
    }
}

/// Lets go of the lock at once, even if a child process that was just made still holds the descriptor.
impl Drop for Target {
    fn drop(&mut self) {
        drop(self.file.unlock());
    }
}

fn id_of(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// One `write(2)`; writing less than everything is a failure.
fn write_whole(mut file: &File, line: &[u8]) -> io::Result<()> {
    loop {
        match file.write(line) {
            Ok(written) if written == line.len() => return Ok(()),
            Ok(_) => return Err(io::Error::new(ErrorKind::StorageFull, "only a part of a record fitted")),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes octets up to the longest record, its line end not included.
struct Capped<'a>(&'a mut Vec<u8>);

impl Write for Capped<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(octets.len()) >= RECORD_CAP {
            return Err(io::Error::new(ErrorKind::InvalidData, "a record is too long"));
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
