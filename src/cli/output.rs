//! Where results go: standard output that may be closed early, files that are whole or not there,
//! complaints on standard error.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Why a command could not do its job.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The reader of our output went away.
    #[error("the output was closed")]
    ClosedPipe,
    /// Standard output cannot be written.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Files of the operator have faults, already drawn.
    #[error("{0}")]
    Faults(String),
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    /// Trouble with standard output; a closed pipe is told apart.
    pub fn of_output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::ClosedPipe } else { Self::Output(error) }
    }
}

/// Prints to standard output, all at once.
///
/// # Errors
///
/// If it cannot be written, or was closed.
pub fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Trouble::of_output)
}

/// Prints through a buffer to standard output.
///
/// # Errors
///
/// If it cannot be written, or was closed.
pub fn print_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Trouble> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(Trouble::of_output)
}

/// Says what went wrong, on standard error.
pub fn complain(text: &str) {
    // Where even standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "camsentry: {text}");
}

/// Draws prepared text on standard error.
pub fn draw(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether standard output shows colours: a terminal, and `NO_COLOR` is not set.
pub fn colour_out() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether standard error shows colours.
pub fn colour_err() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Writes a file so that a reader sees the old one or the whole new one, never a part.
///
/// A device or a pipe is written to as it is: renaming over `/dev/null` would, as root, take it from the whole
/// machine. A symbolic link stays one; the file that it leads to is replaced.
///
/// # Errors
///
/// If it cannot be written; then no part of it is left.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Trouble> {
    let done = match std::fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => write_into(path, write),
        Ok(_) => std::fs::canonicalize(path).and_then(|path| put_over(&path, write)),
        Err(_) => put_over(path, write),
    };
    done.map_err(|error| Trouble::Write { path: path.to_owned(), error })
}

/// Writes to what is no file of its own: a device, a pipe.
fn write_into(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
    write(&mut out).and_then(|()| out.flush())
}

/// Writes beside the file, and puts the whole over it.
fn put_over(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let done = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&beside, path)
    });
    if done.is_err() {
        // The write error is what matters; a left-over part is removed as far as possible.
        let _ = std::fs::remove_file(&beside);
    }
    done
}

/// Creates a file that must not be there yet.
///
/// # Errors
///
/// If it is there already, or cannot be written.
pub fn create_new(path: &Path, text: &str) -> Result<(), Trouble> {
    let created = OpenOptions::new().write(true).create_new(true).open(path);
    created
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Trouble::Write { path: path.to_owned(), error })
}
