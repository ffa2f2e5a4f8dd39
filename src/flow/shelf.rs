//! Where the flows of a shard are kept: a slab, an index by key, and lists by age and by silence.
//!
//! The index holds a part of the hash beside the slot, so that neither a miss nor its growth touches
//! a flow.

use hashbrown::HashTable;

use crate::flow::FlowKey;
use crate::flow::order::Lists;
use crate::flow::reassembly::index;
use crate::flow::record::Class;
use crate::flow::record::Flow;
use crate::flow::settings::FlowSettings;
use crate::time::Timestamp;

/// Nothing waits.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// The flows of a shard. A slot number is good until its flow is removed.
pub(super) struct Shelf<A> {
    by_key: HashTable<Entry>,
    slots: Vec<Option<Flow<A>>>,
    free: Vec<u32>,
    by_age: Lists<1>,
    by_silence: Lists<{ Class::COUNT }>,
    /// When the first flow of each list was put there; the latest time for an empty list.
    fronts: [Timestamp; Class::COUNT],
}

/// One flow in the index.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    slot: u32,
}

impl Entry {
    /// The index wants its bits spread over 64.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl<A> Shelf<A> {
    /// An empty shelf; it takes memory as flows come.
    pub(super) fn new() -> Self {
        Self {
            by_key: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            by_age: Lists::default(),
            by_silence: Lists::default(),
            fronts: [NEVER; Class::COUNT],
        }
    }

    /// How many flows there are.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Where the flow with this key is; `hash` is the key's.
    pub(super) fn find(&self, key: &FlowKey, hash: u32) -> Option<u32> {
        let is_it =
            |entry: &Entry| entry.hash == hash && self.get(entry.slot).is_some_and(|flow| flow.key == *key);
        self.by_key.find(Entry::spread(hash), is_it).map(|entry| entry.slot)
    }

    /// The flow in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Flow<A>> {
        self.slots.get(index(slot))?.as_ref()
    }

    /// The flow in a slot, to change. Its key stays as it is.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Flow<A>> {
        self.slots.get_mut(index(slot))?.as_mut()
    }

    /// Puts a flow in, whose key is not there yet.
    pub(super) fn insert(&mut self, flow: Flow<A>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        let (hash, class, queued) = (flow.hash, flow.listed, flow.queued);
        if let Some(place) = self.slots.get_mut(index(slot)) {
            *place = Some(flow);
        }
        let entry = Entry { hash, slot };
        self.by_key.insert_unique(Entry::spread(hash), entry, |entry| Entry::spread(entry.hash));
        self.by_age.push_back(0, slot);
        self.enlist(class, slot, queued);
        slot
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Flow<A>> {
        let flow = self.slots.get_mut(index(slot))?.take()?;
        if let Ok(entry) = self.by_key.find_entry(Entry::spread(flow.hash), |other| other.slot == slot) {
            entry.remove();
        }
        self.by_age.remove(0, slot);
        self.delist(flow.listed, slot);
        self.free.push(slot);
        Some(flow)
    }

    /// The flow that was opened first.
    pub(super) fn oldest(&self) -> Option<u32> {
        self.by_age.front(0)
    }

    /// Every flow and its slot, in no order that means anything.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Flow<A>)> {
        let flows = self.slots.iter().zip(0_u32..);
        flows.filter_map(|(flow, slot)| flow.as_ref().map(|flow| (slot, flow)))
    }

    /// Puts a flow in the list of its class, if it is in another one.
    pub(super) fn relist(&mut self, slot: u32) {
        let Some(flow) = self.slots.get_mut(index(slot)).and_then(Option::as_mut) else { return };
        if flow.listed != flow.class {
            let (old, new, queued) = (flow.listed, flow.class, flow.touched);
            (flow.listed, flow.queued) = (new, queued);
            self.delist(old, slot);
            self.enlist(new, slot, queued);
        }
    }

    /// Puts a flow at the end of a list.
    fn enlist(&mut self, class: Class, slot: u32, queued: Timestamp) {
        if self.by_silence.front(class.list()).is_none()
            && let Some(front) = self.fronts.get_mut(class.list())
        {
            *front = queued;
        }
        self.by_silence.push_back(class.list(), slot);
    }

    /// Takes a flow out of the list that it is in.
    fn delist(&mut self, class: Class, slot: u32) {
        let list = class.list();
        let was_first = self.by_silence.front(list) == Some(slot);
        self.by_silence.remove(list, slot);
        if was_first {
            let first = self.by_silence.front(list).and_then(|slot| self.get(slot));
            let queued = first.map_or(NEVER, |flow| flow.queued);
            if let Some(front) = self.fronts.get_mut(list) {
                *front = queued;
            }
        }
    }

    /// A flow of `class` that was silent for longer than it may be.
    ///
    /// A flow stays where it is in its list while packets come, so that a packet costs the list
    /// nothing; those that are found at the front without being silent go to the back. So one that
    /// fell silent is found at the latest when it has been silent for twice its time.
    pub(super) fn silent(&mut self, class: Class, now: Timestamp, settings: &FlowSettings) -> Option<u32> {
        let timeout = class.timeout(settings);
        while now.since(*self.fronts.get(class.list())?) > timeout {
            let slot = self.by_silence.front(class.list())?;
            let flow = self.slots.get_mut(index(slot)).and_then(Option::as_mut)?;
            if now.since(flow.touched) > timeout {
                return Some(slot);
            }
            flow.queued = now;
            self.delist(class, slot);
            self.enlist(class, slot, now);
        }
        None
    }
}
