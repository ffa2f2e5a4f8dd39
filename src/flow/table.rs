//! The flows of one shard: found, opened, expired, evicted and closed.
//!
//! Everything here follows from the packets of this shard alone, in their order, so that neither
//! the number of workers nor the size of batches changes what comes out.

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
use crate::flow::shard::key_hash;
use crate::flow::shard::uid_of;
use crate::flow::shelf::Shelf;
use crate::flow::sink::FlowSink;
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

/// Where the flow of a packet was when it was looked up.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    key: FlowKey,
    side: Side,
    hash: u32,
    slot: Option<u32>,
    /// What was read of the flow, for nothing but that it was read.
    pub warmth: u64,
}

/// The flows of one shard.
pub struct FlowTable<A> {
    settings: FlowSettings,
    shelf: Shelf<A>,
    store: Store,
    recent: Recent,
    mirror: Mirror,
    watched_since: Timestamp,
    busy: Option<u32>,
    counts: FlowCounts,
}

impl<A> FlowTable<A> {
    /// An empty table. It takes memory as flows come.
    pub fn new(settings: FlowSettings) -> Self {
        Self {
            settings,
            shelf: Shelf::new(),
            store: Store::new(settings.held_octets_per_shard),
            recent: Recent::default(),
            mirror: Mirror::default(),
            watched_since: Timestamp::from_nanos(i64::MAX),
            busy: None,
            counts: FlowCounts::default(),
        }
    }

    /// Says since when the whole capture has been watched without a break: silence proves
    /// something only from then on. Until it is said, silence proves nothing.
    pub fn watch_from(&mut self, time: Timestamp) {
        self.watched_since = time;
    }

    /// What the table did so far.
    pub fn counts(&self) -> FlowCounts {
        FlowCounts { live: u64::try_from(self.shelf.len()).unwrap_or(u64::MAX), ..self.counts }
    }

    /// Takes the next packet of the shard and its captured payload.
    pub fn segment<S: FlowSink<A>>(&mut self, segment: &Segment, payload: &[u8], sink: &mut S) {
        let place = self.look_up(segment);
        self.segment_at(&place, segment, payload, sink);
    }

    /// Looks for the flow of a packet that will be taken soon, and touches what of it will be needed: for
    /// many packets one after the other their ways to memory overlap.
    ///
    /// hot: once per packet
    pub fn look_up(&self, segment: &Segment) -> Place {
        let (key, side) = FlowKey::of(segment, self.settings.key_by_vlan);
        let hash = key_hash(&key, self.settings.seed);
        let slot = self.shelf.find(&key, hash);
        let warmth = slot.and_then(|slot| self.shelf.get(slot)).map_or(0, |flow| flow.touch(side));
        let warmth = warmth ^ self.mirror.touch(Likeness::new(segment.fingerprint, hash));
        Place { key, side, hash, slot, warmth }
    }

    /// Takes the next packet of the shard, which was looked up a little before, and its captured payload.
    pub fn segment_at<S: FlowSink<A>>(
        &mut self,
        place: &Place,
        segment: &Segment,
        payload: &[u8],
        sink: &mut S,
    ) {
        self.expire(segment.time, sink);
        let side = place.side;
        let mut before = Before::Unknown;
        let mut slot = self.find_live(place, segment.time, sink);
        if let Some(flow) = slot.and_then(|slot| self.shelf.get_mut(slot)) {
            let likeness = Likeness::new(segment.fingerprint, place.hash);
            if self.mirror.is_copy(likeness, segment.time, self.settings.mirror_window) {
                flow.count_copy(side, segment);
                let frames = u64::from(segment.frames);
                self.counts.duplicates = self.counts.duplicates.saturating_add(frames);
                return;
            }
            if let Some(tcp) = segment.tcp.filter(|tcp| flow.tcp.is_reused_by(side, *tcp)) {
                before = if tcp.has(Tcp::ACK) { Before::Syn } else { Before::Unknown };
                self.counts.reused = self.counts.reused.saturating_add(1);
                self.close_at(slot.take(), segment.time, false, sink);
            }
        }
        let slot = match slot {
            Some(slot) => slot,
            None => self.open(place, segment, before, sink),
        };
        self.step(slot, side, segment, payload, sink);
    }

    /// Takes an ICMP error about a packet of this shard: a flow that had no answer was refused.
    /// Tells whether there is such a flow, of which that packet can be.
    pub fn icmp_error<S: FlowSink<A>>(&mut self, error: &IcmpError, sink: &mut S) -> bool {
        self.expire(error.time, sink);
        let (from, to) = ((error.src, error.src_port), (error.dst, error.dst_port));
        let (key, side) = FlowKey::canonical(from, to, error.transport, 0);
        let hash = key_hash(&key, self.settings.seed);
        let place = Place { key, side, hash, slot: None, warmth: 0 };
        let slot = self.find_live(&place, error.time, sink);
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

    /// The flows there are and where they are, to be closed in any order by [`Self::close`].
    pub fn flows(&self) -> impl Iterator<Item = (FlowNumber, u32)> {
        self.shelf.slots().map(|(slot, flow)| (flow.number, slot))
    }

    /// Closes the flow in `slot`, at the end of the run.
    pub fn close<S: FlowSink<A>>(&mut self, slot: u32, time: Timestamp, sink: &mut S) {
        self.close_at(Some(slot), time, false, sink);
    }

    /// Cleans up after a panic out of one of the other functions: closes the flow that was being
    /// worked on, without asking what hangs on it any more. Tells whether there was one; if not,
    /// the packet was counted nowhere.
    pub fn abandon<S: FlowSink<A>>(&mut self, time: Timestamp, sink: &mut S) -> bool {
        let Some(flow) = self.busy.take().and_then(|slot| self.shelf.remove(slot)) else { return false };
        self.bury(flow, time, false, sink);
        true
    }

    fn find_live<S: FlowSink<A>>(&mut self, place: &Place, now: Timestamp, sink: &mut S) -> Option<u32> {
        // Since it was looked up the flow may have been closed, and its slot may be another's.
        let is_it = |slot: &u32| self.shelf.get(*slot).is_some_and(|flow| flow.key == place.key);
        let slot = place.slot.filter(is_it).or_else(|| self.shelf.find(&place.key, place.hash))?;
        let flow = self.shelf.get(slot)?;
        if now.since(flow.touched) <= flow.class.timeout(&self.settings) {
            return Some(slot);
        }
        self.counts.expired = self.counts.expired.saturating_add(1);
        self.close_at(Some(slot), now, false, sink);
        None
    }

    fn open<S: FlowSink<A>>(
        &mut self,
        place: &Place,
        segment: &Segment,
        before: Before,
        sink: &mut S,
    ) -> u32 {
        let (key, side) = (place.key, place.side);
        if self.shelf.len() >= usize::try_from(self.settings.flows_per_shard.max(1)).unwrap_or(usize::MAX) {
            let oldest = self.shelf.oldest();
            self.counts.evicted = self.counts.evicted.saturating_add(1);
            self.close_at(oldest, segment.time, true, sink);
            // What was evicted may come back: silence proves nothing for a while.
            self.watched_since = self.watched_since.max(segment.time);
        }
        let silence = Class::first(key.transport).timeout(&self.settings);
        let before = match before {
            Before::Unknown if segment.time.since(self.watched_since) > silence => Before::Silence,
            before => before,
        };
        let opening = opening_of(segment, key, side, before);
        let uid = uid_of(segment, &key, self.settings.seed);
        let attached = sink.opened(FlowNumber(segment.number), segment.time, &opening);
        let flow = Flow::new(segment, &opening, place.hash, uid, attached);
        let likeness = Likeness::new(segment.fingerprint, place.hash);
        self.mirror.is_copy(likeness, segment.time, self.settings.mirror_window);
        self.counts.opened = self.counts.opened.saturating_add(1);
        self.shelf.insert(flow)
    }

    fn step<S: FlowSink<A>>(
        &mut self,
        slot: u32,
        side: Side,
        segment: &Segment,
        payload: &[u8],
        sink: &mut S,
    ) {
        let Some(flow) = self.shelf.get_mut(slot) else { return };
        flow.count(side, segment);
        self.counts.packets = self.counts.packets.saturating_add(u64::from(segment.frames));
        self.busy = Some(slot);
        let mut means =
            Means { settings: &self.settings, store: &mut self.store, recent: &mut self.recent, sink };
        flow.step(side, segment, payload, &mut means);
        self.busy = None;
        self.shelf.relist(slot);
    }

    fn expire<S: FlowSink<A>>(&mut self, now: Timestamp, sink: &mut S) {
        for class in Class::ALL {
            while let Some(slot) = self.shelf.silent(class, now, &self.settings) {
                self.counts.expired = self.counts.expired.saturating_add(1);
                self.close_at(Some(slot), now, false, sink);
            }
        }
    }

    fn close_at<S: FlowSink<A>>(&mut self, slot: Option<u32>, time: Timestamp, evicted: bool, sink: &mut S) {
        let Some(slot) = slot else { return };
        if let Some(flow) = self.shelf.get_mut(slot) {
            self.busy = Some(slot);
            let mut means =
                Means { settings: &self.settings, store: &mut self.store, recent: &mut self.recent, sink };
            flow.end(time, &mut means);
            self.busy = None;
        }
        if let Some(flow) = self.shelf.remove(slot) {
            self.bury(flow, time, evicted, sink);
        }
    }

    fn bury<S: FlowSink<A>>(&mut self, mut flow: Flow<A>, time: Timestamp, evicted: bool, sink: &mut S) {
        for stream in &mut flow.streams {
            stream.release(&mut self.store);
        }
        let (attached, facts) = flow.into_facts(evicted);
        sink.closed(time, attached, facts);
    }
}
