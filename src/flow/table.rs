//! The flows of some shards: found, opened, expired, evicted and closed.
//!
//! What happens to a flow follows from the packets of its shard alone, in their order, so that neither
//! the number of workers nor the size of batches changes what comes out. Only memory is common to all.

use crate::decode::Read;
use crate::decode::Segment;
use crate::decode::segment::IcmpError;
use crate::decode::segment::Tcp;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::carry::Means;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::flow::mirror::Likeness;
use crate::flow::mirror::Mirror;
use crate::flow::opening::Before;
use crate::flow::opening::opening_of;
use crate::flow::reassembly::Store;
use crate::flow::recent::Recent;
use crate::flow::record::Class;
use crate::flow::record::Flow;
use crate::flow::settings::FlowSettings;
use crate::flow::shard::Hashes;
use crate::flow::shard::uid_of;
use crate::flow::shelf::Shelf;
use crate::flow::sink::FlowSink;
use crate::flow::trace::Trace;
use crate::time::Span;
use crate::time::Timestamp;

/// What a table did so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowCounts {
    /// Flows opened.
    pub opened: u64,
    /// Of these, in the table now.
    pub live: u64,
    /// Closed by silence.
    pub expired: u64,
    /// Closed to make room.
    pub evicted: u64,
    /// Closed because their ports were used again.
    pub reused: u64,
    /// Packets taken, copies of a mirror left out, each fragment counted.
    pub packets: u64,
    /// Second copies of a mirror, each fragment counted.
    pub duplicates: u64,
}

/// The flows of some shards.
pub struct FlowTable<A> {
    settings: FlowSettings,
    hashes: Hashes,
    shelf: Shelf<A>,
    /// The shortest silence that ends a flow, whatever its class.
    shortest_timeout: Span,
    shards: Vec<Shard>,
    /// Of each shard; apart, since every packet asks them.
    mirrors: Vec<Mirror>,
    busy: Option<u32>,
    counts: FlowCounts,
}

/// What a shard has of its own.
struct Shard {
    store: Store,
    recent: Recent,
    watched_since: Timestamp,
}

impl<A> FlowTable<A> {
    /// An empty table of so many shards, at least one: those of higher numbers share them. It takes memory
    /// as flows come.
    pub fn new(settings: FlowSettings, shards: usize) -> Self {
        let shard = || Shard {
            store: Store::new(settings.held_octets_per_shard),
            recent: Recent::default(),
            watched_since: Timestamp::from_nanos(i64::MAX),
        };
        let shards = shards.max(1);
        let shelf = Shelf::new(shards, &settings);
        Self {
            settings,
            hashes: Hashes::new(settings.seed),
            shortest_timeout: shelf.shortest_timeout(),
            shelf,
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            mirrors: vec![Mirror::default(); shards],
            busy: None,
            counts: FlowCounts::default(),
        }
    }

    /// Says since when the whole capture has been watched without a break: silence proves
    /// something only from then on. Until it is said, silence proves nothing.
    pub fn watch_from(&mut self, time: Timestamp) {
        self.shards.iter_mut().for_each(|shard| shard.watched_since = time);
    }

    /// What the table did so far.
    pub fn counts(&self) -> FlowCounts {
        FlowCounts { live: u64::try_from(self.shelf.len()).unwrap_or(u64::MAX), ..self.counts }
    }

    /// How many packets were taken, copies of a mirror included.
    pub fn taken(&self) -> u64 {
        self.counts.packets.saturating_add(self.counts.duplicates)
    }

    /// Reads of the index what a packet will need that comes soon: for many packets one after the other
    /// their ways to memory overlap, if nothing else stands between them.
    #[inline]
    pub fn touch_index(&self, trace: Trace) -> u64 {
        self.shelf.touch(trace.hash)
    }

    /// Where the flow of a packet that comes soon probably is; after [`Self::touch_index`].
    #[inline]
    pub fn guess(&self, trace: Trace) -> Option<u32> {
        self.shelf.guess(trace.hash)
    }

    /// Reads of its flow, and of the last packets, what a packet will need that comes soon; after
    /// [`Self::guess`].
    #[inline]
    pub fn touch_flow(&self, guess: Option<u32>, trace: Trace, read: Read) -> u64 {
        let flow = guess.and_then(|slot| self.shelf.get(slot));
        let mirror = self.mirrors.get(self.shard_of(trace));
        flow.map_or(0, |flow| flow.touch(trace.side))
            ^ mirror.map_or(0, |mirror| mirror.touch(Likeness::new(read.fingerprint, trace.hash)))
    }

    /// Whether the next packet is the second copy of one that was here. To be asked once of each, in order.
    ///
    /// hot: once per packet
    #[inline]
    pub fn is_copy(&mut self, trace: Trace, read: Read, time: Timestamp) -> bool {
        let (packet, window) = (Likeness::new(read.fingerprint, trace.hash), self.settings.mirror_window);
        let shard = self.shard_of(trace);
        self.mirrors.get_mut(shard).is_some_and(|mirror| mirror.is_copy(packet, time, window))
    }

    /// Takes the next packet, which is no copy, if it changes nothing but the counts of a flow, and that is
    /// where it was guessed to be. If not, nothing is done, and it is for [`Self::take`].
    ///
    /// hot: once per packet
    #[inline]
    pub fn take_routine(&mut self, guess: Option<u32>, trace: Trace, read: Read, segment: &Segment) -> bool {
        let (time, side) = (segment.time, trace.side);
        if self.shelf.is_due(self.shard_of(trace), time) {
            return false;
        }
        let Some(flow) = guess.and_then(|slot| self.shelf.get_mut(slot)) else { return false };
        let is_routine = flow.key == FlowKey::sided(segment, side, self.settings.key_by_vlan)
            && time.since(flow.touched) <= self.shortest_timeout
            // Counts are told on the long way.
            && time.since(flow.tallied) < self.settings.tally_every
            && flow.is_routine(side, segment, read.bad_checksum);
        if is_routine {
            flow.count(side, segment);
            self.counts.packets = self.counts.packets.saturating_add(u64::from(segment.frames));
        }
        is_routine
    }

    /// Takes the next packet, of which nothing is left to be read, and its captured payload: all that can be
    /// done for many at a time, at once.
    pub fn segment<S: FlowSink<A>>(&mut self, trace: Trace, segment: &Segment, payload: &[u8], sink: &mut S) {
        let read = Read::of(segment);
        let is_copy = self.is_copy(trace, read, segment.time);
        if is_copy || !self.take_routine(self.guess(trace), trace, read, segment) {
            self.take((trace, is_copy), read, segment, payload, sink);
        }
    }

    /// Takes the next packet, of which is known whether it is a copy, what was read of it, and its captured
    /// payload.
    pub fn take<S: FlowSink<A>>(
        &mut self,
        (trace, is_copy): (Trace, bool),
        read: Read,
        segment: &Segment,
        payload: &[u8],
        sink: &mut S,
    ) {
        let mut segment = *segment;
        segment.complete(read);
        let segment = &segment;
        let (shard, side) = (self.shard_of(trace), trace.side);
        self.expire(shard, segment.time, sink);
        let key = FlowKey::sided(segment, side, self.settings.key_by_vlan);
        let mut before = Before::Unknown;
        let mut slot = self.find_live(shard, &key, trace.hash, segment.time, sink);
        if let Some(flow) = slot.and_then(|slot| self.shelf.get_mut(slot)) {
            if is_copy {
                flow.count_copy(side, segment);
                let frames = u64::from(segment.frames);
                self.counts.duplicates = self.counts.duplicates.saturating_add(frames);
                return;
            }
            if let Some(tcp) = segment.tcp.filter(|tcp| flow.is_reused_by(side, *tcp)) {
                before = if tcp.has(Tcp::ACK) { Before::Syn } else { Before::Unknown };
                self.counts.reused = self.counts.reused.saturating_add(1);
                self.close_at(shard, slot.take(), segment.time, false, sink);
            }
        }
        let slot = match slot {
            Some(slot) => slot,
            None => self.open(shard, &key, trace, segment, before, sink),
        };
        self.step((shard, slot), side, segment, payload, sink);
    }

    /// Takes an ICMP error about a packet: a flow that had no answer was refused.
    /// Tells whether there is such a flow, of which that packet can be.
    pub fn icmp_error<S: FlowSink<A>>(&mut self, trace: Trace, error: &IcmpError, sink: &mut S) -> bool {
        let shard = self.shard_of(trace);
        self.expire(shard, error.time, sink);
        let (from, to) = ((error.src, error.src_port), (error.dst, error.dst_port));
        let (key, side) = FlowKey::canonical(from, to, error.transport, 0);
        let slot = self.find_live(shard, &key, trace.hash, error.time, sink);
        let Some(flow) = slot.and_then(|slot| self.shelf.get_mut(slot)) else { return false };
        // Nobody can complain of a packet that was never sent.
        if side.of(&flow.sent).packets == 0 {
            return false;
        }
        if error.refused && flow.outcome == Outcome::Attempted {
            flow.reach(Outcome::Refused, error.time, sink);
        }
        true
    }

    /// Lets time pass in a shard without a packet: flows that were silent for too long are closed.
    pub fn advance<S: FlowSink<A>>(&mut self, shard: u8, now: Timestamp, sink: &mut S) {
        self.expire(self.shard(shard), now, sink);
    }

    /// The flows there are and where they are, to be closed in any order by [`Self::close`].
    pub fn flows(&self) -> impl Iterator<Item = (FlowNumber, u32)> {
        self.shelf.slots().map(|(slot, flow)| (flow.number, slot))
    }

    /// The shard of a flow that there is.
    pub fn shard_at(&self, slot: u32) -> Option<u8> {
        self.shelf.get(slot).map(|flow| self.hashes.of(&flow.key).1)
    }

    /// Closes the flow in `slot`, at the end of the run.
    pub fn close<S: FlowSink<A>>(&mut self, slot: u32, time: Timestamp, sink: &mut S) {
        let shard = self.shard_at(slot).map_or(0, |shard| self.shard(shard));
        self.close_at(shard, Some(slot), time, false, sink);
    }

    /// Cleans up after a panic out of one of the other functions: closes the flow that was being
    /// worked on, without asking what hangs on it any more. Tells whether there was one; if not,
    /// the packet was counted nowhere.
    pub fn abandon<S: FlowSink<A>>(&mut self, time: Timestamp, sink: &mut S) -> bool {
        let Some(slot) = self.busy.take() else { return false };
        let shard = self.shard_at(slot).map_or(0, |shard| self.shard(shard));
        let Some(flow) = self.shelf.remove(shard, slot) else { return false };
        self.bury(shard, flow, time, false, sink);
        true
    }

    fn shard_of(&self, trace: Trace) -> usize {
        self.shard(trace.shard)
    }

    /// Which of our shards has this number.
    fn shard(&self, number: u8) -> usize {
        usize::from(number).checked_rem(self.shards.len()).unwrap_or(0)
    }

    fn find_live<S: FlowSink<A>>(
        &mut self,
        shard: usize,
        key: &FlowKey,
        hash: u32,
        now: Timestamp,
        sink: &mut S,
    ) -> Option<u32> {
        let slot = self.shelf.find(key, hash)?;
        let flow = self.shelf.get(slot)?;
        if now.since(flow.touched) <= flow.class().timeout(&self.settings) {
            return Some(slot);
        }
        self.counts.expired = self.counts.expired.saturating_add(1);
        self.close_at(shard, Some(slot), now, false, sink);
        None
    }

    fn open<S: FlowSink<A>>(
        &mut self,
        shard: usize,
        key: &FlowKey,
        trace: Trace,
        segment: &Segment,
        before: Before,
        sink: &mut S,
    ) -> u32 {
        let side = trace.side;
        if self.shelf.len_of(shard) >= self.settings.flows_per_shard.max(1) {
            let oldest = self.shelf.oldest(shard);
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.close_at(shard, oldest, segment.time, true, sink);
            // What was evicted may come back: silence proves nothing for a while.
            if let Some(shard) = self.shards.get_mut(shard) {
                shard.watched_since = shard.watched_since.max(segment.time);
            }
        }
        let watched_since = self.shards.get(shard).map_or(segment.time, |shard| shard.watched_since);
        let silence = Class::first(key.transport).timeout(&self.settings);
        let before = match before {
            Before::Unknown if segment.time.since(watched_since) > silence => Before::Silence,
            before => before,
        };
        let opening = opening_of(segment, *key, side, before);
        let uid = uid_of(segment, key, self.settings.seed);
        let attached = sink.opened(FlowNumber(segment.number), segment.time, &opening);
        let flow = Flow::new(segment, &opening, uid, attached);
        self.counts.opened = self.counts.opened.saturating_add(1);
        self.shelf.insert(shard, trace.hash, flow)
    }

    fn step<S: FlowSink<A>>(
        &mut self,
        (shard, slot): (usize, u32),
        side: Side,
        segment: &Segment,
        payload: &[u8],
        sink: &mut S,
    ) {
        let (Some(flow), Some(own)) = (self.shelf.get_mut(slot), self.shards.get_mut(shard)) else { return };
        flow.count(side, segment);
        self.counts.packets = self.counts.packets.saturating_add(u64::from(segment.frames));
        self.busy = Some(slot);
        let mut means =
            Means { settings: &self.settings, store: &mut own.store, recent: &mut own.recent, sink };
        flow.step(side, segment, payload, &mut means);
        self.busy = None;
        if flow.listed != flow.class() {
            self.shelf.relist(shard, slot);
        }
    }

    fn expire<S: FlowSink<A>>(&mut self, shard: usize, now: Timestamp, sink: &mut S) {
        if !self.shelf.is_due(shard, now) {
            return;
        }
        for class in Class::ALL {
            while let Some(slot) = self.shelf.silent(shard, class, now) {
                self.counts.expired = self.counts.expired.saturating_add(1);
                self.close_at(shard, Some(slot), now, false, sink);
            }
        }
    }

    fn close_at<S: FlowSink<A>>(
        &mut self,
        shard: usize,
        slot: Option<u32>,
        time: Timestamp,
        evicted: bool,
        sink: &mut S,
    ) {
        let Some(slot) = slot else { return };
        if let (Some(flow), Some(own)) = (self.shelf.get_mut(slot), self.shards.get_mut(shard)) {
            self.busy = Some(slot);
            let mut means =
                Means { settings: &self.settings, store: &mut own.store, recent: &mut own.recent, sink };
            flow.end(time, &mut means);
            self.busy = None;
        }
        if let Some(flow) = self.shelf.remove(shard, slot) {
            self.bury(shard, flow, time, evicted, sink);
        }
    }

    fn bury<S: FlowSink<A>>(
        &mut self,
        shard: usize,
        mut flow: Flow<A>,
        time: Timestamp,
        evicted: bool,
        sink: &mut S,
    ) {
        if let Some(shard) = self.shards.get_mut(shard) {
            flow.release_all(&mut shard.store);
        }
        let (attached, facts) = flow.into_facts(evicted);
        sink.closed(time, attached, facts);
    }
}
