//! One of the 256 shards: its flows, and a net under every packet.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use crate::decode::Segment;
use crate::decode::segment::IcmpError;
use crate::event::Event;
use crate::event::Stamp;
use crate::flow::FlowTable;
use crate::flow::key::FlowNumber;
use crate::flow::table::Place;
use crate::pipeline::post::Post;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::WorkerTally;
use crate::recognise::attached::Attached;
use crate::recognise::dispatch::Dispatch;
use crate::recognise::heads::HeadPool;
use crate::recognise::watch::Notice;
use crate::time::Timestamp;

/// The flows between some of the address pairs.
pub(super) struct Shard<'r> {
    table: FlowTable<Attached>,
    pool: HeadPool,
    dispatch: Arc<Dispatch<'r>>,
    notices: Vec<Notice>,
    tally: WorkerTally,
}

impl<'r> Shard<'r> {
    pub(super) fn new(settings: &PipelineSettings<'r>, dispatch: &Arc<Dispatch<'r>>) -> Self {
        Self {
            table: FlowTable::new(settings.flow),
            pool: HeadPool::new(settings.head_octets_per_shard),
            dispatch: Arc::clone(dispatch),
            notices: Vec::new(),
            tally: WorkerTally::default(),
        }
    }

    pub(super) fn watch_from(&mut self, time: Timestamp) {
        self.table.watch_from(time);
    }

    /// Looks for the flow of a packet that comes soon.
    pub(super) fn look_up(&self, segment: &Segment) -> Place {
        self.table.look_up(segment)
    }

    pub(super) fn segment(
        &mut self,
        place: &Place,
        segment: &Segment,
        payload: &[u8],
        stamp: Stamp,
        events: &mut Vec<Event>,
    ) {
        let before = self.table.counts();
        let fine = self.guarded(stamp, segment.time, events, |table, post| {
            table.segment_at(place, segment, payload, post);
        });
        let after = self.table.counts();
        let counted = (before.packets, before.duplicates) != (after.packets, after.duplicates);
        if fine.is_none() && !counted {
            let frames = u64::from(segment.frames);
            self.tally.abandoned_packets = self.tally.abandoned_packets.saturating_add(frames);
        }
    }

    pub(super) fn error(&mut self, error: &IcmpError, stamp: Stamp, events: &mut Vec<Event>) {
        let matched = self.guarded(stamp, error.time, events, |table, post| table.icmp_error(error, post));
        let count = match matched {
            Some(true) => &mut self.tally.errors_matched,
            Some(false) | None => &mut self.tally.errors_unmatched,
        };
        *count = count.saturating_add(1);
    }

    /// Every flow and its slot.
    pub(super) fn flows(&self) -> impl Iterator<Item = (FlowNumber, u32)> {
        self.table.flows()
    }

    pub(super) fn close(&mut self, slot: u32, time: Timestamp, stamp: Stamp, events: &mut Vec<Event>) {
        self.guarded(stamp, time, events, |table, post| table.close(slot, time, post));
    }

    pub(super) fn tally(&self) -> WorkerTally {
        WorkerTally { flows: self.table.counts(), heads_refused: self.pool.refused(), ..self.tally }
    }

    /// Does one thing. If a stage panics over it, the flow that it was about is closed, that is
    /// counted, and the next packet finds everything in order.
    fn guarded<T>(
        &mut self,
        stamp: Stamp,
        time: Timestamp,
        events: &mut Vec<Event>,
        act: impl FnOnce(&mut FlowTable<Attached>, &mut Post<'_>) -> T,
    ) -> Option<T> {
        let (table, notices) = (&mut self.table, &mut self.notices);
        let mut post = Post { dispatch: &self.dispatch, pool: &mut self.pool, events, notices, time, stamp };
        let done = catch_unwind(AssertUnwindSafe(|| act(table, &mut post)));
        if done.is_err() {
            self.tally.abandoned = self.tally.abandoned.saturating_add(1);
            post.notices.clear();
            // Closing asks nobody any more; should it panic still, the flow is gone already.
            let _closed = catch_unwind(AssertUnwindSafe(|| table.abandon(time, &mut post)));
        }
        done.ok()
    }
}
