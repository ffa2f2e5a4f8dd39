//! Has a watched file changed? Asks the file system every two seconds, because that survives everything that
//! editors, packages and orchestrators do: written in place, another file renamed over it, deleted and made
//! again, a symlink on the way (Kubernetes' `..data`) changed. inotify follows the inode and misses some of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// How often to ask.
pub const EVERY: Duration = Duration::from_secs(2);

/// Most files of one folder that are looked at.
const FILES_CAP: usize = 1_024;

/// What tells one state of a file from another. `ctime` finds what was copied with its old times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Mark {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl From<&Metadata> for Mark {
    fn from(file: &Metadata) -> Self {
        Self {
            dev: file.dev(),
            ino: file.ino(),
            size: file.size(),
            mtime: (file.mtime(), file.mtime_nsec()),
            ctime: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// The state of all watched files: `None` for one that is not there or cannot be looked at.
type Marks = BTreeMap<PathBuf, Option<Mark>>;

/// Files, and folders of `*.toml`, that are watched.
#[derive(Debug)]
pub struct Watched {
    paths: Vec<PathBuf>,
    /// As they were when last told, or at the start.
    told: Marks,
    /// As they were when last asked.
    seen: Marks,
}

impl Watched {
    /// Watches these from now on. A path may be a symlink, and need not be there. Call it before the files
    /// are read: a change in between is then found.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let now = marks_of(&paths);
        Self { paths, told: now.clone(), seen: now }
    }

    /// The files that changed, came or went since this was last told and are the same as when it was last
    /// asked: a file that is still being written is told when it is at rest. Empty if there are none.
    pub fn changed(&mut self) -> Vec<PathBuf> {
        let now = marks_of(&self.paths);
        let is_at_rest = now == self.seen;
        self.seen = now;
        if !is_at_rest || self.seen == self.told {
            return Vec::new();
        }
        let came = self.seen.iter().filter(|(path, mark)| self.told.get(*path) != Some(mark));
        let went = self.told.keys().filter(|path| !self.seen.contains_key(*path));
        let changed = came.map(|(path, _)| path).chain(went).cloned().collect();
        self.told = self.seen.clone();
        changed
    }
}

fn marks_of(paths: &[PathBuf]) -> Marks {
    let mut marks = Marks::new();
    for path in paths {
        let found = fs::metadata(path).ok();
        if found.as_ref().is_some_and(Metadata::is_dir) {
            marks.extend(rules_in(path).map(|file| (file.clone(), mark_of(&file))));
            // The folder itself: one that is emptied or taken away is a change too.
            marks.insert(path.clone(), None);
        } else {
            marks.insert(path.clone(), found.as_ref().map(Mark::from));
        }
    }
    marks
}

fn mark_of(path: &Path) -> Option<Mark> {
    fs::metadata(path).ok().as_ref().map(Mark::from)
}

fn rules_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension() == Some(OsStr::new("toml"))).take(FILES_CAP)
}
