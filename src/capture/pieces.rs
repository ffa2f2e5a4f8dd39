//! A window that walks over a capture's octets in pieces of 128 KiB.
//!
//! Only the window is in memory. It grows when one record does not fit, as octets arrive and
//! never on the word of a length field alone.

use crate::capture::compressed::Break;
use crate::capture::compressed::Octets;

/// How much is read at once.
const PIECE: usize = 128 * 1024;

/// How much is read at first, so that looking at the first packet of very many files is cheap.
const FIRST_PIECE: usize = 4 * 1024;

/// The room that a compressed stream finds at least: with deflate's window of 32 KiB free, no
/// octet before a break is lost.
const MIN_ROOM: usize = 64 * 1024;

/// The octets of one capture, of which a window is in memory.
pub(super) struct Pieces {
    octets: Option<Octets>,
    buffer: Vec<u8>,
    /// The window is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Offset of the window's first octet in the (uncompressed) stream.
    offset: u64,
    /// What the window has moved past stays where it is, because frames point to it.
    held: bool,
    ended: bool,
    broken: Option<Break>,
    /// How much of the input had been read when it was last let go.
    position: u64,
}

impl Pieces {
    /// A window at the start of `octets`.
    pub(super) fn new(octets: Octets) -> Self {
        Self {
            octets: Some(octets),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            held: false,
            ended: false,
            broken: None,
            position: 0,
        }
    }

    /// What is in the window.
    pub(super) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the window starts in the uncompressed stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the stream broke off, if it did.
    pub(super) fn broken(&self) -> Option<&Break> {
        self.broken.as_ref()
    }

    /// How many octets of the input itself were read so far.
    pub(super) fn position(&self) -> u64 {
        self.octets.as_ref().map_or(self.position, Octets::position)
    }

    /// Whether the window has `count` octets, after reading what it lacks.
    // hot: twice per packet
    pub(super) fn has(&mut self, count: usize) -> bool {
        self.end.saturating_sub(self.start) >= count || self.refill(count)
    }

    /// Moves the window past `count` of its octets.
    // hot: once per packet
    pub(super) fn take(&mut self, count: usize) {
        let count = count.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(count);
        self.offset = self.offset.saturating_add(u64::try_from(count).unwrap_or(0));
    }

    /// Moves past `count` octets without holding them all; false if the stream ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> bool {
        while count > 0 {
            if !self.has(1) {
                return false;
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(self.window().len());
            self.take(step);
            count = count.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        true
    }

    /// From here on what the window moves past stays in memory, until [`Pieces::lend`] hands it over.
    pub(super) fn hold(&mut self) {
        self.move_to_front();
        self.held = true;
    }

    /// Where the window stands in the memory that [`Pieces::lend`] will hand over.
    pub(super) fn at(&self) -> usize {
        self.start
    }

    /// Gives everything since [`Pieces::hold`] to `arena`, without copying it, and goes on in the memory
    /// that `arena` had; what is in the window comes along.
    pub(super) fn lend(&mut self, arena: &mut Vec<u8>) {
        let rest = self.buffer.get(self.start..self.end).unwrap_or_default();
        if arena.len() < rest.len() {
            arena.resize(rest.len(), 0);
        }
        // What fragments were joined behind it is let go of.
        arena.truncate(PIECE.max(rest.len()));
        if let Some(front) = arena.get_mut(..rest.len()) {
            front.copy_from_slice(rest);
        }
        (self.start, self.end) = (0, rest.len());
        std::mem::swap(&mut self.buffer, arena);
        self.held = false;
    }

    /// Whether the input is held open.
    pub(super) fn is_open(&self) -> bool {
        self.octets.is_some()
    }

    /// Lets go of the input and of the memory; the place in the stream is kept.
    pub(super) fn close(&mut self) {
        self.position = self.position();
        self.octets = None;
        self.buffer = Vec::new();
        self.start = 0;
        self.end = 0;
    }

    /// Goes on after [`Pieces::close`] with `octets`, which stand at [`Pieces::offset`].
    pub(super) fn reopen(&mut self, octets: Octets) {
        self.octets = Some(octets);
        self.ended = false;
        self.broken = None;
    }

    /// Goes on after [`Pieces::close`] with `octets`, which stand at the start of the stream; false
    /// if it is shorter than it was.
    pub(super) fn reopen_from_start(&mut self, octets: Octets) -> bool {
        let offset = self.offset;
        self.reopen(octets);
        self.offset = 0;
        self.skip(offset)
    }

    /// Notes that the input could not be opened again.
    pub(super) fn fail(&mut self, why: Break) {
        self.broken = Some(why);
        self.ended = true;
    }

    fn refill(&mut self, count: usize) -> bool {
        if !self.held {
            self.move_to_front();
        }
        let wanted = self.start.saturating_add(count);
        while self.end < wanted && !self.ended {
            self.make_room(wanted);
            self.read();
        }
        self.end >= wanted
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
    }

    /// Sizes the buffer: small at first, then a piece, more only while a record outgrows it, up to `count`.
    fn make_room(&mut self, count: usize) {
        let compressed = self.octets.as_ref().is_some_and(Octets::is_compressed);
        let least = self.end.saturating_add(if compressed { MIN_ROOM } else { 1 });
        if self.buffer.is_empty() {
            self.buffer.resize(if compressed { MIN_ROOM } else { FIRST_PIECE }, 0);
        } else if !self.held && self.end < PIECE && self.buffer.len() > PIECE.saturating_mul(2) {
            // The record that outgrew a piece is gone: give its memory back.
            self.buffer.truncate(PIECE.max(least));
            self.buffer.shrink_to_fit();
        } else if self.buffer.len() < PIECE.max(least) {
            // `count` bounds the doubling: it ends with one record, and those have a cap.
            let size = self.end.saturating_mul(2).min(count).max(PIECE).max(least);
            self.buffer.resize(size, 0);
        }
    }

    fn read(&mut self) {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let result = self.octets.as_mut().map_or(Ok(0), |octets| octets.read(room));
        match result {
            Ok(0) => self.ended = true,
            Ok(count) => self.end = self.end.saturating_add(count),
            Err(why) => self.fail(why),
        }
    }
}
