//! A lane's thread: frames in, events out, and time that passes without either.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tracing::info;
use tracing::warn;

use crate::capture::Supply;
use crate::capture::tap::Lane;
use crate::event::Event;
use crate::pipeline::PipelineSettings;
use crate::pipeline::online::Online;
use crate::time::Span;
use crate::time::Timestamp;
use crate::watch::board::Board;
use crate::watch::board::LaneReport;
use crate::watch::clock;
use crate::watch::judging::Docket;

/// How long a lane sleeps at most where nothing comes.
const SLEEP: Duration = Duration::from_millis(50);
/// How often a lane lets time pass and reports.
const REPORTS_EVERY: Span = Span::from_millis(250);
/// So many events go to the judge at a time, or those of so long.
const PILE: usize = 512;
const PILES_FOR: Span = Span::from_millis(50);
/// A frame may wait so long in the kernel before it is handed over: what is younger may still come.
const BEHIND: Span = Span::from_millis(30);
/// How long the last frames may take to come when the watch stops.
const DRAINS_FOR: Span = Span::from_secs(1);
/// At the end events go to the judge so many at a time.
const PORTION: usize = 8_192;

/// What a lane's thread has.
pub(super) struct LaneThread {
    pub(super) number: usize,
    pub(super) lane: Lane,
    pub(super) settings: PipelineSettings<'static>,
    pub(super) desk: SyncSender<Docket>,
    pub(super) board: Arc<Board>,
    pub(super) stop: Arc<AtomicBool>,
}

/// What a lane remembers from round to round.
struct Round {
    events: Vec<Event>,
    sent_at: Timestamp,
    reported_at: Timestamp,
    /// Up to here everything that was captured has been read.
    horizon: Timestamp,
    stopping_since: Option<Timestamp>,
    lost: u64,
}

impl LaneThread {
    /// Runs until the stop is complete, or the judge is gone.
    pub(super) fn run(mut self) {
        let mut online = Online::new(&self.settings);
        let start = clock::now();
        let mut round = Round {
            events: Vec::new(),
            sent_at: start,
            reported_at: Timestamp::default(),
            horizon: Timestamp::default(),
            stopping_since: None,
            lost: 0,
        };
        while self.go_round(&mut online, &mut round) {}
        online.finish(&mut round.events);
        self.report(&online, &mut round);
        for events in round.events.chunks(PORTION) {
            let _judge_is_gone = self.desk.send(Docket::Events(self.number, round.horizon, events.to_vec()));
        }
        let _judge_is_gone = self.desk.send(Docket::Done(self.number));
    }

    /// One batch, or one sleep. False when there is nothing more to come.
    fn go_round(&mut self, online: &mut Online<'_>, round: &mut Round) -> bool {
        let (frames, supply) = online.read(&mut self.lane, &mut round.events);
        let now = clock::now();
        if let Some(board) = self.board.lane_pulses.get(self.number) {
            board.beat();
        }
        if self.stop.load(Ordering::Relaxed) && round.stopping_since.is_none() {
            self.lane.stop();
            round.stopping_since = Some(now);
        }
        let last = online.last_time();
        // While frames wait, time is theirs: it must not run ahead of them.
        let drained = Timestamp::from_nanos(now.nanos().saturating_sub_unsigned(BEHIND.nanos()));
        round.horizon = round.horizon.max(if frames == 0 { drained } else { last.min(drained) });
        let is_due = now.since(round.reported_at) >= REPORTS_EVERY;
        if is_due {
            round.reported_at = now;
            if self.report(online, round) {
                online.missed_until(now);
            }
            online.advance(round.horizon, &mut round.events);
        }
        let is_pile = round.events.len() >= PILE;
        let has_waited = !round.events.is_empty() && now.since(round.sent_at) >= PILES_FOR;
        if (is_due || is_pile || has_waited) && !self.send(round, now) {
            return false;
        }
        let is_over = round.stopping_since.is_some_and(|since| now.since(since) >= DRAINS_FOR);
        if supply == Supply::End || is_over {
            return false;
        }
        if frames == 0 {
            self.lane.wait(SLEEP);
        }
        true
    }

    fn send(&self, round: &mut Round, now: Timestamp) -> bool {
        round.sent_at = now;
        let events = std::mem::take(&mut round.events);
        self.desk.send(Docket::Events(self.number, round.horizon, events)).is_ok()
    }

    /// Tells what was counted. True if packets were lost since the last time.
    fn report(&mut self, online: &Online<'_>, round: &mut Round) -> bool {
        for notice in self.lane.notices() {
            if notice.news.is_trouble() {
                warn!("{notice}");
            } else {
                info!("{notice}");
            }
        }
        let interfaces = self.lane.interfaces();
        let lost = interfaces.iter().fold(0_u64, |sum, facts| {
            sum.saturating_add(facts.counts.kernel_lost).saturating_add(facts.counts.interface_lost)
        });
        let tally = online.tally();
        self.board.tell_lane(self.number, LaneReport { tally, interfaces });
        std::mem::replace(&mut round.lost, lost) < lost
    }
}
