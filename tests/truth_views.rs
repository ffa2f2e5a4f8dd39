//! However little of a real conversation is seen, who opened it is never told the wrong way round,
//! and what is spoken is never called something else: one direction, without its first packets, or
//! with short frames.
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]
#![expect(clippy::indexing_slicing, reason = "fields of known documents")]
#![expect(clippy::print_stdout, reason = "prints the shares, says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::collections::BTreeMap;

use camsentry::flow::Side;
use camsentry::flow::facts::Initiation;
use camsentry::judge::audit::JudgedFlow;

#[expect(dead_code, reason = "totals are compared elsewhere")]
#[path = "support/truth.rs"]
mod truth;
#[path = "support/truth_packets.rs"]
mod truth_packets;
#[path = "support/truth_run.rs"]
mod truth_run;
#[path = "support/truth_words.rs"]
mod truth_words;

use truth::Conversation;
use truth::TruthFile;
use truth_packets::Packet;

/// What a sensor at another place, with other settings, or started later would have seen.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum View {
    Whole,
    ClientOnly,
    ServerOnly,
    WithoutFirst(usize),
    CutAt(usize),
}

const VIEWS: [View; 9] = [
    View::Whole,
    View::ClientOnly,
    View::ServerOnly,
    View::WithoutFirst(1),
    View::WithoutFirst(3),
    View::WithoutFirst(10),
    View::CutAt(64),
    View::CutAt(96),
    View::CutAt(256),
];

#[test]
fn a_proved_initiator_is_never_the_wrong_one_in_any_view_of_a_real_connection() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let (mut shares, mut wrong) = (BTreeMap::<View, Shares>::new(), Vec::new());
    let mut files = truth::read(&shared.join("real"));
    for file in &mut files {
        file.conversations.retain(|conversation| conversation.is_client_proved);
    }
    for_each_view(&files, |file, conversation, view, flows| {
        let swapped = shares.entry(view).or_default().add(flows, conversation.client);
        wrong.extend(swapped.then(|| format!("{}: {:?} {view:?}", file.name, conversation.key)));
    });
    println!("| view | observed | inferred | assumed | assumed, swapped | unknown | nothing left |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (view, shares) in &shares {
        shares.print(*view);
    }
    assert!(wrong.is_empty(), "swapped in {} views:\n{}", wrong.len(), wrong.join("\n"));
    let of = |view: View, initiation| shares[&view].right.get(&initiation).copied().unwrap_or(0);
    assert!(of(View::Whole, Initiation::Observed) > 150);
    assert_eq!(of(View::Whole, Initiation::Unknown), 0, "whole connections show who opened them");
}

#[test]
fn what_is_spoken_is_never_called_something_else_in_any_view() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let (mut named, mut wrong) = (BTreeMap::<View, (u32, u32)>::new(), Vec::new());
    for_each_view(&truth::read(&shared.join("real")), |file, conversation, view, flows| {
        let ours = truth_words::services_of(conversation.key, flows);
        let truth = truth_words::services_in_truth(conversation);
        if !ours.is_subset(&truth) {
            wrong.push(format!("{}: {:?} {view:?}: {ours:?} is {truth:?}", file.name, conversation.key));
        }
        if !truth.is_empty() {
            let (all, hits) = named.entry(view).or_default();
            *all += 1;
            *hits += u32::from(!ours.is_empty());
        }
    });
    println!("| view | conversations | named |\n|---|--:|--:|");
    for (view, (all, hits)) in &named {
        println!("| {view:?} | {all} | {hits} |");
    }
    assert!(wrong.is_empty(), "named wrongly in {} views:\n{}", wrong.len(), wrong.join("\n"));
}

/// Audits each view of each conversation alone.
fn for_each_view(files: &[TruthFile], mut take: impl FnMut(&TruthFile, &Conversation, View, &[JudgedFlow])) {
    let auditor = truth_run::auditor(1);
    for file in files.iter().filter(|file| !file.is_robust_only) {
        let packets = truth_packets::by_conversation(file);
        for conversation in &file.conversations {
            for view in VIEWS {
                let packets = packets_of(&packets[&conversation.key], view, conversation.client);
                let audited = truth_run::audit(&auditor, truth_packets::capture(&packets));
                take(file, conversation, view, &audited.audit.flows);
            }
        }
    }
}

fn packets_of(packets: &[Packet], view: View, client: Side) -> Vec<Packet> {
    let mut packets = packets.to_vec();
    match view {
        View::Whole => {}
        View::ClientOnly => packets.retain(|packet| packet.sender == client),
        View::ServerOnly => packets.retain(|packet| packet.sender != client),
        View::WithoutFirst(count) => drop(packets.drain(..count.min(packets.len()))),
        View::CutAt(length) => packets.iter_mut().for_each(|packet| packet.octets.truncate(length)),
    }
    packets
}

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

impl Shares {
    /// Counts the flows of a view; true if one of them names the wrong initiator as proved.
    fn add(&mut self, flows: &[JudgedFlow], client: Side) -> bool {
        self.empty += u32::from(flows.is_empty());
        let mut is_wrong = false;
        for flow in flows {
            let is_swapped = flow.initiation > Initiation::Unknown && flow.orig != Some(client);
            let proved_wrong = flow.facts.initiator.is_some_and(|side| side != client);
            is_wrong |= proved_wrong || is_swapped && flow.initiation >= Initiation::Inferred;
            let counts = if is_swapped { &mut self.swapped } else { &mut self.right };
            *counts.entry(flow.initiation).or_default() += 1;
        }
        is_wrong
    }

    fn print(&self, view: View) {
        let of = |counts: &BTreeMap<Initiation, u32>, what| counts.get(&what).copied().unwrap_or(0);
        let (observed, inferred) =
            (of(&self.right, Initiation::Observed), of(&self.right, Initiation::Inferred));
        let (assumed, unknown) = (of(&self.right, Initiation::Assumed), of(&self.right, Initiation::Unknown));
        let flipped = of(&self.swapped, Initiation::Assumed);
        println!(
            "| {view:?} | {observed} | {inferred} | {assumed} | {flipped} | {unknown} | {} |",
            self.empty
        );
    }
}
