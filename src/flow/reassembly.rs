//! The octets of one side in order: what is next, and what waits behind a hole.
//!
//! Segments in order are handed through in place. Only what is ahead of a hole is copied, into
//! buffers of the shard's [`Store`]; the caller says when a hole is given up ([`Stream::jump`]).

use crate::flow::marks::Marks;
use crate::flow::tcp::WINDOW;
use crate::time::Timestamp;

/// So many segments in a row outside the window mean that the stream really went on elsewhere.
const STRAYS: u8 = 8;

/// One side of a connection, packed because a table holds two million. Of a datagram flow only `position`
/// and whether it is wanted mean something.
#[derive(Clone, Copy, Default)]
#[repr(C, packed)]
pub(super) struct Stream {
    /// Next sequence number expected.
    pub(super) next: u32,
    /// Where `next` is in what this side sent since we look; stays at the end of its range.
    pub(super) position: u32,
    /// Answers, and how many segments in a row were outside the window.
    marks: Marks,
}

/// `next` is known.
const KNOWN: u8 = 1;
/// The SYN was seen, or proved.
const FROM_START: u8 = 1 << 1;
/// Nobody wants these octets any more.
const UNWANTED: u8 = 1 << 2;
/// Something waits.
const WAITS: u8 = 1 << 3;

/// What waits behind the holes of one side, in the order of sequence numbers.
#[derive(Default)]
pub(super) struct Waiting {
    held: Vec<Held>,
    octets: u32,
}

/// Octets that wait behind a hole.
pub(super) struct Held {
    /// Sequence number of the first.
    pub(super) seq: u32,
    /// How many there are, captured or not.
    pub(super) wire: u32,
    /// Those that were captured.
    pub(super) octets: Vec<u8>,
    /// Packet that brought them.
    pub(super) packet: u64,
    /// Its capture time.
    pub(super) time: Timestamp,
}

/// Payload of one segment.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    /// Sequence number of the first octet.
    pub(super) seq: u32,
    /// How many octets were sent.
    pub(super) wire: u32,
    /// Those that were captured.
    pub(super) octets: &'a [u8],
    /// Packet that brought them.
    pub(super) packet: u64,
    /// Its capture time.
    pub(super) time: Timestamp,
}

/// Where a segment lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// It is the next one and nothing waits.
    InOrder,
    /// All of it was there before.
    Old,
    /// It is ahead of a hole, or overlaps what is there or waits.
    Apart,
    /// It is no part of this stream, as far as we know.
    Stray,
    /// It is no part of it, but so were those before it: the stream went on there.
    Elsewhere,
}

impl<'a> Data<'a> {
    /// Without its first `count` octets.
    pub(super) fn skip(self, count: u32) -> Self {
        let octets = self.octets.get(index(count)..).unwrap_or_default();
        Self { seq: self.seq.wrapping_add(count), wire: self.wire.saturating_sub(count), octets, ..self }
    }

    /// Its first `count` octets.
    fn first(self, count: u32) -> Self {
        let octets = self.octets.get(..index(count)).unwrap_or(self.octets);
        Self { wire: self.wire.min(count), octets, ..self }
    }

    /// Whether octets were cut away.
    pub(super) fn is_cut(&self) -> bool {
        self.octets.len() < index(self.wire)
    }
}

impl Held {
    /// As a segment.
    pub(super) fn data(&self) -> Data<'_> {
        Data { seq: self.seq, wire: self.wire, octets: &self.octets, packet: self.packet, time: self.time }
    }
}

impl Stream {
    /// Whether `next` is known.
    pub(super) const fn is_known(self) -> bool {
        self.marks.has(KNOWN)
    }

    /// Whether the SYN was seen, or proved.
    pub(super) const fn is_from_start(self) -> bool {
        self.marks.has(FROM_START)
    }

    /// Says that what comes is whole: datagrams.
    pub(super) const fn is_of_datagrams(&mut self) {
        self.marks.set(FROM_START, true);
    }

    /// Whether nobody wants these octets any more.
    pub(super) const fn is_unwanted(self) -> bool {
        self.marks.has(UNWANTED)
    }

    /// Says that nobody wants these octets any more; nothing of them may wait then.
    pub(super) const fn give_up(&mut self) {
        self.marks.set(UNWANTED, true);
    }

    /// Whether something waits.
    pub(super) const fn waits(self) -> bool {
        self.marks.has(WAITS)
    }

    /// Says whether something waits.
    pub(super) const fn let_wait(&mut self, waits: bool) {
        self.marks.set(WAITS, waits);
    }

    /// Says where the stream begins.
    pub(super) fn start(&mut self, seq: u32, from_start: bool) {
        self.next = seq;
        self.marks.set(KNOWN, true);
        self.marks.set(FROM_START, from_start);
    }

    /// Where `wire` octets from `seq` lie.
    pub(super) fn place(&mut self, seq: u32, wire: u32) -> Place {
        let ahead = seq.wrapping_sub(self.next).cast_signed();
        if ahead.unsigned_abs() > WINDOW {
            let strays = self.marks.count().saturating_add(1);
            self.marks.set_count(strays);
            return if strays >= STRAYS { Place::Elsewhere } else { Place::Stray };
        }
        self.marks.set_count(0);
        if ahead == 0 && !self.waits() {
            Place::InOrder
        } else if ahead < 0 && ahead.unsigned_abs() >= wire {
            Place::Old
        } else {
            Place::Apart
        }
    }

    /// Whether octets that are next are only counted: nobody wants them, and nothing waits.
    pub(super) const fn is_only_counted(self) -> bool {
        self.is_unwanted() && self.marks.count() == 0 && !self.waits()
    }

    /// Goes `wire` octets on.
    #[inline]
    pub(super) const fn advance(&mut self, wire: u32) {
        self.next = self.next.wrapping_add(wire);
        self.position = self.position.saturating_add(wire);
    }

    /// Goes on to `seq`, if that is ahead; the octets between are given up.
    pub(super) fn jump(&mut self, seq: u32) {
        self.marks.set_count(0);
        let ahead = seq.wrapping_sub(self.next).cast_signed();
        self.position = self.position.saturating_add(u32::try_from(ahead).unwrap_or(0));
        self.next = seq;
    }
}

impl Waiting {
    /// Whether more waits than may.
    pub(super) const fn is_full(&self, segments: usize, octets: u32) -> bool {
        self.held.len() > segments || self.octets > octets
    }

    /// Sequence number of the first octet that waits.
    pub(super) fn first(&self) -> Option<u32> {
        self.held.first().map(|held| held.seq)
    }

    /// The first segment that waits, if the stream has come to `next`, so far.
    pub(super) fn take_ready(&mut self, next: u32, store: &mut Store) -> Option<Held> {
        if self.first()?.wrapping_sub(next).cast_signed() > 0 {
            return None;
        }
        let held = self.held.remove(0);
        self.octets = self.octets.saturating_sub(size(&held.octets));
        store.held_octets = store.held_octets.saturating_sub(size(&held.octets));
        Some(held)
    }

    /// Lets a segment wait, less what waits already: what came first wins. `next` is expected. Tells whether
    /// what is there twice differs.
    pub(super) fn hold(&mut self, next: u32, data: Data<'_>, store: &mut Store) -> bool {
        let (mut rest, mut differs) = (data, false);
        let mut at = 0_usize;
        while rest.wire > 0 {
            let start = rest.seq.wrapping_sub(next);
            let Some(other) = self.held.get(at) else {
                self.insert(at, rest, store);
                break;
            };
            let (from, to) =
                (other.seq.wrapping_sub(next), other.seq.wrapping_sub(next).saturating_add(other.wire));
            if start < from {
                let before = rest.first(from.saturating_sub(start));
                rest = rest.skip(before.wire);
                self.insert(at, before, store);
            } else if start < to {
                differs |= differ(other.seq, &other.octets, rest.seq, rest.octets);
                rest = rest.skip(to.saturating_sub(start));
            }
            at = at.saturating_add(1);
        }
        differs
    }

    /// Gives everything back that waits.
    pub(super) fn release(self, store: &mut Store) {
        for held in self.held {
            store.held_octets = store.held_octets.saturating_sub(size(&held.octets));
            store.give_back(held.octets);
        }
    }

    fn insert(&mut self, at: usize, data: Data<'_>, store: &mut Store) {
        let octets = store.copy(data.octets);
        self.octets = self.octets.saturating_add(size(&octets));
        let segment = Held { seq: data.seq, wire: data.wire, octets, packet: data.packet, time: data.time };
        self.held.insert(at.min(self.held.len()), segment);
    }
}

/// The buffers in which the segments of a shard wait.
pub(super) struct Store {
    spare: Vec<Vec<u8>>,
    held_octets: u32,
    limit: u32,
}

/// Most empty buffers that a shard keeps, and how large the largest of them is: 256 shards keep 2 MiB at most. Longer
/// segments than the wire's come from hosts that leave cutting to their cards.
const SPARE_BUFFERS: usize = 4;
const SPARE_LARGEST: usize = 2 * 1024;

impl Store {
    /// A store for at most `limit` octets, and one segment.
    pub(super) const fn new(limit: u32) -> Self {
        Self { spare: Vec::new(), held_octets: 0, limit }
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_LARGEST {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Whether more waits in all flows than may.
    pub(super) const fn is_full(&self) -> bool {
        self.held_octets > self.limit
    }

    fn copy(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(octets);
        self.held_octets = self.held_octets.saturating_add(size(octets));
        buffer
    }
}

/// Whether two runs of octets, by their sequence numbers, differ where they overlap.
pub(super) fn differ(one_seq: u32, one: &[u8], two_seq: u32, two: &[u8]) -> bool {
    let ahead = two_seq.wrapping_sub(one_seq).cast_signed();
    let shift = index(ahead.unsigned_abs());
    let (one, two) = if ahead >= 0 {
        (one.get(shift..).unwrap_or_default(), two)
    } else {
        (one, two.get(shift..).unwrap_or_default())
    };
    one.iter().zip(two).any(|(one, two)| one != two)
}

/// A count of the wire as an index.
pub(super) fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A length as a count of the wire.
pub(super) fn size(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}
