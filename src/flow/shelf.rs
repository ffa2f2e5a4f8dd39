//! Where the flows of all shards of a table are kept: a slab, an index by key, and for each shard lists by
//! age and by silence.

use crate::flow::FlowKey;
use crate::flow::index::Index;
use crate::flow::order::Lists;
use crate::flow::order::Order;
use crate::flow::record::Class;
use crate::flow::record::Flow;
use crate::flow::settings::FlowSettings;
use crate::flow::shard::Hashes;
use crate::flow::slab::Slab;
use crate::time::Span;
use crate::time::Timestamp;

/// Nothing waits.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// Lists of a shard.
const LISTS: usize = Class::COUNT + 1;

/// The flows of some shards. A slot number is good until its flow is removed.
pub(super) struct Shelf<A> {
    by_key: Index,
    hashes: Hashes,
    flows: Slab<Flow<A>>,
    /// Of each shard a list for each class, and one by age.
    lists: Lists,
    shards: Vec<Shard>,
    timeouts: [Span; Class::COUNT],
}

/// What is known of a shard's lists.
#[derive(Clone, Copy)]
struct Shard {
    /// How many flows it has.
    flows: u32,
    /// When the first flow of any of its lists may have been silent for too long.
    due: Timestamp,
    /// When the first flow of each list was put there; the latest time for an empty list.
    fronts: [Timestamp; Class::COUNT],
}

impl<A> Shelf<A> {
    /// An empty shelf of so many shards; it takes memory as flows come.
    pub(super) fn new(shards: usize, settings: &FlowSettings) -> Self {
        let empty = Shard { flows: 0, due: NEVER, fronts: [NEVER; Class::COUNT] };
        Self {
            by_key: Index::new(),
            hashes: Hashes::new(settings.seed),
            flows: Slab::new(),
            lists: Lists::new(shards.saturating_mul(LISTS)),
            shards: vec![empty; shards],
            timeouts: Class::ALL.map(|class| class.timeout(settings)),
        }
    }

    /// The shortest silence that ends a flow.
    pub(super) fn shortest_timeout(&self) -> Span {
        self.timeouts.into_iter().min().unwrap_or_default()
    }

    /// How many flows there are.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// How many of them are of a shard.
    pub(super) fn len_of(&self, shard: usize) -> u32 {
        self.shards.get(shard).map_or(0, |shard| shard.flows)
    }

    /// Reads what a look-up will need.
    #[inline]
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.by_key.touch(hash)
    }

    /// The first slot of a flow with this hash, whatever its key is.
    #[inline]
    pub(super) fn guess(&self, hash: u32) -> Option<u32> {
        self.by_key.find(hash, |_| true)
    }

    /// Where the flow with this key is; `hash` is the key's.
    #[inline]
    pub(super) fn find(&self, key: &FlowKey, hash: u32) -> Option<u32> {
        self.by_key.find(hash, |slot| self.get(slot).is_some_and(|flow| flow.key == *key))
    }

    /// The flow in a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Flow<A>> {
        self.flows.get(slot)
    }

    /// The flow in a slot, to change. Its key stays as it is.
    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Flow<A>> {
        self.flows.get_mut(slot)
    }

    /// Puts a flow in, whose key is not there yet; `hash` is the key's.
    pub(super) fn insert(&mut self, shard: usize, hash: u32, flow: Flow<A>) -> u32 {
        let (class, queued) = (flow.listed, flow.queued);
        let slot = self.flows.insert(flow);
        self.by_key.insert(hash, slot);
        self.lists.push_back(Order::Age, by_age(shard), slot);
        self.enlist(shard, class, slot, queued);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.flows = shard.flows.saturating_add(1);
        }
        slot
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, shard: usize, slot: u32) -> Option<Flow<A>> {
        let flow = self.flows.remove(slot)?;
        self.by_key.remove(self.hashes.of(&flow.key).0, slot);
        self.lists.remove(Order::Age, by_age(shard), slot);
        self.delist(shard, flow.listed, slot);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.flows = shard.flows.saturating_sub(1);
        }
        Some(flow)
    }

    /// The flow of a shard that was opened first.
    pub(super) fn oldest(&self, shard: usize) -> Option<u32> {
        self.lists.front(by_age(shard))
    }

    /// Every flow and its slot, in no order that means anything.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Flow<A>)> {
        self.flows.iter()
    }

    /// Puts a flow, whose class changed, in the list of that class.
    pub(super) fn relist(&mut self, shard: usize, slot: u32) {
        let Some(flow) = self.flows.get_mut(slot) else { return };
        let (old, new, queued) = (flow.listed, flow.class(), flow.touched);
        (flow.listed, flow.queued) = (new, queued);
        self.delist(shard, old, slot);
        self.enlist(shard, new, slot, queued);
    }

    /// Puts a flow at the end of a list.
    fn enlist(&mut self, shard: usize, class: Class, slot: u32, queued: Timestamp) {
        let list = list_of(shard, class);
        if self.lists.front(list).is_none() {
            self.begin(shard, class, queued);
        }
        self.lists.push_back(Order::Silence, list, slot);
    }

    /// Takes a flow out of the list that it is in.
    fn delist(&mut self, shard: usize, class: Class, slot: u32) {
        let list = list_of(shard, class);
        let was_first = self.lists.front(list) == Some(slot);
        self.lists.remove(Order::Silence, list, slot);
        if was_first {
            let first = self.lists.front(list).and_then(|slot| self.get(slot));
            self.begin(shard, class, first.map_or(NEVER, |flow| flow.queued));
        }
    }

    /// Notes when the first flow of a list was put there.
    fn begin(&mut self, shard: usize, class: Class, queued: Timestamp) {
        let Some(shard) = self.shards.get_mut(shard) else { return };
        if let Some(front) = shard.fronts.get_mut(class.list()) {
            *front = queued;
        }
        let dues = shard.fronts.iter().zip(self.timeouts).map(|(front, timeout)| front.plus(timeout));
        shard.due = dues.min().unwrap_or(NEVER);
    }

    /// Whether a flow of this shard may have been silent for longer than it may be.
    #[inline]
    pub(super) fn is_due(&self, shard: usize, now: Timestamp) -> bool {
        self.shards.get(shard).is_some_and(|shard| now > shard.due)
    }

    /// A flow of `class` that was silent for longer than it may be.
    ///
    /// A flow stays where it is in its list while packets come, so that a packet costs the list
    /// nothing; those that are found at the front without being silent go to the back. So one that
    /// fell silent is found at the latest when it has been silent for twice its time.
    pub(super) fn silent(&mut self, shard: usize, class: Class, now: Timestamp) -> Option<u32> {
        let timeout = *self.timeouts.get(class.list())?;
        let list = list_of(shard, class);
        while now.since(*self.shards.get(shard)?.fronts.get(class.list())?) > timeout {
            let slot = self.lists.front(list)?;
            let flow = self.flows.get_mut(slot)?;
            if now.since(flow.touched) > timeout {
                return Some(slot);
            }
            flow.queued = now;
            self.delist(shard, class, slot);
            self.enlist(shard, class, slot, now);
        }
        None
    }
}

/// Number of a class's list of a shard.
fn list_of(shard: usize, class: Class) -> usize {
    shard.saturating_mul(LISTS).saturating_add(class.list())
}

/// Number of a shard's list by age.
fn by_age(shard: usize) -> usize {
    shard.saturating_mul(LISTS).saturating_add(Class::COUNT)
}
