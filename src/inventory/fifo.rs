//! A map that forgets its oldest entry first.
//!
//! Entries stand in the order of their coming, so that whoever is new and whoever is forgotten are side by
//! side with their like; only eight octets for each are strewn over tables. A flood of addresses goes through
//! the processor's cache this way, and not through memory.
//!
//! Each bucket leads to its newest entry, and each entry to the next older one of its bucket. What is older
//! than the oldest entry ends a chain, so that to forget costs nothing but the entry.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::addr::Mac;

/// The map, of at most 2^19 entries. Who asks for it bounds it, with [`Fifo::pop_oldest`].
#[derive(Clone, Debug)]
pub(super) struct Fifo<K, V> {
    /// The newest entry of each bucket; as many as a power of two.
    heads: Vec<Link>,
    /// Of each entry the next older one of its bucket, in a ring as that of the entries.
    links: Vec<Link>,
    /// The entries in a ring as large as a power of two, each where the lower bits of its number say; absent
    /// are those that were taken out.
    ring: Vec<Option<(K, V)>>,
    /// The number of the oldest entry; numbers go round.
    first: u32,
    /// How many entries there are from the oldest to the newest, absent ones among them.
    length: u32,
    /// How many are not absent.
    count: usize,
}

/// What entries are found by.
pub(super) trait Key: Copy + Eq {
    /// All of it.
    fn bits(self) -> u128;
}

/// The hash of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyHash(u64);

/// The number of an entry that may be there or not, and above it some bits of its key's hash, so that few
/// other entries are looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Link(u32);

/// Bits of an entry's number.
const NUMBER_BITS: u32 = 20;
const NUMBER: u32 = (1 << NUMBER_BITS) - 1;
/// So many entries can be told apart with ease; the ring has place for no more.
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
        Self { heads: Vec::new(), links: Vec::new(), ring: Vec::new(), first: 0, length: 0, count: 0 }
    }
}

impl<K: Key, V> Fifo<K, V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The value of `key`.
    #[inline]
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let place = self.find(key)?;
        self.ring.get(place)?.as_ref().map(|(_, value)| value)
    }

    /// As [`Fifo::get`], to change it; `hash` is the key's.
    #[inline]
    pub(super) fn get_mut(&mut self, key: &K, hash: KeyHash) -> Option<&mut V> {
        let place = self.find_by(key, hash)?;
        self.ring.get_mut(place)?.as_mut().map(|(_, value)| value)
    }

    /// Adds an entry, the newest. The key, of which `hash` is, must not be there.
    #[inline]
    pub(super) fn insert(&mut self, key: K, hash: KeyHash, value: V) {
        let length = whole(self.length);
        if length >= self.ring.len() || length > self.count.saturating_mul(2).max(LEAST) {
            self.lay_out();
        }
        let number = self.first.wrapping_add(self.length);
        self.length = self.length.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.place(number, (key, value), hash);
    }

    /// Takes an entry out whose value `fits`.
    pub(super) fn remove_if(&mut self, key: &K, fits: impl FnOnce(&V) -> bool) -> Option<V> {
        // Who is forgotten is often the oldest here, as what named it was elsewhere.
        let oldest = self.ring_place(self.first);
        let is_oldest = matches!(self.ring.get(oldest), Some(Some((held, _))) if held == key);
        let place = if is_oldest { oldest } else { self.find(key)? };
        let (_, value) = self.ring.get_mut(place)?.take_if(|(_, value)| fits(value))?;
        self.count = self.count.saturating_sub(1);
        self.skip_absent();
        Some(value)
    }

    /// Takes the oldest entry out.
    pub(super) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let oldest = self.ring_place(self.first);
        let taken = self.ring.get_mut(oldest)?.take()?;
        self.count = self.count.saturating_sub(1);
        self.skip_absent();
        Some(taken)
    }

    /// Reads where `key` is noted, for no other end than that it is in the processor's cache afterwards.
    pub(super) fn warm(&self, key: &K) -> u32 {
        self.heads.get(KeyHash::of(key).bucket(self.heads.len())).map_or(0, |link| link.0)
    }

    /// Where `key` is in the ring.
    fn find(&self, key: &K) -> Option<usize> {
        self.find_by(key, KeyHash::of(key))
    }

    #[inline]
    fn find_by(&self, key: &K, hash: KeyHash) -> Option<usize> {
        let (tag, mut link) = (hash.tag(), *self.heads.get(hash.bucket(self.heads.len()))?);
        // A chain leads from newer to older ones. What leads elsewhere is older than the oldest.
        let mut newer = self.length;
        loop {
            let age = link.0.wrapping_sub(self.first) & NUMBER;
            if age >= newer {
                return None;
            }
            let place = self.ring_place(link.0);
            if link.0 & !NUMBER == tag && matches!(self.ring.get(place), Some(Some((held, _))) if held == key)
            {
                return Some(place);
            }
            (newer, link) = (age, *self.links.get(place)?);
        }
    }

    /// Puts an entry where its number says, the newest of its bucket.
    #[inline]
    fn place(&mut self, number: u32, entry: (K, V), hash: KeyHash) {
        let (bucket, place) = (hash.bucket(self.heads.len()), self.ring_place(number));
        if let (Some(head), Some(link), Some(held)) =
            (self.heads.get_mut(bucket), self.links.get_mut(place), self.ring.get_mut(place))
        {
            *link = std::mem::replace(head, Link(number & NUMBER | hash.tag()));
            *held = Some(entry);
        }
    }

    /// Lays all entries out anew, without gaps. Where there were some there will be others: for them there is
    /// room, lest this happens again soon.
    fn lay_out(&mut self) {
        let gaps = if whole(self.length) > self.count { self.count / 4 } else { 0 };
        let room = self.count.saturating_add(gaps).saturating_add(1).next_power_of_two().max(LEAST);
        let ring: Vec<Option<(K, V)>> = std::iter::repeat_with(|| None).take(room).collect();
        let mut before = std::mem::replace(&mut self.ring, ring);
        (self.heads, self.links) =
            (vec![Link::default(); room.saturating_mul(2)], vec![Link::default(); room]);
        let oldest = whole(self.first) & before.len().wrapping_sub(1);
        before.rotate_left(oldest);
        (self.first, self.length) = (0, 0);
        for entry in before.into_iter().flatten() {
            let (number, hash) = (self.length, KeyHash::of(&entry.0));
            self.length = number.saturating_add(1);
            self.place(number, entry, hash);
        }
    }

    #[inline]
    fn ring_place(&self, number: u32) -> usize {
        whole(number) & self.ring.len().wrapping_sub(1)
    }

    /// The first entry is always there, if any is.
    #[inline]
    fn skip_absent(&mut self) {
        while self.length > 0 && matches!(self.ring.get(self.ring_place(self.first)), Some(None)) {
            self.first = self.first.wrapping_add(1);
            self.length = self.length.saturating_sub(1);
        }
    }
}

fn whole(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl KeyHash {
    /// That of this key.
    #[inline]
    pub(super) fn of(key: &impl Key) -> Self {
        Self(FixedState::default().hash_one(key.bits()))
    }

    /// The bits that a link has above the number.
    #[inline]
    fn tag(self) -> u32 {
        u32::try_from(self.0 >> u32::BITS).unwrap_or(0) & !NUMBER
    }

    /// Its bucket, of as many as a power of two.
    #[inline]
    fn bucket(self, buckets: usize) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX) & buckets.wrapping_sub(1)
    }
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

    fn add<K: Key, V>(map: &mut Fifo<K, V>, key: K, value: V) {
        map.insert(key, KeyHash::of(&key), value);
    }

    impl<V> Fifo<u32, V> {
        /// Keys, oldest first.
        fn in_order(&self) -> impl Iterator<Item = u32> {
            let numbers = (0..self.length).map(|age| self.first.wrapping_add(age));
            numbers.filter_map(|number| Some(self.ring.get(self.ring_place(number))?.as_ref()?.0))
        }
    }

    #[test]
    fn the_oldest_entry_goes_first_and_gaps_are_skipped() {
        let mut map = Fifo::default();
        for key in 0..6_u16 {
            add(&mut map, key, key.saturating_mul(10));
        }
        assert_eq!(map.remove_if(&0, |value| *value == 1), None);
        assert_eq!(map.remove_if(&0, |value| *value == 0), Some(0));
        assert_eq!(map.remove_if(&2, |_| true), Some(20));
        add(&mut map, 0, 7);
        let popped: Vec<(u16, u16)> = std::iter::from_fn(|| map.pop_oldest()).collect();
        assert_eq!(popped, [(1, 10), (3, 30), (4, 40), (5, 50), (0, 7)]);
        assert_eq!((map.len(), map.get(&1)), (0, None));
    }

    #[test]
    fn it_stays_as_large_as_what_is_in_it_however_much_comes_and_goes() {
        let mut map = Fifo::default();
        add(&mut map, u32::MAX, 0);
        for key in 0..100_000_u32 {
            add(&mut map, key, 1);
            if let Some(value) = map.get_mut(&key, KeyHash::of(&key)) {
                *value = key;
            }
            if key % 3 != 0 {
                assert_eq!(map.remove_if(&key, |_| true), Some(key));
            }
            if map.len() > 100 {
                // Entries in front of many gaps stay.
                let second = map.in_order().nth(1).unwrap();
                assert_eq!(map.remove_if(&second, |_| true), Some(second));
            }
            assert!(map.ring.len() <= LEAST.saturating_mul(2));
        }
        assert_eq!((map.get(&u32::MAX), map.get(&99_999), map.get(&99_998)), (Some(&0), Some(&99_999), None));
        assert_eq!(map.len(), 100);
    }

    #[test]
    fn numbers_go_round_and_nothing_is_lost_or_found_twice() {
        let mut map = Fifo::default();
        for key in 0..3_000_000_u32 {
            add(&mut map, key, key);
            if map.len() > 1000 {
                assert_eq!(map.pop_oldest().map(|(key, _)| key), key.checked_sub(1000));
                assert_eq!(map.get(&key.saturating_sub(1000)), None);
            }
            let some = key.saturating_sub(key % 999);
            assert_eq!(map.get(&some), Some(&some));
        }
        assert!(map.ring.len() < MOST && map.links.len() == map.ring.len());
    }
}
