//! The table of all conversations of a run, in the order of their appearance, with its cap.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::hash::Hasher;

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

impl ConversationIndex {
    /// The place in the order of appearance.
    pub(super) fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Where it is now, as [`Conversations::retain`] said.
    pub(super) fn now_at(self, places: &[Option<Self>]) -> Option<Self> {
        places.get(self.place()).copied().flatten()
    }
}

/// The last part of the table is for initiators that the site declares: whoever floods it from
/// addresses that nobody named cannot hide what a known host does.
const RESERVED_PART: usize = 8;
/// There, one initiator has no more than this part of the whole table, so that one known host that
/// floods it cannot hide the others: with the default 10,240, more than the largest recorder needs.
const PART_OF_ONE: usize = 64;

/// Conversations in a chunk: 136 octets each, as large together as a chunk of flows that go on.
const CHUNK: usize = 1204;

/// Where a conversation is, with the hash of its key, so that no other is looked at for it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    place: u32,
    hash: KeyHash,
}

/// The hash of a conversation's key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyHash(u32);

/// Room for one more conversation, at this place.
#[derive(Debug)]
pub struct Room(u32);

/// All conversations.
#[derive(Debug, Default)]
pub struct Conversations {
    index: HashTable<Entry>,
    /// In chunks, each as large as one of flows that go on: at the end of a run flows become conversations.
    table: Vec<Vec<Conversation>>,
    count: usize,
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
            count: 0,
            moved: HashMap::default(),
            reserved: HashMap::default(),
            cap: cap.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX)),
            tuples_left: TUPLE_CAP,
        }
    }

    /// The conversation with this key, if there is one; `hash` is the key's.
    pub fn find(&self, key: &ConversationKey, hash: KeyHash) -> Option<ConversationIndex> {
        let is_it = |entry: &Entry| {
            entry.hash == hash && self.get(ConversationIndex(entry.place)).is_some_and(|held| held.has(key))
        };
        self.index.find(hash.spread(), is_it).map(|entry| ConversationIndex(entry.place))
    }

    /// Adds a conversation that is not there yet, whose key has this hash.
    pub fn add(&mut self, room: Room, hash: KeyHash, conversation: Conversation) -> ConversationIndex {
        self.push(conversation);
        let Room(place) = room;
        self.index.insert_unique(hash.spread(), Entry { place, hash }, |entry| entry.hash.spread());
        ConversationIndex(place)
    }

    fn push(&mut self, conversation: Conversation) {
        match self.table.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => chunk.push(conversation),
            None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(conversation);
                self.table.push(chunk);
            }
        }
        self.count = self.count.saturating_add(1);
    }

    /// How many there may be of initiators that the site does not declare.
    fn open_part(&self) -> usize {
        self.cap.saturating_sub(self.cap / RESERVED_PART)
    }

    /// Room for one more of this initiator, if there is any. `declared`: the site names it.
    pub fn room_for(&mut self, orig: Addr, declared: bool) -> Option<Room> {
        let room = u32::try_from(self.count).ok().map(Room);
        if self.count < self.open_part() {
            return room;
        }
        if !declared || self.count >= self.cap {
            return None;
        }
        let held = self.reserved.entry(orig).or_default();
        let has_room = *held < (self.cap / PART_OF_ONE).max(1);
        *held = held.saturating_add(usize::from(has_room));
        room.filter(|_| has_room)
    }

    /// One of them.
    pub fn get(&self, index: ConversationIndex) -> Option<&Conversation> {
        let place = usize::try_from(index.0).ok()?;
        self.table.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// One of them, to change.
    pub fn get_mut(&mut self, index: ConversationIndex) -> Option<&mut Conversation> {
        place_in(&mut self.table, index)
    }

    /// Counts an opening of a flow.
    pub fn open(&mut self, index: ConversationIndex, flow: &FlowKey, orig: Side) {
        if let Some(conversation) = place_in(&mut self.table, index) {
            conversation.open(flow, orig, &mut self.tuples_left);
        }
    }

    /// Counts a flow that shares the verdict.
    pub fn relate(&mut self, index: ConversationIndex, flow: &FlowKey) {
        if let Some(conversation) = place_in(&mut self.table, index) {
            conversation.relate(flow, &mut self.tuples_left);
        }
    }

    /// Lets an opening go, with what was counted of it.
    pub fn leave(&mut self, index: ConversationIndex, flow: &FlowKey, orig: Side, counted: [u64; 3]) {
        if let Some(conversation) = place_in(&mut self.table, index) {
            conversation.leave(flow, orig, counted, &mut self.tuples_left);
        }
    }

    /// Lets what shared the verdict of `from` follow its last opening, which went to `to`.
    pub fn follow(&mut self, from: ConversationIndex, to: ConversationIndex) {
        let is_left = self.get(from).is_some_and(|left| left.is_abandoned() && left.related() > 0);
        if !is_left || from == to {
            return;
        }
        if let Some(legacy) = self.get_mut(from).map(Conversation::bequeath)
            && let Some(heir) = self.get_mut(to)
        {
            heir.inherit(legacy);
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

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The indexes of all of them.
    pub fn indexes(&self) -> impl Iterator<Item = ConversationIndex> + use<> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        (0..count).map(ConversationIndex)
    }

    /// Forgets those that are not to be kept, and gives the new place of each.
    pub fn retain(&mut self, keeps: &[bool]) -> Vec<Option<ConversationIndex>> {
        let mut places = Vec::with_capacity(self.count);
        let mut keeps = keeps.iter();
        self.count = 0;
        for conversation in std::mem::take(&mut self.table).into_iter().flatten() {
            let place = u32::try_from(self.count).ok().filter(|_| keeps.next().copied().unwrap_or(true));
            places.push(place.map(ConversationIndex));
            if place.is_some() {
                self.push(conversation);
            } else {
                self.tuples_left = self.tuples_left.saturating_add(conversation.kept_tuples());
            }
        }
        let now = |index: ConversationIndex| index.now_at(&places);
        let moved = std::mem::take(&mut self.moved).into_iter();
        self.moved = moved.filter_map(|(from, to)| Some((now(from)?, now(to)?))).collect();
        self.index_anew();
        places
    }

    /// Makes the index again, of the keys that conversations have now, and counts again who is in the
    /// reserved part.
    pub fn index_anew(&mut self) {
        self.index = HashTable::with_capacity(self.count);
        self.reserved = HashMap::default();
        let open = self.open_part();
        for (place, conversation) in (0_u32..).zip(self.table.iter().flatten()) {
            let hash = KeyHash::of(&conversation.key());
            self.index.insert_unique(hash.spread(), Entry { place, hash }, |entry| entry.hash.spread());
            if usize::try_from(place).is_ok_and(|place| place >= open) {
                let held = self.reserved.entry(conversation.addrs().0).or_default();
                *held = held.saturating_add(1);
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.table.iter().flatten()
    }

    /// All, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Conversation> {
        self.table.iter_mut().flatten()
    }
}

fn place_in(table: &mut [Vec<Conversation>], index: ConversationIndex) -> Option<&mut Conversation> {
    let place = usize::try_from(index.0).ok()?;
    table.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
}

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &ConversationKey) -> Self {
        let ConversationKey { orig, resp, transport, port, service, vlan, roles, called } = *key;
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_u128(orig.bits());
        hasher.write_u128(resp.bits());
        let number = |port: Option<u16>| port.map_or(0, |port| u64::from(port) | 1 << 16);
        hasher.write_u64(number(port) << 32 | u64::from(vlan) << 16 | u64::from(transport.number()));
        // Of most flows none of these is known, and the roles are mostly told by the addresses.
        if let Some(service) = service {
            service.hash(&mut hasher);
        }
        if let Some(called) = called {
            hasher.write_u64(called);
        }
        if let Some((orig, resp)) = roles {
            orig.hash(&mut hasher);
            resp.hash(&mut hasher);
        }
        Self(u32::try_from(hasher.finish() >> u32::BITS).unwrap_or_default())
    }

    /// The hash as the index wants it, whose lowest and highest bits both tell entries apart.
    fn spread(self) -> u64 {
        u64::from(self.0) << u32::BITS | u64::from(self.0)
    }
}
