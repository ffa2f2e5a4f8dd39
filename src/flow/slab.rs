//! Slots for very many things of one size, in blocks that never move: growing copies nothing, and takes
//! no more memory than there are things.

use crate::memory::ask_for_huge_pages;

/// Slots of a block, a power of two.
const BLOCK: usize = 1 << BLOCK_BITS;
const BLOCK_BITS: u32 = 15;

/// Slots, some of them free.
pub(super) struct Slab<T> {
    blocks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    /// Slots that were ever taken.
    used: u32,
}

impl<T> Slab<T> {
    /// No slots; it takes memory as things come.
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), free: Vec::new(), used: 0 }
    }

    /// What is in a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        let (block, at) = place(slot);
        self.blocks.get(block)?.get(at)?.as_ref()
    }

    /// What is in a slot, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let (block, at) = place(slot);
        self.blocks.get_mut(block)?.get_mut(at)?.as_mut()
    }

    /// Puts something into a free slot.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            let (block, at) = place(slot);
            if let Some(place) = self.blocks.get_mut(block).and_then(|block| block.get_mut(at)) {
                *place = Some(thing);
            }
            return slot;
        }
        let slot = self.used;
        if self.blocks.last().is_none_or(|block| block.len() >= BLOCK) {
            // Memory that is asked for and not written to is none yet.
            let block = Vec::with_capacity(BLOCK);
            ask_for_huge_pages(&block);
            self.blocks.push(block);
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(Some(thing));
            self.used = self.used.saturating_add(1);
        }
        slot
    }

    /// Takes out what is in a slot.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let (block, at) = place(slot);
        let thing = self.blocks.get_mut(block)?.get_mut(at)?.take()?;
        self.free.push(slot);
        Some(thing)
    }

    /// Everything that is in a slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let things = self.blocks.iter().flatten().zip(0_u32..);
        things.filter_map(|(thing, slot)| thing.as_ref().map(|thing| (slot, thing)))
    }
}

/// Block and place in it.
#[inline]
fn place(slot: u32) -> (usize, usize) {
    let slot = usize::try_from(slot).unwrap_or(usize::MAX);
    (slot >> BLOCK_BITS, slot & (BLOCK - 1))
}

#[cfg(test)]
mod tests {
    use super::BLOCK;
    use super::Slab;

    #[test]
    fn a_slot_is_used_again_and_every_other_stays() {
        let mut slab = Slab::new();
        let count = u32::try_from(BLOCK * 2 + 5).unwrap();
        for number in 0..count {
            assert_eq!(slab.insert(number), number);
        }
        assert_eq!((slab.remove(7), slab.remove(7), slab.get(7)), (Some(7), None, None));
        assert_eq!(slab.insert(1_000_000), 7);
        assert_eq!(slab.iter().count(), BLOCK * 2 + 5);
        assert_eq!(slab.get(count - 1), Some(&(count - 1)));
        assert_eq!(slab.get(count), None);
    }
}
