//! Owns some of the 256 shards and takes their part of each batch.

use std::hint::black_box;
use std::sync::Arc;

use crate::event::Event;
use crate::event::Stamp;
use crate::flow::key::FlowNumber;
use crate::flow::key::SHARDS;
use crate::flow::table::Place;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::shard::Shard;
use crate::pipeline::tally::WorkerTally;
use crate::pipeline::work::Item;
use crate::pipeline::work::What;
use crate::pipeline::work::Work;
use crate::recognise::dispatch::Dispatch;
use crate::time::Timestamp;

/// So many packets are looked up before the first of them is taken: enough that the processor waits for
/// all of them at a time, few enough that what it fetched is there still.
const TOGETHER: usize = 32;
/// So many events can come of one thing before two things of one packet mix.
const EVENTS_PER_ITEM: u32 = 32;
/// The same at the end, per flow.
const EVENTS_PER_CLOSE: u32 = 16;

/// The owner of some shards.
pub(super) struct Worker<'r> {
    /// By number of the shard; those of other workers are absent.
    shards: Vec<Option<Shard<'r>>>,
    /// Where the flows of the next packets are; empty between batches, for its memory alone.
    places: Vec<Option<Place>>,
    /// At the end: flows that are still to be closed, the first last.
    left: Option<Vec<(FlowNumber, usize, u32)>>,
}

impl<'r> Worker<'r> {
    /// Worker `number` of `workers`.
    pub(super) fn new(number: usize, workers: usize, settings: &PipelineSettings<'r>) -> Self {
        let owned = |shard: usize| shard.checked_rem(workers) == Some(number);
        let dispatch = Arc::new(Dispatch::new(settings.registry));
        let shards = (0..SHARDS).map(|shard| owned(shard).then(|| Shard::new(settings, &dispatch))).collect();
        Self { shards, places: Vec::new(), left: None }
    }

    /// Takes this worker's part of a batch.
    pub(super) fn take(&mut self, work: &Work) -> Vec<Event> {
        let mut events = Vec::new();
        for items in work.items.chunks(TOGETHER) {
            let mut places = std::mem::take(&mut self.places);
            places.extend(items.iter().map(|item| self.look_up(item, work)));
            // Nobody wants the sum; it keeps the reads from being left out.
            black_box(places.iter().flatten().fold(0, |sum, place| sum ^ place.warmth));
            for (item, place) in items.iter().zip(places.drain(..)) {
                self.take_one(item, place.as_ref(), work, &mut events);
            }
            self.places = places;
        }
        events
    }

    fn look_up(&self, item: &Item, work: &Work) -> Option<Place> {
        let What::Segment(index, shard) = item.what else { return None };
        let shard = self.shards.get(usize::from(shard))?.as_ref()?;
        Some(shard.look_up(work.decoded.segments.get(index)?))
    }

    fn take_one(&mut self, item: &Item, place: Option<&Place>, work: &Work, events: &mut Vec<Event>) {
        let sequence = u64::from(item.ordinal).saturating_add(1) << EVENTS_PER_ITEM;
        let stamp = Stamp { packet: item.trigger, sequence };
        match item.what {
            What::Segment(index, shard) => {
                if let (Some(place), Some(shard), Some(segment)) =
                    (place, self.shard(shard), work.decoded.segments.get(index))
                {
                    shard.segment(place, segment, work.payload(segment), stamp, events);
                }
            }
            What::Error(index, shard) => {
                if let (Some(shard), Some(error)) = (self.shard(shard), work.decoded.errors.get(index)) {
                    shard.error(error, stamp, events);
                }
            }
            What::WatchFrom(time) => {
                self.shards.iter_mut().flatten().for_each(|shard| shard.watch_from(time));
            }
        }
    }

    /// At the end of the run: closes the flows with numbers below `below`, in their order.
    pub(super) fn close(&mut self, below: FlowNumber, time: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let mut left = self.left.take().unwrap_or_else(|| self.all_flows());
        while let Some((number, shard, slot)) = left.pop_if(|(number, ..)| *number < below) {
            let sequence = number.0.checked_shl(EVENTS_PER_CLOSE).unwrap_or(u64::MAX);
            if let Some(shard) = self.shards.get_mut(shard).and_then(Option::as_mut) {
                shard.close(slot, time, Stamp { packet: u64::MAX, sequence }, &mut events);
            }
        }
        self.left = Some(left);
        events
    }

    /// What all shards counted.
    pub(super) fn tally(&self) -> WorkerTally {
        self.shards.iter().flatten().fold(WorkerTally::default(), |mut sum, shard| {
            sum.add(&shard.tally());
            sum
        })
    }

    fn shard(&mut self, number: u8) -> Option<&mut Shard<'r>> {
        self.shards.get_mut(usize::from(number))?.as_mut()
    }

    fn all_flows(&self) -> Vec<(FlowNumber, usize, u32)> {
        let shards = self.shards.iter().zip(0_usize..);
        let shards = shards.filter_map(|(shard, number)| shard.as_ref().map(|shard| (shard, number)));
        let mut all: Vec<_> = shards
            .flat_map(|(shard, number)| shard.flows().map(move |(flow, slot)| (flow, number, slot)))
            .collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all
    }
}
