//! What the decoder counted. Every frame is counted once, by what became of it.

use std::collections::BTreeMap;

use super::context::Context;
use super::segment::Tunnel;
use super::undecoded::NotConversation;
use super::undecoded::Undecoded;
use crate::capture::Frame;

/// Frames and their octets on the wire.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Frames.
    pub frames: u64,
    /// Their octets on the wire.
    pub octets: u64,
}

/// Wrong checksums by layer. Nothing is dropped for them: offloading hosts write none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BadChecksums {
    /// IPv4 headers, those of tunnels included.
    pub ipv4: u64,
    /// TCP.
    pub tcp: u64,
    /// UDP.
    pub udp: u64,
    /// ICMP and ICMPv6.
    pub icmp: u64,
}

/// Fragments, in frames; a fragment of a tunnel's inside counts the frames that brought it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FragmentTally {
    /// All that came.
    pub seen: u64,
    /// Those whose datagram was completed, their exact copies included.
    pub joined: u64,
    /// Those that wait now.
    pub held: u64,
    /// Those whose datagram was given up: too old, or the table was full.
    pub given_up: u64,
}

/// Everything that the decoder counted.
///
/// At any time `seen` equals `segments` + all of `not_conversation` + all of `undecoded`, plus
/// the frames in `fragments.held`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DecodeTally {
    /// All frames that came.
    pub seen: Count,
    /// Frames that became segments, joined fragments each counted.
    pub segments: Count,
    /// Frames that are no conversation, by kind; a kind that never came is absent.
    pub not_conversation: BTreeMap<NotConversation, Count>,
    /// Frames that could not be decoded, by cause; a cause that never came is absent.
    pub undecoded: BTreeMap<Undecoded, Count>,
    /// Wrong checksums.
    pub bad_checksums: BadChecksums,
    /// Frames that the snap length cut.
    pub cut: u64,
    /// Frames with at least one VLAN tag.
    pub vlan_tagged: u64,
    /// Tunnel headers that were opened, by kind; a kind that never came is absent.
    pub tunnels: BTreeMap<Tunnel, u64>,
    /// Fragments.
    pub fragments: FragmentTally,
}

impl BadChecksums {
    /// Adds what somebody else counted.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.ipv4, other.ipv4),
            (&mut self.tcp, other.tcp),
            (&mut self.udp, other.udp),
            (&mut self.icmp, other.icmp),
        ] {
            *ours = ours.saturating_add(theirs);
        }
    }
}

impl DecodeTally {
    pub(super) fn see(&mut self, frame: &Frame) {
        self.seen.add_frame(frame);
        if frame.captured < frame.wire_len {
            self.cut = self.cut.saturating_add(1);
        }
    }

    /// Adds what another decoder counted.
    pub fn add(&mut self, other: &Self) {
        self.seen.plus(other.seen);
        self.segments.plus(other.segments);
        for (kind, count) in &other.not_conversation {
            self.not_conversation.entry(*kind).or_default().plus(*count);
        }
        for (cause, count) in &other.undecoded {
            self.undecoded.entry(*cause).or_default().plus(*count);
        }
        self.bad_checksums.add(&other.bad_checksums);
        for (tunnel, count) in &other.tunnels {
            let held = self.tunnels.entry(*tunnel).or_default();
            *held = held.saturating_add(*count);
        }
        let (ours, theirs) = (&mut self.fragments, &other.fragments);
        for (ours, theirs) in [
            (&mut self.cut, other.cut),
            (&mut self.vlan_tagged, other.vlan_tagged),
            (&mut ours.seen, theirs.seen),
            (&mut ours.joined, theirs.joined),
            (&mut ours.held, theirs.held),
            (&mut ours.given_up, theirs.given_up),
        ] {
            *ours = ours.saturating_add(theirs);
        }
    }

    pub(super) fn undecoded(&mut self, cause: Undecoded, context: &Context) {
        self.undecoded.entry(cause).or_default().add(context);
    }

    pub(super) fn not_conversation(&mut self, kind: NotConversation, context: &Context) {
        self.not_conversation.entry(kind).or_default().add(context);
    }

    pub(super) fn tunnel(&mut self, kind: Tunnel) {
        let count = self.tunnels.entry(kind).or_default();
        *count = count.saturating_add(1);
    }
}

impl Count {
    /// Adds a frame that is a packet of its own.
    pub(super) fn add_frame(&mut self, frame: &Frame) {
        self.frames = self.frames.saturating_add(1);
        self.octets = self.octets.saturating_add(u64::from(frame.wire_len));
    }

    fn plus(&mut self, other: Self) {
        self.frames = self.frames.saturating_add(other.frames);
        self.octets = self.octets.saturating_add(other.octets);
    }

    /// Adds the frames that the packet of `context` came in.
    pub(super) fn add(&mut self, context: &Context) {
        self.frames = self.frames.saturating_add(u64::from(context.frames));
        self.octets = self.octets.saturating_add(u64::from(context.wire_octets));
    }
}
