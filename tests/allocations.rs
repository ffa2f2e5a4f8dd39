//! In a steady state, when all flows are known and their tables have grown, no packet allocates: 100,000 more
//! packets cost not one allocation more, of the stages and of the whole run.
//!
//! Every allocation of the thread that measures is counted; one worker does everything on it.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "test helpers"
)]

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use allocation_counter::AllocationInfo;
use allocation_counter::measure;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::flow::FlowFacts;
use camsentry::flow::FlowKey;
use camsentry::flow::FlowSettings;
use camsentry::flow::FlowSink;
use camsentry::flow::FlowTable;
use camsentry::flow::Side;
use camsentry::flow::Tracer;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Opening;
use camsentry::flow::facts::Outcome;
use camsentry::flow::facts::SideTally;
use camsentry::flow::key::FlowNumber;
use camsentry::flow::key::SHARDS;
use camsentry::flow::sink::Chunk;
use camsentry::flow::sink::Reaction;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::run;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::recognise::attached::Attached;
use camsentry::recognise::dispatch::Dispatch;
use camsentry::recognise::heads::HeadPool;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::recognise::watch::Notice;
use camsentry::recognise::watch::Watching;
use camsentry::time::Timestamp;

#[path = "../benches/workloads/mod.rs"]
#[expect(dead_code, reason = "not all of the workloads' figures are asked for")]
mod workloads;

use workloads::Size;
use workloads::Workload;

/// TCP in order and RTP, of known services; and datagrams that nobody knows.
const STEADY_ONES: [Workload; 2] = [Workload::Streams, Workload::SmallFlows];
/// Packets of a run that is not counted.
const FIRST: u64 = 10_000;
/// Packets after which every flow is known, and recognised or given up, and every buffer has its size.
const WARM: u64 = 50_000;
/// The packets behind them.
const STEADY: u64 = 100_000;
/// The lengths of two audits: of the streams 10 s, when all are judged (a flow is given 5 s to show itself), and 16 s,
/// for which the histograms of flows' durations need not grow: they do so from 8.4 s and from 16.8 s on.
const AUDITS: [u64; 2] = [100_000, 160_000];
/// Flows of the datagrams.
const FLOWS: u64 = 1_000;

/// A capture of so many packets, and its site: streams over TCP in order and RTP beside them, or datagrams
/// that nobody knows.
fn capture(workload: Workload, packets: u64) -> (Vec<u8>, String) {
    let flows = (workload == Workload::SmallFlows).then_some(FLOWS);
    let size = Size { flows, ..Size::of(packets) };
    let mut octets = Vec::new();
    workload.write(size, &mut octets).unwrap();
    let (_, site) = workload.sites(size).swap_remove(0);
    (octets, site)
}

fn open(octets: Vec<u8>) -> Captures {
    Captures::from_reader("steady", Cursor::new(octets))
}

/// Lets the watch of each flow read, and forgets what it says.
struct Readers<'r> {
    dispatch: Dispatch<'r>,
    pool: HeadPool,
    notices: Vec<Notice>,
}

impl Readers<'_> {
    fn ask(&mut self, ask: impl FnOnce(&mut Watching<'_>) -> Reaction) -> Reaction {
        self.notices.clear();
        ask(&mut Watching { dispatch: &self.dispatch, pool: &mut self.pool, notices: &mut self.notices })
    }
}

impl FlowSink<Attached> for Readers<'_> {
    fn opened(&mut self, _: FlowNumber, _: Timestamp, _: &Opening) -> Attached {
        Attached::default()
    }

    fn octets(&mut self, _: FlowNumber, attached: &mut Attached, chunk: &Chunk<'_>) -> Reaction {
        self.ask(|desk| attached.octets(chunk, desk))
    }

    fn gap(
        &mut self,
        _: FlowNumber,
        attached: &mut Attached,
        key: &FlowKey,
        side: Side,
        _: Timestamp,
    ) -> Reaction {
        self.ask(|desk| attached.gap(key, side, desk))
    }

    fn ending(&mut self, _: FlowNumber, attached: &mut Attached, key: &FlowKey, _: Timestamp) -> Reaction {
        self.ask(|desk| attached.end(key, desk))
    }

    fn initiated(&mut self, _: FlowNumber, _: Timestamp, _: Side, _: Initiation) {}

    fn reached(&mut self, _: FlowNumber, _: Timestamp, _: Outcome) {}

    fn tally(&mut self, _: FlowNumber, _: Timestamp, _: &[SideTally; 2]) {}

    fn closed(&mut self, _: Timestamp, mut attached: Attached, _: FlowFacts) {
        attached.let_go(&mut self.pool);
    }
}

/// The stages from the capture to the recognisers, one after the other over each batch.
struct Stages<'r> {
    source: Captures,
    batch: FrameBatch,
    decoder: Decoder,
    decoded: Decoded,
    tracer: Tracer,
    table: FlowTable<Attached>,
    readers: Readers<'r>,
    packets: u64,
}

impl Stages<'_> {
    fn new(octets: Vec<u8>) -> Self {
        Self {
            source: open(octets),
            batch: FrameBatch::default(),
            decoder: Decoder::new(DecodeSettings::default()),
            decoded: Decoded::default(),
            tracer: Tracer::new(&FlowSettings::default()),
            table: FlowTable::new(FlowSettings::default(), SHARDS),
            readers: Readers {
                dispatch: Dispatch::new(RECOGNISERS),
                pool: HeadPool::new(HeadPool::OCTETS_PER_SHARD, 1),
                notices: Vec::new(),
            },
            packets: 0,
        }
    }

    /// Takes the next batch: what reading, decoding, and the table with its readers allocated, and whether there
    /// may be more.
    fn next(&mut self) -> ([u64; 3], Supply) {
        let mut supply = Supply::End;
        let read = measure(|| supply = self.source.fill(&mut self.batch));
        let decode = measure(|| {
            self.decoded.clear();
            for index in 0..self.batch.frames.len() {
                self.decoder.decode(&mut self.batch, index, &mut self.decoded);
            }
        });
        let flow = measure(|| {
            for segment in &self.decoded.segments {
                let start = usize::try_from(segment.payload_start).unwrap();
                let end = start + usize::try_from(segment.payload_len).unwrap();
                let payload = self.batch.octets.get(start..end).unwrap();
                self.table.segment(self.tracer.trace(segment), segment, payload, &mut self.readers);
            }
        });
        self.packets += u64::try_from(self.batch.frames.len()).unwrap();
        ([read, decode, flow].map(|info| info.count_total), supply)
    }
}

/// What reading, decoding, and flows with recognisers allocate in the steady state.
fn allocations_of_stages(workload: Workload) -> [u64; 3] {
    let (octets, _) = capture(workload, WARM + STEADY);
    let mut stages = Stages::new(octets);
    let mut sum = [0; 3];
    loop {
        let steady = stages.packets >= WARM;
        let (counts, supply) = stages.next();
        if steady {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        if supply == Supply::End {
            assert!(stages.packets >= WARM + STEADY);
            return sum;
        }
    }
}

/// What a whole run without a judge allocates on so many packets.
fn allocations_of_run(workload: Workload, packets: u64) -> AllocationInfo {
    let (octets, _) = capture(workload, packets);
    let mut source = open(octets);
    let (settings, stop) = (PipelineSettings::default(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    measure(|| {
        let tally = run(&mut source, &settings, NonZeroUsize::MIN, &mut control, &mut drop);
        assert!(tally.is_conserved() && tally.decode.seen.frames >= packets);
    })
}

/// The same with the judge, up to the audit.
fn allocations_of_audit(workload: Workload, packets: u64) -> AllocationInfo {
    let (octets, site) = capture(workload, packets);
    let packs = packs::shipped();
    let source = SourceText { name: "site.toml".to_owned(), text: site };
    let site = read_site(&source, &Known::of(&packs)).site;
    assert!(site.is_some());
    let policy = Arc::new(Policy::new(packs, site, false, 0));
    let auditor = Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: false, draft: false };
    let mut source = open(octets);
    measure(|| {
        let audited = auditor.run(&mut source, &AtomicBool::new(false), &mut |_| {});
        assert_eq!(audited.audit.totals.violating, 0);
    })
}

/// What a long run allocates more often than a short one, of each workload.
fn further(run: impl Fn(Workload, u64) -> AllocationInfo, lengths: [u64; 2]) -> [(&'static str, i128); 2] {
    STEADY_ONES.map(|workload| {
        // What is made once for the whole process is made here.
        run(workload, FIRST);
        let [short, long] = lengths.map(|packets| run(workload, packets));
        println!("{}: {short:?}, then {long:?}", workload.name());
        (workload.name(), i128::from(long.count_total) - i128::from(short.count_total))
    })
}

#[test]
fn reading_decoding_flows_and_recognisers_allocate_nothing_in_a_steady_state() {
    for workload in STEADY_ONES {
        let [read, decode, flow] = allocations_of_stages(workload);
        assert_eq!((read, decode, flow), (0, 0, 0), "{}: read, decode, flow", workload.name());
    }
}

#[test]
fn a_run_allocates_nothing_for_further_packets_of_known_flows() {
    let further = further(allocations_of_run, [WARM, WARM + STEADY]);
    assert_eq!(further, STEADY_ONES.map(|workload| (workload.name(), 0)));
}

#[test]
fn an_audit_allocates_nothing_for_further_packets_of_known_flows() {
    let further = further(allocations_of_audit, AUDITS);
    assert_eq!(further, STEADY_ONES.map(|workload| (workload.name(), 0)));
}
