//! From what the operator named to the files to read: a folder is walked, in name order.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// One thing found in a folder.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// A regular file, or a link to one.
    File(PathBuf),
    /// What is never opened: devices, pipes, sockets, links to folders, links to nothing.
    Other(PathBuf),
    /// What cannot be looked at, and why.
    Unreadable(PathBuf, String),
}

/// Walks a folder and all folders in it, each in the order of its names.
///
/// It ends, since links to folders are not followed. Memory: the names of the folders on the way
/// down to where it stands.
pub(super) struct Walk {
    /// What is still to be visited, the last first.
    ahead: Vec<PathBuf>,
}

impl Walk {
    /// A walk through `folder`.
    ///
    /// # Errors
    /// What the system says if its names cannot be read.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let mut walk = Self { ahead: Vec::new() };
        walk.enter(folder)?;
        Ok(walk)
    }

    fn enter(&mut self, folder: &Path) -> io::Result<()> {
        let names: io::Result<BTreeSet<PathBuf>> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
        self.ahead.extend(names?.into_iter().rev());
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let path = self.ahead.pop()?;
            let kind = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata.file_type(),
                Err(error) => return Some(Found::Unreadable(path, error.to_string())),
            };
            if kind.is_dir() {
                if let Err(error) = self.enter(&path) {
                    return Some(Found::Unreadable(path, error.to_string()));
                }
            } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                return Some(Found::File(path));
            } else {
                return Some(Found::Other(path));
            }
        }
    }
}
