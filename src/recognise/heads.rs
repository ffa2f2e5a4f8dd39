//! Buffers for heads that a recogniser wants to see more of, counted so that they stay bounded; and
//! watches, of flows and free ones, so that a flow that is done with leaves its own to the next.
//!
//! What is free is shared by all shards of a worker: kept by each of them, it came to so many octets for each shard
//! as ever were in use there at a time, and a watch of months grew towards that.

use super::side::Datagrams;
use super::watch::Watch;

/// Octets of empty buffers that are kept for the next heads, of all shards together: what was once needed at a time is no
/// measure of what will be.
const SPARE_OCTETS: usize = 256 * 1024;
/// Watches that are kept for the next flows, and lists of datagrams for the next heads.
const SPARE_WATCHES: usize = 1024;

/// The watches and head buffers of some shards, which take turns: [`HeadPool::enter`] says whose turn it is. In each at
/// most `limit` octets are held; beyond it a head is judged by what was seen of it until then. What is free is anybody's.
pub struct HeadPool {
    spare: Vec<Vec<u8>>,
    spare_octets: usize,
    #[expect(clippy::vec_box, reason = "what is kept is the memory of the box")]
    datagrams: Vec<Box<Datagrams>>,
    #[expect(clippy::vec_box, reason = "what is kept is the memory of the box")]
    watches: Vec<Box<Watch>>,
    /// Those that hang on flows, each in a slot. The slot of one that works is empty meanwhile.
    hanging: Vec<Option<Box<Watch>>>,
    /// Slots of no flow.
    free: Vec<u32>,
    /// Octets that heads hold, by shard, and whose turn it is.
    held: Vec<usize>,
    shard: usize,
    /// What all others of this shard hold, while a watch works.
    others: Option<usize>,
    limit: usize,
    refused: u64,
}

impl HeadPool {
    /// Most octets that the heads of a shard hold by default: 128 MiB for all shards.
    pub const OCTETS_PER_SHARD: usize = 512 * 1024;

    /// A pool of `shards` shards, each of which holds at most `limit` octets. It is the first one's turn.
    pub fn new(limit: usize, shards: usize) -> Self {
        Self {
            spare: Vec::new(),
            spare_octets: 0,
            datagrams: Vec::new(),
            watches: Vec::new(),
            hanging: Vec::new(),
            free: Vec::new(),
            held: vec![0; shards],
            shard: 0,
            others: None,
            limit,
            refused: 0,
        }
    }

    /// From now on it is this shard's turn.
    #[inline]
    pub fn enter(&mut self, shard: u8) {
        self.shard = usize::from(shard);
    }

    /// How often a head could not grow.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// What the heads of the shard hold whose turn it is.
    fn held(&self) -> usize {
        self.held.get(self.shard).copied().unwrap_or(0)
    }

    fn hold(&mut self, octets: usize) {
        if let Some(held) = self.held.get_mut(self.shard) {
            *held = octets;
        }
    }

    /// Appends `octets` to `head`, if the limit allows it.
    pub(super) fn append(&mut self, head: &mut Vec<u8>, octets: &[u8]) -> bool {
        let held = self.held().saturating_add(octets.len());
        if held > self.limit {
            self.refused = self.refused.saturating_add(1);
            return false;
        }
        if head.capacity() == 0 {
            *head = self.spare.pop().unwrap_or_default();
            self.spare_octets = self.spare_octets.saturating_sub(head.capacity());
        }
        self.hold(held);
        head.extend_from_slice(octets);
        true
    }

    /// Takes the octets of `head` back.
    pub(super) fn release(&mut self, head: &mut Vec<u8>) {
        if head.capacity() == 0 {
            return;
        }
        let mut buffer = std::mem::take(head);
        self.hold(self.held().saturating_sub(buffer.len()));
        let spare = self.spare_octets.saturating_add(buffer.capacity());
        if spare <= SPARE_OCTETS {
            self.spare_octets = spare;
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// An empty list of datagrams.
    pub(super) fn datagrams(&mut self) -> Box<Datagrams> {
        self.datagrams.pop().unwrap_or_default()
    }

    /// Takes a list of datagrams back.
    pub(super) fn release_datagrams(&mut self, mut datagrams: Box<Datagrams>) {
        if self.datagrams.len() < SPARE_WATCHES {
            *datagrams = Datagrams::default();
            self.datagrams.push(datagrams);
        }
    }

    /// A watch that has seen nothing.
    pub(super) fn watch(&mut self) -> Box<Watch> {
        self.watches.pop().unwrap_or_default()
    }

    /// Takes a watch back, with what it holds.
    pub(super) fn release_watch(&mut self, mut watch: Box<Watch>) {
        watch.let_go(self);
        if self.watches.len() < SPARE_WATCHES {
            *watch = Watch::default();
            self.watches.push(watch);
        }
    }

    /// Keeps a watch for a flow, and says where.
    pub(super) fn hang(&mut self, watch: Box<Watch>) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.hanging.push(None);
            u32::try_from(self.hanging.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        self.hang_again(slot, watch);
        slot
    }

    /// Puts a watch back where it hung.
    pub(super) fn hang_again(&mut self, slot: u32, watch: Box<Watch>) {
        if let Some(place) = self.place(slot) {
            *place = Some(watch);
        }
    }

    /// Takes a watch to let it work; its place stays its own.
    pub(super) fn unhang(&mut self, slot: u32) -> Option<Box<Watch>> {
        self.place(slot)?.take()
    }

    /// Takes a watch back with its place, which was a flow's.
    pub(super) fn free(&mut self, slot: u32) {
        if let Some(watch) = self.unhang(slot) {
            self.release_watch(watch);
        }
        self.free.push(slot);
    }

    /// Notes that a watch works, of which heads hold so much.
    pub(super) fn work(&mut self, held: usize) {
        self.others = Some(self.held().saturating_sub(held));
    }

    /// Notes that it has worked.
    pub(super) const fn done(&mut self) {
        self.others = None;
    }

    /// If a watch never came back from its work, forgets what it held.
    pub(super) fn recover(&mut self) {
        if let Some(others) = self.others.take() {
            self.hold(others);
        }
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<Box<Watch>>> {
        self.hanging.get_mut(usize::try_from(slot).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::HeadPool;
    use super::SPARE_OCTETS;

    #[test]
    fn what_is_free_is_shared_by_all_shards_and_bounded() {
        let mut pool = HeadPool::new(HeadPool::OCTETS_PER_SHARD, 256);
        for shard in 0..=u8::MAX {
            pool.enter(shard);
            let mut heads = vec![Vec::new(); 100];
            assert!(heads.iter_mut().all(|head| pool.append(head, &[7; 4_096])));
            assert_eq!(pool.held(), 409_600);
            heads.iter_mut().for_each(|head| pool.release(head));
            assert_eq!(pool.held(), 0);
        }
        let free: usize = pool.spare.iter().map(Vec::capacity).sum();
        assert_eq!(free, pool.spare_octets);
        assert!((SPARE_OCTETS / 2..=SPARE_OCTETS).contains(&free), "{free} octets");
    }
}
