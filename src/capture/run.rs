//! From one file's packets to frames of a batch, and the count of them.

use crate::capture::CaptureProblem;
use crate::capture::Frame;
use crate::capture::FrameBatch;
use crate::capture::input::Input;
use crate::capture::interfaces::InterfaceTable;
use crate::capture::layout::Record;
use crate::time::Timestamp;

/// A batch is full when it has this many octets, or so many frames.
const BATCH_OCTETS: usize = 128 * 1024;
const BATCH_FRAMES: usize = 8_192;

/// What was read of one file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CaptureFile {
    /// Its name as the operator gave it or as it was found in a folder; `-` is standard input.
    pub name: String,
    /// Packets read so far.
    pub packets: u64,
    /// Octets of them that were captured.
    pub captured_octets: u64,
    /// Octets of them on the wire.
    pub wire_octets: u64,
}

impl CaptureFile {
    /// Adds what a stretch of the file gave.
    pub(super) fn add(&mut self, stretch: &Self) {
        self.packets = self.packets.saturating_add(stretch.packets);
        self.captured_octets = self.captured_octets.saturating_add(stretch.captured_octets);
        self.wire_octets = self.wire_octets.saturating_add(stretch.wire_octets);
    }
}

/// One stretch of packets out of one file.
pub(super) struct Run<'a> {
    index: usize,
    file: u16,
    /// Packets of the whole run so far.
    packets: &'a mut u64,
    /// What this stretch added to the file.
    counts: CaptureFile,
}

impl<'a> Run<'a> {
    /// A stretch of file `index`; `packets` counts those of the whole run.
    pub(super) fn new(index: usize, packets: &'a mut u64) -> Self {
        let file = u16::try_from(index).unwrap_or(u16::MAX);
        Self { index, file, packets, counts: CaptureFile::default() }
    }

    /// What it added to its file.
    pub(super) fn counts(self) -> CaptureFile {
        self.counts
    }

    /// Brings packets into `batch`, which is empty: those of the next piece of the file, which is handed
    /// over as it was read. For a file that no other one rivals.
    ///
    /// # Errors
    /// Why the file cannot be read on.
    // hot: loops once per packet
    pub(super) fn lend(
        &mut self,
        input: &mut Input,
        interfaces: &mut InterfaceTable,
        batch: &mut FrameBatch,
    ) -> Result<(), CaptureProblem> {
        input.hold();
        let result = input.take_while(interfaces, BATCH_OCTETS / 2, |record, at| {
            let fits = at < BATCH_OCTETS && batch.frames.len() < BATCH_FRAMES;
            if fits {
                self.push(record, at, &mut batch.frames);
            }
            fits
        });
        let looked = input.lend(&mut batch.octets, interfaces);
        result.and(looked)
    }

    /// Copies packets into `batch` while it is not full and they are not later than `rival`, the
    /// time and file of the next packet elsewhere.
    ///
    /// # Errors
    /// Why the file cannot be read on.
    // hot: loops once per packet
    pub(super) fn read(
        &mut self,
        input: &mut Input,
        interfaces: &mut InterfaceTable,
        rival: Option<(Timestamp, usize)>,
        batch: &mut FrameBatch,
    ) -> Result<(), CaptureProblem> {
        if batch.frames.is_empty() {
            batch.octets.clear();
        }
        while let Some(record) = input.head().copied() {
            let is_later = rival.is_some_and(|rival| (record.time, self.index) > rival);
            if is_later || is_full(batch) {
                return Ok(());
            }
            self.push(&record, batch.octets.len(), &mut batch.frames);
            batch.octets.extend_from_slice(input.head_octets());
            input.advance(interfaces)?;
        }
        Ok(())
    }

    /// Counts a packet whose octets stand, or will stand, at `at`, and gives it its frame.
    #[inline]
    fn push(&mut self, record: &Record, at: usize, frames: &mut Vec<Frame>) {
        *self.packets = self.packets.saturating_add(1);
        self.counts.packets = self.counts.packets.saturating_add(1);
        self.counts.captured_octets = self.counts.captured_octets.saturating_add(record.captured.into());
        self.counts.wire_octets = self.counts.wire_octets.saturating_add(record.wire_len.into());
        frames.push(Frame {
            number: *self.packets,
            time: record.time,
            link: record.link,
            interface: record.interface,
            file: self.file,
            wire_len: record.wire_len,
            // The arena is far below 4 GiB: a batch's octets and one record.
            start: u32::try_from(at).unwrap_or(u32::MAX),
            captured: record.captured,
        });
    }
}

/// Whether a batch has what one filling gives.
pub(super) fn is_full(batch: &FrameBatch) -> bool {
    batch.octets.len() >= BATCH_OCTETS || batch.frames.len() >= BATCH_FRAMES
}
