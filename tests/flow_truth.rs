//! The flow table on real captures against tshark's conversations (`truth.json`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]
#![expect(clippy::print_stderr, reason = "says when it is skipped")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::event::Event;
use camsentry::event::EventKind;
use camsentry::flow::FlowFacts;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::facts::Initiation;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::RunTally;
use camsentry::pipeline::run;
use camsentry::service::Transport;
use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("CAMSENTRY_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
    }
    folder
}

fn events_of(path: &str, workers: usize) -> (Vec<Event>, RunTally) {
    let mut source = Captures::open(&[path.to_owned()]);
    let mut events = Vec::new();
    let stop = AtomicBool::new(false);
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let workers = NonZeroUsize::new(workers).unwrap();
    let settings = PipelineSettings::default();
    let tally = run(&mut source, &settings, workers, &mut control, &mut |mut more| events.append(&mut more));
    (events, tally)
}

fn closed(events: &[Event]) -> impl Iterator<Item = &FlowFacts> {
    events.iter().filter_map(|event| match &event.kind {
        EventKind::Closed(facts) => Some(&**facts),
        _ => None,
    })
}

/// Packets and octets of all flows with the same 5-tuple, mirror copies added back.
fn by_key(events: &[Event]) -> BTreeMap<FlowKey, (u64, u64)> {
    let mut sums = BTreeMap::<FlowKey, (u64, u64)>::new();
    for facts in closed(events) {
        let sum = sums.entry(facts.key).or_default();
        for tally in &facts.tallies {
            sum.0 += tally.packets + tally.duplicate_packets;
            sum.1 += tally.wire_octets + tally.duplicate_octets;
        }
    }
    sums
}

fn key_of(conversation: &Value) -> (FlowKey, Side) {
    let end = |addr: &str, port: &str| {
        let addr: std::net::IpAddr = conversation[addr].as_str().unwrap().parse().unwrap();
        (addr.into(), u16::try_from(conversation[port].as_u64().unwrap()).unwrap())
    };
    let transport = if conversation["proto"] == "tcp" { Transport::Tcp } else { Transport::Udp };
    FlowKey::canonical(end("client_ip", "client_port"), end("server_ip", "server_port"), transport, 0)
}

/// Packets by the truth. tshark counts custom blocks of pcapng as packets too; where the blocks are
/// told apart, those of packets count.
fn packets_of(file: &Value) -> u64 {
    let blocks = &file["container"]["blocks"];
    let custom = blocks.as_object().is_some_and(|kinds| kinds.keys().any(|kind| kind.ends_with("bad")));
    if custom {
        ["EPB", "SPB", "PB"].iter().filter_map(|kind| blocks[*kind].as_u64()).sum()
    } else {
        file["packets"].as_u64().unwrap()
    }
}

#[test]
fn tuples_packets_octets_and_initiators_are_those_of_tshark() {
    let Some(folder) = captures() else { return };
    let truth: Value =
        serde_json::from_slice(&std::fs::read(folder.join("real/truth.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (name, file) in truth["files"].as_object().unwrap() {
        let path = folder.join("real").join(name);
        if !path.exists() {
            continue;
        }
        let (events, tally) = events_of(path.to_str().unwrap(), 1);
        assert!(tally.is_conserved(), "{name}: {tally:?}");
        let packets = packets_of(file);
        if packets != tally.decode.seen.frames {
            wrong.push(format!("{name}: packets {} instead of {packets}", tally.decode.seen.frames));
        }
        let Some(conversations) = file["conversations"].as_array() else { continue };
        let ours = by_key(&events);
        let tuples =
            ours.keys().filter(|key| matches!(key.transport, Transport::Tcp | Transport::Udp)).count();
        if tuples != conversations.len() {
            wrong.push(format!("{name}: {tuples} tuples instead of {}", conversations.len()));
        }
        let fragmented = file["ip_fragments"].as_u64() != Some(0);
        for conversation in conversations {
            let (key, client) = key_of(conversation);
            let want = (conversation["packets"].as_u64().unwrap(), conversation["bytes"].as_u64().unwrap());
            match ours.get(&key) {
                None => wrong.push(format!("{name}: {key:?} is missing")),
                Some(have) if *have != want && !fragmented => {
                    wrong.push(format!("{name}: {key:?} has {have:?} instead of {want:?}"));
                }
                Some(_) => {}
            }
            let proved = conversation["role_by"] == "syn" || conversation["role_by"] == "synack";
            let first = closed(&events).find(|facts| facts.key == key);
            if let Some(facts) = first.filter(|_| proved)
                && (facts.initiator != Some(client) || facts.initiation < Initiation::Inferred)
            {
                wrong.push(format!("{name}: {key:?} opened by {:?}, not {client:?}", facts.initiator));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn events_of_every_capture_are_the_same_for_one_two_and_four_workers() {
    let Some(folder) = captures() else { return };
    for part in ["real", "odd"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if !path.extension().is_some_and(|kind| kind != "json" && kind != "md") {
                continue;
            }
            let path = path.to_str().unwrap();
            let (one, tally) = events_of(path, 1);
            assert!(tally.is_conserved(), "{path}: {tally:?}");
            assert_eq!(tally.workers.abandoned, 0, "{path}");
            let one = format!("{one:?}");
            for workers in [2, 4] {
                let (other, other_tally) = events_of(path, workers);
                assert_eq!(one, format!("{other:?}"), "{path} with {workers} workers");
                assert_eq!(tally, other_tally, "{path} with {workers} workers");
            }
        }
    }
}
