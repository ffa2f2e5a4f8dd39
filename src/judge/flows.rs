//! The flows that are going on. Of most of them nothing is known but their opening until they end: those
//! take a small slot each, and only the others a [`LiveFlow`].

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::addr::Addr;
use crate::event::EventKind;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::judge::LiveFlow;
use crate::judge::conversations::ConversationIndex;
use crate::judge::flow_state::FlowState;
use crate::judge::flow_state::few;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// All flows that are going on. Memory: 80 octets each and 10 of index, with a [`LiveFlow`] on top for
/// those of which more is known. It does not shrink: it is as large as the most flows at a time.
#[derive(Debug, Default)]
pub(super) struct Flows {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

/// Octets of a slot, for the test of all sizes.
#[cfg(test)]
pub(super) const SLOT_OCTETS: usize = size_of::<Slot>();

/// One flow. Field by field, because a [`FlowKey`] and its like in one another waste a quarter of it.
#[derive(Debug)]
struct Slot {
    number: FlowNumber,
    a: Addr,
    b: Addr,
    a_port: u16,
    b_port: u16,
    transport: Transport,
    vlan: u16,
    opened_at: Timestamp,
    latest: Timestamp,
    initiator: Option<Side>,
    initiation: Initiation,
    midstream: bool,
    outcome: Outcome,
    has_kin: bool,
    /// As [`EventKind::Unrecognised`].
    seen: [u8; 2],
    cut: Option<bool>,
    /// All that is known, if it is more than stands here; then what stands here is old.
    grown: Option<Box<LiveFlow>>,
}

impl Flows {
    /// Takes in a flow that just opened.
    pub(super) fn open(&mut self, number: FlowNumber, live: LiveFlow) {
        let slot = Slot::of(number, live);
        let place = match self.free.pop() {
            Some(place) => place,
            None => u32::try_from(self.slots.len()).unwrap_or(u32::MAX),
        };
        match self.slots.get_mut(at(place)) {
            Some(held) => *held = slot,
            None => self.slots.push(slot),
        }
        let slots = &self.slots;
        let rehash = |place: &u32| slots.get(at(*place)).map_or(0, |slot| hash(slot.number));
        self.index.insert_unique(hash(number), place, rehash);
    }

    /// Takes in an event that says little, of a flow of which little is known. False if there is more to do.
    pub(super) fn note(
        &mut self,
        number: FlowNumber,
        kind: &EventKind,
        time: Timestamp,
        within: Span,
    ) -> bool {
        let Some(slot) = self.slot_mut(number) else { return false };
        if slot.grown.is_some() || time.since(slot.opened_at) >= within {
            return false;
        }
        match kind {
            EventKind::Initiated(_, side, initiation) => {
                (slot.initiator, slot.initiation) = (Some(*side), *initiation);
            }
            EventKind::Unrecognised { seen, cut, .. } => (slot.seen, slot.cut) = (few(*seen), Some(*cut)),
            EventKind::Reached(_, outcome) => slot.outcome = slot.outcome.max(*outcome),
            _ => return false,
        }
        slot.latest = slot.latest.max(time);
        true
    }

    /// Everything known of a flow, to change it; [`Flows::put`] takes it back.
    pub(super) fn lift(&mut self, number: FlowNumber) -> Option<Box<LiveFlow>> {
        let slot = self.slot_mut(number)?;
        Some(slot.grown.take().unwrap_or_else(|| Box::new(slot.live())))
    }

    /// Takes a flow back that was lifted.
    pub(super) fn put(&mut self, number: FlowNumber, live: Box<LiveFlow>) {
        if let Some(slot) = self.slot_mut(number) {
            slot.grown = Some(live);
        }
    }

    /// Takes a flow out for good.
    pub(super) fn remove(&mut self, number: FlowNumber) -> Option<LiveFlow> {
        let slots = &self.slots;
        let same = |place: &u32| slots.get(at(*place)).is_some_and(|slot| slot.number == number);
        let (place, _) = self.index.find_entry(hash(number), same).ok()?.remove();
        self.free.push(place);
        let slot = self.slots.get_mut(at(place))?;
        Some(slot.grown.take().map_or_else(|| slot.live(), |live| *live))
    }

    /// The conversation that a flow joined, if it is going on and has joined one.
    pub(super) fn home_of(&self, number: FlowNumber) -> Option<Option<ConversationIndex>> {
        let slot = self.slots.get(self.place_of(number)?)?;
        Some(slot.grown.as_ref().and_then(|live| live.joined?.conversation))
    }

    /// Reads a flow's place, for no other end than that it is in the processor's cache afterwards.
    pub(super) fn warm(&self, number: FlowNumber) -> u64 {
        self.place_of(number).and_then(|place| self.slots.get(place)).map_or(0, |slot| slot.number.0)
    }

    fn slot_mut(&mut self, number: FlowNumber) -> Option<&mut Slot> {
        let place = self.place_of(number)?;
        self.slots.get_mut(place)
    }

    fn place_of(&self, number: FlowNumber) -> Option<usize> {
        let same = |place: &u32| self.slots.get(at(*place)).is_some_and(|slot| slot.number == number);
        self.index.find(hash(number), same).map(|place| at(*place))
    }
}

impl Slot {
    fn of(number: FlowNumber, live: LiveFlow) -> Self {
        let state = &live.state;
        let FlowKey { a, b, a_port, b_port, transport, vlan } = state.key;
        Self {
            number,
            a,
            b,
            a_port,
            b_port,
            transport,
            vlan,
            opened_at: live.opened_at,
            latest: state.last_seen,
            initiator: state.initiator,
            initiation: state.initiation,
            midstream: state.midstream,
            outcome: state.outcome,
            has_kin: live.has_kin,
            seen: [0; 2],
            cut: None,
            grown: state.some_traits().is_some().then(|| Box::new(live)),
        }
    }

    fn live(&self) -> LiveFlow {
        let Self { a, b, a_port, b_port, transport, vlan, .. } = *self;
        let mut state = FlowState::opened(FlowKey { a, b, a_port, b_port, transport, vlan }, self.opened_at);
        (state.initiator, state.initiation) = (self.initiator, self.initiation);
        (state.midstream, state.outcome) = (self.midstream, self.outcome);
        state.last_seen = self.latest;
        if let Some(cut) = self.cut {
            state.unrecognised(self.seen, cut);
        }
        LiveFlow { state, details: None, opened_at: self.opened_at, joined: None, has_kin: self.has_kin }
    }
}

fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn hash(number: FlowNumber) -> u64 {
    FixedState::default().hash_one(number)
}
