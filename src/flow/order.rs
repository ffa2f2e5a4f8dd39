//! Lists through the slots of a slab: by age, and by silence in one list per timeout, of each shard. Both
//! links of a slot stand together: what opens or closes needs both.

/// No slot.
const NONE: u32 = u32::MAX;

/// Doubly linked lists over slots; of each order a slot is in at most one.
pub(super) struct Lists {
    ends: Vec<Ends>,
    links: Vec<[Link; 2]>,
}

/// What a list goes by. Lists have their numbers whatever they go by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// When flows were opened.
    Age,
    /// Since when flows were silent, about.
    Silence,
}

#[derive(Clone, Copy)]
struct Ends {
    front: u32,
    back: u32,
}

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

impl Lists {
    /// So many empty lists.
    pub(super) fn new(count: usize) -> Self {
        Self { ends: vec![Ends { front: NONE, back: NONE }; count], links: Vec::new() }
    }

    /// The slot that has been longest in `list`.
    pub(super) fn front(&self, list: usize) -> Option<u32> {
        self.ends.get(list).map(|ends| ends.front).filter(|front| *front != NONE)
    }

    /// Adds `slot`, which is in no list of this order, to the back of `list`.
    pub(super) fn push_back(&mut self, order: Order, list: usize, slot: u32) {
        let Some(ends) = self.ends.get_mut(list) else { return };
        let before = ends.back;
        ends.back = slot;
        if before == NONE {
            ends.front = slot;
        }
        let at = usize::try_from(slot).unwrap_or(usize::MAX);
        if at >= self.links.len() {
            self.links.resize(at.saturating_add(1), [Link { before: NONE, after: NONE }; 2]);
        }
        if let Some(link) = self.link(order, slot) {
            *link = Link { before, after: NONE };
        }
        if let Some(link) = self.link(order, before) {
            link.after = slot;
        }
    }

    /// Takes `slot` out of `list`, in which it is.
    pub(super) fn remove(&mut self, order: Order, list: usize, slot: u32) {
        let Some(Link { before, after }) = self.link(order, slot).copied() else { return };
        if let Some(link) = self.link(order, before) {
            link.after = after;
        }
        if let Some(link) = self.link(order, after) {
            link.before = before;
        }
        let Some(ends) = self.ends.get_mut(list) else { return };
        if ends.front == slot {
            ends.front = after;
        }
        if ends.back == slot {
            ends.back = before;
        }
    }

    fn link(&mut self, order: Order, slot: u32) -> Option<&mut Link> {
        let [age, silence] = self.links.get_mut(usize::try_from(slot).ok()?)?;
        Some(match order {
            Order::Age => age,
            Order::Silence => silence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;
    use super::Order;

    #[test]
    fn slots_leave_in_the_order_of_coming_whatever_is_taken_out_between() {
        let mut lists = Lists::new(3);
        for slot in 0..5 {
            lists.push_back(Order::Silence, 0, slot);
            lists.push_back(Order::Age, 2, slot);
        }
        lists.remove(Order::Silence, 0, 2);
        lists.push_back(Order::Silence, 1, 2);
        lists.remove(Order::Silence, 0, 0);
        lists.push_back(Order::Silence, 0, 0);
        let mut slots = Vec::new();
        while let Some(slot) = lists.front(0) {
            slots.push(slot);
            lists.remove(Order::Silence, 0, slot);
        }
        assert_eq!(slots, [1, 3, 4, 0]);
        assert_eq!((lists.front(1), lists.front(2)), (Some(2), Some(0)));
        lists.remove(Order::Age, 2, 0);
        assert_eq!(lists.front(2), Some(1));
    }
}
