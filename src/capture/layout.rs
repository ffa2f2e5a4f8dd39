//! What both capture formats share: byte order, one packet's place in the stream, and damage.

use crate::capture::LinkType;
use crate::time::Timestamp;

/// The most octets that one record or block may have (libpcap holds pcapng blocks to the same):
/// the buffer of a file never grows beyond it.
pub(super) const MAX_RECORD: u32 = 16 * 1024 * 1024;

/// The captured length that every file may have, whatever its snap length says: libpcap's
/// `MAXIMUM_SNAPLEN`.
pub(super) const MAX_SNAP: u32 = 262_144;

/// In which order a file writes the octets of its numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ByteOrder {
    /// Most significant octet first.
    Big,
    /// Least significant octet first.
    Little,
}

impl ByteOrder {
    /// The number in the two octets of `octets` from `at`; 0 if they are not there, which the
    /// callers rule out by asking the stream for the whole header first.
    pub(super) fn u16(self, octets: &[u8], at: usize) -> u16 {
        let field = octets.get(at..).and_then(|rest| rest.first_chunk::<2>()).copied().unwrap_or_default();
        match self {
            Self::Big => u16::from_be_bytes(field),
            Self::Little => u16::from_le_bytes(field),
        }
    }

    /// The number in the four octets of `octets` from `at`; 0 if they are not there.
    pub(super) fn u32(self, octets: &[u8], at: usize) -> u32 {
        let field = octets.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
        match self {
            Self::Big => u32::from_be_bytes(field),
            Self::Little => u32::from_le_bytes(field),
        }
    }

    /// The signed number in the eight octets of `octets` from `at`; 0 if they are not there.
    pub(super) fn i64(self, octets: &[u8], at: usize) -> i64 {
        let field = octets.get(at..).and_then(|rest| rest.first_chunk::<8>()).copied().unwrap_or_default();
        match self {
            Self::Big => i64::from_be_bytes(field),
            Self::Little => i64::from_le_bytes(field),
        }
    }
}

/// A whole packet at the start of the stream's window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Record {
    /// Capture time.
    pub(super) time: Timestamp,
    /// Link type of its interface.
    pub(super) link: LinkType,
    /// Number of its interface in the run.
    pub(super) interface: u16,
    /// Octets on the wire; never less than were captured.
    pub(super) wire_len: u32,
    /// Octets captured.
    pub(super) captured: u32,
    /// Octets of header before the captured ones.
    pub(super) header: u32,
    /// Octets of the whole record or block.
    pub(super) size: u32,
}

/// What one look at the stream gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// A packet; it stays in the window until it is taken.
    Packet(Record),
    /// Something that is no packet was read past.
    Other,
    /// The stream ended between two records.
    End,
}

/// Why a stream cannot be read on. `at` is where the broken thing starts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Damage {
    /// The stream ends inside the named thing.
    Cut {
        /// Its first octet.
        at: u64,
        /// What it is.
        inside: &'static str,
    },
    /// A field that cannot be.
    Bad {
        /// First octet of the record or block that has it.
        at: u64,
        /// What is wrong.
        what: String,
    },
}

/// A length as an index; beyond the address space it is as good as endless.
pub(super) fn index(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
