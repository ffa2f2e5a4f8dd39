//! How long flows lasted, by service: a camera whose stream is opened anew every few seconds shows
//! here before anybody misses its pictures.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::service::Service;
use crate::time::Span;

/// Longest duration told apart: one week, in microseconds.
const LONGEST: u64 = 7 * 24 * 3600 * 1_000_000;
/// Two digits: 1 % of the value. A histogram takes about 35 KiB then; there is one for each service.
const DIGITS: u8 = 2;

/// Durations of ended flows in microseconds. Bounded by the number of services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    by_service: BTreeMap<Option<Service>, Measured>,
}

/// Durations of one kind: of one service's flows, or of the way to a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    histogram: Histogram<u64>,
    sum: u128,
}

impl Durations {
    /// Counts a flow of `service` (`None`: not known) that lasted so long.
    pub fn record(&mut self, service: Option<Service>, lasted: Span) {
        match self.by_service.get_mut(&service) {
            Some(measured) => measured.record(lasted),
            None => {
                let Some(mut measured) = Measured::none() else { return };
                measured.record(lasted);
                self.by_service.insert(service, measured);
            }
        }
    }

    /// What was measured, by service.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Service>, &Measured)> {
        self.by_service.iter().map(|(service, measured)| (*service, measured))
    }
}

impl Measured {
    /// Of nothing yet; `None` only if the bounds above were impossible.
    pub fn none() -> Option<Self> {
        Some(Self { histogram: Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()?, sum: 0 })
    }

    /// Counts something that lasted so long.
    pub fn record(&mut self, lasted: Span) {
        let micros = lasted.nanos() / 1000;
        self.histogram.saturating_record(micros);
        self.sum = self.sum.saturating_add(u128::from(micros));
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How long they lasted together, in microseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// How many lasted at most so many microseconds, within the histogram's 1 %.
    pub fn at_most(&self, micros: u64) -> u64 {
        self.histogram.count_between(0, micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_by_service_and_cumulatively() {
        let mut durations = Durations::default();
        for millis in [1, 10, 10, 5000] {
            durations.record(Some(Service::Rtsp), Span::from_millis(millis));
        }
        durations.record(None, Span::default());
        let rtsp = durations.iter().find(|(service, _)| *service == Some(Service::Rtsp)).unwrap().1;
        assert_eq!(rtsp.count(), 4);
        assert_eq!(rtsp.sum(), 5_021_000);
        assert_eq!([500, 1_100, 11_000, 6_000_000].map(|micros| rtsp.at_most(micros)), [0, 1, 3, 4]);
        assert_eq!(durations.iter().count(), 2);
    }

    #[test]
    fn what_lasted_longer_than_a_week_is_counted_all_the_same() {
        let mut durations = Durations::default();
        durations.record(None, Span::from_secs(100 * 24 * 3600));
        let (_, measured) = durations.iter().next().unwrap();
        assert_eq!((measured.count(), measured.at_most(LONGEST / 2)), (1, 0));
    }
}
