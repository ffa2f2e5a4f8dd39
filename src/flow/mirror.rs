//! Second copies that a mirror of two ports makes of one packet.
//!
//! They come within milliseconds, so a small memory for each shard does: a flow carries nothing for it, and
//! it grows only as far as packets come faster than it forgets. What a shard remembers follows from its own
//! packets, so that any number of workers finds the same copies.

use crate::time::Span;
use crate::time::Timestamp;

/// Groups of entries at first; a packet belongs to one of them by its fingerprint. A power of two.
const GROUPS: usize = 64;
/// Groups at most, 128 KiB: nothing is forgotten too early of 200,000 packets a second between the hosts of
/// one shard; of more, copies that come late may be.
const MOST_GROUPS: usize = 2048;
/// Entries of a group, the newest first: one cache line.
const REMEMBERED: usize = 8;
/// Bits of a packet's time, in microseconds modulo 16.8 s; the fingerprint takes the other 40.
const TIME_BITS: u32 = 24;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// An entry of no packet.
const NOBODY: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Group([u64; REMEMBERED]);

/// The last packets of a shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    groups: Vec<Group>,
}

/// A packet, as far as its copy is like it: what it is, and of which flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Likeness(u64);

impl Likeness {
    /// That of a packet with this fingerprint; `flow` is the hash of its flow's key: in a network that is
    /// keyed by VLAN the same packet may be of several flows.
    pub(super) const fn new(fingerprint: u64, flow: u32) -> Self {
        let [a, b, c, d] = flow.to_be_bytes();
        let flow = u64::from_be_bytes([a, b, c, d, d, c, b, a]);
        Self(fingerprint ^ flow.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Its group, by bits that its entry holds, too.
    #[inline]
    fn group(self, groups: usize) -> usize {
        group_of(self.0 << TIME_BITS, groups)
    }
}

/// The group of an entry.
#[inline]
fn group_of(entry: u64, groups: usize) -> usize {
    usize::try_from(entry >> TIME_BITS).unwrap_or(0) & groups.wrapping_sub(1)
}

impl Mirror {
    /// Reads what [`Mirror::is_copy`] will need.
    #[inline]
    pub(super) fn touch(&self, packet: Likeness) -> u64 {
        self.groups.get(packet.group(self.groups.len())).map_or(0, |Group([first, ..])| *first)
    }

    /// Whether this packet was here already, no longer ago than `window`. A copy may carry an
    /// earlier time than the first one, if two cards captured them. What is new is remembered.
    #[inline]
    pub(super) fn is_copy(&mut self, packet: Likeness, time: Timestamp, window: Span) -> bool {
        if self.groups.is_empty() {
            self.groups.resize(GROUPS, Group([NOBODY; REMEMBERED]));
        }
        let micros = u64::from_be_bytes(time.nanos().div_euclid(1000).to_be_bytes()) & TIME_MASK;
        let fingerprint = packet.0 << TIME_BITS;
        let window = (window.nanos() / 1000).min(TIME_MASK / 2);
        let age = |entry: u64| {
            let age = micros.wrapping_sub(entry) & TIME_MASK;
            age.min(TIME_MASK.saturating_sub(age).saturating_add(1))
        };
        loop {
            let groups = self.groups.len();
            let Some(Group(entries)) = self.groups.get_mut(packet.group(groups)) else { return false };
            // All eight are looked at, and nothing is asked twice: where a copy would stand cannot be guessed.
            let is_like = |entry: &u64| entry & !TIME_MASK == fingerprint;
            if entries.iter().fold(false, |found, entry| found | is_like(entry))
                && entries.iter().any(|entry| is_like(entry) && age(*entry) <= window)
            {
                return true;
            }
            let [.., oldest] = *entries;
            // What is older than times can tell may seem young; eight of them at once do so in a burst alone.
            let is_forgotten_too_early =
                oldest != NOBODY && entries.iter().rev().all(|entry| age(*entry) <= window);
            if !is_forgotten_too_early || groups >= MOST_GROUPS {
                entries.copy_within(..REMEMBERED - 1, 1);
                let [newest, ..] = entries;
                *newest = fingerprint | micros;
                return false;
            }
            self.grow();
        }
    }

    /// Doubles the groups: each becomes two, which share out its entries.
    #[cold]
    fn grow(&mut self) {
        let groups = self.groups.len().saturating_mul(2);
        let mut grown = vec![Group([NOBODY; REMEMBERED]); groups];
        // The oldest first, so that the newest comes to stand before them.
        for Group(entries) in &self.groups {
            for entry in entries.iter().rev().filter(|entry| **entry != NOBODY) {
                if let Some(Group(entries)) = grown.get_mut(group_of(*entry, groups)) {
                    entries.copy_within(..REMEMBERED - 1, 1);
                    let [newest, ..] = entries;
                    *newest = *entry;
                }
            }
        }
        self.groups = grown;
    }
}

#[cfg(test)]
mod tests {
    use super::GROUPS;
    use super::Likeness;
    use super::MOST_GROUPS;
    use super::Mirror;
    use crate::time::Span;
    use crate::time::Timestamp;

    const WINDOW: Span = Span::from_millis(5);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_nanos(micros.saturating_mul(1000))
    }

    fn packet(number: u64) -> Likeness {
        // Any good hash will do (SplitMix64's increments, multiplied).
        let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Likeness::new((word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9), 1)
    }

    #[test]
    fn a_copy_within_the_window_is_told_from_a_retransmission_after_it() {
        let mut mirror = Mirror::default();
        assert!(!mirror.is_copy(packet(7), at(1_700_000_000_000_000), WINDOW));
        assert!(mirror.is_copy(packet(7), at(1_700_000_000_004_999), WINDOW));
        assert!(
            mirror.is_copy(packet(7), at(1_699_999_999_999_000), WINDOW),
            "the other card's clock is behind"
        );
        assert!(!mirror.is_copy(packet(7), at(1_700_000_000_200_000), WINDOW));
        assert!(!mirror.is_copy(packet(8), at(1_700_000_000_200_000), WINDOW));
    }

    #[test]
    fn copies_that_come_a_thousand_packets_late_are_known() {
        let mut mirror = Mirror::default();
        for number in 0..1000 {
            assert!(!mirror.is_copy(packet(number), at(-3), WINDOW));
        }
        for number in 0..1000 {
            assert!(mirror.is_copy(packet(number), at(40), WINDOW));
        }
        assert!(mirror.groups.len() <= 512, "a thousand packets in a window: {}", mirror.groups.len());
    }

    #[test]
    fn the_same_packet_of_another_flow_is_no_copy() {
        let mut mirror = Mirror::default();
        assert!(!mirror.is_copy(Likeness::new(77, 1), at(0), WINDOW));
        assert!(!mirror.is_copy(Likeness::new(77, 2), at(0), WINDOW));
        assert!(mirror.is_copy(Likeness::new(77, 1), at(0), WINDOW));
    }

    #[test]
    fn it_grows_while_packets_come_faster_than_it_forgets_and_no_further() {
        let mut slow = Mirror::default();
        for number in 0..100_000 {
            assert!(!slow.is_copy(packet(number), at(i64::try_from(number).unwrap() * 500), WINDOW));
        }
        assert!(slow.groups.len() <= GROUPS * 2, "2,000 packets a second, ten in a window");
        // The oldest of a group is some 2^24 microseconds old, so that many a one seems to be of now.
        let mut quiet = Mirror::default();
        for number in 0..200_000 {
            // Mixed once more, so that groups are met as by chance.
            let packet = Likeness::new(packet(number).0.wrapping_mul(packet(number).0 >> 32 | 1), 1);
            assert!(!quiet.is_copy(packet, at(i64::try_from(number << 15).unwrap()), WINDOW));
        }
        assert_eq!(quiet.groups.len(), GROUPS, "30 packets a second for two hours");
        let mut fast = Mirror::default();
        let time = |number: u64| at(i64::try_from(number * 5).unwrap());
        for number in 0..400_000 {
            assert!(!fast.is_copy(packet(number), time(number), WINDOW));
            // The other card gives each packet 4 ms later.
            let copied = number.checked_sub(800);
            assert!(copied.is_none_or(|copied| fast.is_copy(packet(copied), time(number), WINDOW)));
        }
        let mut flood = Mirror::default();
        for number in 0..1_000_000 {
            flood.is_copy(packet(number), at(i64::try_from(number / 100).unwrap()), WINDOW);
        }
        assert!(fast.groups.len() < MOST_GROUPS, "{}: 1,000 in a window", fast.groups.len());
        assert_eq!(flood.groups.len(), MOST_GROUPS);
        assert_eq!(size_of_val(flood.groups.as_slice()), 128 * 1024);
    }
}
