//! One lane of a live run: the stages from frames to events on the thread that calls. A source has no end of
//! its own, and time passes without packets, too.

use std::mem::take;

use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::decode::DecodeTally;
use crate::event::Event;
use crate::flow::key::FlowNumber;
use crate::pipeline::intake::Intake;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::WorkerTally;
use crate::pipeline::work::Work;
use crate::pipeline::worker::Worker;
use crate::time::Timestamp;

/// The stages of one lane.
///
/// Several lanes are several of them: each must be given all packets of an address pair, with numbers that no
/// other lane's packets have.
pub struct Online<'r> {
    intake: Intake,
    worker: Worker<'r>,
    work: Work,
}

/// What a lane counted so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneTally {
    /// Frames and what became of them.
    pub decode: DecodeTally,
    /// Flows.
    pub workers: WorkerTally,
    /// The earliest and the latest capture time, if there was a packet.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl<'r> Online<'r> {
    /// A lane that has seen nothing yet.
    pub fn new(settings: &PipelineSettings<'r>) -> Self {
        Self { intake: Intake::new(settings), worker: Worker::new(0, 1, settings), work: Work::default() }
    }

    /// Takes what `source` has now, a batch at most: how many frames that were, and whether there may be more.
    /// What happened is added to `events`, in order.
    pub fn read(&mut self, source: &mut dyn FrameSource, events: &mut Vec<Event>) -> (usize, Supply) {
        self.work.clear();
        let supply = self.intake.read(source, &mut self.work);
        let frames = self.work.frames.frames.len();
        self.take(events);
        (frames, supply)
    }

    /// Lets time pass; to be called a few times a second, so that flows end that fell silent.
    pub fn advance(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.worker.advance(now, events);
    }

    /// Says that packets may have been missed: silence proves something only from now on.
    pub fn missed_until(&mut self, now: Timestamp) {
        self.worker.watch_from(now);
    }

    /// The latest capture time.
    pub fn last_time(&self) -> Timestamp {
        self.intake.end().0
    }

    /// What was counted so far.
    pub fn tally(&self) -> LaneTally {
        let mut decode = self.intake.tally().clone();
        let mut workers = self.worker.tally();
        // Who found them is a matter of chance, and told nobody.
        decode.bad_checksums.add(&take(&mut workers.bad_checksums));
        LaneTally { decode, workers, span: self.intake.span() }
    }

    /// Ends the lane: what was held back is taken and every flow closed.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        self.work.clear();
        self.intake.finish(&mut self.work);
        self.take(events);
        let (time, _) = self.intake.end();
        self.worker.close(FlowNumber(u64::MAX), time, events);
    }

    fn take(&mut self, events: &mut Vec<Event>) {
        let mut batch = take(&mut self.work.events);
        self.worker.take(&self.work, &mut batch);
        batch.sort_by_key(|event| event.stamp);
        events.append(&mut batch);
        self.work.events = batch;
    }
}
