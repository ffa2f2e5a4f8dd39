//! The flows that are going on, by their numbers.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::event::EventKind;
use crate::flow::facts::Opening;
use crate::flow::key::FlowNumber;
use crate::judge::conversations::ConversationIndex;
use crate::judge::live::Joined;
use crate::judge::live::LiveFlow;
use crate::judge::slab::Slab;
use crate::judge::slot::Ends;
use crate::judge::slot::Slot;
use crate::time::Span;
use crate::time::Timestamp;

/// All flows that are going on. Memory: 44 octets each (IPv6: 68) and 4 to 8 of index, with a [`LiveFlow`] on
/// top for those of which more is known. The index does not shrink: it is for the most flows at a time.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// For each bucket one of its flows, which links to the next; as many as a power of two.
    heads: Vec<Place>,
    count: usize,
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

/// Where a slot is: twice its place and 2, and one more where slots are wide. 0: nowhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place(u32);

/// A flow that is taken out.
#[derive(Debug)]
pub(super) enum Gone {
    /// Of which little was known.
    Little(LiveFlow),
    /// Of which more was.
    Grown(Box<LiveFlow>),
}

/// The fewest buckets.
const LEAST: usize = 1024;

impl Flows {
    /// Takes in a flow that just opened, and of which nothing else is known.
    pub(super) fn open(&mut self, number: FlowNumber, opening: &Opening, time: Timestamp, has_kin: bool) {
        let place = if let Some(slot) = Slot::of(number, opening, time, has_kin) {
            Place::of(self.slots.narrow.add(slot), false)
        } else if let Some(slot) = Slot::of(number, opening, time, has_kin) {
            Place::of(self.slots.wide.add(slot), true)
        } else {
            return;
        };
        self.enter(number, place);
    }

    /// Takes in a flow of which more is known from the beginning.
    pub(super) fn open_grown(&mut self, number: FlowNumber, live: LiveFlow) {
        let slot = Slot::Grown(number, Some(Box::new(live)));
        let place = Place::of(self.slots.narrow.add(slot), false);
        self.enter(number, place);
    }

    fn enter(&mut self, number: FlowNumber, place: Place) {
        self.count = self.count.saturating_add(1);
        if self.count > self.heads.len() {
            self.grow();
        }
        self.chain(number, place);
    }

    /// Takes in an event that says little, of a flow of which little is known. False if there is more to do.
    pub(super) fn note(
        &mut self,
        number: FlowNumber,
        kind: &EventKind,
        time: Timestamp,
        within: Span,
    ) -> bool {
        let Some(place) = self.find(number) else { return false };
        match place.split() {
            (place, true) => self.slots.wide.get_mut(place).is_some_and(|slot| slot.note(kind, time, within)),
            (place, false) => {
                self.slots.narrow.get_mut(place).is_some_and(|slot| slot.note(kind, time, within))
            }
        }
    }

    /// Everything known of a flow, to change it; [`Flows::put`] takes it back.
    pub(super) fn lift(&mut self, number: FlowNumber) -> Option<Box<LiveFlow>> {
        match self.find(number)?.split() {
            (place, true) => self.slots.wide.get_mut(place)?.lift(),
            (place, false) => self.slots.narrow.get_mut(place)?.lift(),
        }
    }

    /// Takes a flow back that was lifted.
    pub(super) fn put(&mut self, number: FlowNumber, live: Box<LiveFlow>) {
        let put = match self.find(number).map(Place::split) {
            Some((place, true)) => self.slots.wide.get_mut(place).map(|slot| slot.put(live)),
            Some((place, false)) => self.slots.narrow.get_mut(place).map(|slot| slot.put(live)),
            None => None,
        };
        debug_assert!(put.is_some(), "who was lifted was there");
    }

    /// Takes a flow out for good.
    pub(super) fn remove(&mut self, number: FlowNumber) -> Option<Gone> {
        let place = self.find(number)?;
        self.unchain(number, place);
        self.count = self.count.saturating_sub(1);
        self.slots.take(place)
    }

    /// The conversation that a flow joined, if it is going on and has joined one.
    pub(super) fn home_of(&self, number: FlowNumber) -> Option<Option<ConversationIndex>> {
        match self.find(number)?.split() {
            (place, true) => self.slots.wide.get(place).map(Slot::home),
            (place, false) => self.slots.narrow.get(place).map(Slot::home),
        }
    }

    /// Where the flows' counts went, of those that joined a conversation.
    pub(super) fn joined_mut(&mut self) -> impl Iterator<Item = &mut Joined> {
        let Slots { narrow, wide } = &mut self.slots;
        let narrow = narrow.iter_mut().filter_map(Slot::joined_mut);
        narrow.chain(wide.iter_mut().filter_map(Slot::joined_mut))
    }

    /// The numbers of all flows, ascending.
    pub(super) fn numbers(&self) -> Vec<FlowNumber> {
        let mut numbers = Vec::with_capacity(self.count);
        for head in &self.heads {
            let mut place = *head;
            while let Some(number) = self.slots.number(place) {
                numbers.push(number);
                place = self.slots.link(place);
            }
        }
        numbers.sort_unstable();
        numbers
    }

    /// Reads where a flow's place is noted, for no other end than that it is in the processor's cache
    /// afterwards, and gives what is likely the place.
    #[inline]
    pub(super) fn warm(&self, number: FlowNumber) -> Place {
        self.heads.get(self.bucket(number)).copied().unwrap_or_default()
    }

    /// The same for where a flow will be noted that opens.
    pub(super) fn warm_bucket(&self, number: FlowNumber) -> u32 {
        self.warm(number).0
    }

    /// The same for what is there.
    #[inline]
    pub(super) fn warm_at(&self, place: Place) -> u64 {
        self.slots.number(place).map_or(0, |number| number.0)
    }

    #[inline]
    fn find(&self, number: FlowNumber) -> Option<Place> {
        let mut place = self.warm(number);
        while place != Place::default() {
            if self.slots.number(place) == Some(number) {
                return Some(place);
            }
            place = self.slots.link(place);
        }
        None
    }

    fn chain(&mut self, number: FlowNumber, place: Place) {
        let bucket = self.bucket(number);
        if let Some(head) = self.heads.get_mut(bucket) {
            let next = std::mem::replace(head, place);
            self.slots.set_link(place, next);
        }
    }

    fn unchain(&mut self, number: FlowNumber, place: Place) {
        let (bucket, next) = (self.bucket(number), self.slots.link(place));
        let Some(head) = self.heads.get_mut(bucket) else { return };
        if *head == place {
            *head = next;
            return;
        }
        let mut before = *head;
        while before != Place::default() {
            let after = self.slots.link(before);
            if after == place {
                self.slots.set_link(before, next);
                return;
            }
            before = after;
        }
    }

    /// Twice as many buckets.
    fn grow(&mut self) {
        let buckets = self.heads.len().saturating_mul(2).max(LEAST);
        for head in std::mem::replace(&mut self.heads, vec![Place::default(); buckets]) {
            let mut place = head;
            while let Some(number) = self.slots.number(place) {
                let next = self.slots.link(place);
                self.chain(number, place);
                place = next;
            }
        }
    }

    /// Flows that open one after the other stand side by side, 64 at a time: at the end they are closed in the
    /// same order.
    #[inline]
    fn bucket(&self, number: FlowNumber) -> usize {
        let FlowNumber(number) = number;
        let block = FixedState::default().hash_one(number / BESIDE);
        let bucket = block.wrapping_mul(BESIDE) | (number % BESIDE);
        usize::try_from(bucket).unwrap_or(usize::MAX) & self.heads.len().wrapping_sub(1)
    }
}

/// Flows side by side.
const BESIDE: u64 = 64;

impl Slots {
    #[inline]
    fn number(&self, place: Place) -> Option<FlowNumber> {
        match place.split() {
            (place, true) => self.wide.get(place).map(Slot::number),
            (place, false) => self.narrow.get(place).map(Slot::number),
        }
    }

    fn link(&self, place: Place) -> Place {
        Place(match place.split() {
            (place, true) => self.wide.link(place),
            (place, false) => self.narrow.link(place),
        })
    }

    fn set_link(&mut self, place: Place, next: Place) {
        let link = match place.split() {
            (place, true) => self.wide.link_mut(place),
            (place, false) => self.narrow.link_mut(place),
        };
        if let Some(link) = link {
            *link = next.0;
        }
    }

    fn take(&mut self, place: Place) -> Option<Gone> {
        match place.split() {
            (place, true) => {
                let gone = Gone::of(self.wide.get_mut(place)?);
                self.wide.free(place);
                gone
            }
            (place, false) => {
                let gone = Gone::of(self.narrow.get_mut(place)?);
                self.narrow.free(place);
                gone
            }
        }
    }
}

impl Gone {
    #[inline]
    fn of<E: Ends>(slot: &mut Slot<E>) -> Option<Self> {
        match slot {
            Slot::Little(little) => Some(Self::Little(little.live())),
            Slot::Grown(_, live) => live.take().map(Self::Grown),
        }
    }
}

impl Place {
    fn of(place: usize, is_wide: bool) -> Self {
        let place = u32::try_from(place.saturating_add(1).saturating_mul(2)).unwrap_or(u32::MAX);
        Self(place | u32::from(is_wide))
    }

    /// The place in its slab, and whether slots are wide there. Nowhere is beyond all slots.
    #[inline]
    fn split(self) -> (usize, bool) {
        (usize::try_from(self.0 / 2).unwrap_or(usize::MAX).wrapping_sub(1), self.0 & 1 == 1)
    }
}
