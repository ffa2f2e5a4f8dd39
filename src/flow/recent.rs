//! The octets that a shard saw last at the start of its streams, to tell whether a retransmission
//! says something else than the first transmission did.

use crate::flow::Side;
use crate::flow::key::FlowNumber;
use crate::flow::reassembly::Data;
use crate::flow::reassembly::differ;

/// How many segments are remembered.
const SEGMENTS: usize = 64;
/// How much of each.
const OCTETS: usize = 2048;
/// Only octets before this position of a stream are remembered: those by which it is recognised.
pub(super) const POSITION: u32 = 4096;

/// The last segments of a shard, 128 KiB at most.
#[derive(Default)]
pub(super) struct Recent {
    entries: Vec<Entry>,
    at: usize,
}

struct Entry {
    flow: FlowNumber,
    side: Side,
    seq: u32,
    octets: Vec<u8>,
}

impl Recent {
    /// Remembers octets that were handed over from `position` on.
    pub(super) fn remember(&mut self, flow: FlowNumber, side: Side, position: u32, data: &Data<'_>) {
        if position >= POSITION || data.octets.is_empty() {
            return;
        }
        let octets = data.octets.get(..OCTETS).unwrap_or(data.octets);
        if let Some(entry) = self.entries.get_mut(self.at) {
            (entry.flow, entry.side, entry.seq) = (flow, side, data.seq);
            entry.octets.clear();
            entry.octets.extend_from_slice(octets);
        } else {
            self.entries.push(Entry { flow, side, seq: data.seq, octets: octets.to_vec() });
        }
        self.at = self.at.saturating_add(1);
        if self.at >= SEGMENTS {
            self.at = 0;
        }
    }

    /// Whether these octets, which were there before, were others then.
    pub(super) fn differs(&self, flow: FlowNumber, side: Side, data: &Data<'_>) -> bool {
        self.entries
            .iter()
            .filter(|entry| entry.flow == flow && entry.side == side)
            .any(|entry| differ(entry.seq, &entry.octets, data.seq, data.octets))
    }
}
