//! Each stage alone: what it takes in is made before, from the workloads, and what it makes goes no further.
//!
//! Every input is as many things long as its benchmark says, so that a cost divided by that number is the cost
//! of one.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "fixed inputs: a fault must stop it"
)]

mod recorder;

use std::hint::black_box;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::addr::Addr;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::decode::Read;
use camsentry::event::Event;
use camsentry::flow::FlowSettings;
use camsentry::flow::FlowTable;
use camsentry::flow::Trace;
use camsentry::flow::Tracer;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Outcome;
use camsentry::flow::key::SHARDS;
use camsentry::inventory::Inventory;
use camsentry::inventory::role::Role;
use camsentry::inventory::role::RoleSet;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::audit::Audited;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::run;
use camsentry::policy::case::Case;
use camsentry::policy::case::End;
use camsentry::policy::case::Ruling;
use camsentry::policy::case::Spoken;
use camsentry::policy::case::Traits;
use camsentry::policy::decide::decide;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::recognise::attached::Attached;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

use crate::workloads::Size;
use crate::workloads::Workload;
use recorder::NoReaders;
pub(crate) use recorder::Said;
use recorder::readers;
use recorder::recorded;

/// Packets of the stages that take packets, and flows of the smaller table.
pub(crate) const PACKETS: u64 = 100_000;
pub(crate) const FEW_FLOWS: u64 = 10_000;
/// Chunks that recognisers are shown.
pub(crate) const CHUNKS: usize = 10_000;
/// Rulings that are asked for, each on a port of its own.
pub(crate) const RULINGS: u16 = 10_000;

fn written(workload: Workload, size: Size) -> Vec<u8> {
    let mut octets = Vec::new();
    workload.write(size, &mut octets).unwrap();
    octets
}

fn open(octets: Vec<u8>) -> Captures {
    Captures::from_reader("bench", Cursor::new(octets))
}

/// A capture of `vms_mix`.
pub(crate) fn capture() -> Captures {
    open(written(Workload::VmsMix, Size::of(PACKETS)))
}

/// Reads all of it.
pub(crate) fn read(source: &mut Captures) -> usize {
    let (mut batch, mut frames) = (FrameBatch::default(), 0);
    loop {
        let supply = source.fill(&mut batch);
        frames += batch.frames.len();
        if supply == Supply::End {
            return frames;
        }
    }
}

/// All of a capture, in batches.
fn batches(mut source: Captures) -> Vec<FrameBatch> {
    let mut batches = Vec::new();
    loop {
        let mut batch = FrameBatch::default();
        let supply = source.fill(&mut batch);
        batches.push(batch);
        if supply == Supply::End {
            return batches;
        }
    }
}

/// Batches, and a decoder that has seen nothing.
pub(crate) type Undecoded = (Vec<FrameBatch>, Decoder, Decoded);

/// Frames of a workload.
pub(crate) fn frames(workload: Workload) -> Undecoded {
    let batches = batches(open(written(workload, Size::of(PACKETS))));
    (batches, Decoder::new(DecodeSettings::default()), Decoded::default())
}

/// Decodes all of them.
pub(crate) fn decode((batches, decoder, decoded): &mut Undecoded) -> usize {
    let mut segments = 0;
    for batch in batches {
        decoded.clear();
        for index in 0..batch.frames.len() {
            decoder.decode(batch, index, decoded);
        }
        segments += decoded.segments.len();
    }
    segments
}

/// As many packets are looked up together as by a worker.
const TOGETHER: usize = 32;

/// A table in which all flows are, and the segments that come next with their traces.
pub(crate) type KnownFlows = (FlowTable<()>, Vec<(Decoded, Vec<Trace>)>);

/// `flows` flows, and `PACKETS` segments of them in random order.
pub(crate) fn known_flows(flows: u64) -> KnownFlows {
    let size = Size { flows: Some(flows), ..Size::of(flows + PACKETS) };
    let mut decoder = Decoder::new(DecodeSettings::default());
    let settings = FlowSettings { flows_per_shard: u32::MAX, ..FlowSettings::default() };
    let (mut table, tracer) = (FlowTable::new(settings, SHARDS), Tracer::new(&settings));
    let (mut opened, mut rest) = (0, Vec::new());
    for mut batch in batches(open(written(Workload::SmallFlows, size))) {
        let mut decoded = Decoded::default();
        for index in 0..batch.frames.len() {
            decoder.decode(&mut batch, index, &mut decoded);
        }
        let first = decoded.segments.len().min(usize::try_from(flows - opened).unwrap());
        for segment in decoded.segments.drain(..first) {
            table.segment(tracer.trace(&segment), &segment, &[], &mut NoReaders);
        }
        opened += u64::try_from(first).unwrap();
        let traces = decoded.segments.iter().map(|segment| tracer.trace(segment)).collect();
        rest.push((decoded, traces));
    }
    (table, rest)
}

/// Takes them all.
pub(crate) fn take((table, batches): &mut KnownFlows) -> u64 {
    for (decoded, traces) in batches {
        for (segments, traces) in decoded.segments.chunks(TOGETHER).zip(traces.chunks(TOGETHER)) {
            black_box(traces.iter().fold(0, |sum, trace| sum ^ table.touch_index(*trace)));
            let coming = || segments.iter().zip(traces).map(|(segment, trace)| (Read::of(segment), *trace));
            let touched = coming().map(|(read, trace)| table.touch_flow(table.guess(trace), trace, read));
            black_box(touched.fold(0, |sum, word| sum ^ word));
            for (segment, trace) in segments.iter().zip(traces) {
                table.segment(*trace, segment, &[], &mut NoReaders);
            }
        }
    }
    table.counts().packets
}

/// What is said on the port of a server in `vms_mix`: whole flows, again and again, until there are `CHUNKS`.
pub(crate) fn said(port: u16) -> Vec<Vec<Said>> {
    let flows = recorded(batches(open(written(Workload::VmsMix, Size::of(PACKETS)))), port);
    let mut said = Vec::new();
    let (mut left, mut flows) = (CHUNKS, flows.iter().cycle());
    while left > 0 {
        let mut flow = flows.next().unwrap().clone();
        flow.truncate(left);
        left -= flow.len();
        said.push(flow);
    }
    said
}

/// Shows each flow to a watch of its own.
pub(crate) fn recognise(flows: &[Vec<Said>]) -> usize {
    let mut readers = readers(RECOGNISERS);
    let mut learned = 0;
    for flow in flows {
        let mut attached = Attached::default();
        for said in flow {
            learned += readers.show(&mut attached, said);
        }
        learned += readers.end(attached, flow.first());
    }
    assert!(learned > 0);
    learned
}

/// The shipped rules, and the site of a workload.
fn policy(workload: Workload, site: usize) -> Arc<Policy> {
    let packs = packs::shipped();
    let (name, text) = workload.sites(Size::of(PACKETS)).swap_remove(site);
    let site = read_site(&SourceText { name: name.to_owned(), text }, &Known::of(&packs)).site;
    assert!(site.is_some());
    Arc::new(Policy::new(packs, site, false, 0))
}

/// Rules, and the inventory of their site.
pub(crate) type Rules = (Arc<Policy>, Inventory);

/// The rules of `new_flows`: the site with this number.
pub(crate) fn rules(site: usize) -> Rules {
    let policy = policy(Workload::NewFlows, site);
    let inventory = Inventory::new(policy.site().cloned());
    (policy, inventory)
}

/// Asks for a ruling on each port of the recorders.
pub(crate) fn rule((policy, inventory): &Rules) -> u16 {
    let end = |addr, label| End {
        addr,
        label,
        roles: RoleSet::of(&[label]),
        judges: true,
        monitored: true,
        packs: policy.bits_of(inventory.packs_of(addr).iter()),
        zone_kinds: Vec::new(),
    };
    let orig = end(Addr::v4([10, 0, 0, 1]), Role::SmartClient);
    let resp = end(Addr::v4([172, 16, 0, 1]), Role::RecordingServer);
    let traits = Traits::default();
    let mut allowed = 0;
    for number in 0..RULINGS {
        // Each port once, in an order that no two neighbours of are near.
        let port = 55_000 + u16::try_from(u32::from(number) * 7_919 % u32::from(RULINGS)).unwrap();
        let case = Case {
            orig: &orig,
            resp: &resp,
            initiation: Initiation::Observed,
            transport: Transport::Udp,
            port: Some(port),
            spoken: Spoken::Unrecognised,
            clear: false,
            traits: &traits,
            outcome: Outcome::Established,
            time: Timestamp::from_nanos(0),
        };
        allowed += u16::from(matches!(decide(policy, inventory, &case), Ruling::Allowed { .. }));
    }
    assert_eq!(allowed, RULINGS);
    allowed
}

/// A judge that has seen nothing, and the events of a run.
pub(crate) type Unjudged = (Judge, Vec<Event>);

/// The events of `vms_mix`.
pub(crate) fn events() -> Unjudged {
    let (policy, mut events) = (policy(Workload::VmsMix, 0), Vec::new());
    let (settings, stop) = (PipelineSettings::default(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    run(&mut capture(), &settings, NonZeroUsize::MIN, &mut control, &mut |more| events.extend(more));
    let inventory = Inventory::new(policy.site().cloned());
    (Judge::new(policy, inventory, JudgeSettings::default()), events)
}

/// Judges them, up to the audit.
pub(crate) fn judge((mut judge, events): Unjudged) -> usize {
    judge.take(events);
    judge.finish().0.violations.len()
}

/// Everything that an audit needs.
pub(crate) type Whole = (Auditor, Captures);

/// An audit of `vms_mix` with one worker.
pub(crate) fn whole() -> Whole {
    let policy = policy(Workload::VmsMix, 0);
    let auditor = Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: false, draft: false };
    (auditor, capture())
}

/// Does it.
pub(crate) fn audit((auditor, source): &mut Whole) -> Audited {
    auditor.run(source, &AtomicBool::new(false), &mut |_| {})
}
