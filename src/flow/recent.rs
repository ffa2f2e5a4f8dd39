//! The octets that a shard saw last at the start of its streams, to tell whether a retransmission
//! says something else than the first transmission did.

use std::collections::VecDeque;
use std::mem::take;

use crate::flow::Side;
use crate::flow::key::FlowNumber;
use crate::flow::reassembly::Data;
use crate::flow::reassembly::differ;
use crate::flow::reassembly::size;
use crate::time::Span;
use crate::time::Timestamp;

/// How many segments are remembered.
const SEGMENTS: usize = 64;
/// For how long: a host that sends again waits two minutes at most (RFC 6298 §2.5 lets it wait a minute or more; Linux's
/// `TCP_RTO_MAX` is 120 s). Without an end every shard would in time hold as many as it may, in a watch of months all of
/// them.
const KEPT: Span = Span::from_secs(300);
/// How much of each.
const OCTETS: usize = 2048;
/// Only octets before this position of a stream are remembered: those by which it is recognised.
pub(super) const POSITION: u32 = 4096;

/// The last segments of a shard, 128 KiB at most: one ring for the octets of all.
#[derive(Default)]
pub(super) struct Recent {
    entries: VecDeque<Entry>,
    octets: VecDeque<u8>,
}

struct Entry {
    flow: FlowNumber,
    side: Side,
    seq: u32,
    length: usize,
    time: Timestamp,
}

impl Recent {
    /// Remembers octets that were handed over from `position` on.
    pub(super) fn remember(&mut self, flow: FlowNumber, side: Side, position: u32, data: &Data<'_>) {
        if position >= POSITION || data.octets.is_empty() {
            return;
        }
        let octets = data.octets.get(..OCTETS).unwrap_or(data.octets);
        let mut is_full = self.entries.len() >= SEGMENTS;
        let mut goes = |entry: &mut Entry| take(&mut is_full) || data.time.since(entry.time) > KEPT;
        while let Some(oldest) = self.entries.pop_front_if(&mut goes) {
            self.octets.drain(..oldest.length.min(self.octets.len()));
        }
        let length = self.octets.len().saturating_add(octets.len());
        if length > self.octets.capacity() {
            // In steps of a few segments: rings of all shards together are many.
            let room = length.next_multiple_of(2 * OCTETS).min(SEGMENTS * OCTETS);
            self.octets.reserve_exact(room.saturating_sub(self.octets.len()));
        }
        self.octets.extend(octets);
        let (seq, length, time) = (data.seq, octets.len(), data.time);
        self.entries.push_back(Entry { flow, side, seq, length, time });
    }

    /// Whether these octets, which were there before, were others then.
    pub(super) fn differs(&self, flow: FlowNumber, side: Side, data: &Data<'_>) -> bool {
        let mut start = 0_usize;
        self.entries.iter().any(|entry| {
            let from = start;
            start = start.saturating_add(entry.length);
            entry.flow == flow && entry.side == side && self.differs_from(entry, from, data)
        })
    }

    /// Whether they differ from those of a segment, which start at `from` in the ring.
    fn differs_from(&self, entry: &Entry, from: usize, data: &Data<'_>) -> bool {
        let to = from.saturating_add(entry.length);
        let (front, back) = self.octets.as_slices();
        let turn = front.len();
        let front = front.get(from.min(turn)..to.min(turn)).unwrap_or_default();
        let back = back.get(from.saturating_sub(turn)..to.saturating_sub(turn)).unwrap_or_default();
        let turned = entry.seq.wrapping_add(size(front));
        differ(entry.seq, front, data.seq, data.octets) || differ(turned, back, data.seq, data.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::Data;
    use super::FlowNumber;
    use super::OCTETS;
    use super::Recent;
    use super::SEGMENTS;
    use super::Side;
    use crate::time::Span;
    use crate::time::Timestamp;

    fn data(seq: u32, octets: &[u8]) -> Data<'_> {
        Data { seq, wire: 1, octets, packet: 0, time: Timestamp::default() }
    }

    #[test]
    fn the_last_segments_are_known_wherever_they_stand_in_the_ring() {
        let mut recent = Recent::default();
        let length = |number: u32| usize::try_from(number % 7 * 311 + 5).unwrap();
        let octet = |number: u32| u8::try_from(number % 251).unwrap();
        for number in 0..1000_u32 {
            let octets = vec![octet(number); length(number)];
            let flow = FlowNumber(u64::from(number));
            recent.remember(flow, Side::A, 0, &data(u32::MAX - 2, &octets));
            for before in 0..70.min(number) {
                let (known, flow) = (number - before, FlowNumber(u64::from(number - before)));
                let count = length(known);
                for changed in [0, count / 2, count - 1] {
                    let mut octets = vec![octet(known); count];
                    assert!(!recent.differs(flow, Side::A, &data(u32::MAX - 2, &octets)));
                    *octets.get_mut(changed).unwrap() ^= 1;
                    let differs = recent.differs(flow, Side::A, &data(u32::MAX - 2, &octets));
                    assert_eq!(differs, usize::try_from(before).unwrap() < SEGMENTS);
                    assert!(!recent.differs(flow, Side::B, &data(u32::MAX - 2, &octets)));
                }
            }
        }
        assert!(recent.octets.capacity() <= SEGMENTS * OCTETS);
    }

    #[test]
    fn what_is_older_than_any_retransmission_is_forgotten() {
        let mut recent = Recent::default();
        let at = |seconds: u64| Data {
            time: Timestamp::default().plus(Span::from_secs(seconds)),
            ..data(1, b"first")
        };
        for (number, seconds) in [(0, 0), (1, 0), (2, 1), (3, 301)] {
            recent.remember(FlowNumber(number), Side::A, 0, &at(seconds));
        }
        let known = (0..4).filter(|number| recent.differs(FlowNumber(*number), Side::A, &data(1, b"other")));
        assert_eq!(known.collect::<Vec<_>>(), [2, 3]);
        assert_eq!(recent.octets.len(), 10);
    }
}
