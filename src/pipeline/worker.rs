//! Owns some of the 256 shards and takes their part of each batch, with a net under every packet.

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::decode::Read;
use crate::event::Event;
use crate::event::Stamp;
use crate::flow::FlowTable;
use crate::flow::key::FlowNumber;
use crate::flow::key::SHARDS;
use crate::pipeline::post::Post;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::WorkerTally;
use crate::pipeline::work::Item;
use crate::pipeline::work::TOGETHER;
use crate::pipeline::work::What;
use crate::pipeline::work::Work;
use crate::recognise::attached::Attached;
use crate::recognise::dispatch::Dispatch;
use crate::recognise::heads::HeadPool;
use crate::recognise::watch::Notice;
use crate::time::Timestamp;

/// What is closed after a panic comes so far behind the events that there were already.
const BEHIND: u64 = 1 << 15;
/// The same at the end, per flow.
const EVENTS_PER_CLOSE: u32 = 16;

/// The owner of some shards.
pub(super) struct Worker<'r> {
    /// Its number, and how many there are: they share the shards out in turn.
    number: usize,
    workers: usize,
    table: FlowTable<Attached>,
    pool: HeadPool,
    dispatch: Dispatch<'r>,
    notices: Vec<Notice>,
    /// This worker's part of a batch, where there are others.
    ours: Vec<Item>,
    /// What was taken last, and how many packets there were before it.
    last: Option<Item>,
    taken_before: u64,
    tally: WorkerTally,
    /// How many events the last order gave: the next gives about as many.
    expected: usize,
    /// At the end: flows that are still to be closed, the first last.
    left: Option<Vec<(FlowNumber, u32)>>,
}

/// What is known of a packet before it is taken.
#[derive(Clone, Copy, Default)]
struct Ready {
    read: Read,
    /// Where its flow may be.
    guess: Option<u32>,
}

impl<'r> Worker<'r> {
    /// Worker `number` of `workers`.
    pub(super) fn new(number: usize, workers: usize, settings: &PipelineSettings<'r>) -> Self {
        Self {
            number,
            workers,
            table: FlowTable::new(settings.flow, SHARDS),
            pool: HeadPool::new(settings.head_octets_per_shard, SHARDS),
            dispatch: Dispatch::new(settings.registry),
            notices: Vec::new(),
            ours: Vec::new(),
            last: None,
            taken_before: 0,
            tally: WorkerTally::default(),
            expected: 0,
            left: None,
        }
    }

    /// How many events the next order may give.
    pub(super) fn expected(&self) -> usize {
        self.expected
    }

    /// Notes how many events an order gave.
    pub(super) fn expect(&mut self, events: usize) {
        self.expected = events;
    }

    /// Takes this worker's part of a batch.
    pub(super) fn take(&mut self, work: &Work, events: &mut Vec<Event>) {
        if self.workers == 1 {
            return self.take_items(&work.items, work, events);
        }
        let mut ours = std::mem::take(&mut self.ours);
        ours.clear();
        ours.extend(work.items.iter().filter(|item| self.owns(item)));
        self.take_items(&ours, work, events);
        self.ours = ours;
    }

    fn owns(&self, item: &Item) -> bool {
        let shard = usize::from(item.trace.shard);
        matches!(item.what, What::WatchFrom) || shard.checked_rem(self.workers) == Some(self.number)
    }

    fn take_items(&mut self, items: &[Item], work: &Work, events: &mut Vec<Event>) {
        let mut ready = [Ready::default(); TOGETHER];
        for items in items.chunks(TOGETHER) {
            self.prepare(items, work, &mut ready);
            let mut left = items.iter().zip(&ready);
            // A net under all of them: what panicked is the last that was taken out.
            while catch_unwind(AssertUnwindSafe(|| self.take_each(&mut left, work, events))).is_err() {
                self.recover(work, events);
            }
        }
    }

    /// Reads the packets, while what their flows need is on its way from memory.
    fn prepare(&mut self, items: &[Item], work: &Work, ready: &mut [Ready; TOGETHER]) {
        let (table, bad) = (&self.table, &mut self.tally.bad_checksums);
        // Nobody wants the sums; they keep the reads from being left out.
        black_box(items.iter().fold(0, |sum, item| sum ^ table.touch_index(item.trace)));
        for (item, ready) in items.iter().zip(ready.iter_mut()) {
            let segment = work.segment(item);
            ready.read = segment.map_or(Read::default(), |segment| segment.read(&work.frames.octets, bad));
            ready.guess = table.guess(item.trace);
        }
        let touched = items.iter().zip(ready.iter());
        let touched = touched.map(|(item, ready)| table.touch_flow(ready.guess, item.trace, ready.read));
        black_box(touched.fold(0, |sum, word| sum ^ word));
    }

    fn take_each<'i>(
        &mut self,
        left: &mut impl Iterator<Item = (&'i Item, &'i Ready)>,
        work: &Work,
        events: &mut Vec<Event>,
    ) {
        for (item, ready) in left {
            self.last = Some(*item);
            match item.what {
                What::Segment => self.segment(item, ready, work, events),
                What::Error => self.error(item, work, events),
                What::WatchFrom => {
                    if let Some(time) = work.watched_from.get(item.index()) {
                        self.table.watch_from(*time);
                    }
                }
            }
        }
    }

    /// hot: once per packet
    #[inline]
    fn segment(&mut self, item: &Item, ready: &Ready, work: &Work, events: &mut Vec<Event>) {
        let Some(segment) = work.segment(item) else { return };
        let (trace, Ready { read, guess }) = (item.trace, *ready);
        self.taken_before = self.table.taken();
        let is_copy = self.table.is_copy(trace, read, segment.time);
        if is_copy || !self.table.take_routine(guess, trace, read, segment) {
            self.post(trace.shard, item.stamp(), segment.time, events, |table, post| {
                table.take((trace, is_copy), read, segment, work.payload(segment), post);
            });
        }
    }

    fn error(&mut self, item: &Item, work: &Work, events: &mut Vec<Event>) {
        let Some(error) = work.decoded.errors.get(item.index()) else { return };
        let trace = item.trace;
        let is_matched = self.post(trace.shard, item.stamp(), error.time, events, |table, post| {
            table.icmp_error(trace, error, post)
        });
        self.count_error(is_matched);
    }

    fn count_error(&mut self, is_matched: bool) {
        let tally = &mut self.tally;
        let count = if is_matched { &mut tally.errors_matched } else { &mut tally.errors_unmatched };
        *count = count.saturating_add(1);
    }

    /// Does something of a shard that may bring events.
    fn post<T>(
        &mut self,
        shard: u8,
        stamp: Stamp,
        time: Timestamp,
        events: &mut Vec<Event>,
        act: impl FnOnce(&mut FlowTable<Attached>, &mut Post<'_>) -> T,
    ) -> T {
        self.pool.enter(shard);
        let (pool, notices) = (&mut self.pool, &mut self.notices);
        let mut post = Post { dispatch: &self.dispatch, pool, events, notices, time, stamp };
        act(&mut self.table, &mut post)
    }

    /// A stage panicked over the last thing: the flow that it was about is closed, that is counted, and the
    /// next one finds everything in order.
    #[cold]
    fn recover(&mut self, work: &Work, events: &mut Vec<Event>) {
        let Some(item) = self.last.take() else { return };
        let segment = work.segment(&item);
        let error = work.decoded.errors.get(item.index());
        let time = segment.map(|segment| segment.time).or(error.map(|error| error.time)).unwrap_or_default();
        self.close_up(item.trace.shard, item.stamp(), time, events);
        match item.what {
            What::Segment if self.table.taken() == self.taken_before => {
                let frames = segment.map_or(0, |segment| u64::from(segment.frames));
                self.tally.abandoned_packets = self.tally.abandoned_packets.saturating_add(frames);
            }
            What::Error => self.count_error(false),
            What::Segment | What::WatchFrom => {}
        }
    }

    /// Closes the flow that a stage panicked over, behind the events that it had brought.
    #[cold]
    fn close_up(&mut self, shard: u8, mut stamp: Stamp, time: Timestamp, events: &mut Vec<Event>) {
        self.tally.abandoned = self.tally.abandoned.saturating_add(1);
        self.notices.clear();
        stamp.sequence = stamp.sequence.saturating_add(BEHIND);
        // Closing asks nobody any more; should it panic still, the flow is gone already.
        let _closed = catch_unwind(AssertUnwindSafe(|| {
            self.post(shard, stamp, time, events, |table, post| table.abandon(time, post))
        }));
    }

    /// Lets time pass without a packet: flows that were silent for too long are closed.
    pub(super) fn advance(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        let stamp = Stamp { packet: 0, sequence: 0 };
        for shard in 0..=u8::MAX {
            let advance =
                |table: &mut FlowTable<Attached>, post: &mut Post<'_>| table.advance(shard, now, post);
            if catch_unwind(AssertUnwindSafe(|| self.post(shard, stamp, now, events, advance))).is_err() {
                self.close_up(shard, stamp, now, events);
            }
        }
    }

    /// Silence proves something only from now on: not all that was sent may have been seen.
    pub(super) fn watch_from(&mut self, time: Timestamp) {
        self.table.watch_from(time);
    }

    /// At the end of the run: closes the flows with numbers below `below`, in their order.
    pub(super) fn close(&mut self, below: FlowNumber, time: Timestamp, events: &mut Vec<Event>) {
        let mut left = self.left.take().unwrap_or_else(|| self.all_flows());
        while let Some((number, slot)) = left.pop_if(|(number, _)| *number < below) {
            let sequence = number.0.checked_shl(EVENTS_PER_CLOSE).unwrap_or(u64::MAX);
            let stamp = Stamp { packet: u64::MAX, sequence };
            if let Some(shard) = self.table.shard_at(slot) {
                let close =
                    |table: &mut FlowTable<Attached>, post: &mut Post<'_>| table.close(slot, time, post);
                if catch_unwind(AssertUnwindSafe(|| self.post(shard, stamp, time, events, close))).is_err() {
                    self.close_up(shard, stamp, time, events);
                }
            }
        }
        self.left = Some(left);
    }

    /// What all shards counted.
    pub(super) fn tally(&self) -> WorkerTally {
        WorkerTally { flows: self.table.counts(), heads_refused: self.pool.refused(), ..self.tally }
    }

    fn all_flows(&self) -> Vec<(FlowNumber, u32)> {
        let mut all: Vec<_> = self.table.flows().collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all
    }
}
