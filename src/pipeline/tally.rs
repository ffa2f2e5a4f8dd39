//! What a run counted.

use crate::decode::DecodeTally;
use crate::decode::tally::BadChecksums;
use crate::flow::table::FlowCounts;
use crate::time::Timestamp;

/// Counts of a whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTally {
    /// Frames and what became of them.
    pub decode: DecodeTally,
    /// What the workers counted, of all shards.
    pub workers: WorkerTally,
    /// Addresses seen with their MAC.
    pub sightings: u64,
    /// The earliest and the latest capture time, if there was a packet.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The run was ended from outside before the source was.
    pub stopped: bool,
    /// Worker threads that died; what was left for them is lost. Never seen, and never silent.
    pub workers_lost: u64,
}

/// What the workers counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WorkerTally {
    /// Flows and their packets.
    pub flows: FlowCounts,
    /// ICMP errors that belong to a flow.
    pub errors_matched: u64,
    /// ICMP errors about a packet of no flow we know.
    pub errors_unmatched: u64,
    /// Heads that could not grow because the shard's memory for them was used up.
    pub heads_refused: u64,
    /// How often a stage panicked over a packet. The flow was closed, the rest went on.
    pub abandoned: u64,
    /// Frames that are counted in no flow because of that.
    pub abandoned_packets: u64,
    /// Wrong checksums that the decoder left to them; at the end of a run they are in its counts.
    pub bad_checksums: BadChecksums,
}

impl WorkerTally {
    /// Adds what another worker or shard counted.
    pub fn add(&mut self, other: &Self) {
        self.bad_checksums.add(&other.bad_checksums);
        let (ours, theirs) = (&mut self.flows, &other.flows);
        for (ours, theirs) in [
            (&mut ours.opened, theirs.opened),
            (&mut ours.live, theirs.live),
            (&mut ours.expired, theirs.expired),
            (&mut ours.evicted, theirs.evicted),
            (&mut ours.reused, theirs.reused),
            (&mut ours.packets, theirs.packets),
            (&mut ours.duplicates, theirs.duplicates),
            (&mut self.errors_matched, other.errors_matched),
            (&mut self.errors_unmatched, other.errors_unmatched),
            (&mut self.heads_refused, other.heads_refused),
            (&mut self.abandoned, other.abandoned),
            (&mut self.abandoned_packets, other.abandoned_packets),
        ] {
            *ours = ours.saturating_add(theirs);
        }
    }
}

impl RunTally {
    /// Whether every frame is accounted for: received = in a flow + duplicates + abandoned + no
    /// conversation + undecoded.
    pub fn is_conserved(&self) -> bool {
        let decode = &self.decode;
        let other = decode.not_conversation.values().chain(decode.undecoded.values());
        let other = other.fold(0_u64, |sum, count| sum.saturating_add(count.frames));
        let workers = &self.workers;
        let flows = workers.flows.packets.saturating_add(workers.flows.duplicates);
        let flows = flows.saturating_add(workers.abandoned_packets);
        let kept = flows.saturating_add(other).saturating_add(decode.fragments.held);
        decode.seen.frames == kept && decode.segments.frames == flows && self.workers_lost == 0
    }
}
