//! What a run read and what became of it: the numbers that must add up.

use std::collections::BTreeMap;

use crate::capture::CaptureFault;
use crate::time::Timestamp;

/// Counts of one run, from the capture to the flows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFacts {
    /// Names of the inputs, in the order of reading.
    pub files: Vec<String>,
    /// Inputs in a folder that are no captures.
    pub skipped: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Octets of them on the wire.
    pub octets: u64,
    /// Octets of them that were captured.
    pub captured_octets: u64,
    /// Packets that the snap length cut.
    pub cut_packets: u64,
    /// Packets by why they could not be decoded.
    pub undecoded: BTreeMap<&'static str, u64>,
    /// Packets that are no conversation, by kind.
    pub not_conversation: BTreeMap<&'static str, u64>,
    /// Packets with a wrong checksum, by layer; judged all the same.
    pub bad_checksums: BTreeMap<&'static str, u64>,
    /// Packets found inside tunnels, by the innermost tunnel.
    pub tunnelled: BTreeMap<&'static str, u64>,
    /// Packets lost before or in the capture, by place: interface, kernel, queue.
    pub lost: BTreeMap<&'static str, u64>,
    /// What each interface brought.
    pub interfaces: Vec<InterfaceRun>,
    /// Packets of flows, duplicates left out.
    pub flow_packets: u64,
    /// Second copies of a mirror.
    pub duplicate_packets: u64,
    /// Flows opened.
    pub flows: u64,
    /// Flows seen in one direction only, though the transport answers (TCP).
    pub one_way_flows: u64,
    /// Flows with both directions (TCP).
    pub two_way_flows: u64,
    /// TCP flows that were there before the capture began.
    pub midstream_flows: u64,
    /// Flows closed to make room.
    pub evicted_flows: u64,
    /// Capture time of the first packet.
    pub first: Option<Timestamp>,
    /// Capture time of the last packet.
    pub last: Option<Timestamp>,
    /// Damaged or unreadable inputs.
    pub faults: Vec<CaptureFault>,
    /// The operator stopped the run.
    pub interrupted: bool,
}

/// What one interface brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterfaceRun {
    /// Its name; all of a capture file's are one.
    pub name: String,
    /// Packets read.
    pub packets: u64,
    /// Octets of them on the wire.
    pub octets: u64,
    /// Packets that it or its driver lost.
    pub interface_lost: u64,
    /// Packets that the kernel lost.
    pub kernel_lost: u64,
    /// Capture time of its last packet.
    pub last: Option<Timestamp>,
}

impl RunFacts {
    /// Packets that nobody accounts for: received less judged, out of scope, no conversation,
    /// duplicates and undecoded. Anything but zero is a defect of ours.
    pub fn unaccounted(&self) -> i128 {
        let sum = |counts: &BTreeMap<&'static str, u64>| {
            counts.values().fold(0_i128, |sum, count| sum.saturating_add(i128::from(*count)))
        };
        i128::from(self.packets)
            .saturating_sub(i128::from(self.flow_packets))
            .saturating_sub(i128::from(self.duplicate_packets))
            .saturating_sub(sum(&self.not_conversation))
            .saturating_sub(sum(&self.undecoded))
    }

    /// The sum of one kind of counts.
    pub fn total(counts: &BTreeMap<&'static str, u64>) -> u64 {
        counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
