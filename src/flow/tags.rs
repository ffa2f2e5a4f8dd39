//! The VLAN tags of a flow in one word: most have none, one, or two.

use crate::decode::segment::VlanStack;

/// Bits of an identifier (IEEE 802.1Q-2018 §9.6).
const BITS: u32 = 12;
/// Where the count stands.
const COUNT: u32 = 2 * BITS;

/// Up to two tags, or that there are more.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tags(u32);

impl Tags {
    /// More than two, whichever.
    pub(super) const MANY: Self = Self(u32::MAX);

    /// Those of a stack.
    #[inline]
    pub(super) fn of(stack: &VlanStack) -> Self {
        match *stack.ids() {
            [] => Self(0),
            [id] => Self(1 << COUNT | u32::from(id)),
            [outer, inner] => Self(2 << COUNT | u32::from(outer) << BITS | u32::from(inner)),
            _ => Self::MANY,
        }
    }

    /// The stack, if these are all.
    pub(super) fn stack(self) -> Option<VlanStack> {
        let id = |word: u32| u16::try_from(word & ((1 << BITS) - 1)).unwrap_or(0);
        let ids: &[u16] = match self.0 >> COUNT {
            0 => &[],
            1 => &[id(self.0)],
            2 => &[id(self.0 >> BITS), id(self.0)],
            _ => return None,
        };
        let mut stack = VlanStack::default();
        ids.iter().for_each(|id| {
            stack.push(*id);
        });
        Some(stack)
    }
}

#[cfg(test)]
mod tests {
    use super::Tags;
    use crate::decode::segment::VlanStack;

    #[test]
    fn a_stack_comes_back_unless_it_is_of_many() {
        let lists: [&[u16]; 7] = [&[], &[0], &[7], &[4095], &[0, 0], &[4095, 1], &[1, 4095]];
        let stack = |ids: &[u16]| {
            let mut stack = VlanStack::default();
            assert!(ids.iter().all(|id| stack.push(*id)));
            stack
        };
        let stacks = lists.map(stack);
        assert_eq!(stacks.map(|stack| Tags::of(&stack).stack()), stacks.map(Some));
        for (at, one) in stacks.iter().enumerate() {
            assert!(stacks.iter().skip(at).skip(1).all(|other| Tags::of(one) != Tags::of(other)));
        }
        let many = stack(&[1, 2, 3]);
        assert_eq!((Tags::of(&many), Tags::of(&many).stack()), (Tags::MANY, None));
    }
}
