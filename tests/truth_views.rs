//! Who opened a real connection is never told the wrong way round, however little of it is seen:
//! one direction, or without its first packets.
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::indexing_slicing, reason = "fields of known documents")]
#![expect(clippy::print_stdout, reason = "prints the shares, says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::collections::BTreeMap;
use std::io::Cursor;

use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::facts::Initiation;
use camsentry::pipeline::audit::Auditor;

#[expect(dead_code, reason = "only the conversations are of use here")]
#[path = "support/truth.rs"]
mod truth;
#[path = "support/truth_run.rs"]
mod truth_run;

use truth::TruthFile;

/// What a sensor at another place, or started later, would have seen of a connection.
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

/// One frame of a connection, as it was captured.
struct Packet {
    frame: Frame,
    octets: Vec<u8>,
    sender: Side,
}

/// The frames of each 5-tuple in the order of capture.
type Connections = BTreeMap<FlowKey, Vec<Packet>>;

/// How often a view said what of the initiator.
#[derive(Default)]
struct Shares {
    /// By certainty, where the initiator is the right one.
    right: BTreeMap<Initiation, u32>,
    /// By certainty, where it is the other one.
    swapped: BTreeMap<Initiation, u32>,
    /// Nothing of the connection is left.
    empty: u32,
}

#[test]
fn a_proved_initiator_is_never_the_wrong_one_in_any_view_of_a_real_connection() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let auditor = truth_run::auditor(1);
    let mut shares = BTreeMap::<View, Shares>::new();
    let (mut wrong, mut connections) = (Vec::new(), 0);
    for file in truth::read(&shared.join("real")) {
        let packets = connections_of(&file);
        for conversation in file.conversations.iter().filter(|conversation| conversation.is_client_proved) {
            connections += 1;
            let packets = packets.get(&conversation.key).unwrap();
            for view in VIEWS {
                let shares = shares.entry(view).or_default();
                if replay(&auditor, packets, view, conversation.client, shares) {
                    wrong.push(format!("{}: {:?} {view:?}", file.name, conversation.key));
                }
            }
        }
    }
    assert!(connections > 150, "{connections}");
    print_shares(&shares);
    assert!(wrong.is_empty(), "swapped in {} views:\n{}", wrong.len(), wrong.join("\n"));
    let unknown = |view| shares[&view].right.get(&Initiation::Unknown).copied().unwrap_or(0);
    assert_eq!(unknown(View::Whole), 0, "whole connections show who opened them");
}

/// Audits one view; true if it names the wrong initiator as proved.
fn replay(auditor: &Auditor, packets: &[Packet], view: View, client: Side, shares: &mut Shares) -> bool {
    let capture = pcap(&packets_of(packets, view, client));
    let audited = truth_run::audit(auditor, Captures::from_reader("view.pcap", Cursor::new(capture)));
    let mut is_wrong = false;
    if audited.audit.flows.is_empty() {
        shares.empty += 1;
    }
    for flow in &audited.audit.flows {
        let is_swapped = flow.initiation > Initiation::Unknown && flow.orig != Some(client);
        let proved_wrong = flow.facts.initiator.is_some_and(|side| side != client);
        is_wrong |= proved_wrong || is_swapped && flow.initiation >= Initiation::Inferred;
        let counts = if is_swapped { &mut shares.swapped } else { &mut shares.right };
        *counts.entry(flow.initiation).or_default() += 1;
    }
    is_wrong
}

fn packets_of(packets: &[Packet], view: View, client: Side) -> Vec<&Packet> {
    match view {
        View::Whole => packets.iter().collect(),
        View::ClientOnly => packets.iter().filter(|packet| packet.sender == client).collect(),
        View::ServerOnly => packets.iter().filter(|packet| packet.sender != client).collect(),
        View::WithoutFirst(count) => packets.iter().skip(count).collect(),
    }
}

fn print_shares(shares: &BTreeMap<View, Shares>) {
    println!("| view | observed | inferred | assumed | assumed, swapped | unknown | nothing left |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (view, Shares { right, swapped, empty }) in shares {
        let of = |counts: &BTreeMap<Initiation, u32>, what| counts.get(&what).copied().unwrap_or(0);
        let (observed, inferred) = (of(right, Initiation::Observed), of(right, Initiation::Inferred));
        let (assumed, unknown) = (of(right, Initiation::Assumed), of(right, Initiation::Unknown));
        let flipped = of(swapped, Initiation::Assumed);
        println!("| {view:?} | {observed} | {inferred} | {assumed} | {flipped} | {unknown} | {empty} |");
    }
}

/// Sorts the frames of a capture by 5-tuple. Fragments go with the datagram that they complete.
fn connections_of(file: &TruthFile) -> Connections {
    let mut captures = Captures::open(&[file.path.to_str().unwrap().to_owned()]);
    let mut decoder = Decoder::new(DecodeSettings::default());
    let (mut batch, mut decoded) = (FrameBatch::default(), Decoded::default());
    let (mut connections, mut waiting) = (Connections::new(), Vec::new());
    loop {
        let supply = captures.fill(&mut batch);
        for index in 0..batch.frames.len() {
            let (frame, held) = (batch.frames[index], decoder.tally().fragments.held);
            let octets = batch.octets_of(&frame).to_vec();
            decoded.clear();
            decoder.decode(&mut batch, index, &mut decoded);
            if decoder.tally().fragments.held > held {
                waiting.push((frame, octets));
            } else if let Some(segment) = decoded.segments.first() {
                let (key, sender) = FlowKey::of(segment, false);
                let earlier = waiting.len().saturating_sub(usize::from(segment.frames).saturating_sub(1));
                let frames = waiting.split_off(earlier).into_iter().chain([(frame, octets)]);
                let packets = frames.map(|(frame, octets)| Packet { frame, octets, sender });
                connections.entry(key).or_default().extend(packets);
            }
        }
        if supply == Supply::End {
            return connections;
        }
    }
}

/// A classic capture of nanoseconds, all of one link type.
fn pcap(packets: &[&Packet]) -> Vec<u8> {
    let link = packets.first().map_or(1, |packet| packet.frame.link.0);
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, link] {
        file.extend_from_slice(&u32::to_le_bytes(field));
    }
    for Packet { frame, octets, .. } in packets {
        let nanos = frame.time.nanos();
        let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
        for field in [seconds, rest, i64::from(frame.captured), i64::from(frame.wire_len)] {
            file.extend_from_slice(&u32::try_from(field).unwrap().to_le_bytes());
        }
        file.extend_from_slice(octets);
    }
    file
}
