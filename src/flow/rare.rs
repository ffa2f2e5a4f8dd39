//! What most flows have nothing of: a box of it hangs on the few that do.

use crate::decode::segment::VlanStack;
use crate::flow::Side;
use crate::flow::reassembly::Waiting;
use crate::flow::sent::Beyond;

/// Most distinct VLAN stacks noted of a flow.
const VLANS: usize = 4;
/// Most source files noted of a flow.
const FILES: usize = 1024;
/// History letters beside those that a flow has room for.
const LETTERS: usize = 6;

/// What most flows have nothing of.
#[derive(Default)]
pub(super) struct Rare {
    /// Packets and octets of each side's second copies.
    pub(super) copies: [(u64, u64); 2],
    /// What does not fit into the counts of each side.
    pub(super) beyond: Option<Box<[Beyond; 2]>>,
    places: Option<Box<Places>>,
    /// What waits of each side.
    pub(super) waiting: [Option<Box<Waiting>>; 2],
    /// A SYN that does not belong to this connection: of a new one if it is answered.
    pub(super) pending: Option<(Side, u32)>,
    /// The last history letters; 0 where there is none.
    pub(super) letters: [u8; LETTERS],
}

/// Where a flow was seen.
#[derive(Default)]
struct Places {
    /// The first VLAN stack, if it is none that the flow itself has room for.
    first: VlanStack,
    /// Other stacks.
    vlans: Vec<VlanStack>,
    /// Other files.
    files: Vec<u16>,
}

impl Rare {
    /// Notes the first VLAN stack, which the flow itself has no room for.
    pub(super) fn note_first(&mut self, stack: VlanStack) {
        self.places.get_or_insert_default().first = stack;
    }

    /// The first VLAN stack, if it was noted here.
    pub(super) fn first(&self) -> VlanStack {
        self.places.as_ref().map_or_else(VlanStack::default, |places| places.first)
    }

    /// Notes a stack beside the `first`.
    pub(super) fn note_stack(&mut self, first: VlanStack, stack: VlanStack) {
        if stack == first {
            return;
        }
        let vlans = &mut self.places.get_or_insert_default().vlans;
        if !vlans.contains(&stack) && vlans.len().saturating_add(1) < VLANS {
            vlans.push(stack);
        }
    }

    /// Notes `file` beside `known`; gives the one that the flow itself keeps.
    pub(super) fn note_file(&mut self, known: u16, file: u16) -> u16 {
        if file == known {
            return known;
        }
        let files = &mut self.places.get_or_insert_default().files;
        if files.contains(&file) || files.len() >= FILES {
            return known;
        }
        files.push(known);
        file
    }

    /// The stacks and files noted beside the first.
    pub(super) fn places(&mut self) -> (Vec<VlanStack>, Vec<u16>) {
        let places = self.places.take().map_or_else(Places::default, |places| *places);
        (places.vlans, places.files)
    }

    /// Notes a history letter, if there is room and it is not there.
    pub(super) fn note_letter(&mut self, letter: u8) {
        if let Some(free) = self.letters.iter_mut().find(|slot| **slot == letter || **slot == 0) {
            *free = letter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rare;

    #[test]
    fn it_takes_no_more_memory_than_the_settings_say() {
        assert!(size_of::<Rare>() <= 80, "{}", size_of::<Rare>());
    }
}
