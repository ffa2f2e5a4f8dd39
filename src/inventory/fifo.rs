//! A map that forgets its oldest entry first.
//!
//! Entries stand in the order of their coming, so that whoever is new and whoever is forgotten are side by
//! side with their like; only eight octets for each are strewn over tables. A flood of addresses goes through
//! the processor's cache this way, and not through memory.
//!
//! Each bucket leads to its newest entry, and each entry to the next older one of its bucket. What is older
//! than the oldest entry ends a chain, so that to forget costs nothing but the entry.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::addr::Mac;

/// The map, of at most [`MOST`] entries. Who asks for it bounds it, with [`Fifo::pop_oldest`].
#[derive(Clone, Debug)]
pub(super) struct Fifo<K, V> {
    /// The newest entry of each bucket.
    heads: Vec<Link>,
    /// Of each entry the next older one of its bucket.
    links: VecDeque<Link>,
    /// The entries, oldest first; absent are those that were taken out.
    entries: VecDeque<Option<(K, V)>>,
    /// The number of the first entry; numbers go round.
    first: u32,
    /// How many are not absent.
    count: usize,
}

/// What entries are found by.
pub(super) trait Key: Copy + Eq {
    /// All of it.
    fn bits(self) -> u128;
}

/// The number of an entry that may be there or not, and above it some bits of its key's hash, so that few
/// other entries are looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Link(u32);

/// Bits of an entry's number.
const NUMBER_BITS: u32 = 20;
const NUMBER: u32 = (1 << NUMBER_BITS) - 1;
/// So many entries can be told apart with ease.
#[cfg(test)]
const MOST: usize = 1 << (NUMBER_BITS - 1);
/// So many gaps are no harm.
const LEAST: usize = 1024;

impl Key for Addr {
    fn bits(self) -> u128 {
        Addr::bits(self)
    }
}

impl Key for Mac {
    fn bits(self) -> u128 {
        let Self([a, b, c, d, e, f]) = self;
        u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl<K, V> Default for Fifo<K, V> {
    fn default() -> Self {
        Self { heads: Vec::new(), links: VecDeque::new(), entries: VecDeque::new(), first: 0, count: 0 }
    }
}

impl<K: Key, V> Fifo<K, V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let place = self.find(key)?;
        self.entries.get(place)?.as_ref().map(|(_, value)| value)
    }

    /// As [`Fifo::get`], to change it.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.find(key)?;
        self.entries.get_mut(place)?.as_mut().map(|(_, value)| value)
    }

    /// Adds an entry, the newest. The key must not be there.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.entries.len() > self.count.saturating_mul(2).max(LEAST) {
            self.entries.retain(Option::is_some);
            self.link_all();
        }
        if self.entries.len().saturating_mul(2) >= self.heads.len() {
            let buckets = self.entries.len().saturating_mul(4).max(LEAST).next_power_of_two();
            self.heads = vec![Link::default(); buckets];
            self.link_all();
        }
        self.link(&key, self.entries.len());
        self.entries.push_back(Some((key, value)));
        self.count = self.count.saturating_add(1);
    }

    /// Takes an entry out whose value `fits`.
    pub(super) fn remove_if(&mut self, key: &K, fits: impl FnOnce(&V) -> bool) -> Option<V> {
        // Who is forgotten here is often the oldest, as what named it is.
        let is_oldest = matches!(self.entries.front(), Some(Some((held, _))) if held == key);
        let place = if is_oldest { 0 } else { self.find(key)? };
        let entry = self.entries.get_mut(place)?;
        if !entry.as_ref().is_some_and(|(_, value)| fits(value)) {
            return None;
        }
        let (_, value) = entry.take()?;
        self.count = self.count.saturating_sub(1);
        self.skip_absent();
        Some(value)
    }

    /// Takes the oldest entry out.
    pub(super) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let oldest = self.entries.front_mut()?.take();
        self.count = self.count.saturating_sub(1);
        self.skip_absent();
        oldest
    }

    /// Reads where `key` is noted, for no other end than that it is in the processor's cache afterwards.
    pub(super) fn warm(&self, key: &K) -> u32 {
        self.heads.get(self.bucket(hash(key))).map_or(0, |link| link.0)
    }

    /// Where `key` is.
    fn find(&self, key: &K) -> Option<usize> {
        let hash = hash(key);
        let mut link = *self.heads.get(self.bucket(hash))?;
        // A chain leads from newer to older ones. What leads elsewhere is older than the oldest.
        let mut newer = self.entries.len();
        loop {
            let place = self.place(link);
            if place >= newer {
                return None;
            }
            if link.0 & !NUMBER == tag(hash)
                && matches!(self.entries.get(place), Some(Some((held, _))) if held == key)
            {
                return Some(place);
            }
            (newer, link) = (place, *self.links.get(place)?);
        }
    }

    /// Makes the entry that is about to come at `place`, behind all others, the newest of its bucket.
    fn link(&mut self, key: &K, place: usize) {
        let hash = hash(key);
        let bucket = self.bucket(hash);
        let number = u32::try_from(place).unwrap_or(u32::MAX).wrapping_add(self.first) & NUMBER;
        if let Some(head) = self.heads.get_mut(bucket) {
            self.links.push_back(*head);
            *head = Link(number | tag(hash));
        }
    }

    /// Numbers and links all entries anew.
    fn link_all(&mut self) {
        (self.first, self.links) = (0, VecDeque::with_capacity(self.entries.len()));
        self.heads.fill(Link::default());
        let entries = std::mem::take(&mut self.entries);
        for (place, entry) in entries.iter().enumerate() {
            match entry {
                Some((key, _)) => self.link(key, place),
                None => self.links.push_back(Link::default()),
            }
        }
        self.entries = entries;
    }

    fn bucket(&self, hash: u64) -> usize {
        // As many buckets as a power of two.
        usize::try_from(hash).unwrap_or(usize::MAX) & self.heads.len().wrapping_sub(1)
    }

    /// Where the entry is that a link leads to, if it is still there.
    fn place(&self, link: Link) -> usize {
        usize::try_from(link.0.wrapping_sub(self.first) & NUMBER).unwrap_or(usize::MAX)
    }

    /// The first entry is always there, if any is.
    fn skip_absent(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.links.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

/// The bits of a hash that a link has above the number.
fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> u32::BITS).unwrap_or(0) & !NUMBER
}

fn hash(key: &impl Key) -> u64 {
    FixedState::default().hash_one(key.bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Key for u16 {
        fn bits(self) -> u128 {
            u128::from(self)
        }
    }

    impl Key for u32 {
        fn bits(self) -> u128 {
            u128::from(self)
        }
    }

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
                let second = map.entries.iter().flatten().nth(1).map(|(key, _)| *key).unwrap();
                assert_eq!(map.remove_if(&second, |_| true), Some(second));
            }
            assert!(map.entries.len() <= LEAST.saturating_mul(2));
        }
        assert_eq!((map.get(&u32::MAX), map.get(&99_999), map.get(&99_998)), (Some(&0), Some(&99_999), None));
        assert_eq!(map.len(), 100);
    }

    #[test]
    fn numbers_go_round_and_nothing_is_lost_or_found_twice() {
        let mut map = Fifo::default();
        for key in 0..3_000_000_u32 {
            map.insert(key, key);
            if map.len() > 1000 {
                assert_eq!(map.pop_oldest().map(|(key, _)| key), key.checked_sub(1000));
                assert_eq!(map.get(&key.saturating_sub(1000)), None);
            }
            let some = key.saturating_sub(key % 999);
            assert_eq!(map.get(&some), Some(&some));
        }
        assert!(map.entries.len() < MOST && map.links.len() == map.entries.len());
    }
}
