//! Hands payload to the sink: datagrams as they come, TCP in order.

use crate::decode::Segment;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::reassembly::Data;
use crate::flow::reassembly::Held;
use crate::flow::reassembly::Place;
use crate::flow::reassembly::Store;
use crate::flow::reassembly::Waiting;
use crate::flow::recent::Recent;
use crate::flow::record::Flow;
use crate::flow::record::GAP;
use crate::flow::record::OVERLAP_DIFFERS;
use crate::flow::settings::FlowSettings;
use crate::flow::sink::Chunk;
use crate::flow::sink::FlowSink;
use crate::flow::sink::Interest;
use crate::flow::sink::Reaction;
use crate::time::Timestamp;

/// What a flow needs of its shard while it takes a packet.
pub(super) struct Means<'a, S> {
    pub(super) settings: &'a FlowSettings,
    pub(super) store: &'a mut Store,
    pub(super) recent: &'a mut Recent,
    pub(super) sink: &'a mut S,
}

impl<A> Flow<A> {
    /// Hands over one datagram.
    pub(super) fn carry_datagram<S: FlowSink<A>>(
        &mut self,
        side: Side,
        segment: &Segment,
        payload: &[u8],
        means: &mut Means<'_, S>,
    ) {
        if segment.payload_wire > 0 {
            let data = Data {
                seq: 0,
                wire: segment.payload_wire,
                octets: payload,
                packet: segment.number,
                time: segment.time,
            };
            side.of_mut(&mut self.streams).is_of_datagrams();
            self.deliver(side, data, means);
        }
    }

    /// Takes the payload of a TCP segment, and tells whether any of it is new.
    pub(super) fn carry<S: FlowSink<A>>(
        &mut self,
        side: Side,
        data: Data<'_>,
        means: &mut Means<'_, S>,
    ) -> bool {
        match side.of_mut(&mut self.streams).place(data.seq, data.wire) {
            Place::InOrder => {
                means.recent.remember(self.number, side, side.of(&self.streams).position, &data);
                self.deliver(side, data, means);
            }
            Place::Apart => self.carry_apart(side, data, means),
            Place::Elsewhere => {
                self.flush(side, data.time, means);
                self.lose(side, data.seq, data.time, means);
                self.deliver(side, data, means);
            }
            Place::Old => {
                self.compare(side, &data, means.recent);
                return false;
            }
            Place::Stray => return false,
        }
        true
    }

    /// Gives up every hole of `side` and hands over what waits behind.
    pub(super) fn flush<S: FlowSink<A>>(&mut self, side: Side, time: Timestamp, means: &mut Means<'_, S>) {
        // Nothing waits of most, and never did.
        if !side.of(&self.streams).waits() {
            return;
        }
        self.drain(side, means);
        while let Some(seq) = self.first_held(side) {
            self.lose(side, seq, time, means);
            self.drain(side, means);
        }
    }

    /// Hands over the last octets of both sides.
    pub(super) fn end<S: FlowSink<A>>(&mut self, time: Timestamp, means: &mut Means<'_, S>) {
        self.flush(Side::A, time, means);
        self.flush(Side::B, time, means);
        let reaction = means.sink.ending(self.number, &mut self.attached, &self.key, time);
        self.react(reaction, time, means);
    }

    /// Takes a segment that does not simply continue the stream.
    fn carry_apart<S: FlowSink<A>>(&mut self, side: Side, data: Data<'_>, means: &mut Means<'_, S>) {
        let behind = side.of(&self.streams).next.wrapping_sub(data.seq).cast_signed();
        let known = u32::try_from(behind).unwrap_or(0);
        if known > 0 {
            self.compare(side, &data, means.recent);
        }
        let data = data.skip(known);
        let stream = side.of_mut(&mut self.streams);
        if stream.is_unwanted() {
            stream.jump(data.seq);
            stream.advance(data.wire);
            return;
        }
        let position = stream.position.saturating_add(data.seq.wrapping_sub(stream.next));
        means.recent.remember(self.number, side, position, &data);
        let differs = self.hold(side, data, means.store);
        self.marks.note(OVERLAP_DIFFERS, differs);
        self.drain(side, means);
        while self.is_full(side, means) {
            let Some(seq) = self.first_held(side) else { return };
            self.lose(side, seq, data.time, means);
            self.drain(side, means);
        }
    }

    fn is_full<S>(&self, side: Side, means: &Means<'_, S>) -> bool {
        let (segments, octets) = (usize::from(means.settings.held_segments), means.settings.held_octets);
        self.waiting(side).is_some_and(|waiting| waiting.is_full(segments, octets)) || means.store.is_full()
    }

    /// What waits of a side, if anything does.
    fn waiting(&self, side: Side) -> Option<&Waiting> {
        if !side.of(&self.streams).waits() {
            return None;
        }
        side.of(&self.rare.as_ref()?.waiting).as_deref()
    }

    /// Sequence number of the first octet that waits.
    fn first_held(&self, side: Side) -> Option<u32> {
        self.waiting(side)?.first()
    }

    /// Lets a segment wait, and tells whether what is there twice differs.
    fn hold(&mut self, side: Side, data: Data<'_>, store: &mut Store) -> bool {
        let stream = side.of_mut(&mut self.streams);
        let rare = self.rare.get_or_insert_default();
        let waiting = side.of_mut(&mut rare.waiting).get_or_insert_default();
        let differs = waiting.hold(stream.next, data, store);
        stream.let_wait(waiting.first().is_some());
        differs
    }

    /// The first segment that waits, if the stream has come so far.
    fn take_ready(&mut self, side: Side, store: &mut Store) -> Option<Held> {
        let stream = side.of_mut(&mut self.streams);
        if !stream.waits() {
            return None;
        }
        let waiting = side.of_mut(&mut self.rare.as_mut()?.waiting).as_mut()?;
        let held = waiting.take_ready(stream.next, store)?;
        stream.let_wait(waiting.first().is_some());
        Some(held)
    }

    /// Forgets everything that waits of a side.
    fn release(&mut self, side: Side, store: &mut Store) {
        side.of_mut(&mut self.streams).let_wait(false);
        let waiting = self.rare.as_mut().and_then(|rare| side.of_mut(&mut rare.waiting).take());
        if let Some(waiting) = waiting {
            waiting.release(store);
        }
    }

    /// Forgets everything that waits.
    pub(super) fn release_all(&mut self, store: &mut Store) {
        if self.rare.is_some() {
            self.release(Side::A, store);
            self.release(Side::B, store);
        }
    }

    /// Hands over what waits and is next.
    fn drain<S: FlowSink<A>>(&mut self, side: Side, means: &mut Means<'_, S>) {
        while let Some(held) = self.take_ready(side, means.store) {
            let known = side.of(&self.streams).next.wrapping_sub(held.seq);
            let data = held.data().skip(known);
            if data.wire > 0 {
                self.deliver(side, data, means);
            }
            means.store.give_back(held.octets);
        }
    }

    /// Hands over octets that are next.
    fn deliver<S: FlowSink<A>>(&mut self, side: Side, data: Data<'_>, means: &mut Means<'_, S>) {
        let cut = data.is_cut();
        self.marks.note(GAP, cut);
        let stream = side.of_mut(&mut self.streams);
        let (offset, from_start) = (stream.position, stream.is_from_start());
        stream.advance(data.wire);
        if stream.is_unwanted() {
            return;
        }
        let chunk = Chunk {
            key: &self.key,
            side,
            packet: data.packet,
            time: data.time,
            octets: data.octets,
            offset,
            from_start,
            cut,
        };
        let reaction = means.sink.octets(self.number, &mut self.attached, &chunk);
        self.react(reaction, data.time, means);
    }

    /// Gives up what is missing before `seq`.
    fn lose<S: FlowSink<A>>(&mut self, side: Side, seq: u32, time: Timestamp, means: &mut Means<'_, S>) {
        self.marks.set(GAP, true);
        self.letter(side, b'G');
        let stream = side.of_mut(&mut self.streams);
        stream.jump(seq);
        if !stream.is_unwanted() {
            let reaction = means.sink.gap(self.number, &mut self.attached, &self.key, side, time);
            self.react(reaction, time, means);
        }
    }

    fn react<S: FlowSink<A>>(&mut self, reaction: Reaction, time: Timestamp, means: &mut Means<'_, S>) {
        for side in [Side::A, Side::B] {
            let stream = side.of_mut(&mut self.streams);
            if *side.of(&reaction.interest) == Interest::Enough && !stream.is_unwanted() {
                stream.give_up();
                self.release(side, means.store);
            }
        }
        if let Some(side) = reaction.initiator {
            self.initiate(side, Initiation::Inferred, time, means.sink);
        }
    }

    /// Octets were there before: a retransmission, or somebody tries to be read in two ways.
    fn compare(&mut self, side: Side, data: &Data<'_>, recent: &Recent) {
        let behind = side.of(&self.streams).next.wrapping_sub(data.seq);
        // A keep-alive repeats the last octet, or any other in its place (RFC 9293 §3.8.4).
        if data.wire == 1 && behind == 1 {
            return;
        }
        self.letter(side, b'T');
        let differs = recent.differs(self.number, side, data);
        self.marks.note(OVERLAP_DIFFERS, differs);
    }
}
