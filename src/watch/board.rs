//! What the threads of a watch tell each other, and HTTP: each writes its own part a few times a second, and
//! whoever asks adds the parts up. Nobody waits here for anybody's work.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use dashmap::DashMap;

use crate::addr::Addr;
use crate::capture::tap::InterfaceFacts;
use crate::export::live_metrics::JudgeFacts;
use crate::inventory::role::Role;
use crate::judge::audit::Violation;
use crate::judge::transition::Change;
use crate::judge::transition::HostNote;
use crate::judge::transition::Transition;
use crate::pipeline::online::LaneTally;
use crate::policy::force::Policy;
use crate::time::Span;
use crate::time::Timestamp;
use crate::watch::notify::Pulse;
use crate::watch::sinks::Sinks;

/// Most hosts that are shown; of more, those that were there first.
const HOSTS_CAP: usize = 65_536;
/// A host that was silent for so long makes room.
const HOST_STAYS: Span = Span::from_secs(24 * 3600);
/// Closed violations that are still shown.
const CLOSED_CAP: usize = 1_024;

/// A violation as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) violation: Arc<Violation>,
    pub(super) policy_hash: u64,
    pub(super) is_open: bool,
}

/// What one lane tells.
#[derive(Debug, Default)]
pub(super) struct LaneReport {
    pub(super) tally: LaneTally,
    pub(super) interfaces: Vec<InterfaceFacts>,
}

/// How rules and site were read the last time.
#[derive(Clone, Debug)]
pub(super) struct Reload {
    pub(super) is_good: bool,
    /// When those in force came into force.
    pub(super) since: Timestamp,
    /// What is wrong with the new ones.
    pub(super) fault: Option<String>,
}

/// The parts.
pub(super) struct Board {
    lanes: Vec<Mutex<LaneReport>>,
    judge: Mutex<Arc<JudgeFacts>>,
    policy: Mutex<Arc<Policy>>,
    reload: Mutex<Reload>,
    pub(super) lane_pulses: Vec<Pulse>,
    pub(super) judge_pulse: Pulse,
    pub(super) sinks: Sinks,
    pub(super) sandbox: u8,
    pub(super) flows_capacity: u64,
    pub(super) violations: DashMap<u64, Shown>,
    closed: Mutex<VecDeque<u64>>,
    pub(super) hosts: DashMap<Addr, HostNote>,
    roles: Mutex<BTreeSet<Role>>,
}

impl Board {
    /// Nothing told yet.
    pub(super) fn new(
        lanes: usize,
        policy: Arc<Policy>,
        sinks: Sinks,
        (sandbox, flows): (u8, u64),
        now: Timestamp,
    ) -> Self {
        Self {
            lanes: std::iter::repeat_with(Mutex::default).take(lanes).collect(),
            judge: Mutex::default(),
            policy: Mutex::new(policy),
            reload: Mutex::new(Reload { is_good: true, since: now, fault: None }),
            lane_pulses: std::iter::repeat_with(Pulse::default).take(lanes).collect(),
            judge_pulse: Pulse::default(),
            sinks,
            sandbox,
            flows_capacity: flows,
            violations: DashMap::new(),
            closed: Mutex::default(),
            hosts: DashMap::new(),
            roles: Mutex::default(),
        }
    }

    /// Takes a lane's report.
    pub(super) fn tell_lane(&self, lane: usize, report: LaneReport) {
        if let Some(held) = self.lanes.get(lane) {
            *open(held) = report;
        }
    }

    /// All lanes' reports, one at a time.
    pub(super) fn each_lane(&self, mut look: impl FnMut(&LaneReport)) {
        self.lanes.iter().for_each(|lane| look(&open(lane)));
    }

    /// Takes the judge's facts; the labels of hosts are the board's to add.
    pub(super) fn tell_judge(&self, mut facts: JudgeFacts) {
        facts.roles = open(&self.roles).clone();
        *open(&self.judge) = Arc::new(facts);
    }

    /// The judge's facts.
    pub(super) fn judge(&self) -> Arc<JudgeFacts> {
        Arc::clone(&open(&self.judge))
    }

    /// The policy in force.
    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&open(&self.policy))
    }

    /// Another policy is in force.
    pub(super) fn put_policy(&self, policy: Arc<Policy>, now: Timestamp) {
        *open(&self.policy) = policy;
        *open(&self.reload) = Reload { is_good: true, since: now, fault: None };
    }

    /// New rules or a new site could not be read.
    pub(super) fn refuse_policy(&self, fault: String) {
        let mut reload = open(&self.reload);
        (reload.is_good, reload.fault) = (false, Some(fault));
    }

    /// How rules and site were read the last time.
    pub(super) fn reload(&self) -> Reload {
        open(&self.reload).clone()
    }

    /// Shows what became of a violation.
    pub(super) fn show(&self, transition: &Transition) {
        let Transition { change, violation, policy_hash, .. } = transition;
        let id = violation.id;
        let is_open = match change {
            Change::Opened | Change::Reopened | Change::Tally => true,
            Change::Closed => false,
            Change::Folded | Change::Withdrawn => {
                self.violations.remove(&id);
                return;
            }
        };
        let shown = Shown { violation: Arc::clone(violation), policy_hash: *policy_hash, is_open };
        self.violations.insert(id, shown);
        if !is_open {
            let mut closed = open(&self.closed);
            closed.push_back(id);
            while closed.len() > CLOSED_CAP {
                let oldest = closed.pop_front();
                // It may be open again by now.
                oldest.map(|oldest| self.violations.remove_if(&oldest, |_, shown| !shown.is_open));
            }
        }
    }

    /// Brings the violations that stand up to date: their counts grow without a word.
    pub(super) fn refresh(&self, standing: &[Arc<Violation>]) {
        for violation in standing {
            if let Some(mut shown) = self.violations.get_mut(&violation.id) {
                shown.violation = Arc::clone(violation);
            }
        }
    }

    /// Notes who was seen.
    pub(super) fn note_hosts(&self, hosts: Vec<HostNote>) {
        for host in hosts {
            let addr = host.party.addr;
            if self.hosts.len() >= HOSTS_CAP && !self.hosts.contains_key(&addr) {
                continue;
            }
            open(&self.roles).insert(host.party.role);
            self.hosts.insert(addr, host);
        }
    }

    /// Lets go of hosts that were silent for a day.
    pub(super) fn forget_hosts(&self, now: Timestamp) {
        self.hosts.retain(|_, host| now.since(host.last_seen) <= HOST_STAYS);
    }
}

/// What a mutex holds. Nobody panics while holding one of these; should it happen, what is there is whole.
fn open<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
