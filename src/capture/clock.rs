//! From a pcapng interface's ticks to nanoseconds: `if_tsresol` and `if_tsoffset`.

use crate::time::NANOS_PER_SECOND;
use crate::time::Timestamp;

/// How an interface counts time.
///
/// Source: draft-ietf-opsawg-pcapng §4.2, options `if_tsresol` and `if_tsoffset`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Clock {
    scale: Scale,
    /// Nanoseconds to add.
    offset: i128,
}

/// What makes nanoseconds of ticks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scale {
    /// A tick is this many nanoseconds.
    Multiply(u64),
    /// This many ticks are a nanosecond; 0 means more than any count of ticks has.
    Divide(u64),
    /// A tick is 2 to the minus this of a second.
    Binary(u32),
}

impl Default for Clock {
    /// Microseconds, as the format says for an interface without `if_tsresol`.
    fn default() -> Self {
        Self { scale: Scale::Multiply(1_000), offset: 0 }
    }
}

impl Clock {
    /// Sets the resolution from the octet of `if_tsresol`: the low seven bits are the negative
    /// power, of two if the high bit is set, else of ten.
    pub(super) fn set_resolution(&mut self, octet: u8) {
        let power = u32::from(octet & 0x7f);
        self.scale = if octet & 0x80 != 0 {
            Scale::Binary(power)
        } else if let Some(missing) = 9_u32.checked_sub(power) {
            Scale::Multiply(10_u64.saturating_pow(missing))
        } else {
            Scale::Divide(10_u64.checked_pow(power.saturating_sub(9)).unwrap_or(0))
        };
    }

    /// Sets the seconds that `if_tsoffset` adds to each time.
    pub(super) fn set_offset(&mut self, seconds: i64) {
        self.offset = i128::from(seconds).saturating_mul(i128::from(NANOS_PER_SECOND));
    }

    /// The time of `ticks`; saturates at the ends of the range.
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let nanos = match self.scale {
            Scale::Multiply(nanos) => u128::from(ticks).saturating_mul(u128::from(nanos)),
            Scale::Divide(ticks_of_one) => u128::from(ticks.checked_div(ticks_of_one).unwrap_or(0)),
            // At most 2^64 × 10^9 < 2^94 before the shift, which is at most 127.
            Scale::Binary(power) => u128::from(ticks).saturating_mul(1_000_000_000) >> power,
        };
        let nanos = i128::try_from(nanos).unwrap_or(i128::MAX).saturating_add(self.offset);
        let limit = if nanos < 0 { i64::MIN } else { i64::MAX };
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    fn nanos(resolution: u8, offset: i64, ticks: u64) -> i64 {
        let mut clock = Clock::default();
        clock.set_resolution(resolution);
        clock.set_offset(offset);
        clock.time(ticks).nanos()
    }

    #[test]
    fn an_interface_without_resolution_counts_microseconds() {
        assert_eq!(Clock::default().time(1_700_000_000_000_001).nanos(), 1_700_000_000_000_001_000);
    }

    #[test]
    fn decimal_resolutions_become_nanoseconds() {
        assert_eq!(nanos(0, 0, 7), 7_000_000_000);
        assert_eq!(nanos(3, 0, 7), 7_000_000);
        assert_eq!(nanos(9, 0, 7), 7);
        assert_eq!(nanos(12, 0, 7_999), 7);
        assert_eq!(nanos(28, 0, u64::MAX), 1, "10^19 ticks of 10^-28 s are one nanosecond");
        assert_eq!(nanos(127, 0, u64::MAX), 0);
    }

    #[test]
    fn binary_resolutions_become_nanoseconds() {
        assert_eq!(nanos(0x80, 0, 7), 7_000_000_000);
        assert_eq!(nanos(0x80 | 10, 0, 1_024), 1_000_000_000);
        assert_eq!(nanos(0x80 | 32, 0, 1 << 31), 500_000_000);
        assert_eq!(nanos(0xff, 0, u64::MAX), 0);
    }

    #[test]
    fn times_beyond_the_range_stop_at_its_ends() {
        assert_eq!(nanos(0, 0, u64::MAX), i64::MAX);
        assert_eq!(nanos(6, i64::MIN, 0), i64::MIN);
        assert_eq!(nanos(6, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!(nanos(6, -1, 1_000_001), 1_000);
    }
}
