//! What may fit a port, by the port: port numbers in runs that the same rules are about, and the rules of
//! each run side by side, so that a look-up touches two lines of memory, however many rules there are.

use std::ops::Range;

use crate::policy::port_blocks::Block;
use crate::policy::tuples::Entry;

/// There are at most so many places for each rule; one of more ports that others cut to pieces is not
/// taken in.
const PLACES: usize = 16;

/// Rules for any host, by port.
#[derive(Clone, Debug, Default)]
pub(super) struct PortTable {
    /// The run of each port; empty if there is no rule.
    runs: Vec<u16>,
    /// Where the entries of each run begin, and where the last one's end.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

impl PortTable {
    /// A table of these rules, each with its ports, and those that are not in it.
    pub(super) fn of(rules: Vec<(Entry, &[Block])>) -> (Self, Vec<(Entry, &[Block])>) {
        if rules.is_empty() {
            return (Self::default(), rules);
        }
        let runs = runs_of(rules.iter().flat_map(|(_, blocks)| blocks.iter()));
        let run = |port: u16| runs.get(usize::from(port)).copied().map_or(0, usize::from);
        let places = |block: &Block| run(block.first())..run(block.last()).saturating_add(1);
        let count = runs.last().copied().map_or(0, usize::from).saturating_add(1);
        let mut lists: Vec<Vec<Entry>> = vec![Vec::new(); count];
        let mut room = rules.len().saturating_mul(PLACES);
        let mut left = Vec::new();
        for (entry, blocks) in rules {
            let needed: usize = blocks.iter().map(|block| places(block).len()).sum();
            let whole = blocks.contains(&Block::WHOLE);
            match room.checked_sub(needed).filter(|_| !whole) {
                Some(rest) => room = rest,
                None => {
                    left.push((entry, blocks));
                    continue;
                }
            }
            for run in blocks.iter().flat_map(places) {
                lists.get_mut(run).into_iter().for_each(|list| list.push(entry));
            }
        }
        let mut table = Self { runs, starts: Vec::with_capacity(count), entries: Vec::new() };
        for list in lists {
            table.starts.push(table.end());
            table.entries.extend(list);
        }
        table.starts.push(table.end());
        (table, left)
    }

    fn end(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// The rules about `port`.
    pub(super) fn at(&self, port: Option<u16>) -> &[Entry] {
        let range = || -> Option<Range<usize>> {
            let run = usize::from(*self.runs.get(usize::from(port?))?);
            let mut bounds = self.starts.get(run..)?.iter().map(|start| usize::try_from(*start).ok());
            Some(bounds.next()??..bounds.next()??)
        };
        range().and_then(|range| self.entries.get(range)).unwrap_or_default()
    }
}

/// Numbers the runs of ports that begin and end with a block.
fn runs_of<'b>(blocks: impl Iterator<Item = &'b Block>) -> Vec<u16> {
    let mut begins = vec![false; 1 << 16];
    let mut mark = |port: Option<u16>| {
        if let Some(begins) = port.and_then(|port| begins.get_mut(usize::from(port))) {
            *begins = true;
        }
    };
    for block in blocks {
        mark(Some(block.first()));
        mark(block.last().checked_add(1));
    }
    let mut run = 0_u16;
    let number = |(port, begins): (usize, &bool)| {
        run = run.saturating_add(u16::from(*begins && port > 0));
        run
    };
    begins.iter().enumerate().map(number).collect()
}
