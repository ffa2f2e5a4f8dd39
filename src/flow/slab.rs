//! Slots for very many things of one size, in blocks that never move: growing copies nothing, and takes
//! no more memory than there are things. A block of which all things went gives its memory back.

use crate::kernel::ask_for_huge_pages;

/// Slots of a block, a power of two: of flows, twelve huge pages and a little, of which the ends are small ones.
const BLOCK: usize = 1 << BLOCK_BITS;
const BLOCK_BITS: u32 = 17;

/// Slots, some of them free.
pub(super) struct Slab<T> {
    blocks: Vec<Block<T>>,
    /// Blocks in which there is room, each once.
    roomy: Vec<u32>,
    /// Whether a block has memory and nothing in it: one may.
    spare: bool,
}

struct Block<T> {
    things: Vec<Option<T>>,
    /// Places that are free again.
    free: Vec<u32>,
}

impl<T> Block<T> {
    const EMPTY: Self = Self { things: Vec::new(), free: Vec::new() };

    fn is_full(&self) -> bool {
        self.free.is_empty() && self.things.len() >= BLOCK
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.things.len()
    }

    /// Puts something in, and says where.
    fn insert(&mut self, thing: T) -> u32 {
        if let Some(at) = self.free.pop() {
            if let Some(place) = self.things.get_mut(index(at)) {
                *place = Some(thing);
            }
            return at;
        }
        if self.things.capacity() == 0 {
            // Memory that is asked for and not written to is none yet.
            self.things.reserve_exact(BLOCK);
            ask_for_huge_pages(&self.things);
        }
        self.things.push(Some(thing));
        u32::try_from(self.things.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

impl<T> Slab<T> {
    /// No slots; it takes memory as things come, and gives it back when they went.
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), roomy: Vec::new(), spare: false }
    }

    /// What is in a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        let (block, at) = place(slot);
        self.blocks.get(block)?.things.get(at)?.as_ref()
    }

    /// What is in a slot, to change.
    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let (block, at) = place(slot);
        self.blocks.get_mut(block)?.things.get_mut(at)?.as_mut()
    }

    /// Puts something into a free slot.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        let number = self.roomy.last().copied().unwrap_or_else(|| {
            let number = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
            self.blocks.push(Block::EMPTY);
            self.roomy.push(number);
            number
        });
        let Some(block) = self.blocks.get_mut(index(number)) else { return u32::MAX };
        if block.is_empty() && block.things.capacity() > 0 {
            self.spare = false;
        }
        let at = block.insert(thing);
        if block.is_full() {
            self.roomy.pop();
        }
        number << BLOCK_BITS | at
    }

    /// Takes out what is in a slot.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let (number, at) = place(slot);
        let block = self.blocks.get_mut(number)?;
        let was_full = block.is_full();
        let thing = block.things.get_mut(at)?.take()?;
        block.free.push(u32::try_from(at).ok()?);
        if was_full {
            self.roomy.push(slot >> BLOCK_BITS);
        }
        if block.is_empty() {
            // One is kept, for what comes and goes.
            if self.spare {
                *block = Block::EMPTY;
            }
            self.spare = true;
        }
        Some(thing)
    }

    /// Everything that is in a slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let things = self
            .blocks
            .iter()
            .zip(0_u32..)
            .flat_map(|(block, number)| block.things.iter().zip(number << BLOCK_BITS..));
        things.filter_map(|(thing, slot)| thing.as_ref().map(|thing| (slot, thing)))
    }
}

/// Block and place in it.
#[inline]
fn place(slot: u32) -> (usize, usize) {
    let slot = index(slot);
    (slot >> BLOCK_BITS, slot & (BLOCK - 1))
}

#[inline]
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
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
        let slots: Vec<u32> = slab.iter().map(|(slot, _)| slot).collect();
        assert_eq!(slots, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn blocks_that_emptied_give_their_memory_back_but_for_one() {
        let mut slab = Slab::new();
        let count = u32::try_from(BLOCK * 3).unwrap();
        for round in 0..2_u64 {
            let slots: Vec<u32> = (0..count).map(|number| slab.insert((round, number))).collect();
            for (number, slot) in (0..count).zip(&slots) {
                assert_eq!(slab.get(*slot), Some(&(round, number)));
            }
            assert!(
                slots.iter().zip(0..count).all(|(slot, number)| slab.remove(*slot) == Some((round, number)))
            );
            let memory = slab.blocks.iter().filter(|block| block.things.capacity() > 0);
            assert_eq!((memory.count(), slab.blocks.len(), slab.iter().count()), (1, 3, 0));
        }
    }
}
