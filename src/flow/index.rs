//! Finds the slots of flows by the hashes of their keys: open addressing in one array of words.
//!
//! A word holds hash and slot of a flow, so that a look-up waits for memory once, and neither a miss, nor
//! growth, nor a removal touches a flow. The words of one place in the array stand next to each other.

use crate::kernel::ask_for_huge_pages;

/// The first size; a power of two.
const LEAST: usize = 64;
/// Bits of a hash.
const HASH_BITS: u32 = 32;

/// Slots by hash. A hash may stand for several flows.
#[derive(Debug)]
pub(super) struct Index {
    /// Hash in the high half, the slot's number and one more in the low half; 0 is free.
    words: Vec<u64>,
    /// How far a hash is moved down to give its place.
    shift: u32,
    count: usize,
}

impl Index {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { words: vec![0; LEAST], shift: HASH_BITS.saturating_sub(LEAST.ilog2()), count: 0 }
    }

    /// How many slots are in it.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Reads what [`Index::find`] will need.
    #[inline]
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.words.get(self.home(hash)).copied().unwrap_or(0)
    }

    /// The first slot of this hash that `is_it`.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            // There is always a free word.
            let word = self.words.get(at).copied().filter(|word| *word != 0)?;
            let (other, slot) = parts(word);
            if other == hash && is_it(slot) {
                return Some(slot);
            }
            at = self.after(at);
        }
    }

    /// Adds a slot that is not in it.
    pub(super) fn insert(&mut self, hash: u32, slot: u32) {
        // At most five eighths are taken: looks that fail, as for each new flow, stay short.
        if self.count.saturating_mul(8) >= self.words.len().saturating_mul(5) {
            self.grow();
        }
        self.count = self.count.saturating_add(1);
        self.put(u64::from(hash) << 32 | u64::from(slot).saturating_add(1));
    }

    /// Takes a slot out, if it is in it.
    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        let mut at = self.home(hash);
        while let Some(word) = self.words.get(at).copied().filter(|word| *word != 0) {
            if parts(word) == (hash, slot) {
                self.count = self.count.saturating_sub(1);
                return self.close_up(at);
            }
            at = self.after(at);
        }
    }

    /// Frees the word at `hole`, and moves those behind it up that would not be found across it.
    fn close_up(&mut self, mut hole: usize) {
        let mask = self.mask();
        let mut at = self.after(hole);
        while let Some(word) = self.words.get(at).copied().filter(|word| *word != 0) {
            let home = self.home(parts(word).0);
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.set(hole, word);
                hole = at;
            }
            at = self.after(at);
        }
        self.set(hole, 0);
    }

    fn grow(&mut self) {
        let size = self.words.len().saturating_mul(2);
        let grown = vec![0; size];
        ask_for_huge_pages(&grown);
        let words = std::mem::replace(&mut self.words, grown);
        self.shift = self.shift.saturating_sub(1);
        words.into_iter().filter(|word| *word != 0).for_each(|word| self.put(word));
    }

    fn put(&mut self, word: u64) {
        let mut at = self.home(parts(word).0);
        while self.words.get(at).is_some_and(|word| *word != 0) {
            at = self.after(at);
        }
        self.set(at, word);
    }

    fn set(&mut self, at: usize, word: u64) {
        if let Some(place) = self.words.get_mut(at) {
            *place = word;
        }
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        usize::try_from(hash.wrapping_shr(self.shift)).unwrap_or(0)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }

    #[inline]
    fn mask(&self) -> usize {
        self.words.len().wrapping_sub(1)
    }
}

/// Hash and slot.
#[inline]
fn parts(word: u64) -> (u32, u32) {
    let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
    (half(word >> 32), half(word).wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::Index;
    use std::collections::BTreeMap;

    /// A hash with few places, so that runs of words are long and wrap around.
    fn crowded(number: u32) -> u32 {
        let spread = number.wrapping_mul(0x9e37_79b9);
        if number.is_multiple_of(3) { 0xffff_ff00 | spread >> 28 } else { spread }
    }

    #[test]
    fn slots_come_and_go_as_in_a_map() {
        let (mut index, mut map) = (Index::new(), BTreeMap::new());
        let mut state = 1_u32;
        for step in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slot = (state >> 16) % 700;
            if map.remove(&slot).is_some() {
                index.remove(crowded(slot), slot);
            } else {
                map.insert(slot, ());
                index.insert(crowded(slot), slot);
            }
            assert_eq!(index.len(), map.len());
            if step.is_multiple_of(97) {
                for slot in 0..700 {
                    let found = index.find(crowded(slot), |other| other == slot);
                    assert_eq!(found.is_some(), map.contains_key(&slot), "slot {slot} at step {step}");
                }
            }
        }
    }

    #[test]
    fn flows_of_one_hash_are_told_apart_by_who_asks() {
        let mut index = Index::new();
        for slot in 0..200 {
            index.insert(u32::MAX, slot);
        }
        index.remove(u32::MAX, 17);
        assert_eq!(index.find(u32::MAX, |slot| slot == 199), Some(199));
        assert_eq!(index.find(u32::MAX, |slot| slot == 17), None);
    }
}
