//! Frames of several interfaces in the order of their capture.
//!
//! The kernel hands over a block of an interface's ring when it is full or after 10 ms. So the earliest frame
//! that is there may go when every other interface has a later one, or was seen empty 20 ms after its capture.
//! Frames wait for that in the rings, but for one batch of each interface.

use crate::capture::Frame;
use crate::capture::FrameBatch;
use crate::capture::live::RETIRE_MILLIS;
use crate::capture::run::is_full;
use crate::capture::tap::Moment;
use crate::capture::tap::port::Port;
use crate::time::Timestamp;
use std::time::Duration;

/// How long an interface that seems empty may still have an earlier frame: two retire periods.
const HOLD: Duration = Duration::from_millis(RETIRE_MILLIS.saturating_mul(2));

/// Frames that were taken from an interface and not given yet.
#[derive(Default)]
struct Stage {
    batch: FrameBatch,
    /// How many of them were given.
    given: usize,
    /// When they were taken.
    taken: Option<Moment>,
    /// Whether the interface had nothing more in this filling.
    is_dry: bool,
}

/// The frames that wait, of all interfaces.
pub(super) struct Merge {
    stages: Vec<Stage>,
}

impl Merge {
    /// For so many interfaces.
    pub(super) fn new(interfaces: usize) -> Self {
        Self { stages: (0..interfaces).map(|_| Stage::default()).collect() }
    }

    /// Of each interface, whether no frame of it waits here.
    pub(super) fn are_empty(&self) -> impl Iterator<Item = bool> {
        self.stages.iter().map(|stage| stage.head().is_none())
    }

    /// In what time the earliest frame may go; none if none waits.
    pub(super) fn due(&self, now: Moment) -> Option<Duration> {
        let wait = |stage: &Stage| stage.head().map(|head| stage.hold(head, now));
        // At least a little, so that a clock that was set does not keep us awake.
        self.stages.iter().filter_map(wait).min().map(|wait| wait.max(Duration::from_millis(1)))
    }

    /// Fills `batch`, which is empty, with what may go.
    pub(super) fn fill(&mut self, ports: &mut [Port], batch: &mut FrameBatch, now: Moment) {
        self.stages.iter_mut().for_each(|stage| stage.is_dry = false);
        while !is_full(batch) {
            for (stage, port) in self.stages.iter_mut().zip(ports.iter_mut()) {
                stage.refill(port, now);
            }
            let Some((first, rival)) = self.next() else { return };
            let may_have_earlier = |((stage, port), at): ((&Stage, &Port), usize)| {
                at != first && stage.head().is_none() && port.may_give()
            };
            let is_unsure = self.stages.iter().zip(ports.iter()).zip(0..).any(may_have_earlier);
            let Some(stage) = self.stages.get_mut(first) else { return };
            if stage.give(batch, rival, is_unsure.then_some(now)) == 0 {
                return;
            }
        }
    }

    /// The interface with the earliest frame, and the time of the earliest of another one.
    fn next(&self) -> Option<(usize, Option<Timestamp>)> {
        let heads = self.stages.iter().zip(0..).filter_map(|(stage, at)| Some((stage.head()?.time, at)));
        let (_, first) = heads.clone().min()?;
        Some((first, heads.filter(|(_, at)| *at != first).map(|(time, _)| time).min()))
    }
}

impl Stage {
    /// The frame that goes next.
    fn head(&self) -> Option<&Frame> {
        self.batch.frames.get(self.given)
    }

    /// How long `head` has to wait if another interface seems empty.
    fn hold(&self, head: &Frame, now: Moment) -> Duration {
        let by_stamp = now.wall.since(head.time);
        // A clock that was set back makes stamps that are to come; what was taken so long ago may go, too.
        let since = self.taken.map_or(HOLD, |taken| now.running.saturating_duration_since(taken.running));
        HOLD.saturating_sub(since.max(Duration::from_nanos(by_stamp.nanos())))
    }

    /// Takes more from the interface if nothing waits here.
    fn refill(&mut self, port: &mut Port, now: Moment) {
        if self.is_dry || self.head().is_some() {
            return;
        }
        self.batch.clear();
        self.given = 0;
        port.take(&mut self.batch, now.running);
        self.is_dry = self.batch.frames.is_empty();
        self.taken = Some(now);
    }

    /// Moves frames to `batch` until that is full or the next one is later than `rival`, or, if `unsure` gives
    /// the time at which another interface seemed empty, has to wait. How many went.
    fn give(&mut self, batch: &mut FrameBatch, rival: Option<Timestamp>, unsure: Option<Moment>) -> usize {
        let before = self.given;
        while let Some(head) = self.head() {
            let is_later = rival.is_some_and(|rival| head.time > rival);
            let has_to_wait = unsure.is_some_and(|now| !self.hold(head, now).is_zero());
            if is_later || has_to_wait || is_full(batch) {
                break;
            }
            let start = u32::try_from(batch.octets.len()).unwrap_or(u32::MAX);
            batch.octets.extend_from_slice(self.batch.octets_of(head));
            batch.frames.push(Frame { start, ..*head });
            self.given = self.given.saturating_add(1);
        }
        self.given.saturating_sub(before)
    }
}
