//! A run over captures: everything is read, nothing is lost, the end closes every flow.

use std::collections::VecDeque;
use std::mem::take;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::scope;

use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::event::Event;
use crate::flow::key::FlowNumber;
use crate::pipeline::control::Control;
use crate::pipeline::crew::Crew;
use crate::pipeline::crew::Order;
use crate::pipeline::intake::Intake;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::RunTally;
use crate::pipeline::work::Work;

/// At the end flows are closed in portions: those that opened within so many packets.
const CLOSE_PORTION: u64 = 1 << 12;

/// Reads `source` to its end and gives all events to `events`, in the order of their stamps.
///
/// The calling thread reads, decodes and merges. With one worker it does the rest, too. The events
/// are the same, one after the other, for any number of workers and any size of batches; only where
/// one `Vec` ends and the next begins differs.
pub fn run(
    source: &mut dyn FrameSource,
    settings: &PipelineSettings<'_>,
    workers: NonZeroUsize,
    control: &mut Control<'_>,
    events: &mut dyn FnMut(Vec<Event>),
) -> RunTally {
    scope(|scope| {
        let mut line = Line {
            crew: Crew::new(workers, settings, scope),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            events,
        };
        let mut intake = Intake::new(settings);
        let stopped = line.read(&mut intake, source, control);
        line.close(&intake);
        let (mut workers, workers_lost) = line.crew.dismiss();
        let mut decode = intake.tally().clone();
        // Who found them is a matter of chance, and told nobody.
        decode.bad_checksums.add(&take(&mut workers.bad_checksums));
        RunTally {
            decode,
            workers,
            sightings: intake.sightings(),
            span: intake.span(),
            stopped,
            workers_lost,
        }
    })
}

/// Batches on their way.
struct Line<'scope, 'r, 'e> {
    crew: Crew<'scope, 'r>,
    /// Each batch with the reader's own events of it.
    waiting: VecDeque<(Arc<Work>, Vec<Event>)>,
    /// Batches whose memory is free to be used again.
    spare: Vec<Arc<Work>>,
    events: &'e mut dyn FnMut(Vec<Event>),
}

impl<'scope, 'r: 'scope> Line<'scope, 'r, '_> {
    /// Sends everything through; true if it was stopped before the end.
    fn read(&mut self, intake: &mut Intake, source: &mut dyn FrameSource, control: &mut Control<'_>) -> bool {
        let stopped = loop {
            let mut work = self.spare();
            let supply = Arc::get_mut(&mut work).map_or(Supply::End, |work| {
                let supply = intake.read(source, work);
                if self.crew.is_busy() {
                    intake.complete(work);
                }
                supply
            });
            self.send(work);
            (control.progress)(source.consumed());
            if supply == Supply::End {
                break false;
            }
            if control.is_stopped() {
                break true;
            }
        };
        let mut rest = self.spare();
        if let Some(work) = Arc::get_mut(&mut rest) {
            intake.finish(work);
        }
        self.send(rest);
        while !self.waiting.is_empty() {
            self.receive();
        }
        stopped
    }

    /// Closes every flow in the order of their numbers.
    fn close(&mut self, intake: &Intake) {
        let (time, last) = intake.end();
        let mut below = 0_u64;
        while below <= last {
            below = below.saturating_add(CLOSE_PORTION);
            self.crew.give(&Order::Close(FlowNumber(below), time));
            let answer = self.crew.answer();
            self.publish(answer);
        }
    }

    /// An empty batch that nobody else has.
    fn spare(&mut self) -> Arc<Work> {
        self.spare.pop().unwrap_or_default()
    }

    fn send(&mut self, mut work: Arc<Work>) {
        let own = Arc::get_mut(&mut work).map(|work| take(&mut work.events)).unwrap_or_default();
        self.crew.give(&Order::Take(Arc::clone(&work)));
        self.waiting.push_back((work, own));
        if self.waiting.len() >= self.crew.depth() {
            self.receive();
        }
    }

    /// Publishes the oldest batch and takes its memory back.
    fn receive(&mut self) {
        let mut answer = self.crew.answer();
        let Some((mut work, mut own)) = self.waiting.pop_front() else { return };
        answer.append(&mut own);
        // All workers have let go of it when they answer, so that this never fails.
        if let Some(unshared) = Arc::get_mut(&mut work) {
            unshared.clear();
            self.spare.push(work);
        }
        self.publish(answer);
    }

    fn publish(&mut self, mut events: Vec<Event>) {
        if !events.is_empty() {
            events.sort_by_key(|event| event.stamp);
            (self.events)(events);
        }
    }
}
