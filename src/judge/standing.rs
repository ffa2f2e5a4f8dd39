//! The ledger of a judge that watches: which violations stand, by source, and what became of them.
//!
//! For each source that something changed about, its causes are made anew from all its conversations, by the
//! code that an audit uses, and compared with what stood. So there is one way to a violation, and sweeps fold
//! by themselves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::inventory::Standing as Known;
use crate::judge::Judge;
use crate::judge::audit::Violation;
use crate::judge::conversation::Conversation;
use crate::judge::conversations::ConversationIndex;
use crate::judge::live_counts::LiveCounts;
use crate::judge::transition::Change;
use crate::judge::transition::Transition;
use crate::time::Span;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// Violations that stand at a time, some 1,200 octets each; beyond it they are counted as folded. The last
/// eighth is for initiators that the site declares.
const STANDING_CAP: usize = 32_768;
const OPEN_PART: usize = STANDING_CAP / 8 * 7;
/// Violations that are remembered when they were closed or their conversations forgotten; 90 octets each.
const PAST_CAP: usize = 65_536;
/// To look at a source again costs about this for each of its conversations, and a twentieth of the time may
/// be spent on it.
const PACE: Span = Span::from_nanos(20 * 2_000);
/// How often it is asked which violations fell quiet.
const LOOKS_EVERY: Span = Span::from_secs(1);

/// All that stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    sources: HashMap<Addr, Source, FixedState>,
    /// Sources to look at again.
    stirred: BTreeSet<Addr>,
    count: usize,
    past: HashMap<u64, Past, FixedState>,
    past_order: VecDeque<u64>,
    looks_at: Timestamp,
}

/// One initiator's violations.
#[derive(Debug, Default)]
struct Source {
    /// Its conversations that are a cause of something.
    causing: BTreeSet<ConversationIndex>,
    stands: BTreeMap<u64, Arc<Violation>>,
    /// It is not looked at again before.
    rests_until: Timestamp,
    /// Most violations at a time that found no room.
    folded: u64,
}

/// What is known of a violation beside its conversations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    first_seen: Timestamp,
    count: u64,
    flows: u64,
    octets: u64,
}

impl Standing {
    /// Notes whether a conversation of this initiator is a cause of something.
    pub(super) fn note(&mut self, index: ConversationIndex, orig: Addr, is_cause: bool) {
        if is_cause {
            self.sources.entry(orig).or_default().causing.insert(index);
            self.stirred.insert(orig);
        } else if let Some(source) = self.sources.get_mut(&orig)
            && source.causing.remove(&index)
        {
            self.stirred.insert(orig);
        }
    }

    /// All violations that stand.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Violation>> {
        self.sources.values().flat_map(|source| source.stands.values())
    }

    /// Each source with the conversations that are a cause of something.
    pub(super) fn causing(&self) -> impl Iterator<Item = (&BTreeSet<ConversationIndex>, StandsHere<'_>)> {
        self.sources.values().map(|source| (&source.causing, StandsHere(source)))
    }

    /// Remembers what is forgotten of the violation `id`.
    pub(super) fn bury(&mut self, id: u64, conversation: &Conversation) {
        let past = self.past_of(id, conversation.first_seen);
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut past.count, conversation.count);
        add(&mut past.flows, conversation.flows());
        add(&mut past.octets, conversation.octets);
        past.first_seen = past.first_seen.min(conversation.first_seen);
    }

    /// Conversations have other places now; those without are forgotten.
    pub(super) fn renumber(&mut self, places: &[Option<ConversationIndex>]) {
        for source in self.sources.values_mut() {
            let causing = std::mem::take(&mut source.causing);
            source.causing = causing.into_iter().filter_map(|old| old.now_at(places)).collect();
        }
        self.sources.retain(|_, source| !source.causing.is_empty() || !source.stands.is_empty());
    }

    /// Everything is to be looked at again.
    pub(super) fn stir(&mut self) {
        self.sources.values_mut().for_each(|source| source.rests_until = Timestamp::default());
        self.stirred.extend(self.sources.keys());
    }

    fn past_of(&mut self, id: u64, first_seen: Timestamp) -> &mut Past {
        if !self.past.contains_key(&id) {
            self.past_order.push_back(id);
        }
        while self.past_order.len() > PAST_CAP {
            if let Some(oldest) = self.past_order.pop_front() {
                self.past.remove(&oldest);
            }
        }
        self.past.entry(id).or_insert(Past { first_seen, count: 0, flows: 0, octets: 0 })
    }

    /// Sources that are to be looked at now: something changed, or one of their violations fell quiet.
    fn take_due(&mut self, now: Timestamp, quiet: Span) -> Vec<Addr> {
        if self.looks_at <= now {
            self.looks_at = now.plus(LOOKS_EVERY);
            let fell_quiet = |source: &Source| source.stands.values().any(|held| is_quiet(held, now, quiet));
            self.stirred.extend(self.sources.iter().filter(|(_, s)| fell_quiet(s)).map(|(addr, _)| *addr));
        }
        let rests = |addr: &Addr| self.sources.get(addr).is_some_and(|source| source.rests_until > now);
        let (later, due) = std::mem::take(&mut self.stirred).into_iter().partition(rests);
        self.stirred = later;
        Vec::from_iter::<BTreeSet<Addr>>(due)
    }

    /// Compares what a source's conversations come to now with what stood.
    fn compare(
        &mut self,
        orig: Addr,
        found: Vec<Violation>,
        step: &Step,
        counts: &mut LiveCounts,
    ) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let mut source = self.sources.remove(&orig).unwrap_or_default();
        let stood = std::mem::take(&mut source.stands);
        self.count = self.count.saturating_sub(stood.len());
        let sweeps = found.iter().any(|violation| violation.reason == Reason::Sweep);
        let mut without_room = 0_u64;
        for mut violation in found {
            self.add_past(&mut violation);
            let before = stood.get(&violation.id);
            if is_quiet(&violation, step.now, step.quiet) {
                if before.is_some() {
                    self.past_of(violation.id, violation.first_seen);
                    transitions.push(step.tell(Change::Closed, Arc::new(violation)));
                }
                continue;
            }
            if before.is_none() && !self.has_room_for(&violation) {
                without_room = without_room.saturating_add(1);
                continue;
            }
            let violation = Arc::new(violation);
            counts.seen(&violation);
            if before.is_none_or(|before| violation.severity > before.severity) {
                counts.opened(&violation);
            }
            let change = match before {
                Some(before) => has_grown(before, &violation).then_some(Change::Tally),
                None if self.past.contains_key(&violation.id) => Some(Change::Reopened),
                None => Some(Change::Opened),
            };
            transitions.extend(change.map(|change| step.tell(change, Arc::clone(&violation))));
            self.count = self.count.saturating_add(1);
            source.stands.insert(violation.id, violation);
        }
        let told: BTreeSet<u64> = transitions.iter().map(|transition| transition.violation.id).collect();
        for (id, held) in stood {
            if source.stands.contains_key(&id) || told.contains(&id) {
                continue;
            }
            let change = went(&held, sweeps, step);
            if change == Change::Withdrawn {
                counts.withdrawn = counts.withdrawn.saturating_add(1);
            } else {
                self.past_of(id, held.first_seen);
            }
            transitions.push(step.tell(change, held));
        }
        counts.folded = counts.folded.saturating_add(without_room.saturating_sub(source.folded));
        source.folded = source.folded.max(without_room);
        let size = u64::try_from(source.causing.len()).unwrap_or(u64::MAX);
        source.rests_until = step.now.plus(Span::from_nanos(PACE.nanos().saturating_mul(size)));
        if !source.causing.is_empty() {
            self.sources.insert(orig, source);
        }
        transitions
    }

    fn add_past(&self, violation: &mut Violation) {
        let Some(past) = self.past.get(&violation.id) else { return };
        violation.first_seen = violation.first_seen.min(past.first_seen);
        violation.count = violation.count.saturating_add(past.count);
        violation.flows = violation.flows.saturating_add(past.flows);
        violation.octets = violation.octets.saturating_add(past.octets);
    }

    fn has_room_for(&self, violation: &Violation) -> bool {
        let is_declared = violation.orig.standing() == Known::Declared;
        self.count < if is_declared { STANDING_CAP } else { OPEN_PART }
    }
}

/// The violations of one source that stand.
pub(super) struct StandsHere<'s>(&'s Source);

impl StandsHere<'_> {
    /// Whether this one does.
    pub(super) fn has(&self, id: u64) -> bool {
        self.0.stands.contains_key(&id)
    }
}

/// A step of time.
struct Step {
    now: Timestamp,
    quiet: Span,
    policy_hash: u64,
}

impl Step {
    fn tell(&self, change: Change, violation: Arc<Violation>) -> Transition {
        Transition { change, time: self.now, violation, policy_hash: self.policy_hash }
    }
}

/// What became of a violation that is not found any more.
fn went(held: &Violation, sweeps: bool, step: &Step) -> Change {
    if sweeps && held.reason != Reason::Sweep {
        Change::Folded
    } else if is_quiet(held, step.now, step.quiet) {
        Change::Closed
    } else {
        Change::Withdrawn
    }
}

fn is_quiet(violation: &Violation, now: Timestamp, quiet: Span) -> bool {
    now.since(violation.last_seen) > quiet
}

/// Whether there is something to tell: ten times as many, or it is worse, or it got further.
fn has_grown(before: &Violation, now: &Violation) -> bool {
    now.severity > before.severity
        || now.outcome > before.outcome
        || now.count.checked_ilog10() > before.count.checked_ilog10()
}

impl Judge {
    /// Looks again at the sources that something changed about.
    pub(super) fn transitions(&mut self, now: Timestamp) -> Vec<Transition> {
        let Some(mut watch) = self.watch.take() else { return Vec::new() };
        let step = Step { now, quiet: watch.quiet, policy_hash: self.policy.hash() };
        let mut transitions = Vec::new();
        for orig in watch.standing.take_due(now, watch.quiet) {
            let causing = watch.standing.sources.get(&orig).map(|source| &source.causing);
            let causing: Vec<&Conversation> =
                causing.into_iter().flatten().filter_map(|index| self.conversations.get(*index)).collect();
            let found = self.violations(&causing);
            transitions.append(&mut watch.standing.compare(orig, found, &step, &mut watch.counts));
        }
        self.watch = Some(watch);
        transitions
    }

    /// The violations that stand, in no order; nothing if this judge does not watch.
    pub fn standing(&self) -> impl Iterator<Item = &Arc<Violation>> {
        self.watch.iter().flat_map(|watch| watch.standing.all())
    }
}
