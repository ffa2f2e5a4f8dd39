//! The table of all conversations of a run, in the order of their appearance, with its cap.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::addr::Addr;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::judge::conversation::Conversation;
use crate::judge::conversation::ConversationKey;
use crate::judge::tuples::TUPLE_CAP;

/// Index of a conversation in its table.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConversationIndex(u32);

/// The last part of the table is for initiators that the site declares: whoever floods it from
/// addresses that nobody named cannot hide what a known host does.
const RESERVED_PART: usize = 8;
/// There, one initiator has no more than this part of the whole table, so that one known host that
/// floods it cannot hide the others: with the default 10,240, more than the largest recorder needs.
const PART_OF_ONE: usize = 64;

/// All conversations.
#[derive(Debug, Default)]
pub struct Conversations {
    index: HashTable<u32>,
    table: Vec<Conversation>,
    /// Where the flows of an abandoned conversation went that are not openings.
    moved: HashMap<ConversationIndex, ConversationIndex, FixedState>,
    /// Conversations in the reserved part, by initiator.
    reserved: HashMap<Addr, usize, FixedState>,
    cap: usize,
    tuples_left: usize,
}

impl Conversations {
    /// An empty table for at most `cap` conversations.
    pub fn new(cap: usize) -> Self {
        Self {
            index: HashTable::new(),
            table: Vec::new(),
            moved: HashMap::default(),
            reserved: HashMap::default(),
            cap: cap.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX)),
            tuples_left: TUPLE_CAP,
        }
    }

    /// The conversation with this key, if there is one.
    pub fn find(&self, key: &ConversationKey) -> Option<ConversationIndex> {
        let same = |index: &u32| self.get(ConversationIndex(*index)).is_some_and(|held| held.has(key));
        self.index.find(hash(key), same).copied().map(ConversationIndex)
    }

    /// Adds a conversation that is not there yet; `None` if the table has no room for it. `declared`:
    /// the site names its initiator.
    pub fn add(
        &mut self,
        key: &ConversationKey,
        declared: bool,
        make: impl FnOnce() -> Conversation,
    ) -> Option<ConversationIndex> {
        if !self.has_room(key.orig, declared) {
            return None;
        }
        let index = u32::try_from(self.table.len()).ok()?;
        self.table.push(make());
        let table = &self.table;
        let rehash = |index: &u32| {
            let held = usize::try_from(*index).ok().and_then(|index| table.get(index));
            held.map_or(0, |held| hash(&held.key()))
        };
        self.index.insert_unique(hash(key), index, rehash);
        Some(ConversationIndex(index))
    }

    fn has_room(&mut self, orig: Addr, declared: bool) -> bool {
        let open = self.cap.saturating_sub(self.cap / RESERVED_PART);
        if self.table.len() < open {
            return true;
        }
        if !declared || self.table.len() >= self.cap {
            return false;
        }
        let held = self.reserved.entry(orig).or_default();
        let has_room = *held < (self.cap / PART_OF_ONE).max(1);
        *held = held.saturating_add(usize::from(has_room));
        has_room
    }

    /// One of them.
    pub fn get(&self, index: ConversationIndex) -> Option<&Conversation> {
        self.table.get(usize::try_from(index.0).ok()?)
    }

    /// One of them, to change.
    pub fn get_mut(&mut self, index: ConversationIndex) -> Option<&mut Conversation> {
        self.table.get_mut(usize::try_from(index.0).ok()?)
    }

    /// Counts an opening of a flow.
    pub fn open(&mut self, index: ConversationIndex, flow: &FlowKey, orig: Side) {
        let held = usize::try_from(index.0).ok().and_then(|index| self.table.get_mut(index));
        if let Some(conversation) = held {
            conversation.open(flow, orig, &mut self.tuples_left);
        }
    }

    /// Counts a flow that shares the verdict.
    pub fn relate(&mut self, index: ConversationIndex, flow: &FlowKey) {
        let held = usize::try_from(index.0).ok().and_then(|index| self.table.get_mut(index));
        if let Some(conversation) = held {
            conversation.relate(flow, &mut self.tuples_left);
        }
    }

    /// Lets an opening go, with what was counted of it.
    pub fn leave(&mut self, index: ConversationIndex, flow: &FlowKey, orig: Side, counted: [u64; 3]) {
        let held = usize::try_from(index.0).ok().and_then(|index| self.table.get_mut(index));
        if let Some(conversation) = held {
            conversation.leave(flow, orig, counted, &mut self.tuples_left);
        }
    }

    /// Lets what shared the verdict of `from` follow its last opening, which went to `to`.
    pub fn follow(&mut self, from: ConversationIndex, to: ConversationIndex) {
        let is_left = self.get(from).is_some_and(|left| left.is_abandoned() && left.related() > 0);
        if !is_left || from == to {
            return;
        }
        let places = [from, to].map(|index| usize::try_from(index.0).unwrap_or(usize::MAX));
        if let Ok([left, heir]) = self.table.get_disjoint_mut(places) {
            heir.inherit(left);
            self.moved.remove(&to);
            self.moved.insert(from, to);
        }
    }

    /// Where a conversation's related flows are counted now.
    pub fn resolve(&self, index: ConversationIndex) -> ConversationIndex {
        // A chain is as long as a session changes its key: its service, or who opened it.
        let mut index = index;
        for _ in 0..8 {
            match self.moved.get(&index) {
                Some(next) => index = *next,
                None => break,
            }
        }
        index
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.table.iter()
    }

    /// All, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Conversation> {
        self.table.iter_mut()
    }
}

fn hash(key: &ConversationKey) -> u64 {
    FixedState::default().hash_one(key)
}
