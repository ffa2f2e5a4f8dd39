//! All captures of a run as one source of frames, in packet-time order.
//!
//! The files are merged by the time of the packet that is next in each; the order inside a file is
//! never changed, so a file whose time goes back is read as it was written. Equal times follow the
//! order of the files.
//!
//! Memory of each open file, of which there are at most [`MAX_OPEN_FILES`]: a piece of 128 KiB, or
//! its next record if that is greater, which has a cap of 16 MiB; inside gzip 300 KiB more, inside
//! zstd its window, which is 8 MiB as a rule and has a cap of 128 MiB. A file that waits for its
//! time costs 2 KiB.

use crate::capture::CaptureFault;
use crate::capture::CaptureProblem;
use crate::capture::FrameBatch;
use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::capture::folder::Found;
use crate::capture::folder::Walk;
use crate::capture::input::Input;
use crate::capture::input::Origin;
use crate::capture::interfaces::Interface;
use crate::capture::interfaces::InterfaceTable;
use crate::capture::run::CaptureFile;
use crate::capture::run::Run;
use crate::capture::run::is_full;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// The most files that are held open while many are merged. When more than these overlap in time,
/// the one whose next packet is latest is closed and opened again when its time comes. Pipes and
/// standard input cannot be closed so, and come on top.
pub const MAX_OPEN_FILES: usize = 64;

/// The most names of files that [`Captures::skipped`] keeps; [`Captures::skipped_count`] is exact.
pub const MAX_SKIPPED_NAMES: usize = 10_000;

/// Reads files, folders and standard input as one source of frames.
#[derive(Default)]
pub struct Captures {
    /// The inputs that may have more, by number of the file; those that are done are `None`.
    inputs: Vec<Option<Input>>,
    files: Vec<CaptureFile>,
    /// Time and file of the next packet of each input, the earliest first.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    interfaces: InterfaceTable,
    faults: Vec<CaptureFault>,
    skipped: Vec<String>,
    skipped_count: u64,
    /// Octets of all inputs; none if one of them has no size.
    total: Option<u64>,
    /// Octets read of the inputs that are done.
    consumed: u64,
    packets: u64,
    open: usize,
}

impl Captures {
    /// Opens all `inputs`: capture files, folders, and `-` for standard input.
    ///
    /// Every file is looked at up to its first packet, so what is no capture is in
    /// [`FrameSource::faults`] at once. In a folder what is no capture is no fault: it is in
    /// [`Captures::skipped`].
    pub fn open(inputs: &[String]) -> Self {
        let mut captures = Self { total: Some(0), ..Self::default() };
        for name in inputs {
            let path = Path::new(name);
            if name == "-" {
                captures.add(Origin::Stream, name.clone());
            } else if path.is_dir() {
                captures.add_folder(path, name);
            } else {
                captures.add(Origin::Path(path.to_owned()), name.clone());
            }
        }
        captures
    }

    /// Reads one capture that `reader` gives, called `name` in faults.
    pub fn from_reader(name: &str, reader: impl Read + Send + 'static) -> Self {
        let mut captures = Self::default();
        let opened = Input::from_reader(Origin::Stream, Box::new(reader), None, 0, &mut captures.interfaces);
        captures.admit(opened, name.to_owned());
        captures
    }

    /// The files of the run in their order; [`crate::capture::Frame::file`] counts along it.
    pub fn files(&self) -> &[CaptureFile] {
        &self.files
    }

    /// The interfaces met so far; [`crate::capture::Frame::interface`] counts along it.
    pub fn interfaces(&self) -> &[Interface] {
        self.interfaces.entries()
    }

    /// What was found in folders and is no capture; at most [`MAX_SKIPPED_NAMES`] names.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// How many things were found in folders that are no captures.
    pub fn skipped_count(&self) -> u64 {
        self.skipped_count
    }

    /// Octets of all inputs, for a progress bar beside [`FrameSource::consumed`]; `None` if one of
    /// them is a pipe.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    fn add_folder(&mut self, folder: &Path, name: &str) {
        let walk = match Walk::new(folder) {
            Ok(walk) => walk,
            Err(error) => return self.fault(name.to_owned(), CaptureProblem::Io(error.to_string())),
        };
        let mut captures = 0_u64;
        for found in walk {
            match found {
                Found::File(path) => captures = captures.saturating_add(self.add_found(path)),
                Found::Other(path) => self.skip(&path),
                Found::Unreadable(path, why) => {
                    self.fault(path.display().to_string(), CaptureProblem::Io(why));
                }
            }
        }
        if captures == 0 {
            self.fault(name.to_owned(), CaptureProblem::EmptyFolder);
        }
    }

    /// Adds a file of a folder if it is a capture; how many were added.
    fn add_found(&mut self, path: PathBuf) -> u64 {
        let name = path.display().to_string();
        let is_blank = path.metadata().is_ok_and(|metadata| metadata.len() == 0);
        let opened = Input::open(Origin::Path(path.clone()), self.next_file(), &mut self.interfaces);
        if is_blank || matches!(opened, Err(CaptureProblem::NotACapture(_))) {
            self.skip(&path);
            return 0;
        }
        self.admit(opened, name);
        1
    }

    fn add(&mut self, origin: Origin, name: String) {
        let opened = Input::open(origin, self.next_file(), &mut self.interfaces);
        self.admit(opened, name);
    }

    /// Takes in an input that was opened, or tells why it was not.
    fn admit(&mut self, opened: Result<Input, CaptureProblem>, name: String) {
        let index = self.files.len();
        self.files.push(CaptureFile { name: name.clone(), ..CaptureFile::default() });
        self.inputs.push(None);
        let mut input = match opened {
            Ok(input) => input,
            Err(problem) => return self.fault(name, problem),
        };
        self.total = self.total.zip(input.size()).map(|(total, size)| total.saturating_add(size));
        let Some(head) = input.head() else { return };
        self.heads.push(Reverse((head.time, index)));
        if self.open >= MAX_OPEN_FILES && input.can_pause() {
            input.pause();
        } else {
            self.open = self.open.saturating_add(1);
        }
        if let Some(slot) = self.inputs.get_mut(index) {
            *slot = Some(input);
        }
    }

    /// The number of the file that is added next; beyond 65 535 they share the last one.
    fn next_file(&self) -> u16 {
        u16::try_from(self.files.len()).unwrap_or(u16::MAX)
    }

    fn skip(&mut self, path: &Path) {
        self.skipped_count = self.skipped_count.saturating_add(1);
        if self.skipped.len() < MAX_SKIPPED_NAMES {
            self.skipped.push(path.display().to_string());
        }
    }

    fn fault(&mut self, path: String, problem: CaptureProblem) {
        self.faults.push(CaptureFault { path, problem });
    }

    /// Opens file `index` if it is paused, after closing another one if too many are open.
    fn make_open(&mut self, index: usize) -> Result<(), CaptureProblem> {
        let is_open = self.inputs.get(index).and_then(Option::as_ref).is_none_or(Input::is_open);
        if is_open {
            return Ok(());
        }
        if self.open >= MAX_OPEN_FILES {
            self.pause_latest();
        }
        self.open = self.open.saturating_add(1);
        self.inputs.get_mut(index).and_then(Option::as_mut).map_or(Ok(()), Input::resume)
    }

    /// Closes the open file whose next packet is latest, because it is wanted last.
    fn pause_latest(&mut self) {
        let may_pause = |input: &&mut Input| input.is_open() && input.can_pause();
        let latest = self
            .inputs
            .iter_mut()
            .filter_map(Option::as_mut)
            .filter(may_pause)
            .max_by_key(|input| input.head().map(|head| head.time));
        if let Some(input) = latest {
            input.pause();
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Reads file `index` until another one is earlier, the batch is full or the file is done.
    fn read_file(&mut self, index: usize, batch: &mut FrameBatch) {
        let rival = self.heads.peek().map(|Reverse(head)| *head);
        let opened = self.make_open(index);
        let Some(input) = self.inputs.get_mut(index).and_then(Option::as_mut) else { return };
        let mut run = Run::new(index, &mut self.packets);
        let is_alone = rival.is_none() && batch.frames.is_empty() && input.can_lend();
        let end = opened.and_then(|()| match is_alone {
            true => run.lend(input, &mut self.interfaces, batch),
            false => run.read(input, &mut self.interfaces, rival, batch),
        });
        let counts = run.counts();
        if let Some(file) = self.files.get_mut(index) {
            file.add(&counts);
        }
        match (end, input.head().map(|head| head.time)) {
            (Ok(()), Some(time)) => self.heads.push(Reverse((time, index))),
            (end, _) => self.finish(index, end),
        }
    }

    /// Lets go of a file that is done.
    fn finish(&mut self, index: usize, end: Result<(), CaptureProblem>) {
        let input = self.inputs.get_mut(index).and_then(Option::take);
        self.consumed = self.consumed.saturating_add(input.map_or(0, |input| input.position()));
        self.open = self.open.saturating_sub(1);
        if let Err(problem) = end {
            let name = self.files.get(index).map(|file| file.name.clone()).unwrap_or_default();
            self.fault(name, problem);
        }
    }
}

impl FrameSource for Captures {
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.frames.clear();
        // What is left in the arena is cleared, or handed back to be read into, by who fills it first.
        while batch.frames.is_empty() || !is_full(batch) {
            let Some(Reverse((_, index))) = self.heads.pop() else { return Supply::End };
            self.read_file(index, batch);
        }
        if self.heads.is_empty() { Supply::End } else { Supply::More }
    }

    fn faults(&self) -> &[CaptureFault] {
        &self.faults
    }

    fn consumed(&self) -> u64 {
        let reading = self.inputs.iter().flatten().map(Input::position);
        reading.fold(self.consumed, u64::saturating_add)
    }
}
