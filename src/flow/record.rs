//! What the table keeps of one flow.

use crate::decode::Segment;
use crate::decode::segment::Tunnel;
use crate::decode::segment::VlanStack;
use crate::flow::FlowFacts;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::ConnState;
use crate::flow::facts::History;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::flow::key::FlowNumber;
use crate::flow::reassembly::Stream;
use crate::flow::settings::FlowSettings;
use crate::flow::sink::FlowSink;
use crate::flow::tcp::Connection;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// Most distinct VLAN stacks noted of a flow.
const VLANS: usize = 4;
/// Most source files noted of a flow.
const FILES: usize = 1024;

/// Which silence ends a flow; each is a list of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// TCP, one side tries.
    Attempted,
    /// TCP that may go on.
    Open,
    /// TCP that ended.
    Closed,
    /// Datagrams.
    Datagram,
    /// ICMP.
    Icmp,
}

impl Class {
    /// Number of lists.
    pub(super) const COUNT: usize = 5;
    /// All of them.
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::Attempted, Self::Open, Self::Closed, Self::Datagram, Self::Icmp];

    /// Number of its list.
    pub(super) const fn list(self) -> usize {
        match self {
            Self::Attempted => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Datagram => 3,
            Self::Icmp => 4,
        }
    }

    /// The silence.
    pub(super) const fn timeout(self, settings: &FlowSettings) -> Span {
        match self {
            Self::Attempted => settings.tcp_attempted,
            Self::Open => settings.tcp_open,
            Self::Closed => settings.tcp_closed,
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
/// In lines of the processor's cache: a routine packet needs the first three.
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
    /// What routine packets of each side would not change any more.
    pub(super) routine: [Routine; 2],
    file: u16,
    vlans: VlanStack,
    tunnel: Option<Tunnel>,
    pub(super) overlap_differs: bool,
    pub(super) gap: bool,
    pub(super) midstream: bool,
    pub(super) outcome: Outcome,
    /// Which silence ends it now.
    pub(super) class: Class,
    /// In which list it stands.
    pub(super) listed: Class,
    pub(super) initiator: Option<Side>,
    pub(super) initiation: Initiation,
    /// Who sent the first packet.
    first: Side,
    /// From whose view the history is written: the initiator's, or unknown, the first sender's.
    pub(super) orientation: Side,
    pub(super) history: History,
    /// That of the key, for the index.
    pub(super) hash: u32,
    pub(super) tcp: Connection,
    pub(super) number: FlowNumber,
    pub(super) uid: u64,
    pub(super) first_seen: Timestamp,
    /// When it was put where it is in the list of its class.
    pub(super) queued: Timestamp,
    /// What most flows have nothing of.
    rare: Option<Box<Rare>>,
    pub(super) attached: A,
}

/// Which packets of a side change nothing but the counts, as far as the last other packet tells.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Routine {
    /// Whole datagrams, or the octets of the stream that come next.
    pub(super) payload: bool,
    /// Pure acknowledgments.
    pub(super) acknowledgment: bool,
}

/// What a side sent, copies of a mirror left out.
#[derive(Clone, Copy, Default)]
pub(super) struct Sent {
    /// Packets, each fragment counted.
    pub(super) packets: u64,
    /// Octets of their frames on the wire.
    wire_octets: u64,
    /// Octets of their innermost IP packets.
    ip_octets: u64,
    /// Octets of payload.
    pub(super) payload_octets: u64,
}

/// Places beside the first that a flow was seen at, and copies of its packets.
#[derive(Default)]
struct Rare {
    vlans: Vec<VlanStack>,
    files: Vec<u16>,
    /// Packets and octets of each side.
    copies: [(u64, u64); 2],
}

impl<A> Flow<A> {
    /// A flow that opens with `segment`; nothing is counted yet.
    pub(super) fn new(segment: &Segment, opening: &Opening, hash: u32, uid: u64, attached: A) -> Self {
        let (first, time) = (opening.first, segment.time);
        Self {
            key: opening.key,
            hash,
            number: FlowNumber(segment.number),
            uid,
            class: Class::first(opening.key.transport),
            listed: Class::first(opening.key.transport),
            first_seen: time,
            last_seen: time,
            touched: time,
            queued: time,
            tallied: time,
            initiator: opening.initiator,
            initiation: opening.initiation,
            first,
            orientation: opening.initiator.unwrap_or(first),
            midstream: opening.midstream,
            outcome: Outcome::Attempted,
            history: History::default(),
            sent: [Sent::default(); 2],
            streams: [Stream::default(), Stream::default()],
            tcp: Connection::default(),
            overlap_differs: false,
            gap: false,
            routine: [Routine::default(); 2],
            vlans: opening.vlans,
            tunnel: opening.tunnel,
            file: segment.file,
            rare: None,
            attached,
        }
    }

    /// Reads a word of each line that a routine packet of `side` needs.
    #[inline]
    pub(super) fn touch(&self, side: Side) -> u64 {
        u64::from(self.key.a_port) ^ side.of(&self.sent).packets ^ u64::from(side.of(&self.streams).next)
    }

    /// Counts a packet of `side` that is no copy.
    pub(super) fn count(&mut self, side: Side, segment: &Segment) {
        let sent = side.of_mut(&mut self.sent);
        sent.packets = sent.packets.saturating_add(u64::from(segment.frames));
        sent.wire_octets = sent.wire_octets.saturating_add(u64::from(segment.wire_octets));
        sent.ip_octets = sent.ip_octets.saturating_add(u64::from(segment.ip_octets));
        sent.payload_octets = sent.payload_octets.saturating_add(u64::from(segment.payload_wire));
        self.touched = segment.time;
        self.last_seen = self.last_seen.max(segment.time);
        self.overlap_differs |= segment.oddities.overlap_differs;
        self.gap |= segment.oddities.incomplete;
        self.note_place(segment);
    }

    /// Counts the second copy of a packet of `side`.
    pub(super) fn count_copy(&mut self, side: Side, segment: &Segment) {
        let (packets, octets) = side.of_mut(&mut self.rare.get_or_insert_default().copies);
        *packets = packets.saturating_add(u64::from(segment.frames));
        *octets = octets.saturating_add(u64::from(segment.wire_octets));
        self.note_place(segment);
    }

    /// What was counted so far.
    pub(super) fn tallies(&self) -> [SideTally; 2] {
        [Side::A, Side::B].map(|side| {
            let sent = side.of(&self.sent);
            let (duplicate_packets, duplicate_octets) =
                self.rare.as_ref().map_or((0, 0), |rare| *side.of(&rare.copies));
            SideTally {
                packets: sent.packets,
                wire_octets: sent.wire_octets,
                ip_octets: sent.ip_octets,
                payload_octets: sent.payload_octets,
                duplicate_packets,
                duplicate_octets,
            }
        })
    }

    /// Adds a history letter, given in upper case, as of `side`.
    pub(super) fn letter(&mut self, side: Side, letter: u8) {
        self.history.add(if side == self.orientation { letter } else { letter.to_ascii_lowercase() });
    }

    /// Takes better evidence of who opened the flow; evidence no better than what is known is no news.
    ///
    /// Octets that only one end sends are better than a watched silence before a datagram: of a
    /// mirror that shows one direction only, the first datagram after it is an answer. A group opens nothing.
    pub(super) fn initiate<S: FlowSink<A>>(
        &mut self,
        side: Side,
        initiation: Initiation,
        time: Timestamp,
        sink: &mut S,
    ) {
        let is_answer = self.key.transport != Transport::Tcp
            && self.initiator == Some(side.other())
            && !self.key.end(side).0.is_group()
            && (self.initiation, initiation) == (Initiation::Observed, Initiation::Inferred);
        if initiation <= self.initiation && !is_answer {
            return;
        }
        (self.initiator, self.initiation) = (Some(side), initiation);
        if side != self.orientation {
            self.orientation = side;
            if !self.history.as_str().is_empty() {
                self.history = self.history.flipped();
                self.history.add(b'^');
            }
        }
        sink.initiated(self.number, time, side, initiation);
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

    /// Takes the flow apart, at its end.
    pub(super) fn into_facts(self, evicted: bool) -> (A, FlowFacts) {
        let (state, tallies) = (self.state(), self.tallies());
        let Rare { vlans: more, mut files, .. } = self.rare.map_or_else(Rare::default, |rare| *rare);
        let vlans = std::iter::once(self.vlans).chain(more).collect();
        files.push(self.file);
        files.sort_unstable();
        let facts = FlowFacts {
            number: self.number,
            uid: self.uid,
            key: self.key,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            initiator: self.initiator,
            initiation: self.initiation,
            first: self.first,
            midstream: self.midstream,
            tallies,
            state,
            history: self.history,
            outcome: self.outcome,
            vlans,
            tunnel: self.tunnel,
            files,
            overlap_differs: self.overlap_differs,
            gap: self.gap,
            evicted,
        };
        (self.attached, facts)
    }

    fn state(&self) -> ConnState {
        let sent = |side: Side| side.of(&self.sent).packets > 0;
        match self.key.transport {
            Transport::Tcp => {
                let silent = self.sent.iter().all(|sent| sent.payload_octets == 0);
                self.tcp.state(self.orientation, silent, &self.history)
            }
            Transport::Icmp | Transport::Icmp6 => ConnState::Oth,
            _ if self.is_answered() => ConnState::Sf,
            _ if sent(self.orientation) => ConnState::S0,
            _ => ConnState::Shr,
        }
    }

    fn note_place(&mut self, segment: &Segment) {
        self.tunnel = self.tunnel.or(segment.tunnel);
        if segment.vlans != self.vlans || segment.file != self.file {
            self.note_another_place(segment);
        }
    }

    #[cold]
    fn note_another_place(&mut self, segment: &Segment) {
        let Rare { vlans, files, .. } = &mut **self.rare.get_or_insert_default();
        // The first place is not among them.
        if segment.vlans != self.vlans
            && !vlans.contains(&segment.vlans)
            && vlans.len().saturating_add(1) < VLANS
        {
            vlans.push(segment.vlans);
        }
        if segment.file != self.file && !files.contains(&segment.file) && files.len() < FILES {
            files.push(self.file);
            self.file = segment.file;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Flow;

    #[test]
    fn a_flow_takes_no_more_memory_than_the_settings_say() {
        let size = size_of::<Option<Flow<[u64; 2]>>>();
        assert!(size <= 320, "{size}");
    }
}
