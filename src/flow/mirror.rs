//! Second copies that a mirror of two ports makes of one packet.

use crate::time::Span;
use crate::time::Timestamp;

/// How many packets of a direction are remembered.
const REMEMBERED: usize = 8;
/// Bits of a packet's time, in microseconds modulo 16.8 s; the fingerprint takes the other 40.
const TIME_BITS: u32 = 24;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

/// The last packets of one direction of a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mirror {
    ring: [u64; REMEMBERED],
    at: u8,
}

impl Default for Mirror {
    fn default() -> Self {
        Self { ring: [u64::MAX; REMEMBERED], at: 0 }
    }
}

impl Mirror {
    /// The entry that is written next; with it both ends of the ring are in reach.
    pub(super) fn newest(&self) -> u64 {
        self.ring.first().map_or(0, |entry| entry ^ u64::from(self.at))
    }

    /// Whether this packet was here already, no longer ago than `window`. A copy may carry an
    /// earlier time than the first one, if two cards captured them. What is new is remembered.
    pub(super) fn is_copy(&mut self, fingerprint: u64, time: Timestamp, window: Span) -> bool {
        let micros = u64::from_be_bytes(time.nanos().div_euclid(1000).to_be_bytes()) & TIME_MASK;
        let fingerprint = fingerprint << TIME_BITS;
        let window = (window.nanos() / 1000).min(TIME_MASK / 2);
        let near = |entry: u64| {
            let age = micros.wrapping_sub(entry) & TIME_MASK;
            age.min(TIME_MASK.saturating_sub(age).saturating_add(1)) <= window
        };
        if self.ring.iter().any(|entry| entry & !TIME_MASK == fingerprint && near(*entry)) {
            return true;
        }
        if let Some(slot) = self.ring.get_mut(usize::from(self.at)) {
            *slot = fingerprint | micros;
        }
        self.at = self.at.saturating_add(1);
        if usize::from(self.at) >= REMEMBERED {
            self.at = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Mirror;
    use crate::time::Span;
    use crate::time::Timestamp;

    const WINDOW: Span = Span::from_millis(5);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_nanos(micros.saturating_mul(1000))
    }

    #[test]
    fn a_copy_within_the_window_is_told_from_a_retransmission_after_it() {
        let mut mirror = Mirror::default();
        assert!(!mirror.is_copy(7, at(1_700_000_000_000_000), WINDOW));
        assert!(mirror.is_copy(7, at(1_700_000_000_004_999), WINDOW));
        assert!(mirror.is_copy(7, at(1_699_999_999_999_000), WINDOW), "the other card's clock is behind");
        assert!(!mirror.is_copy(7, at(1_700_000_000_200_000), WINDOW));
        assert!(!mirror.is_copy(8, at(1_700_000_000_200_000), WINDOW));
    }

    #[test]
    fn copies_that_come_seven_packets_late_are_known() {
        let mut mirror = Mirror::default();
        for fingerprint in 0..8 {
            assert!(!mirror.is_copy(fingerprint, at(-3), WINDOW));
        }
        for fingerprint in 0..8 {
            assert!(mirror.is_copy(fingerprint, at(40), WINDOW));
        }
    }
}
