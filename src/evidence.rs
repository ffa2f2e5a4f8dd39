//! Which octets of which packet made us say something.

use std::fmt;

/// Points at the octets that prove a finding. It holds positions and our own words only, never
/// octets of the packet, so it can be printed without disclosing a credential.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Evidence {
    /// Number of the packet in the run, from 1, in the order of reading.
    pub packet: u64,
    /// Where in this side's octets of the flow the proof starts, from 0.
    pub offset: u32,
    /// How many octets it takes.
    pub length: u16,
    /// What was read there, in our words: `request line ending in RTSP/1.0`.
    pub what: &'static str,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packet {}, octet {}: {}", self.packet, self.offset, self.what)
    }
}
