//! A map that forgets its oldest entry first.
//!
//! Entries stand in the order of their coming, so that whoever is new and whoever is forgotten are side by
//! side with their like; only four octets for each are strewn over a table. A flood of addresses goes through
//! the processor's cache this way, and not through memory.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// The map. Who asks for it bounds it, with [`Fifo::pop_oldest`].
#[derive(Clone, Debug)]
pub(super) struct Fifo<K, V> {
    /// Numbers of entries.
    index: HashTable<u32>,
    /// The entries, oldest first; absent are those that were taken out.
    entries: VecDeque<Option<(K, V)>>,
    /// The number of the first entry; numbers go round.
    first: u32,
}

impl<K, V> Default for Fifo<K, V> {
    fn default() -> Self {
        Self { index: HashTable::new(), entries: VecDeque::new(), first: 0 }
    }
}

impl<K: Eq + Hash, V> Fifo<K, V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let number = self.index.find(hash(key), |number| self.is_at(*number, key))?;
        self.at(*number).map(|(_, value)| value)
    }

    /// As [`Fifo::get`], to change it.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let number = *self.index.find(hash(key), |number| self.is_at(*number, key))?;
        let entry = self.entries.get_mut(place(number.wrapping_sub(self.first)))?;
        entry.as_mut().map(|(_, value)| value)
    }

    /// Adds an entry, the newest. The key must not be there.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.entries.len() > self.len().saturating_mul(2).max(LEAST) {
            self.close_up();
        }
        let (count, hashed) = (u32::try_from(self.entries.len()).unwrap_or(u32::MAX), hash(&key));
        let number = self.first.wrapping_add(count);
        self.entries.push_back(Some((key, value)));
        let (entries, first) = (&self.entries, self.first);
        let rehash = |number: &u32| {
            let entry = entries.get(place(number.wrapping_sub(first)));
            entry.and_then(Option::as_ref).map_or(0, |(key, _)| hash(key))
        };
        self.index.insert_unique(hashed, number, rehash);
    }

    /// Takes an entry out whose value `fits`.
    pub(super) fn remove_if(&mut self, key: &K, fits: impl FnOnce(&V) -> bool) -> Option<V> {
        let (entries, first) = (&mut self.entries, self.first);
        let is_at = |number: &u32| {
            let entry = entries.get(place(number.wrapping_sub(first)));
            matches!(entry, Some(Some((held, _))) if held == key)
        };
        let found = self.index.find_entry(hash(key), is_at).ok()?;
        let entry = entries.get_mut(place(found.get().wrapping_sub(first)))?;
        if !entry.as_ref().is_some_and(|(_, value)| fits(value)) {
            return None;
        }
        let taken = entry.take();
        found.remove();
        self.skip_absent();
        taken.map(|(_, value)| value)
    }

    /// Takes the oldest entry out.
    pub(super) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let (key, value) = self.entries.pop_front()??;
        let number = self.first;
        self.first = number.wrapping_add(1);
        if let Ok(found) = self.index.find_entry(hash(&key), |held| *held == number) {
            found.remove();
        }
        self.skip_absent();
        Some((key, value))
    }

    /// The oldest entries, oldest first.
    pub(super) fn oldest(&self, count: usize) -> impl Iterator<Item = &(K, V)> {
        self.entries.iter().take(count).flatten()
    }

    /// Reads where `key` is noted, for no other end than that it is in the processor's cache afterwards, and
    /// gives what is likely its number.
    pub(super) fn warm(&self, key: &K) -> u32 {
        self.index.find(hash(key), |_| true).copied().unwrap_or_default()
    }

    fn at(&self, number: u32) -> Option<&(K, V)> {
        self.entries.get(place(number.wrapping_sub(self.first)))?.as_ref()
    }

    fn is_at(&self, number: u32, key: &K) -> bool {
        self.at(number).is_some_and(|(held, _)| held == key)
    }

    /// The first entry is always there, if any is.
    fn skip_absent(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Closes the gaps that entries left which were taken out.
    fn close_up(&mut self) {
        self.entries.retain(Option::is_some);
        self.first = 0;
        self.index.clear();
        for (number, entry) in (0_u32..).zip(&self.entries) {
            let Some((key, _)) = entry else { continue };
            let rehash = |number: &u32| {
                let entry = self.entries.get(place(*number));
                entry.and_then(Option::as_ref).map_or(0, |(key, _)| hash(key))
            };
            self.index.insert_unique(hash(key), number, rehash);
        }
    }
}

/// So many gaps are no harm.
const LEAST: usize = 1024;

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn hash(key: &impl Hash) -> u64 {
    FixedState::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_goes_first_and_gaps_are_skipped() {
        let mut map = Fifo::default();
        for key in 0..6_u16 {
            map.insert(key, key.saturating_mul(10));
        }
        assert_eq!(map.remove_if(&0, |value| *value == 1), None);
        assert_eq!(map.remove_if(&0, |value| *value == 0), Some(0));
        assert_eq!(map.remove_if(&2, |_| true), Some(20));
        map.insert(0, 7);
        let popped: Vec<(u16, u16)> = std::iter::from_fn(|| map.pop_oldest()).collect();
        assert_eq!(popped, [(1, 10), (3, 30), (4, 40), (5, 50), (0, 7)]);
        assert_eq!((map.len(), map.get(&1)), (0, None));
    }

    #[test]
    fn it_stays_as_large_as_what_is_in_it_however_much_comes_and_goes() {
        let mut map = Fifo::default();
        map.insert(u32::MAX, 0);
        for key in 0..100_000_u32 {
            map.insert(key, 1);
            if let Some(value) = map.get_mut(&key) {
                *value = key;
            }
            if key % 3 != 0 {
                assert_eq!(map.remove_if(&key, |_| true), Some(key));
            }
            if map.len() > 100 {
                // Entries in front of many gaps stay.
                let second = *map.oldest(usize::MAX).nth(1).map(|(key, _)| key).unwrap();
                assert_eq!(map.remove_if(&second, |_| true), Some(second));
            }
            assert!(map.entries.len() <= LEAST.saturating_mul(2));
        }
        assert_eq!((map.get(&u32::MAX), map.get(&99_999), map.get(&99_998)), (Some(&0), Some(&99_999), None));
        assert_eq!(map.len(), 100);
    }
}
