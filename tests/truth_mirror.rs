//! A mirror of two ports shows each packet twice. Over real captures that changes nothing of what is
//! found, and each second copy is counted.
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::print_stdout, reason = "says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use camsentry::flow::facts::SideTally;
use camsentry::judge::audit::JudgedFlow;
use camsentry::time::Timestamp;

#[expect(dead_code, reason = "the conversations are compared elsewhere")]
#[path = "support/truth.rs"]
mod truth;
#[expect(dead_code, reason = "both senders are of use here")]
#[path = "support/truth_packets.rs"]
mod truth_packets;
#[path = "support/truth_run.rs"]
mod truth_run;

use truth::TruthFile;
use truth_packets::Packet;

/// How much later the second copy comes; a Linux bridge mirrors within 8 µs.
const LATER: i64 = 4_000;

#[test]
fn a_mirror_of_two_ports_changes_nothing_that_is_found() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let auditor = truth_run::auditor(1);
    let mut wrong = Vec::new();
    for file in truth::read(&shared.join("real")).iter().filter(|file| !file.is_robust_only) {
        for (key, packets) in truth_packets::by_conversation(file) {
            let once = truth_run::audit(&auditor, truth_packets::capture(&packets)).audit;
            let twice: Vec<Packet> = packets.into_iter().flat_map(doubled).collect();
            let twice = truth_run::audit(&auditor, truth_packets::capture(&twice)).audit;
            let (once, twice) = (found(file, &once.flows), found(file, &twice.flows));
            if once != twice {
                wrong.push(format!("{}: {key:?}\n  once  {once:?}\n  twice {twice:?}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn doubled(packet: Packet) -> [Packet; 2] {
    let mut copy = packet.clone();
    copy.frame.time = Timestamp::from_nanos(copy.frame.time.nanos() + LATER);
    [packet, copy]
}

/// What was found of each flow, in words, with the copies left out. A copy of a fragment is counted
/// with the frames of the datagram that it belongs to.
fn found(file: &TruthFile, flows: &[JudgedFlow]) -> Vec<String> {
    let of = |flow: &JudgedFlow| {
        let facts = &flow.facts;
        let tallies = facts.tallies.map(|tally| {
            let tally = SideTally { duplicate_packets: 0, duplicate_octets: 0, ..tally };
            if file.has_fragments { SideTally { packets: 0, wire_octets: 0, ..tally } } else { tally }
        });
        let went = (facts.key, tallies, facts.state, facts.history.as_str(), facts.outcome, facts.gap);
        let opened = (facts.initiator, facts.initiation, facts.overlap_differs);
        let spoken = (flow.service, flow.certainty, flow.content, flow.tls_version, flow.details.clone());
        format!("{went:?} {opened:?} {spoken:?} {:?} {:?}", flow.verdict, flow.reason)
    };
    flows.iter().map(of).collect()
}
