//! What the table keeps of one flow.

use crate::decode::Segment;
use crate::decode::segment::Tcp;
use crate::decode::segment::Tunnel;
use crate::decode::segment::VlanStack;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::flow::letters::Letters;
use crate::flow::marks::Marks;
use crate::flow::opener::Opener;
use crate::flow::rare::Rare;
use crate::flow::reassembly::Stream;
use crate::flow::sent::Sent;
use crate::flow::settings::FlowSettings;
use crate::flow::sink::FlowSink;
use crate::flow::tags::Tags;
use crate::flow::tcp::Connection;
use crate::flow::tcp::Phase;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// Which silence ends a flow; each is a list of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// TCP, one side tries.
    Attempted,
    /// TCP that may go on.
    Open,
    /// TCP that ended.
    Closed,
    /// TCP that ended, as both ends know.
    Done,
    /// Datagrams.
    Datagram,
    /// ICMP.
    Icmp,
}

impl Class {
    /// Number of lists.
    pub(super) const COUNT: usize = 6;
    /// All of them, by the numbers of their lists.
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::Attempted, Self::Open, Self::Closed, Self::Done, Self::Datagram, Self::Icmp];

    /// Number of its list.
    pub(super) const fn list(self) -> usize {
        match self {
            Self::Attempted => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Done => 3,
            Self::Datagram => 4,
            Self::Icmp => 5,
        }
    }

    /// The silence.
    pub(super) const fn timeout(self, settings: &FlowSettings) -> Span {
        match self {
            Self::Attempted => settings.tcp_attempted,
            Self::Open => settings.tcp_open,
            Self::Closed => settings.tcp_closed,
            Self::Done => settings.tcp_done,
            Self::Datagram => settings.udp,
            Self::Icmp => settings.icmp,
        }
    }

    /// That of a flow of which nothing but the transport is known.
    pub(super) const fn first(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => Self::Open,
            Transport::Icmp | Transport::Icmp6 => Self::Icmp,
            Transport::Udp | Transport::Sctp | Transport::Ip(_) => Self::Datagram,
        }
    }
}

/// One flow and what hangs on it.
///
/// In lines of the processor's cache: a routine packet needs the first two, any other one the third as well.
#[repr(C, align(64))]
pub(super) struct Flow<A> {
    pub(super) key: FlowKey,
    /// The time of its last packet, which may be before an earlier one's.
    pub(super) touched: Timestamp,
    /// The latest time of its packets.
    pub(super) last_seen: Timestamp,
    /// When its counts were told last.
    pub(super) tallied: Timestamp,
    /// What each side sent.
    pub(super) sent: [Sent; 2],
    pub(super) streams: [Stream; 2],
    pub(super) tcp: Connection,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) outcome: Outcome,
    /// In which list it stands.
    pub(super) listed: Class,
    pub(super) tags: Tags,
    pub(super) file: u16,
    pub(super) opener: Opener,
    pub(super) marks: Marks,
    /// The first letters of the history, from the view of [`Flow::orientation`].
    pub(super) history: Letters,
    /// Initial sequence numbers, of the endpoints of which they are known.
    isn: [u32; 2],
    pub(super) number: FlowNumber,
    pub(super) uid: u64,
    pub(super) first_seen: Timestamp,
    /// When it was put where it is in the list of its class.
    pub(super) queued: Timestamp,
    /// What most flows have nothing of.
    pub(super) rare: Option<Box<Rare>>,
    pub(super) attached: A,
}

/// Fragments or segments overlapped and differed.
pub(super) const OVERLAP_DIFFERS: u8 = 1;
/// Octets are missing in a direction.
pub(super) const GAP: u8 = 1 << 1;
/// It was there before we looked.
pub(super) const MIDSTREAM: u8 = 1 << 2;
/// Side B sent the first packet.
pub(super) const FIRST_IS_B: u8 = 1 << 3;
/// Routine of each side: see [`Routine::payload`].
const PAYLOAD: [u8; 2] = [1 << 4, 1 << 5];
/// Routine of each side: see [`Routine::acknowledgment`].
const ACKNOWLEDGMENT: [u8; 2] = [1 << 6, 1 << 7];

/// Which packets of a side change nothing but the counts, as far as the last other packet tells.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Routine {
    /// Whole datagrams, or the octets of the stream that come next.
    pub(super) payload: bool,
    /// Pure acknowledgments.
    pub(super) acknowledgment: bool,
}

impl<A> Flow<A> {
    /// A flow that opens with `segment`; nothing is counted yet.
    pub(super) fn new(segment: &Segment, opening: &Opening, uid: u64, attached: A) -> Self {
        let time = segment.time;
        let tags = Tags::of(&opening.vlans);
        let mut marks = Marks::default();
        marks.set(MIDSTREAM, opening.midstream);
        marks.set(FIRST_IS_B, opening.first == Side::B);
        let rare = (tags == Tags::MANY).then(|| {
            let mut rare = Rare::default();
            rare.note_first(opening.vlans);
            Box::new(rare)
        });
        Self {
            key: opening.key,
            number: FlowNumber(segment.number),
            uid,
            listed: Class::first(opening.key.transport),
            first_seen: time,
            last_seen: time,
            touched: time,
            queued: time,
            tallied: time,
            opener: Opener::of(opening.initiator, opening.initiation),
            outcome: Outcome::Attempted,
            history: Letters::default(),
            sent: [Sent::default(); 2],
            streams: [Stream::default(); 2],
            tcp: Connection::default(),
            isn: [0; 2],
            marks,
            tags,
            tunnel: opening.tunnel,
            file: segment.file,
            rare,
            attached,
        }
    }

    /// Reads a word of each line that a packet may need: few flows have routine packets only, and ways to
    /// memory overlap.
    #[inline]
    pub(super) fn touch(&self, side: Side) -> u64 {
        u64::from(self.key.a_port) ^ u64::from(side.of(&self.sent).packets) ^ self.number.0
    }

    /// Counts a packet of `side` that is no copy.
    ///
    /// hot: once per packet
    #[inline]
    pub(super) fn count(&mut self, side: Side, segment: &Segment) {
        let sent = side.of_mut(&mut self.sent);
        match sent.plus(Sent::of(segment)) {
            Some(sum) => *sent = sum,
            None => self.count_beyond(side, segment),
        }
        self.touched = segment.time;
        self.last_seen = self.last_seen.max(segment.time);
        self.marks.note(OVERLAP_DIFFERS, segment.oddities.overlap_differs);
        self.marks.note(GAP, segment.oddities.incomplete);
        self.note_place(segment);
    }

    #[cold]
    fn count_beyond(&mut self, side: Side, segment: &Segment) {
        let beyond = self.rare.get_or_insert_default().beyond.get_or_insert_default();
        side.of_mut(beyond).add(side.of_mut(&mut self.sent), Sent::of(segment));
    }

    /// Counts the second copy of a packet of `side`.
    pub(super) fn count_copy(&mut self, side: Side, segment: &Segment) {
        let (packets, octets) = side.of_mut(&mut self.rare.get_or_insert_default().copies);
        *packets = packets.saturating_add(u64::from(segment.frames));
        *octets = octets.saturating_add(u64::from(segment.wire_octets));
        self.note_place(segment);
    }

    /// Which silence ends it now.
    #[inline]
    pub(super) fn class(&self) -> Class {
        match self.key.transport {
            Transport::Tcp if self.tcp.is_done() => Class::Done,
            Transport::Tcp if self.tcp.is_over() => Class::Closed,
            Transport::Tcp if self.tcp.is_attempt() && self.outcome < Outcome::Established => {
                Class::Attempted
            }
            transport => Class::first(transport),
        }
    }

    /// What routine packets of a side would not change any more.
    #[inline]
    pub(super) fn routine(&self, side: Side) -> Routine {
        Routine {
            payload: self.marks.has(*side.of(&PAYLOAD)),
            acknowledgment: self.marks.has(*side.of(&ACKNOWLEDGMENT)),
        }
    }

    /// Says what they would not.
    pub(super) fn set_routine(&mut self, side: Side, routine: Routine) {
        self.marks.set(*side.of(&PAYLOAD), routine.payload);
        self.marks.set(*side.of(&ACKNOWLEDGMENT), routine.acknowledgment);
    }

    /// Initial sequence number of an endpoint whose SYN was seen.
    pub(super) fn isn(&self, side: Side) -> Option<u32> {
        self.tcp.is_numbered(side).then_some(*side.of(&self.isn))
    }

    /// Notes it.
    pub(super) fn set_isn(&mut self, side: Side, seq: u32) {
        self.tcp.number(side);
        *side.of_mut(&mut self.isn) = seq;
    }

    /// A SYN that does not belong to this connection: of a new one if it is answered.
    pub(super) fn pending(&self) -> Option<(Side, u32)> {
        self.rare.as_ref()?.pending
    }

    /// Notes such a SYN.
    pub(super) fn set_pending(&mut self, side: Side, seq: u32) {
        self.rare.get_or_insert_default().pending = Some((side, seq));
    }

    /// Forgets it.
    pub(super) fn clear_pending(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.pending = None;
        }
    }

    /// Whether this segment is the first of a new connection between the same ports.
    ///
    /// A SYN on a connection that is over is. On one that lives it may be forged (CVE-2025-59147),
    /// so that only the answer to it proves that the ports were used again.
    pub(super) fn is_reused_by(&self, side: Side, tcp: Tcp) -> bool {
        if !tcp.has(Tcp::SYN) {
            return false;
        }
        let fresh = self.isn(side) != Some(tcp.seq);
        if tcp.has(Tcp::ACK) {
            self.pending() == Some((side.other(), tcp.ack.wrapping_sub(1)))
                && fresh
                && *side.of(&self.tcp.phases) != Phase::Inactive
        } else {
            fresh && self.tcp.is_over()
        }
    }

    /// The flow got as far as `outcome`, if that is news.
    pub(super) fn reach<S: FlowSink<A>>(&mut self, outcome: Outcome, time: Timestamp, sink: &mut S) {
        if outcome > self.outcome {
            self.outcome = outcome;
            sink.reached(self.number, time, outcome);
        }
    }

    /// Whether both sides sent something.
    pub(super) fn is_answered(&self) -> bool {
        self.sent.iter().all(|sent| sent.packets > 0)
    }

    #[inline]
    fn note_place(&mut self, segment: &Segment) {
        self.tunnel = self.tunnel.or(segment.tunnel);
        let tags = Tags::of(&segment.vlans);
        if tags != self.tags || tags == Tags::MANY || segment.file != self.file {
            self.note_another_place(segment);
        }
    }

    #[cold]
    fn note_another_place(&mut self, segment: &Segment) {
        let first = self.first_stack();
        let rare = self.rare.get_or_insert_default();
        rare.note_stack(first, segment.vlans);
        self.file = rare.note_file(self.file, segment.file);
    }

    /// The VLAN stack that it was seen in first.
    pub(super) fn first_stack(&self) -> VlanStack {
        let noted = || self.rare.as_ref().map_or_else(VlanStack::default, |rare| rare.first());
        self.tags.stack().unwrap_or_else(noted)
    }
}

#[cfg(test)]
mod tests {
    use super::Flow;
    use std::mem::offset_of;

    #[test]
    fn a_flow_takes_three_lines_of_the_cache_and_a_routine_packet_needs_two() {
        assert_eq!(size_of::<Option<Flow<[u32; 2]>>>(), 192, "the settings say so");
        assert_eq!((offset_of!(Flow<u64>, sent), offset_of!(Flow<u64>, history)), (64, 128));
    }
}
