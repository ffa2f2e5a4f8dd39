//! The flows that are going on, by their numbers.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::addr::Addr;
use crate::event::EventKind;
use crate::flow::key::FlowNumber;
use crate::judge::LiveFlow;
use crate::judge::conversations::ConversationIndex;
use crate::judge::slab::Slab;
use crate::judge::slot::Slot;
use crate::time::Span;
use crate::time::Timestamp;

/// All flows that are going on. Memory: 40 octets each (IPv6: 64) and 10 of index, with a [`LiveFlow`] on
/// top for those of which more is known. The index does not shrink: it is for the most flows at a time.
#[derive(Debug, Default)]
pub(super) struct Flows {
    index: HashTable<Place>,
    slots: Slots,
}

/// Octets of a slot, for the test of all sizes.
#[cfg(test)]
pub(super) const SLOT_OCTETS: [usize; 2] = [size_of::<Narrow>(), size_of::<Wide>()];

type Narrow = Slot<[u32; 2]>;
type Wide = Slot<[Addr; 2]>;

#[derive(Debug, Default)]
struct Slots {
    narrow: Slab<Narrow>,
    wide: Slab<Wide>,
}

/// Where a slot is: twice its place, and one more where slots are wide.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place(u32);

impl Flows {
    /// Takes in a flow that just opened.
    pub(super) fn open(&mut self, number: FlowNumber, live: LiveFlow) {
        let place = self.slots.add(number, live);
        let slots = &self.slots;
        let rehash = |place: &Place| slots.number(*place).map_or(0, hash);
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
        let Some(place) = self.place_of(number) else { return false };
        match place.split() {
            (place, true) => self.slots.wide.get_mut(place).is_some_and(|slot| slot.note(kind, time, within)),
            (place, false) => {
                self.slots.narrow.get_mut(place).is_some_and(|slot| slot.note(kind, time, within))
            }
        }
    }

    /// Everything known of a flow, to change it; [`Flows::put`] takes it back.
    pub(super) fn lift(&mut self, number: FlowNumber) -> Option<Box<LiveFlow>> {
        match self.place_of(number)?.split() {
            (place, true) => self.slots.wide.get_mut(place)?.lift(),
            (place, false) => self.slots.narrow.get_mut(place)?.lift(),
        }
    }

    /// Takes a flow back that was lifted.
    pub(super) fn put(&mut self, number: FlowNumber, live: Box<LiveFlow>) {
        let put = match self.place_of(number).map(Place::split) {
            Some((place, true)) => self.slots.wide.get_mut(place).map(|slot| slot.put(live)),
            Some((place, false)) => self.slots.narrow.get_mut(place).map(|slot| slot.put(live)),
            None => None,
        };
        debug_assert!(put.is_some(), "who was lifted was there");
    }

    /// Takes a flow out for good.
    pub(super) fn remove(&mut self, number: FlowNumber) -> Option<LiveFlow> {
        let slots = &self.slots;
        let same = |place: &Place| slots.number(*place) == Some(number);
        let (place, _) = self.index.find_entry(hash(number), same).ok()?.remove();
        self.slots.take(place)
    }

    /// The conversation that a flow joined, if it is going on and has joined one.
    pub(super) fn home_of(&self, number: FlowNumber) -> Option<Option<ConversationIndex>> {
        match self.place_of(number)?.split() {
            (place, true) => self.slots.wide.get(place).map(Slot::home),
            (place, false) => self.slots.narrow.get(place).map(Slot::home),
        }
    }

    /// Reads where a flow's place is noted, for no other end than that it is in the processor's cache
    /// afterwards, and gives what is likely the place.
    pub(super) fn warm(&self, number: FlowNumber) -> Place {
        self.index.find(hash(number), |_| true).copied().unwrap_or_default()
    }

    /// The same for what is there.
    pub(super) fn warm_at(&self, place: Place) -> u64 {
        self.slots.number(place).map_or(0, |number| number.0)
    }

    fn place_of(&self, number: FlowNumber) -> Option<Place> {
        let same = |place: &Place| self.slots.number(*place) == Some(number);
        self.index.find(hash(number), same).copied()
    }
}

impl Slots {
    fn add(&mut self, number: FlowNumber, live: LiveFlow) -> Place {
        if live.state.some_traits().is_some() {
            let slot = Slot::Grown(number, Some(Box::new(live)));
            return Place::of(self.narrow.add(slot), false);
        }
        if let Some(slot) = Slot::of(number, &live) {
            return Place::of(self.narrow.add(slot), false);
        }
        let slot = Slot::of(number, &live).unwrap_or_else(|| Slot::Grown(number, Some(Box::new(live))));
        Place::of(self.wide.add(slot), true)
    }

    fn number(&self, place: Place) -> Option<FlowNumber> {
        match place.split() {
            (place, true) => self.wide.get(place).map(Slot::number),
            (place, false) => self.narrow.get(place).map(Slot::number),
        }
    }

    fn take(&mut self, place: Place) -> Option<LiveFlow> {
        match place.split() {
            (place, true) => {
                let live = self.wide.get_mut(place).and_then(Slot::take);
                self.wide.free(place);
                live
            }
            (place, false) => {
                let live = self.narrow.get_mut(place).and_then(Slot::take);
                self.narrow.free(place);
                live
            }
        }
    }
}

impl Place {
    fn of(place: usize, is_wide: bool) -> Self {
        let place = u32::try_from(place.saturating_mul(2)).unwrap_or(u32::MAX);
        Self(place | u32::from(is_wide))
    }

    /// The place in its slab, and whether slots are wide there.
    fn split(self) -> (usize, bool) {
        (usize::try_from(self.0 / 2).unwrap_or(usize::MAX), self.0 & 1 == 1)
    }
}

/// Flows that open one after the other stand side by side in the index, 64 at a time: at the end they are
/// closed in the same order. The upper bits tell them apart, the lower ones choose the bucket.
fn hash(number: FlowNumber) -> u64 {
    let FlowNumber(number) = number;
    let [block, own] = [number / BESIDE, number].map(|number| FixedState::default().hash_one(number));
    let bucket = block.wrapping_mul(BESIDE) | (number % BESIDE);
    (own & TAG) | (bucket & !TAG)
}

/// Flows side by side.
const BESIDE: u64 = 64;
/// The bits that the table tells the entries of a bucket apart by.
const TAG: u64 = 0x7f << 57;
