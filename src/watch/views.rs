//! What HTTP sees of a watch.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::value::to_raw_value;

use crate::capture::tap::LinkState;
use crate::export::live_metrics;
use crate::export::live_metrics::RimFacts;
use crate::export::text::Seconds;
use crate::export::text::hex;
use crate::export::text::plain;
use crate::export::violation_record::PartyRecord;
use crate::export::violation_record::ViolationRecord;
use crate::judge::audit::JudgeTotals;
use crate::judge::transition::HostNote;
use crate::time::Span;
use crate::time::Timestamp;
use crate::watch::board::Board;
use crate::watch::board::Shown;
use crate::watch::clock;
use crate::watch::http::asked::EndpointsAsked;
use crate::watch::http::asked::State;
use crate::watch::http::asked::ViolationsAsked;
use crate::watch::http::views::Page;
use crate::watch::http::views::Views;
use crate::watch::totals::Totals;

/// A loop that has not come round for so long stands still.
const STANDS_STILL: Span = Span::from_secs(10);

/// The views of a board.
pub(super) struct BoardViews {
    board: Arc<Board>,
    /// When each pulse was seen to beat last, and what it was then: the judge's and the lanes'.
    beats: Mutex<Vec<(u64, Timestamp)>>,
}

/// A violation, and whether it goes on.
#[derive(Serialize)]
struct ShownRecord<'a> {
    state: &'static str,
    #[serde(flatten)]
    violation: ViolationRecord<'a>,
}

/// A host.
#[derive(Serialize)]
struct EndpointRecord {
    #[serde(flatten)]
    party: PartyRecord,
    declared: bool,
    monitored: bool,
    last_seen: Seconds,
}

/// The policy in force.
#[derive(Serialize)]
struct PolicyRecord<'a> {
    policy_hash: String,
    site: Option<String>,
    packs: Vec<&'a str>,
    rules: usize,
    assertions: usize,
    exceptions: usize,
    strict: bool,
    in_force_since: Seconds,
    last_reload_successful: bool,
    last_reload_fault: Option<String>,
}

impl BoardViews {
    /// The views of `board`.
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self { board, beats: Mutex::default() }
    }

    /// What stands still, if anything does.
    fn still(&self, now: Timestamp) -> Option<String> {
        let lanes = (0..).zip(&self.board.lane_pulses).map(|(lane, pulse)| (format!("lane {lane}"), pulse));
        let all = std::iter::once(("the judge".to_owned(), &self.board.judge_pulse)).chain(lanes);
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        let mut still = None;
        for (index, (name, pulse)) in all.enumerate() {
            let count = pulse.count();
            match beats.get_mut(index) {
                None => beats.push((count, now)),
                Some(held) if held.0 != count => *held = (count, now),
                Some((_, since)) if now.since(*since) >= STANDS_STILL => {
                    let seconds = now.since(*since).nanos() / 1_000_000_000;
                    still.get_or_insert(format!("{name} has stood still for {seconds} s"));
                }
                Some(_) => {}
            }
        }
        still
    }

    fn rim(&self, totals: &Totals) -> RimFacts {
        let reload = self.board.reload();
        RimFacts {
            flows: (totals.flows, self.board.flows_capacity),
            interfaces: totals.interfaces.clone(),
            reload: (reload.is_good, reload.since),
            sandbox: self.board.sandbox,
            sinks: self.board.sinks.counts(),
        }
    }
}

impl Views for BoardViews {
    fn metrics(&self) -> Bytes {
        let judge = self.board.judge();
        let one_way_flows = judge.counts.one_way;
        let seen =
            JudgeTotals { one_way_flows, two_way_flows: judge.counts.two_way, ..JudgeTotals::default() };
        let totals = Totals::of(&self.board, &seen);
        let policy = self.board.policy();
        let text = live_metrics::encode(&judge, &totals.run, &self.rim(&totals), &policy);
        // It fails only if a metric is defined wrongly, and then every scrape says so.
        text.unwrap_or_else(|error| format!("# {error}\n")).into()
    }

    fn health(&self) -> Result<(), String> {
        self.still(clock::now()).map_or(Ok(()), Err)
    }

    fn readiness(&self) -> Result<(), String> {
        let mut missing = Vec::new();
        self.board.each_lane(|report| {
            let gone = report.interfaces.iter().filter(|facts| facts.state == LinkState::Missing);
            missing.extend(gone.map(|facts| plain(&facts.name).into_owned()));
        });
        missing.dedup();
        match missing.first() {
            None => Ok(()),
            Some(name) => {
                Err(format!("interface {name} is not there; it is opened as soon as it comes back"))
            }
        }
    }

    fn violations(&self, asked: &ViolationsAsked) -> Result<Page, String> {
        let mut all: Vec<Shown> = self.board.violations.iter().map(|entry| entry.value().clone()).collect();
        all.retain(|shown| {
            let Shown { violation, is_open, .. } = shown;
            let state = if *is_open { State::Open } else { State::Closed };
            let roles = violation.orig.roles.union(violation.resp.roles);
            asked.takes(state, violation.severity, violation.reason, roles)
        });
        all.sort_by_key(|shown| {
            let violation = &shown.violation;
            let severity = std::cmp::Reverse(violation.severity);
            (!shown.is_open, severity, violation.orig.addr, violation.resp.addr, violation.id)
        });
        let records = all.iter().map(|shown| ShownRecord {
            state: if shown.is_open { "open" } else { "closed" },
            violation: ViolationRecord::inside(&shown.violation, shown.policy_hash),
        });
        Page::first(asked.limit, records)
    }

    fn endpoints(&self, asked: &EndpointsAsked) -> Result<Page, String> {
        let mut all: Vec<HostNote> = self.board.hosts.iter().map(|entry| entry.value().clone()).collect();
        all.retain(|host| asked.takes(host.party.roles));
        all.sort_by_key(|host| host.party.addr);
        let records = all.iter().map(|host| EndpointRecord {
            party: PartyRecord::of(&host.party),
            declared: host.declared,
            monitored: host.monitored,
            last_seen: host.last_seen.into(),
        });
        Page::first(asked.limit, records)
    }

    fn policy(&self) -> Result<Box<RawValue>, String> {
        let (policy, reload) = (self.board.policy(), self.board.reload());
        let record = PolicyRecord {
            policy_hash: hex(policy.hash()),
            site: policy.site().map(|site| plain(&site.name).into_owned()),
            packs: policy.packs().iter().map(|pack| &*pack.id.0).collect(),
            rules: policy.rules().count(),
            assertions: policy.packs().iter().map(|pack| pack.assertions.len()).sum(),
            exceptions: policy.exceptions().len(),
            strict: policy.strict(),
            in_force_since: reload.since.into(),
            last_reload_successful: reload.is_good,
            last_reload_fault: reload
                .fault
                .map(|fault| fault.lines().map(plain).collect::<Vec<_>>().join("\n")),
        };
        to_raw_value(&record).map_err(|error| format!("the policy cannot be written: {error}"))
    }
}
