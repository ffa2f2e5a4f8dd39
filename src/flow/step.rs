//! What one packet does to its flow.

use crate::decode::Segment;
use crate::decode::segment::Tcp;
use crate::flow::Side;
use crate::flow::carry::Means;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::flow::reassembly::Data;
use crate::flow::recent::POSITION as COMPARED;
use crate::flow::record::Class;
use crate::flow::record::Flow;
use crate::flow::record::Routine;
use crate::flow::settings::FlowSettings;
use crate::flow::sink::FlowSink;
use crate::flow::tcp::Phase;
use crate::flow::tcp::is_near;
use crate::service::Transport;
use crate::time::Timestamp;

/// A SYN or SYN-ACK may come so many octets late, behind data of its own connection.
const LATE_START: u32 = 64 * 1024;
/// A sender of so many datagrams that nobody refused is a stream that expects no answer (RTP,
/// syslog), not an attempt.
const STREAM_DATAGRAMS: u32 = 16;

impl<A> Flow<A> {
    /// Takes a packet that is of this flow, no copy, and counted.
    pub(super) fn step<S: FlowSink<A>>(
        &mut self,
        side: Side,
        segment: &Segment,
        payload: &[u8],
        means: &mut Means<'_, S>,
    ) {
        match segment.tcp {
            Some(tcp) => self.step_tcp(side, tcp, segment, payload, means),
            None => self.step_datagram(side, segment, payload, means),
        }
        self.set_routine(side, self.routine_of(side));
        self.tell(segment.time, means.settings, means.sink);
    }

    /// Whether a packet changes nothing but the counts. Of a stream it then goes on.
    ///
    /// hot: once per packet
    #[inline]
    pub(super) fn is_routine(&mut self, side: Side, segment: &Segment, bad_checksum: bool) -> bool {
        let routine = self.routine(side);
        let is_odd = bad_checksum || segment.oddities.cut;
        match segment.tcp {
            _ if is_odd => false,
            None => routine.payload && segment.payload_wire > 0,
            Some(tcp) if tcp.flags & PURE != Tcp::ACK => false,
            Some(_) if segment.payload_wire == 0 => routine.acknowledgment,
            Some(tcp) => {
                let stream = side.of_mut(&mut self.streams);
                // Before that position octets are remembered, to be compared with what may come again.
                let is_next = routine.payload && tcp.seq == stream.next && stream.position >= COMPARED;
                if is_next {
                    stream.advance(segment.payload_wire);
                }
                is_next
            }
        }
    }

    /// Which packets of a side will be routine: those that would go the whole way for nothing. The
    /// whole way of anything else asks again.
    fn routine_of(&self, side: Side) -> Routine {
        let stream = side.of(&self.streams);
        let has = |letter: u8| {
            self.history.has(if side == self.orientation() { letter } else { letter.to_ascii_lowercase() })
        };
        let is_tcp = self.key.transport == Transport::Tcp;
        let goes_on = self.outcome == Outcome::Data && (!is_tcp || self.is_going_on(side));
        Routine {
            payload: goes_on && stream.is_only_counted() && has(b'D'),
            acknowledgment: goes_on && is_tcp && has(b'A'),
        }
    }

    /// Whether plain segments of a side neither open, close nor revive the connection.
    fn is_going_on(&self, side: Side) -> bool {
        self.class() == Class::Open
            && *side.of(&self.tcp.phases) != Phase::Inactive
            && self.tcp.is_checked(side)
    }

    /// Tells the counts of a flow that goes on for long.
    #[inline]
    pub(super) fn tell<S: FlowSink<A>>(&mut self, now: Timestamp, settings: &FlowSettings, sink: &mut S) {
        if now.since(self.tallied) >= settings.tally_every {
            self.tallied = now;
            sink.tally(self.number, now, &self.tallies());
        }
    }

    fn step_datagram<S: FlowSink<A>>(
        &mut self,
        side: Side,
        segment: &Segment,
        payload: &[u8],
        means: &mut Means<'_, S>,
    ) {
        if segment.oddities.bad_checksum {
            self.letter(side, b'C');
        }
        if segment.payload_wire > 0 {
            self.letter(side, b'D');
        }
        let payload_octets = self.sent.iter().any(|sent| sent.payload_octets > 0);
        let streams = side.of(&self.sent).packets >= STREAM_DATAGRAMS && self.outcome != Outcome::Refused;
        let outcome = match (self.is_answered(), payload_octets) {
            (true, true) => Outcome::Data,
            (true, false) => Outcome::Established,
            (false, true) if segment.dst.is_group() || streams => Outcome::Data,
            (false, _) => Outcome::Attempted,
        };
        self.reach(outcome, segment.time, means.sink);
        self.carry_datagram(side, segment, payload, means);
    }

    fn step_tcp<S: FlowSink<A>>(
        &mut self,
        side: Side,
        tcp: Tcp,
        segment: &Segment,
        payload: &[u8],
        means: &mut Means<'_, S>,
    ) {
        self.letters(side, tcp, segment);
        let doubted = self.tcp.doubts(side, segment.oddities.bad_checksum);
        if doubted && tcp.flags & (Tcp::SYN | Tcp::RST) != 0 {
            return;
        }
        // Octets are taken all the same: a host's own capture shows segments that it cut or joined
        // late with wrong checksums among right ones. If they are forged, the right ones differ.
        let tcp = if doubted { Tcp { flags: tcp.flags & !Tcp::FIN, ..tcp } } else { tcp };
        if tcp.has(Tcp::RST) {
            self.step_rst(side, tcp, segment, means);
        } else if !tcp.has(Tcp::SYN) || self.step_syn(side, tcp, segment, means) {
            self.step_payload(side, tcp, segment, payload, means);
        }
    }

    /// Takes a SYN or SYN-ACK; false if it is not of this connection.
    fn step_syn<S: FlowSink<A>>(
        &mut self,
        side: Side,
        tcp: Tcp,
        segment: &Segment,
        means: &mut Means<'_, S>,
    ) -> bool {
        let belongs = if tcp.has(Tcp::ACK) { self.take_syn_ack(side, tcp) } else { self.take_syn(side, tcp) };
        if !belongs {
            return false;
        }
        let (opener, initiation) = if tcp.has(Tcp::ACK) {
            (side.other(), Initiation::Inferred)
        } else {
            (side, Initiation::Observed)
        };
        self.initiate(opener, initiation, segment.time, means.sink);
        if self.tcp.is_answered() {
            self.reach(Outcome::Established, segment.time, means.sink);
        }
        true
    }

    fn take_syn(&mut self, side: Side, tcp: Tcp) -> bool {
        let (start, isn) = (tcp.seq.wrapping_add(1), self.isn(side));
        let stream = side.of_mut(&mut self.streams);
        let belongs = match isn {
            Some(isn) => isn == tcp.seq,
            None => !stream.is_known() || stream.next.wrapping_sub(start) <= LATE_START,
        };
        if !belongs {
            self.set_pending(side, tcp.seq);
            return false;
        }
        if !stream.is_known() || stream.position == 0 && stream.next == start {
            stream.start(start, true);
        }
        self.set_isn(side, tcp.seq);
        self.tcp.syn(side);
        true
    }

    fn take_syn_ack(&mut self, side: Side, tcp: Tcp) -> bool {
        let other = side.other();
        let chosen =
            self.pending() == Some((other, tcp.ack.wrapping_sub(1))) && other.of(&self.streams).position == 0;
        if chosen {
            // Of several SYNs with different numbers the answer says which one counts.
            self.set_isn(other, tcp.ack.wrapping_sub(1));
            self.clear_pending();
        }
        let theirs = other.of_mut(&mut self.streams);
        if chosen || !theirs.is_known() || theirs.position == 0 && theirs.next == tcp.ack {
            theirs.start(tcp.ack, true);
        } else if theirs.next.wrapping_sub(tcp.ack) > LATE_START {
            return false;
        }
        let start = tcp.seq.wrapping_add(1);
        let ours = side.of_mut(&mut self.streams);
        if !ours.is_known() || ours.position == 0 && ours.next == start {
            ours.start(start, true);
        } else if ours.next.wrapping_sub(start) > LATE_START {
            return false;
        }
        self.set_isn(side, tcp.seq);
        self.tcp.syn_ack(side);
        true
    }

    /// Takes a RST. One that is far from the stream is forged or of another connection.
    fn step_rst<S: FlowSink<A>>(
        &mut self,
        side: Side,
        tcp: Tcp,
        segment: &Segment,
        means: &mut Means<'_, S>,
    ) {
        let (ours, theirs) = (side.of(&self.streams), side.other().of(&self.streams));
        let fits = if ours.is_known() {
            is_near(tcp.seq, ours.next)
        } else {
            !(tcp.has(Tcp::ACK) && theirs.is_known()) || is_near(tcp.ack, theirs.next)
        };
        if !fits {
            return;
        }
        self.tcp.rst(side);
        if self.initiator() != Some(side) && self.outcome == Outcome::Attempted {
            self.reach(Outcome::Refused, segment.time, means.sink);
        }
    }

    /// Takes a segment that may carry payload or a FIN.
    fn step_payload<S: FlowSink<A>>(
        &mut self,
        side: Side,
        tcp: Tcp,
        segment: &Segment,
        payload: &[u8],
        means: &mut Means<'_, S>,
    ) {
        let syn = tcp.has(Tcp::SYN);
        let seq = tcp.seq.wrapping_add(u32::from(syn));
        let stream = side.of_mut(&mut self.streams);
        if !stream.is_known() {
            stream.start(seq, false);
        }
        if !syn {
            self.tcp.plain(side);
            let completes = tcp.has(Tcp::ACK) && self.tcp.is_numbered(side);
            if completes || self.tcp.is_answered() {
                self.reach(Outcome::Established, segment.time, means.sink);
            }
        }
        if segment.payload_wire > 0 {
            let data = Data {
                seq,
                wire: segment.payload_wire,
                octets: payload,
                packet: segment.number,
                time: segment.time,
            };
            if self.carry(side, data, means) {
                self.tcp.lives();
                self.reach(Outcome::Data, segment.time, means.sink);
            }
        }
        let end = seq.wrapping_add(segment.payload_wire);
        if tcp.has(Tcp::FIN) && is_near(end, side.of(&self.streams).next) {
            self.tcp.fin(side);
            // What the other end says to it is of note.
            self.set_routine(side.other(), Routine::default());
        }
        let theirs = side.other();
        let after_fin = theirs.of(&self.streams).next.wrapping_add(1);
        if *theirs.of(&self.tcp.phases) == Phase::Closed && tcp.has(Tcp::ACK) && tcp.ack == after_fin {
            self.tcp.acknowledge_fin(theirs);
        }
    }

    /// Zeek's history letters of a segment.
    fn letters(&mut self, side: Side, tcp: Tcp, segment: &Segment) {
        let letters = [
            (segment.oddities.bad_checksum, b'C'),
            (tcp.has(Tcp::SYN) && !tcp.has(Tcp::ACK), b'S'),
            (tcp.has(Tcp::SYN | Tcp::ACK), b'H'),
            (segment.payload_wire > 0, b'D'),
            (tcp.has(Tcp::FIN), b'F'),
            (tcp.has(Tcp::RST), b'R'),
            (segment.payload_wire == 0 && tcp.flags & PURE == Tcp::ACK, b'A'),
        ];
        for (seen, letter) in letters {
            if seen {
                self.letter(side, letter);
            }
        }
    }
}

/// The flags that make an acknowledgment more than a pure one.
const PURE: u8 = Tcp::SYN | Tcp::FIN | Tcp::RST | Tcp::ACK;
