//! What all lanes counted together, as reports and metrics have it.

use std::collections::BTreeMap;

use crate::capture::tap::InterfaceFacts;
use crate::capture::tap::LinkState;
use crate::export::run_facts::InterfaceRun;
use crate::export::run_facts::RunFacts;
use crate::judge::audit::JudgeTotals;
use crate::pipeline::RunTally;
use crate::pipeline::audit::facts;
use crate::time::Timestamp;
use crate::watch::board::Board;

/// The sum of all lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) run: RunFacts,
    /// Each interface: its name, whether it is up, and how often it was opened again.
    pub(super) interfaces: Vec<(String, bool, u64)>,
    /// Flows in the tables.
    pub(super) flows: u64,
}

impl Totals {
    /// Adds up what the lanes told last; `judge` has what only the judge counts.
    pub(super) fn of(board: &Board, judge: &JudgeTotals) -> Self {
        let mut tally = RunTally::default();
        let mut interfaces: Vec<InterfaceFacts> = Vec::new();
        board.each_lane(|report| {
            tally.decode.add(&report.tally.decode);
            tally.workers.add(&report.tally.workers);
            tally.span = around(tally.span, report.tally.span);
            for facts in &report.interfaces {
                match interfaces.iter_mut().find(|held| held.name == facts.name) {
                    Some(held) => join(held, facts),
                    None => interfaces.push(facts.clone()),
                }
            }
        });
        let mut run = facts(&tally, judge);
        // Fragments that wait for the rest are not lost yet.
        let waiting = tally.decode.fragments.held;
        run.packets = run.packets.saturating_sub(waiting);
        run.interfaces = interfaces.iter().map(run_of).collect();
        let sum = |of: fn(&InterfaceRun) -> u64| {
            run.interfaces.iter().fold(0_u64, |sum, one| sum.saturating_add(of(one)))
        };
        let lost = [("interface", sum(|run| run.interface_lost)), ("kernel", sum(|run| run.kernel_lost))];
        run.lost = BTreeMap::from_iter(lost.into_iter().filter(|(_, count)| *count > 0));
        let interfaces = interfaces.iter();
        let interfaces =
            interfaces.map(|facts| (facts.name.to_string(), facts.state == LinkState::Up, facts.reopened));
        Self { run, interfaces: interfaces.collect(), flows: tally.workers.flows.live }
    }
}

/// Adds what another lane saw of the same interface.
fn join(held: &mut InterfaceFacts, other: &InterfaceFacts) {
    held.counts.add(&other.counts);
    held.reopened = held.reopened.saturating_add(other.reopened);
    held.wire_octets = held.wire_octets.saturating_add(other.wire_octets);
    held.last_packet = held.last_packet.max(other.last_packet);
}

fn run_of(facts: &InterfaceFacts) -> InterfaceRun {
    InterfaceRun {
        name: facts.name.to_string(),
        packets: facts.counts.processed,
        octets: facts.wire_octets,
        interface_lost: facts.counts.interface_lost,
        kernel_lost: facts.counts.kernel_lost,
        last: facts.last_packet,
    }
}

type Over = Option<(Timestamp, Timestamp)>;

fn around(one: Over, other: Over) -> Over {
    match (one, other) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (one, other) => one.or(other),
    }
}
