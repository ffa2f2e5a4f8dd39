//! What is known of a flow: who opened it and how we know, how it went, what was counted.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use crate::addr::Mac;
use crate::decode::segment::Tunnel;
use crate::decode::segment::VlanStack;
use crate::flow::key::FlowKey;
use crate::flow::key::FlowNumber;
use crate::flow::key::Side;
use crate::service::words;
use crate::time::Timestamp;

words! {
    /// How we know who opened a flow, weakest first. The order of packets proves nothing.
    Initiation {
        /// Not known.
        Unknown = "unknown",
        /// Exactly one end's port is the responder port of a rule for this pair of roles.
        Assumed = "assumed",
        /// A SYN-ACK, or octets that only one side of the protocol sends.
        Inferred = "inferred",
        /// The SYN; or the first datagram after a silence that we watched.
        Observed = "observed",
    }
}

words! {
    /// How far a flow got, in order.
    Outcome {
        /// Nothing came back.
        Attempted = "attempted",
        /// A RST or an ICMP error came back.
        Refused = "refused",
        /// TCP's handshake was completed, or both sides were seen.
        Established = "established",
        /// Payload went over it.
        Data = "data",
    }
}

words! {
    /// Zeek's `conn_state` (Zeek documentation, `base/protocols/conn/main.zeek`).
    ConnState {
        /// Attempt seen, no reply.
        S0 = "S0",
        /// Established, not ended.
        S1 = "S1",
        /// Established, the originator closed, no reply from the responder.
        S2 = "S2",
        /// Established, the responder closed, no reply from the originator.
        S3 = "S3",
        /// Normal establishment and end.
        Sf = "SF",
        /// Attempt rejected.
        Rej = "REJ",
        /// Established, the originator aborted.
        Rsto = "RSTO",
        /// The responder aborted.
        Rstr = "RSTR",
        /// The originator sent SYN and RST, no SYN-ACK seen.
        Rstos0 = "RSTOS0",
        /// The responder sent SYN-ACK and RST, no SYN seen.
        Rstrh = "RSTRH",
        /// The originator sent SYN and FIN, no SYN-ACK seen.
        Sh = "SH",
        /// The responder sent SYN-ACK and FIN, no SYN seen.
        Shr = "SHR",
        /// No SYN seen: mid-stream traffic.
        Oth = "OTH",
    }
}

impl ConnState {
    /// The same with the sides exchanged.
    pub const fn flipped(self) -> Self {
        match self {
            Self::S2 => Self::S3,
            Self::S3 => Self::S2,
            Self::Rsto => Self::Rstr,
            Self::Rstr => Self::Rsto,
            Self::Rstos0 => Self::Rstrh,
            Self::Rstrh => Self::Rstos0,
            Self::Sh => Self::Shr,
            Self::Shr => Self::Sh,
            // Nobody answered, or the answer ended it: neither can be told of the other side.
            Self::S0 | Self::Rej | Self::S1 | Self::Sf | Self::Oth => self,
        }
    }
}

/// What one side of a flow sent. Duplicates of a mirror are counted apart and in nothing else.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SideTally {
    /// Frames, joined fragments each counted.
    pub packets: u64,
    /// Octets of those frames on the wire.
    pub wire_octets: u64,
    /// Octets of the innermost IP packets.
    pub ip_octets: u64,
    /// Octets of payload, retransmissions included.
    pub payload_octets: u64,
    /// Second copies that a mirror made, removed from the counts above.
    pub duplicate_packets: u64,
    /// Octets on the wire of those copies.
    pub duplicate_octets: u64,
}

/// What is known when a flow opens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The 5-tuple.
    pub key: FlowKey,
    /// Who opened it, if known yet.
    pub initiator: Option<Side>,
    /// How we know.
    pub initiation: Initiation,
    /// Whether the flow was there before we looked: the first packet is none that opens one.
    pub midstream: bool,
    /// MAC of each side as first seen, `[A, B]`.
    pub macs: [Option<Mac>; 2],
    /// VLAN tags of the first packet.
    pub vlans: VlanStack,
    /// What the first packet was wrapped in.
    pub tunnel: Option<Tunnel>,
    /// Which side sent the first packet.
    pub first: Side,
}

/// Everything that the flow stage knows at a flow's end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FlowFacts {
    /// Which flow.
    pub number: FlowNumber,
    /// Hash of the first packet, for `uid`; the same in every run over the same capture.
    pub uid: u64,
    /// The 5-tuple.
    pub key: FlowKey,
    /// Capture time of the first packet.
    pub first_seen: Timestamp,
    /// Capture time of the last packet.
    pub last_seen: Timestamp,
    /// Who opened it, as far as packets and octets tell (never `assumed`).
    pub initiator: Option<Side>,
    /// How we know.
    pub initiation: Initiation,
    /// Which side sent the first packet. It proves nothing, but records begin with it where nobody
    /// knows who opened the flow.
    pub first: Side,
    /// Whether it was there before we looked.
    pub midstream: bool,
    /// What each side sent, `[A, B]`.
    pub tallies: [SideTally; 2],
    /// Zeek's connection state, seen from the initiator (or, unknown, from the first sender).
    pub state: ConnState,
    /// Zeek's history letters: upper case the originator's, lower case the responder's.
    pub history: History,
    /// How far it got.
    pub outcome: Outcome,
    /// Distinct VLAN stacks seen, at most four, in order of appearance.
    pub vlans: Few<VlanStack>,
    /// What it was wrapped in.
    pub tunnel: Option<Tunnel>,
    /// Files of the run that it was seen in, ascending.
    pub files: Few<u16>,
    /// Fragments or segments overlapped and differed.
    pub overlap_differs: bool,
    /// Octets are missing in a direction: lost by the capture, or cut by the snap length.
    pub gap: bool,
    /// It was closed to make room, not because it ended.
    pub evicted: bool,
}

/// One thing, and seldom others: most flows are seen in one place, and so ask for no memory to say where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Few<T> {
    /// That is all.
    One([T; 1]),
    /// There are others.
    More(Box<[T]>),
}

impl<T> Few<T> {
    /// `first`, and `others` behind it.
    pub fn new(first: T, mut others: Vec<T>) -> Self {
        if others.is_empty() {
            return Self::One([first]);
        }
        others.insert(0, first);
        Self::More(others.into_boxed_slice())
    }

    /// The same in ascending order.
    #[must_use]
    pub fn sorted(mut self) -> Self
    where
        T: Ord,
    {
        if let Self::More(all) = &mut self {
            all.sort_unstable();
        }
        self
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => one,
            Self::More(all) => all,
        }
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Few<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

/// Up to sixteen history letters in the order of Zeek.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct History {
    letters: [u8; 16],
    len: u8,
}

impl History {
    /// Adds a letter unless it is there already or sixteen are.
    pub fn add(&mut self, letter: u8) {
        if self.has(letter) {
            return;
        }
        if let Some(slot) = self.letters.get_mut(usize::from(self.len)) {
            *slot = letter;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Whether a letter is there.
    pub fn has(&self, letter: u8) -> bool {
        self.letters.contains(&letter)
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        self.letters.get(..usize::from(self.len)).and_then(|raw| str::from_utf8(raw).ok()).unwrap_or_default()
    }

    /// The letters with the sides exchanged, for a flow whose initiator turned out to be the other one.
    pub fn flipped(&self) -> Self {
        let mut flipped = *self;
        for letter in &mut flipped.letters {
            *letter = if letter.is_ascii_uppercase() {
                letter.to_ascii_lowercase()
            } else {
                letter.to_ascii_uppercase()
            };
        }
        flipped
    }
}
