//! Owns some of the 256 shards and takes their part of each batch, with a net under every packet.

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::decode::Segment;
use crate::decode::segment::IcmpError;
use crate::event::Event;
use crate::event::Stamp;
use crate::flow::FlowTable;
use crate::flow::Trace;
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

/// So many events can come of one thing before two things of one packet mix.
const EVENTS_PER_ITEM: u32 = 32;
/// The same at the end, per flow.
const EVENTS_PER_CLOSE: u32 = 16;

/// The owner of some shards.
pub(super) struct Worker<'r> {
    /// Its number, and how many there are: they share the shards out in turn.
    number: usize,
    workers: usize,
    table: FlowTable<Attached>,
    /// Of each shard.
    pools: Vec<HeadPool>,
    dispatch: Dispatch<'r>,
    notices: Vec<Notice>,
    tally: WorkerTally,
    /// How many events the last order gave: the next gives about as many.
    expected: usize,
    /// At the end: flows that are still to be closed, the first last.
    left: Option<Vec<(FlowNumber, u32)>>,
}

impl<'r> Worker<'r> {
    /// Worker `number` of `workers`.
    pub(super) fn new(number: usize, workers: usize, settings: &PipelineSettings<'r>) -> Self {
        let pool = || HeadPool::new(settings.head_octets_per_shard);
        Self {
            number,
            workers,
            table: FlowTable::new(settings.flow, SHARDS),
            pools: std::iter::repeat_with(pool).take(SHARDS).collect(),
            dispatch: Dispatch::new(settings.registry),
            notices: Vec::new(),
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
        for items in work.items.chunks(TOGETHER) {
            // Nobody wants the sums; they keep the reads from being left out.
            let traces = || items.iter().map(|item| item.trace).filter(|trace| self.owns(*trace));
            black_box(traces().fold(0, |sum, trace| sum ^ self.table.touch_index(trace)));
            black_box(traces().fold(0, |sum, trace| sum ^ self.table.touch_flow(trace)));
            for item in items {
                self.take_one(item, work, events);
            }
        }
    }

    fn owns(&self, trace: Trace) -> bool {
        self.workers == 1 || usize::from(trace.shard).checked_rem(self.workers) == Some(self.number)
    }

    fn take_one(&mut self, item: &Item, work: &Work, events: &mut Vec<Event>) {
        let sequence = u64::from(item.ordinal).saturating_add(1) << EVENTS_PER_ITEM;
        let stamp = Stamp { packet: item.trigger, sequence };
        let index = usize::try_from(item.index).unwrap_or(usize::MAX);
        match item.what {
            What::Segment if self.owns(item.trace) => {
                if let Some(segment) = work.decoded.segments.get(index) {
                    self.segment(item.trace, segment, work.payload(segment), stamp, events);
                }
            }
            What::Error if self.owns(item.trace) => {
                if let Some(error) = work.decoded.errors.get(index) {
                    self.error(item.trace, error, stamp, events);
                }
            }
            What::WatchFrom => {
                if let Some(time) = work.watched_from.get(index) {
                    self.table.watch_from(*time);
                }
            }
            What::Segment | What::Error => {}
        }
    }

    fn segment(
        &mut self,
        trace: Trace,
        segment: &Segment,
        payload: &[u8],
        stamp: Stamp,
        events: &mut Vec<Event>,
    ) {
        let before = self.table.taken();
        let fine = self.guarded(trace.shard, stamp, segment.time, events, |table, post| {
            table.segment(trace, segment, payload, post);
        });
        if fine.is_none() && self.table.taken() == before {
            let frames = u64::from(segment.frames);
            self.tally.abandoned_packets = self.tally.abandoned_packets.saturating_add(frames);
        }
    }

    fn error(&mut self, trace: Trace, error: &IcmpError, stamp: Stamp, events: &mut Vec<Event>) {
        let matched = self.guarded(trace.shard, stamp, error.time, events, |table, post| {
            table.icmp_error(trace, error, post)
        });
        let count = match matched {
            Some(true) => &mut self.tally.errors_matched,
            Some(false) | None => &mut self.tally.errors_unmatched,
        };
        *count = count.saturating_add(1);
    }

    /// Does one thing. If a stage panics over it, the flow that it was about is closed, that is
    /// counted, and the next packet finds everything in order.
    fn guarded<T>(
        &mut self,
        shard: u8,
        stamp: Stamp,
        time: Timestamp,
        events: &mut Vec<Event>,
        act: impl FnOnce(&mut FlowTable<Attached>, &mut Post<'_>) -> T,
    ) -> Option<T> {
        let (table, notices) = (&mut self.table, &mut self.notices);
        let pool = self.pools.get_mut(usize::from(shard))?;
        let mut post = Post { dispatch: &self.dispatch, pool, events, notices, time, stamp };
        let done = catch_unwind(AssertUnwindSafe(|| act(table, &mut post)));
        if done.is_err() {
            self.tally.abandoned = self.tally.abandoned.saturating_add(1);
            post.notices.clear();
            // Closing asks nobody any more; should it panic still, the flow is gone already.
            let _closed = catch_unwind(AssertUnwindSafe(|| table.abandon(time, &mut post)));
        }
        done.ok()
    }

    /// At the end of the run: closes the flows with numbers below `below`, in their order.
    pub(super) fn close(&mut self, below: FlowNumber, time: Timestamp, events: &mut Vec<Event>) {
        let mut left = self.left.take().unwrap_or_else(|| self.all_flows());
        while let Some((number, slot)) = left.pop_if(|(number, _)| *number < below) {
            let sequence = number.0.checked_shl(EVENTS_PER_CLOSE).unwrap_or(u64::MAX);
            let stamp = Stamp { packet: u64::MAX, sequence };
            if let Some(shard) = self.table.shard_at(slot) {
                self.guarded(shard, stamp, time, events, |table, post| table.close(slot, time, post));
            }
        }
        self.left = Some(left);
    }

    /// What all shards counted.
    pub(super) fn tally(&self) -> WorkerTally {
        let refused = self.pools.iter().fold(0_u64, |sum, pool| sum.saturating_add(pool.refused()));
        WorkerTally { flows: self.table.counts(), heads_refused: refused, ..self.tally }
    }

    fn all_flows(&self) -> Vec<(FlowNumber, u32)> {
        let mut all: Vec<_> = self.table.flows().collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all
    }
}
