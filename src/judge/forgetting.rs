//! What lets a judge watch for months: conversations that are over and quiet are forgotten, with exact totals
//! left behind; and other rules may come into force while it watches.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::judge::Judge;
use crate::judge::conversation::Conversation;
use crate::judge::conversations::ConversationIndex;
use crate::judge::count::Count;
use crate::judge::ledger;
use crate::judge::memory::Memory;
use crate::judge::seats::Seats;
use crate::judge::transition::Progress;
use crate::policy::force::Policy;
use crate::time::Span;
use crate::time::Timestamp;

/// How often conversations are forgotten, and how often while their table is nearly full.
const FORGETS_EVERY: Span = Span::from_secs(60);
const FORGETS_EVERY_WHEN_FULL: Span = Span::from_secs(10);

impl Judge {
    /// Forgets, from time to time, conversations without a flow that goes on, of which nothing was heard for
    /// the quiet time and that are no cause of a violation that stands.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let Some(watch) = &mut self.watch else { return };
        if watch.forgets_at > now {
            return;
        }
        let is_full = self.conversations.count() > self.settings.conversations.saturating_mul(3) / 4;
        let pause = if is_full { FORGETS_EVERY_WHEN_FULL } else { FORGETS_EVERY };
        let is_first = watch.forgets_at == Timestamp::default();
        watch.forgets_at = now.plus(pause);
        if is_first {
            return;
        }
        let quiet = watch.quiet;
        let mut keeps: Vec<bool> = self
            .conversations
            .iter()
            .map(|conversation| !conversation.is_abandoned() && now.since(conversation.last_seen) <= quiet)
            .collect();
        for joined in self.flows.joined_mut() {
            if let Some(home) = joined.conversation {
                keep(&mut keeps, self.conversations.resolve(home));
                keep(&mut keeps, home);
            }
        }
        self.bury_causes(&mut keeps);
        let gone: Vec<&Conversation> = self
            .conversations
            .iter()
            .zip(&keeps)
            .filter(|(conversation, keeps)| !**keeps && !conversation.is_abandoned())
            .map(|(conversation, _)| conversation)
            .collect();
        let totals = Count::of(&gone, self.totals).totals;
        drop(gone);
        self.totals = totals;
        let places = self.conversations.retain(&keeps);
        self.renumber(&places);
    }

    /// Keeps the causes of violations that stand, and remembers what the others leave behind.
    fn bury_causes(&mut self, keeps: &mut [bool]) {
        let Some(mut watch) = self.watch.take() else { return };
        let mut buried: Vec<(u64, ConversationIndex)> = Vec::new();
        for (causing, stands) in watch.standing.causing() {
            let held = causing.iter().filter_map(|index| Some((*index, self.conversations.get(*index)?)));
            let held: Vec<(ConversationIndex, &Conversation)> = held.collect();
            let places: HashMap<usize, ConversationIndex, FixedState> =
                held.iter().map(|(index, conversation)| (place_of(conversation), *index)).collect();
            for cause in ledger::causes(held.iter().map(|(_, conversation)| *conversation)) {
                let indexes =
                    cause.conversations.iter().filter_map(|one| places.get(&place_of(one)).copied());
                if stands.has(cause.id) {
                    indexes.for_each(|index| keep(keeps, index));
                } else {
                    buried.extend(indexes.map(|index| (cause.id, index)));
                }
            }
        }
        for (id, index) in buried {
            let stays = keeps.get(index.place()).copied().unwrap_or(true);
            if let Some(conversation) = self.conversations.get(index).filter(|_| !stays) {
                watch.standing.bury(id, conversation);
            }
        }
        self.watch = Some(watch);
    }

    /// Conversations have other places now.
    fn renumber(&mut self, places: &[Option<ConversationIndex>]) {
        for joined in self.flows.joined_mut() {
            joined.conversation = joined.conversation.and_then(|old| old.now_at(places));
        }
        self.related.renumber(places);
        if let Some(watch) = &mut self.watch {
            watch.changed.clear();
            watch.standing.renumber(places);
        }
    }

    /// Puts other rules, and another site, into force: all that is held is judged anew, flows that go on find
    /// their conversation anew, and what that makes of violations is told. What was told of who has which MAC
    /// stays.
    ///
    /// To be called right after [`Judge::advance`], lest what happened under the old rules is told under the new.
    /// Who opened a conversation whose flows are over stays as it was told then.
    pub fn reload(&mut self, policy: Arc<Policy>, now: Timestamp) -> Progress {
        self.inventory.declare(policy.site().cloned());
        self.memory = Memory::of(&policy);
        self.seats = Seats::default();
        self.policy = policy;
        for conversation in self.conversations.iter_mut() {
            let (orig, resp) = conversation.addrs();
            conversation.orig = self.seats.seat_of(&self.inventory, orig);
            conversation.resp = self.seats.seat_of(&self.inventory, resp);
            conversation.ruling = None;
        }
        self.conversations.index_anew();
        for flow in self.flows.numbers() {
            let Some(mut live) = self.flows.lift(flow) else { continue };
            if let Some(joined) = &mut live.joined {
                self.move_on(&live.state, joined);
                self.hand_on(&live.state, joined);
            }
            self.flows.put(flow, live);
        }
        if let Some(watch) = &mut self.watch {
            watch.changed.extend(self.conversations.indexes());
            watch.standing.stir();
        }
        self.advance(now)
    }
}

fn keep(keeps: &mut [bool], index: ConversationIndex) {
    if let Some(keeps) = keeps.get_mut(index.place()) {
        *keeps = true;
    }
}

/// Where a conversation is in memory, which tells it from all others for as long as none is added.
fn place_of(conversation: &Conversation) -> usize {
    std::ptr::from_ref(conversation).addr()
}
