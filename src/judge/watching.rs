//! A judge that watches: it has no end at which everything is ruled on, so that flows settle, verdicts are
//! made and violations come and go as time passes. [`Judge::advance`] is the step of time.
//!
//! Nothing else differs: the same rulings, causes and sentences are made of the same conversations, so that
//! what stands when a watch over a capture ends is what an audit of that capture finds.

use std::collections::VecDeque;

use crate::addr::Addr;
use crate::event::EventKind;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::inventory::Standing as Known;
use crate::judge::Judge;
use crate::judge::conversations::ConversationIndex;
use crate::judge::count::is_cause;
use crate::judge::count::kind_of;
use crate::judge::durations::Durations;
use crate::judge::live_counts::LiveCounts;
use crate::judge::standing::Standing;
use crate::judge::transition::HostNote;
use crate::judge::transition::Progress;
use crate::time::Span;
use crate::time::Timestamp;

/// How long a flow that was recognised or refused may still tell more before it is judged: names and
/// certificates come with the next packets. What comes later is taken in all the same.
const SETTLES_WITHIN: Span = Span::from_secs(1);
/// The same for a flow that carries octets which nobody has recognised so far.
const SETTLES_UNRECOGNISED: Span = Span::from_secs(2);
/// Flows that wait to be judged; beyond it the first are judged before their time. 16 octets each.
const WAITING_CAP: usize = 1 << 20;

/// What a judge has on top that watches.
#[derive(Debug)]
pub(super) struct Watch {
    /// After so much silence a violation is closed, and a conversation forgotten.
    pub(super) quiet: Span,
    /// Flows by when they are judged at the latest, and those that need not wait for it.
    due: VecDeque<(Timestamp, FlowNumber)>,
    early: VecDeque<(Timestamp, FlowNumber)>,
    carrying: VecDeque<(Timestamp, FlowNumber)>,
    /// Conversations that changed since the last step.
    pub(super) changed: Vec<ConversationIndex>,
    /// Violations that stand.
    pub(super) standing: Standing,
    pub(super) counts: LiveCounts,
    /// When the quiet ones are forgotten next.
    pub(super) forgets_at: Timestamp,
}

impl Watch {
    /// Nothing watched yet.
    pub(super) fn new(quiet: Span) -> Self {
        Self {
            quiet,
            due: VecDeque::new(),
            early: VecDeque::new(),
            carrying: VecDeque::new(),
            changed: Vec::new(),
            standing: Standing::default(),
            counts: LiveCounts::default(),
            forgets_at: Timestamp::default(),
        }
    }

    /// Notes when a flow is to be judged that something happened to.
    pub(super) fn expect(&mut self, kind: &EventKind, time: Timestamp, deadline: Span) {
        let (queue, flow, wait) = match kind {
            EventKind::Opened(flow, _) => (&mut self.due, flow, deadline),
            EventKind::Identified(flow, ..) | EventKind::Reached(flow, Outcome::Refused) => {
                (&mut self.early, flow, SETTLES_WITHIN)
            }
            EventKind::Reached(flow, Outcome::Data) => (&mut self.carrying, flow, SETTLES_UNRECOGNISED),
            _ => return,
        };
        queue.push_back((time.plus(wait.min(deadline)), *flow));
    }

    fn next_due(&mut self, now: Timestamp) -> Option<FlowNumber> {
        [&mut self.early, &mut self.carrying, &mut self.due].into_iter().find_map(|queue| {
            let is_due = |(at, _): &(Timestamp, FlowNumber)| *at <= now;
            let is_full = queue.len() > WAITING_CAP;
            let next = queue.front().filter(|first| is_full || is_due(first)).map(|(_, flow)| *flow);
            next.inspect(|_| {
                queue.pop_front();
            })
        })
    }
}

impl Judge {
    /// Lets time pass: flows that had their time are judged, conversations that changed are ruled on anew, and
    /// what that makes of violations is told. `now` is in the time of packets.
    ///
    /// To be called a few times a second; without it a judge that watches judges nothing. Of one that does not
    /// watch it changes nothing.
    pub fn advance(&mut self, now: Timestamp) -> Progress {
        while let Some(flow) = self.watch.as_mut().and_then(|watch| watch.next_due(now)) {
            self.settle_at(flow);
        }
        let hosts = self.rule_changed(now);
        let transitions = self.transitions(now);
        self.forget(now);
        Progress { transitions, hosts }
    }

    /// What was counted since the watch began.
    pub fn live_counts(&self) -> Option<&LiveCounts> {
        self.watch.as_ref().map(|watch| &watch.counts)
    }

    /// How long flows lasted that ended, by service.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// How many conversations there are, and how many there may be.
    pub fn held(&self) -> (usize, usize) {
        (self.conversations.count(), self.settings.conversations)
    }

    fn settle_at(&mut self, flow: FlowNumber) {
        let Some(mut live) = self.flows.lift(flow) else { return };
        if live.joined.is_none() {
            live.joined = Some(Box::new(self.settle(&live.state).0));
        }
        self.flows.put(flow, live);
    }

    /// Rules on what changed; gives the hosts that had a part in it.
    fn rule_changed(&mut self, now: Timestamp) -> Vec<HostNote> {
        let Some(watch) = &mut self.watch else { return Vec::new() };
        let mut changed = std::mem::take(&mut watch.changed);
        changed.sort_unstable();
        changed.dedup();
        let mut seen: Vec<(Addr, Timestamp, ConversationIndex)> = Vec::new();
        for index in changed.drain(..) {
            let ruling = self.rule_again(index);
            let (Some(watch), Some(conversation)) = (&mut self.watch, self.conversations.get_mut(index))
            else {
                continue;
            };
            let (orig, resp) = conversation.addrs();
            watch.standing.note(index, orig, is_cause(ruling.as_deref()));
            let Some(ruling) = ruling else { continue };
            let kind = kind_of(Some(&ruling));
            if conversation.told.is_none() {
                watch.counts.took(now.since(conversation.first_seen));
            }
            if conversation.told.replace(kind) != Some(kind) {
                watch.counts.judged(&ruling);
            }
            seen.extend([orig, resp].map(|addr| (addr, conversation.last_seen, index)));
        }
        if let Some(watch) = &mut self.watch {
            watch.changed = changed;
        }
        self.hosts_of(seen)
    }

    /// Each of these hosts once, as it was seen last.
    fn hosts_of(&self, mut seen: Vec<(Addr, Timestamp, ConversationIndex)>) -> Vec<HostNote> {
        seen.sort_unstable_by_key(|(addr, last_seen, _)| (*addr, std::cmp::Reverse(*last_seen)));
        seen.dedup_by_key(|(addr, ..)| *addr);
        let note = |(addr, last_seen, index): (Addr, Timestamp, ConversationIndex)| {
            let conversation = self.conversations.get(index)?;
            let seat = if conversation.addrs().0 == addr { &conversation.orig } else { &conversation.resp };
            Some(HostNote {
                party: seat.party(addr),
                monitored: self.inventory.is_monitored(addr),
                declared: seat.kind().standing() == Known::Declared,
                last_seen,
            })
        };
        seen.into_iter().filter_map(note).collect()
    }
}
