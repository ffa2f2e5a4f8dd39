//! Instructions that each stage takes, alone: `cargo bench --bench instructions`, which needs valgrind and
//! `gungraun-runner` (docs/performance.md says how to have them). The counts are the same in every run, whatever
//! else the machine does; what waiting for memory costs, they do not say: `replay.rs` and `compare.py` do.
//!
//! Stages that take packets take 100,000, recognisers 10,000 chunks, rules 10,000 questions.
#![expect(missing_docs, unused_qualifications, reason = "the macros of the benchmarks make such items")]

use std::hint::black_box;

use camsentry::capture::captures::Captures;
use gungraun::library_benchmark;
use gungraun::library_benchmark_group;
use gungraun::main;

mod stages;
#[path = "workloads/mod.rs"]
#[expect(dead_code, reason = "not all of the workloads' figures are asked for")]
mod workloads;

use stages::KnownFlows;
use stages::Rules;
use stages::Said;
use stages::Undecoded;
use stages::Unjudged;
use stages::Whole;
use workloads::Workload;

#[library_benchmark]
#[bench::vms_mix(stages::capture())]
fn capture(mut source: Captures) -> impl Sized {
    (black_box(stages::read(&mut source)), source)
}

#[library_benchmark]
#[bench::vms_mix(stages::frames(Workload::VmsMix))]
#[bench::small_flows(stages::frames(Workload::SmallFlows))]
#[bench::hostile_mix(stages::frames(Workload::HostileMix))]
fn decode(mut frames: Undecoded) -> impl Sized {
    (black_box(stages::decode(&mut frames)), frames)
}

#[library_benchmark]
#[bench::of_10_000(stages::known_flows(stages::FEW_FLOWS))]
#[bench::of_1_000_000(stages::known_flows(1_000_000))]
fn flow(mut flows: KnownFlows) -> impl Sized {
    (black_box(stages::take(&mut flows)), flows)
}

#[library_benchmark]
#[bench::rtsp(stages::said(554))]
#[bench::http(stages::said(80))]
#[bench::tls(stages::said(443))]
#[bench::imageserver(stages::said(7563))]
#[bench::smb(stages::said(445))]
#[bench::tds(stages::said(1433))]
#[bench::dns(stages::said(53))]
#[bench::snmp(stages::said(161))]
fn recognise(flows: Vec<Vec<Said>>) -> impl Sized {
    (black_box(stages::recognise(&flows)), flows)
}

#[library_benchmark]
#[bench::of_10(stages::rules(0))]
#[bench::of_10_000(stages::rules(3))]
fn policy(rules: Rules) -> impl Sized {
    (black_box(stages::rule(&rules)), rules)
}

#[library_benchmark]
#[bench::vms_mix(stages::events())]
fn judge(events: Unjudged) -> usize {
    black_box(stages::judge(events))
}

#[library_benchmark]
#[bench::vms_mix(stages::whole())]
fn audit(mut whole: Whole) -> impl Sized {
    (black_box(stages::audit(&mut whole)), whole)
}

library_benchmark_group!(name = alone, benchmarks = [capture, decode, flow, recognise, policy, judge, audit]);
main!(library_benchmark_groups = alone);
