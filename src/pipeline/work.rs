//! One batch on its way through the workers: frames, what they decoded to, and in what order.

use crate::capture::FrameBatch;
use crate::capture::part;
use crate::decode::Decoded;
use crate::decode::Segment;
use crate::event::Event;
use crate::event::Stamp;
use crate::flow::Trace;
use crate::time::Timestamp;

/// So many packets are looked up before the first of them is taken: enough that the processor waits for
/// all of them at a time, few enough that what it fetched is there still.
pub(super) const TOGETHER: usize = 32;

/// So many events (as a power of two) can come of one thing before two things of one packet mix.
const EVENTS_PER_ITEM: u32 = 32;

/// A batch, shared by all workers.
#[derive(Default)]
pub(super) struct Work {
    pub(super) frames: FrameBatch,
    pub(super) decoded: Decoded,
    /// In the order in which they are to be taken.
    pub(super) items: Vec<Item>,
    /// Since when the capture is watched without a break, each time anew.
    pub(super) watched_from: Vec<Timestamp>,
    /// What the reader itself has to say.
    pub(super) events: Vec<Event>,
}

/// One thing for a worker to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// The frame that brought it, or that made it due.
    pub(super) trigger: u64,
    /// Which of the things it is that this frame brought.
    pub(super) ordinal: u32,
    /// Its place in the list of its kind.
    pub(super) index: u32,
    /// Where it belongs; of what is for all shards nobody asks.
    pub(super) trace: Trace,
    pub(super) what: What,
}

/// What there is to take.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A segment.
    Segment,
    /// An ICMP error.
    Error,
    /// The capture is watched without a break from a time on: for all shards.
    WatchFrom,
}

impl Item {
    /// Its place in the list of its kind.
    #[inline]
    pub(super) fn index(&self) -> usize {
        usize::try_from(self.index).unwrap_or(usize::MAX)
    }

    /// The stamp of the first event that comes of it.
    pub(super) fn stamp(&self) -> Stamp {
        let sequence = u64::from(self.ordinal).saturating_add(1) << EVENTS_PER_ITEM;
        Stamp { packet: self.trigger, sequence }
    }
}

impl Work {
    /// Empties it and keeps its memory. The arena is the source's to fill anew: it may go on in it.
    pub(super) fn clear(&mut self) {
        self.frames.frames.clear();
        self.decoded.clear();
        self.items.clear();
        self.watched_from.clear();
        self.events.clear();
    }

    /// The segment that is to be taken, if it is one.
    #[inline]
    pub(super) fn segment(&self, item: &Item) -> Option<&Segment> {
        matches!(item.what, What::Segment).then(|| self.decoded.segments.get(item.index()))?
    }

    /// The captured payload of a segment of this batch.
    pub(super) fn payload(&self, segment: &Segment) -> &[u8] {
        part(&self.frames.octets, segment.payload_start, segment.payload_len)
    }
}
