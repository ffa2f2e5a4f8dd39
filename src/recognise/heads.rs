//! Buffers for heads that a recogniser wants to see more of, counted so that they stay bounded; and
//! watches, of flows and free ones, so that a flow that is done with leaves its own to the next.

use super::side::Datagrams;
use super::watch::Watch;

/// Empty buffers that are kept for the next head.
const SPARE_BUFFERS: usize = 64;
/// Watches that are kept for the next flow, and lists of datagrams for the next head.
const SPARE_WATCHES: usize = 64;

/// The watches and head buffers of one shard. At most `limit` octets are held, and 256 shards at their limit
/// take 256 times that; beyond it a head is judged by what was seen of it until then.
pub struct HeadPool {
    spare: Vec<Vec<u8>>,
    #[expect(clippy::vec_box, reason = "what is kept is the memory of the box")]
    datagrams: Vec<Box<Datagrams>>,
    #[expect(clippy::vec_box, reason = "what is kept is the memory of the box")]
    watches: Vec<Box<Watch>>,
    /// Those that hang on flows, each in a slot. The slot of one that works is empty meanwhile.
    hanging: Vec<Option<Box<Watch>>>,
    /// Slots of no flow.
    free: Vec<u32>,
    held: usize,
    /// What all others hold, while a watch works.
    others: Option<usize>,
    limit: usize,
    refused: u64,
}

impl HeadPool {
    /// Most octets that the heads of a shard hold by default: 128 MiB for all shards.
    pub const OCTETS_PER_SHARD: usize = 512 * 1024;

    /// A pool that holds at most `limit` octets.
    pub const fn new(limit: usize) -> Self {
        Self {
            spare: Vec::new(),
            datagrams: Vec::new(),
            watches: Vec::new(),
            hanging: Vec::new(),
            free: Vec::new(),
            held: 0,
            others: None,
            limit,
            refused: 0,
        }
    }

    /// How often a head could not grow.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Appends `octets` to `head`, if the limit allows it.
    pub(super) fn append(&mut self, head: &mut Vec<u8>, octets: &[u8]) -> bool {
        let held = self.held.saturating_add(octets.len());
        if held > self.limit {
            self.refused = self.refused.saturating_add(1);
            return false;
        }
        if head.capacity() == 0 {
            *head = self.spare.pop().unwrap_or_default();
        }
        self.held = held;
        head.extend_from_slice(octets);
        true
    }

    /// Takes the octets of `head` back.
    pub(super) fn release(&mut self, head: &mut Vec<u8>) {
        if head.capacity() == 0 {
            return;
        }
        let mut buffer = std::mem::take(head);
        self.held = self.held.saturating_sub(buffer.len());
        if self.spare.len() < SPARE_BUFFERS {
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
    pub(super) const fn work(&mut self, held: usize) {
        self.others = Some(self.held.saturating_sub(held));
    }

    /// Notes that it has worked.
    pub(super) const fn done(&mut self) {
        self.others = None;
    }

    /// If a watch never came back from its work, forgets what it held.
    pub(super) const fn recover(&mut self) {
        if let Some(others) = self.others.take() {
            self.held = others;
        }
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<Box<Watch>>> {
        self.hanging.get_mut(usize::try_from(slot).ok()?)
    }
}
