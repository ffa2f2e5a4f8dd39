//! The judge's thread: events in, verdicts and transitions out, a few times a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::event::Event;
use crate::export::event_record::WatchRecord;
use crate::export::live_metrics::JudgeFacts;
use crate::judge::Judge;
use crate::judge::audit::Audit;
use crate::judge::transition::Progress;
use crate::policy::force::Policy;
use crate::time::Span;
use crate::time::Timestamp;
use crate::watch::board::Board;
use crate::watch::clock;

/// How often time passes for the judge.
const STEPS_EVERY: Span = Span::from_millis(250);
/// How often it tells what it counted.
const TELLS_EVERY: Span = Span::from_secs(1);
/// How often silent hosts are let go.
const FORGETS_EVERY: Span = Span::from_secs(600);
/// How long it sleeps at most.
const SLEEP: Duration = Duration::from_millis(100);

/// What comes to the judge.
pub(super) enum Docket {
    /// What happened in a lane, and up to when the lane has read everything.
    Events(usize, Timestamp, Vec<Event>),
    /// A lane has ended.
    Done(usize),
    /// Other rules come into force.
    Reload(Arc<Policy>),
}

/// What the judge's thread has.
pub(super) struct Bench {
    judge: Judge,
    board: Arc<Board>,
    /// Up to when each lane has read everything; `None` when it has ended.
    horizons: Vec<Option<Timestamp>>,
    stepped_at: Timestamp,
    told_at: Timestamp,
    forgot_at: Timestamp,
}

impl Bench {
    /// The judge of so many lanes.
    pub(super) fn new(judge: Judge, board: Arc<Board>, lanes: usize) -> Self {
        let now = clock::now();
        let horizons = vec![Some(Timestamp::default()); lanes];
        Self { judge, board, horizons, stepped_at: now, told_at: Timestamp::default(), forgot_at: now }
    }

    /// Judges until all lanes have ended, and gives the audit of what is held then, with the violations that stand.
    pub(super) fn run(mut self, docket: &Receiver<Docket>) -> Audit {
        while self.horizons.iter().any(Option::is_some) {
            match docket.recv_timeout(SLEEP) {
                Ok(next) => self.take(next),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = clock::now();
            if now.since(self.stepped_at) >= STEPS_EVERY {
                self.stepped_at = now;
                self.board.judge_pulse.beat();
                let horizon = self.horizon();
                let progress = self.judge.advance(horizon);
                self.publish(progress);
                self.tell(now);
            }
        }
        let progress = self.judge.advance(clock::now());
        self.publish(progress);
        self.told_at = Timestamp::default();
        self.tell(clock::now());
        let standing: BTreeSet<u64> = self.judge.standing().map(|violation| violation.id).collect();
        let (mut audit, _) = self.judge.finish();
        audit.violations.retain(|violation| standing.contains(&violation.id));
        audit
    }

    fn take(&mut self, next: Docket) {
        match next {
            Docket::Events(lane, horizon, events) => {
                if let Some(held) = self.horizons.get_mut(lane) {
                    *held = Some(horizon);
                }
                self.judge.take(events);
            }
            Docket::Done(lane) => {
                if let Some(held) = self.horizons.get_mut(lane) {
                    *held = None;
                }
            }
            Docket::Reload(policy) => self.reload(policy),
        }
    }

    /// Up to when all lanes have read everything: no time has passed for the judge that a lane has not seen.
    fn horizon(&self) -> Timestamp {
        self.horizons.iter().flatten().min().copied().unwrap_or_default()
    }

    fn reload(&mut self, policy: Arc<Policy>) {
        let (site, hash) = (policy.site().map(|site| Arc::clone(&site.name)), policy.hash());
        let before = self.judge.advance(self.horizon());
        self.publish(before);
        let now = clock::now();
        // The record stands between what the old rules said and what the new ones say.
        self.board.sinks.note(&WatchRecord::reloaded(now, site.as_deref(), hash));
        let progress = self.judge.reload(Arc::clone(&policy), self.horizon());
        self.board.put_policy(policy, now);
        self.publish(progress);
    }

    fn publish(&self, progress: Progress) {
        for transition in &progress.transitions {
            self.board.show(transition);
            self.board.sinks.tell(transition);
        }
        self.board.note_hosts(progress.hosts);
    }

    fn tell(&mut self, now: Timestamp) {
        if now.since(self.told_at) < TELLS_EVERY {
            return;
        }
        self.told_at = now;
        let Some(counts) = self.judge.live_counts() else { return };
        let facts = JudgeFacts {
            counts: counts.clone(),
            standing: self.judge.standing().cloned().collect(),
            conversations: self.judge.held(),
            durations: self.judge.durations().clone(),
            ..JudgeFacts::default()
        };
        self.board.refresh(&facts.standing);
        self.board.tell_judge(facts);
        if now.since(self.forgot_at) >= FORGETS_EVERY {
            self.forgot_at = now;
            self.board.forget_hosts(now);
        }
    }
}
