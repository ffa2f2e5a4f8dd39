//! Where the flows of a shard are kept: a slab, an index by key, and lists by age and by silence.

use hashbrown::HashTable;

use crate::flow::FlowKey;
use crate::flow::order::Lists;
use crate::flow::reassembly::index;
use crate::flow::record::Class;
use crate::flow::record::Flow;
use crate::flow::settings::FlowSettings;
use crate::flow::shard::key_hash;
use crate::time::Timestamp;

/// The flows of a shard. A slot number is good until its flow is removed.
pub(super) struct Shelf<A> {
    seed: u64,
    by_key: HashTable<u32>,
    slots: Vec<Option<Flow<A>>>,
    free: Vec<u32>,
    by_age: Lists<1>,
    by_silence: Lists<{ Class::COUNT }>,
}

impl<A> Shelf<A> {
    /// An empty shelf; it takes memory as flows come.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            by_key: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            by_age: Lists::default(),
            by_silence: Lists::default(),
        }
    }

    /// How many flows there are.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Where the flow with this key is.
    pub(super) fn find(&self, key: &FlowKey) -> Option<u32> {
        let has_key = |slot: &u32| self.get(*slot).is_some_and(|flow| flow.key == *key);
        self.by_key.find(key_hash(key, self.seed), has_key).copied()
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
        let (key, class) = (flow.key, flow.listed);
        if let Some(place) = self.slots.get_mut(index(slot)) {
            *place = Some(flow);
        }
        let (slots, seed) = (&self.slots, self.seed);
        self.by_key.insert_unique(key_hash(&key, seed), slot, |slot| {
            let flow = slots.get(index(*slot)).and_then(Option::as_ref);
            flow.map_or(0, |flow| key_hash(&flow.key, seed))
        });
        self.by_age.push_back(0, slot);
        self.by_silence.push_back(class.list(), slot);
        slot
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Flow<A>> {
        let flow = self.slots.get_mut(index(slot))?.take()?;
        let hash = key_hash(&flow.key, self.seed);
        if let Ok(entry) = self.by_key.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.by_age.remove(0, slot);
        self.by_silence.remove(flow.listed.list(), slot);
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
            let old = flow.listed;
            (flow.listed, flow.queued) = (flow.class, flow.touched);
            let new = flow.class;
            self.by_silence.remove(old.list(), slot);
            self.by_silence.push_back(new.list(), slot);
        }
    }

    /// A flow of `class` that was silent for longer than it may be.
    ///
    /// A flow stays where it is in its list while packets come, so that a packet costs the list
    /// nothing; those that are found at the front without being silent go to the back. So one that
    /// fell silent is found at the latest when it has been silent for twice its time.
    pub(super) fn silent(&mut self, class: Class, now: Timestamp, settings: &FlowSettings) -> Option<u32> {
        let timeout = class.timeout(settings);
        loop {
            let slot = self.by_silence.front(class.list())?;
            let flow = self.slots.get_mut(index(slot)).and_then(Option::as_mut)?;
            if now.since(flow.queued) <= timeout {
                return None;
            }
            if now.since(flow.touched) > timeout {
                return Some(slot);
            }
            flow.queued = now;
            self.by_silence.remove(class.list(), slot);
            self.by_silence.push_back(class.list(), slot);
        }
    }
}
