//! Port ranges cut into aligned blocks of a power of two ports, as prefixes cut the address space: the
//! ranges around a port are then found by one lookup for each size of block, however many there are.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use foldhash::fast::FixedState;

/// So many ports, of a power of two, from one of its multiples on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Block {
    /// The exponent, 0 to 16.
    pub(super) size: u8,
    start: u16,
}

impl Block {
    /// All ports, and what has none.
    pub(super) const WHOLE: Self = Self { size: 16, start: 0 };

    /// The block of this size around `port`; what has no port is only in the whole.
    pub(super) fn around(port: Option<u16>, size: u8) -> Option<Self> {
        match port {
            _ if size >= 16 => Some(Self::WHOLE),
            Some(port) => {
                let mask = u16::MAX.checked_shl(u32::from(size)).unwrap_or(0);
                Some(Self { size, start: port & mask })
            }
            None => None,
        }
    }

    /// Its lowest port.
    pub(super) const fn first(self) -> u16 {
        self.start
    }

    /// Its highest port.
    pub(super) fn last(self) -> u16 {
        self.start | !u16::MAX.checked_shl(u32::from(self.size)).unwrap_or(0)
    }
}

/// The blocks that together are these ranges: at most 30 for each.
pub(super) fn blocks(ranges: &[RangeInclusive<u16>]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for range in ranges {
        let (mut first, end) = (u32::from(*range.start()), u32::from(*range.end()).saturating_add(1));
        while first < end {
            // The largest block that begins here and ends within the range.
            let room = end.saturating_sub(first).ilog2();
            let size = first.trailing_zeros().min(room).min(16);
            let start = u16::try_from(first).unwrap_or(u16::MAX);
            blocks.push(Block { size: u8::try_from(size).unwrap_or(16), start });
            first = first.saturating_add(1_u32.checked_shl(size).unwrap_or(u32::MAX));
        }
    }
    blocks
}

/// Numbers filed by ports.
#[derive(Clone, Debug, Default)]
pub(super) struct PortLists {
    sizes: Vec<u8>,
    lists: HashMap<Block, Vec<u32>, FixedState>,
}

impl PortLists {
    /// Files `number` under these ports.
    pub(super) fn file(&mut self, blocks: &[Block], number: u32) {
        for block in blocks {
            if !self.sizes.contains(&block.size) {
                self.sizes.push(block.size);
            }
            self.lists.entry(*block).or_default().push(number);
        }
    }

    /// The numbers that are filed under `port`, in no order, some perhaps twice.
    pub(super) fn around(&self, port: Option<u16>) -> impl Iterator<Item = u32> {
        let block = move |size: &u8| self.lists.get(&Block::around(port, *size)?);
        self.sizes.iter().filter_map(block).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Block;
    use super::PortLists;
    use super::blocks;

    #[test]
    fn the_blocks_of_a_range_hold_its_ports_and_no_others() {
        for range in [0..=u16::MAX, 1..=u16::MAX, 0..=0, 443..=443, 40_001..=40_099, 55_000..=55_999, 7..=8] {
            let mut lists = PortLists::default();
            let cut = blocks(std::slice::from_ref(&range));
            assert!(cut.len() <= 30, "{range:?}: {cut:?}");
            lists.file(&cut, 1);
            for port in 0..=u16::MAX {
                let held = lists.around(Some(port)).count();
                assert_eq!(held, usize::from(range.contains(&port)), "{range:?}, {port}");
            }
        }
    }

    #[test]
    fn what_has_no_port_is_in_the_whole_alone() {
        let mut lists = PortLists::default();
        lists.file(&[Block::WHOLE], 1);
        lists.file(&blocks(&[1..=u16::MAX]), 2);
        assert_eq!(lists.around(None).collect::<Vec<_>>(), [1]);
    }
}
