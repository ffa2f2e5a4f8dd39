//! One audit over a source of frames: the pipeline's events go to a judge, and what both counted
//! becomes the facts of the run.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::thread::scope;

use crate::capture::FrameSource;
use crate::decode::Undecoded;
use crate::event::Event;
use crate::export::run_facts::RunFacts;
use crate::inventory::Inventory;
use crate::judge::Judge;
use crate::judge::JudgeSettings;
use crate::judge::audit::Audit;
use crate::judge::audit::JudgeTotals;
use crate::pipeline::control::Control;
use crate::pipeline::offline;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::RunTally;
use crate::policy::force::Policy;

/// So many events go to the judge's thread at a time, or more: to wake it costs as much as some of them.
const PILE: usize = 512;
/// Piles that wait for the judge at most.
const DEPTH: usize = 16;

/// How to audit.
#[derive(Clone, Debug)]
pub struct Auditor {
    /// The rules.
    pub policy: Arc<Policy>,
    /// Worker threads; the result is the same for any number.
    pub workers: NonZeroUsize,
    /// Keep every flow for the flow log.
    pub keep_flows: bool,
    /// Draft a site file from what was seen.
    pub draft: bool,
}

/// What an audit gives.
#[derive(Debug)]
pub struct Audited {
    /// What was found.
    pub audit: Audit,
    /// What was read; files and interfaces are the source's to name.
    pub run: RunFacts,
    /// The draft of a site file, if asked for.
    pub draft: Option<String>,
}

impl Auditor {
    /// Reads `source` to its end, or until `stop` is set, and judges all of it.
    pub fn run(
        &self,
        source: &mut dyn FrameSource,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Audited {
        let inventory = Inventory::new(self.policy.site().cloned());
        let inventory = if self.draft { inventory } else { inventory.without_inference() };
        let keys = self.policy.site().is_some_and(|site| site.key_by_vlan);
        let settings = JudgeSettings { keep_flows: self.keep_flows, ..JudgeSettings::default() };
        let mut judge = Judge::new(Arc::clone(&self.policy), inventory, settings);
        let mut pipeline = PipelineSettings::default();
        pipeline.flow.key_by_vlan = keys;
        let mut control = Control { stop, progress };
        let (tally, judge) = if self.workers == NonZeroUsize::MIN {
            let tally =
                offline::run(source, &pipeline, self.workers, &mut control, &mut |events| judge.take(events));
            (tally, judge)
        } else {
            beside(judge, |take| offline::run(source, &pipeline, self.workers, &mut control, take))
        };
        let (audit, inventory) = judge.finish();
        let mut run = facts(&tally, &audit.totals);
        run.faults = source.faults().to_vec();
        let draft = self.draft.then(|| inventory.draft());
        Audited { audit, run, draft }
    }
}

/// Lets the judge work on a thread of its own, beside `run`, which is given what takes the events.
fn beside<T>(mut judge: Judge, run: impl FnOnce(&mut dyn FnMut(Vec<Event>)) -> T) -> (T, Judge) {
    scope(|scope| {
        let (events, docket) = sync_channel::<Vec<Event>>(DEPTH);
        let bench = scope.spawn(move || {
            docket.into_iter().for_each(|events| judge.take(events));
            judge
        });
        let mut pile: Vec<Event> = Vec::new();
        let mut take = |mut batch: Vec<Event>| {
            pile.append(&mut batch);
            if pile.len() >= PILE {
                // Should the judge have died, the run goes on to its end, and its panic is passed on then.
                let _dead = events.send(std::mem::replace(&mut pile, Vec::with_capacity(PILE)));
            }
        };
        let given = run(&mut take);
        let _dead = events.send(pile);
        drop(events);
        (given, bench.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// What a run and its judge counted, as reports and metrics have it.
pub fn facts(tally: &RunTally, totals: &JudgeTotals) -> RunFacts {
    let decode = &tally.decode;
    let workers = &tally.workers;
    let mut undecoded = words(&decode.undecoded, |cause| cause.as_str(), |count| count.frames);
    if workers.abandoned_packets > 0 {
        undecoded.insert(Undecoded::Abandoned.as_str(), workers.abandoned_packets);
    }
    let bad = &decode.bad_checksums;
    let bad = [("ipv4", bad.ipv4), ("tcp", bad.tcp), ("udp", bad.udp), ("icmp", bad.icmp)];
    RunFacts {
        packets: decode.seen.frames,
        octets: decode.seen.octets,
        cut_packets: decode.cut,
        undecoded,
        not_conversation: words(&decode.not_conversation, |kind| kind.as_str(), |count| count.frames),
        bad_checksums: bad.into_iter().filter(|(_, count)| *count > 0).collect(),
        tunnelled: words(&decode.tunnels, |tunnel| tunnel.as_str(), |count| *count),
        flow_packets: workers.flows.packets,
        duplicate_packets: workers.flows.duplicates,
        flows: workers.flows.opened,
        evicted_flows: workers.flows.evicted,
        one_way_flows: totals.one_way_flows,
        two_way_flows: totals.two_way_flows,
        midstream_flows: totals.midstream_flows,
        first: tally.span.map(|(first, _)| first),
        last: tally.span.map(|(_, last)| last),
        interrupted: tally.stopped || tally.workers_lost > 0,
        ..RunFacts::default()
    }
}

/// Counts by their label values; what never came is absent.
fn words<K: Copy, C>(
    counts: &BTreeMap<K, C>,
    word: impl Fn(K) -> &'static str,
    count: impl Fn(&C) -> u64,
) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(key, value)| (word(*key), count(value))).filter(|(_, count)| *count > 0).collect()
}
