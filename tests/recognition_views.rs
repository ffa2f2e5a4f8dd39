//! The synthetic captures as a sensor at another place would have seen them: one direction only, or from
//! later on. Who opened a connection is never told the wrong way round and called `observed` or
//! `inferred`, and nothing gets another name than it has in whole. (`truth_views.rs` asks the same of
//! real captures.)
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test helpers")]
#![expect(clippy::print_stdout, reason = "prints the shares")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use camsentry::capture::captures::Captures;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::facts::Initiation;
use camsentry::judge::audit::JudgedFlow;
use camsentry::pipeline::audit::Auditor;
use camsentry::service::Service;
use camsentry::service::Transport;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/dialogue.rs"]
mod dialogue;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/samples.rs"]
mod samples;
#[expect(dead_code, reason = "the truth is the scene's")]
#[path = "support/truth.rs"]
mod truth;
#[path = "support/truth_packets.rs"]
mod truth_packets;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/truth_run.rs"]
mod truth_run;

use truth::TruthFile;
use truth_packets::Packet;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum View {
    Whole,
    ClientOnly,
    ServerOnly,
    WithoutFirst(usize),
}

const VIEWS: [View; 6] = [
    View::Whole,
    View::ClientOnly,
    View::ServerOnly,
    View::WithoutFirst(1),
    View::WithoutFirst(3),
    View::WithoutFirst(10),
];

/// Flows by what is said of their initiator.
#[derive(Default)]
struct Shares {
    by_initiation: BTreeMap<Initiation, u32>,
    unnamed: u32,
    flows: u32,
}

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut all: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("capture.pcap")).collect();
    all.sort();
    all
}

fn packets_of(path: &Path) -> BTreeMap<FlowKey, Vec<Packet>> {
    truth_packets::by_conversation(&TruthFile {
        name: path.display().to_string(),
        path: path.to_owned(),
        totals: (0, 0),
        has_fragments: false,
        is_robust_only: false,
        conversations: Vec::new(),
    })
}

/// Who sent the SYN, by the octets of Ethernet, tags, IPv4 and TCP. Not known of datagrams.
fn client_of(key: &FlowKey, packets: &[Packet]) -> Option<Side> {
    let is_syn = |packet: &&Packet| {
        let octets = &packet.octets;
        let mut at = 12;
        while matches!(octets[at..at + 2], [0x81, 0x00] | [0x88, 0xa8]) {
            at += 4;
        }
        let ip = at + 2;
        let tcp = if octets[ip] >> 4 == 4 { ip + usize::from(octets[ip] & 15) * 4 } else { ip + 40 };
        octets.get(tcp + 13).is_some_and(|flags| flags & 0x12 == 2)
    };
    let syn = packets.iter().find(is_syn).filter(|_| key.transport == Transport::Tcp);
    syn.map(|packet| packet.sender)
}

fn seen(packets: &[Packet], view: View, client: Side) -> Vec<Packet> {
    let mut packets = packets.to_vec();
    match view {
        View::Whole => {}
        View::ClientOnly => packets.retain(|packet| packet.sender == client),
        View::ServerOnly => packets.retain(|packet| packet.sender != client),
        View::WithoutFirst(count) => drop(packets.drain(..count.min(packets.len()))),
    }
    packets
}

fn flows(auditor: &Auditor, captures: Captures) -> Vec<JudgedFlow> {
    truth_run::audit(auditor, captures).audit.flows
}

fn names(flows: &[JudgedFlow]) -> BTreeSet<Service> {
    flows.iter().filter_map(|flow| flow.service).filter(|service| *service != Service::Text).collect()
}

#[test]
fn no_view_of_a_synthetic_capture_swaps_the_ends_or_changes_a_name() {
    let auditor = truth_run::auditor(1);
    let (mut shares, mut wrong) = (BTreeMap::<View, Shares>::new(), Vec::new());
    for path in captures() {
        for (key, packets) in packets_of(&path) {
            let client = client_of(&key, &packets);
            // Of datagrams the first sender stands for the client, to choose the views by.
            let chosen = client.unwrap_or(packets[0].sender);
            let whole = names(&flows(&auditor, truth_packets::capture(&packets)));
            for view in VIEWS {
                let left = seen(&packets, view, chosen);
                if left.is_empty() {
                    continue;
                }
                let found = flows(&auditor, truth_packets::capture(&left));
                let shares = shares.entry(view).or_default();
                if !names(&found).is_subset(&whole) {
                    wrong.push(format!(
                        "{} {key:?} {view:?}: {:?} is {whole:?}",
                        path.display(),
                        names(&found)
                    ));
                }
                for flow in found {
                    shares.flows += 1;
                    shares.unnamed += u32::from(flow.service.is_none());
                    *shares.by_initiation.entry(flow.initiation).or_default() += 1;
                    let is_sure = flow.initiation >= Initiation::Inferred;
                    if client.is_some_and(|client| is_sure && flow.orig != Some(client)) {
                        wrong.push(format!(
                            "{} {key:?} {view:?}: {:?} by {:?}",
                            path.display(),
                            flow.initiation,
                            flow.orig
                        ));
                    }
                }
            }
        }
    }
    println!(
        "{:<18} {:>6} {:>9} {:>9} {:>8} {:>8} {:>9}",
        "view", "flows", "observed", "inferred", "assumed", "unknown", "no name"
    );
    for (view, Shares { by_initiation, unnamed, flows }) in &shares {
        let of = |initiation| by_initiation.get(&initiation).copied().unwrap_or(0);
        let (observed, inferred) = (of(Initiation::Observed), of(Initiation::Inferred));
        let (assumed, unknown) = (of(Initiation::Assumed), of(Initiation::Unknown));
        println!(
            "{:<18} {flows:>6} {observed:>9} {inferred:>9} {assumed:>8} {unknown:>8} {unnamed:>9}",
            format!("{view:?}")
        );
    }
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n"));
}

/// Of a mirror that shows the server's side only, the first datagram after any silence is an answer.
#[test]
fn an_answer_after_a_watched_silence_opens_nothing() {
    let mut answers = samples::written();
    answers.retain(|one| one.transport == Transport::Udp && one.turns.iter().all(|(client, _)| !client));
    let (mut at_once, mut later) = (dialogue::Wire::default(), dialogue::Wire::default());
    later.send(&answers[0], &answers[0].plain());
    later.wait(1_000);
    for answer in &answers {
        at_once.send(answer, &answer.plain());
        later.send(answer, &answer.plain());
    }
    let (at_once, later) = (at_once.read(), later.read());
    let mut proved = 0;
    for (answer, (soon, late)) in answers.iter().zip(at_once.iter().zip(&later[1..])) {
        if soon.initiator.is_some() {
            proved += 1;
            assert_eq!(late.initiator, soon.initiator, "{}", answer.name);
        }
    }
    assert!(proved >= 10, "{proved}");
}
