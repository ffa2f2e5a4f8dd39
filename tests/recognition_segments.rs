//! However the octets of a conversation are cut into segments (or its datagrams into fragments), in
//! whatever order neighbours come, and whatever comes twice: the whole pipeline says the same of it,
//! and every recogniser in force is held to that.
//!
//! `cargo test --test recognition_segments` tries some thousand variants;
//! `CAMSENTRY_VARIANTS=full cargo test --release --test recognition_segments -- --nocapture` all of
//! them, with at least 1,000 random cuts for each sample, and prints how many there were.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test helpers")]
#![expect(clippy::print_stdout, reason = "prints the counts, says what was skipped")]

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;

use camsentry::recognise::Follower;
use camsentry::recognise::Head;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::Recognition;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Service;
use camsentry::service::Transport;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/taken.rs"]
mod taken;

use dialogue::Dialogue;
use dialogue::Part;
use dialogue::Said;
use dialogue::Wire;
use samples::Dice;

/// So many conversations of each kind are taken from the captures.
const OF_A_KIND: usize = 2;

/// How much is tried.
#[derive(Clone, Copy)]
struct Effort {
    /// Single cuts are tried at each of so many first octets.
    cuts: usize,
    /// Only each so-manieth of them.
    step: usize,
    random: usize,
    swaps: usize,
}

const SHORT: Effort = Effort { cuts: 200, step: 7, random: 12, swaps: 6 };
const FULL: Effort = Effort { cuts: 200, step: 1, random: 1000, swaps: 60 };

fn effort() -> Effort {
    if env::var_os("CAMSENTRY_VARIANTS").is_some_and(|value| value == "full") { FULL } else { SHORT }
}

/// Asks the recogniser behind it, and notes what it recognised.
struct Spy {
    asked: &'static dyn Recogniser,
    matched: Mutex<Vec<Recognition>>,
}

impl Recogniser for Spy {
    fn service(&self) -> Service {
        self.asked.service()
    }

    fn speaks(&self, transport: Transport) -> bool {
        self.asked.speaks(transport)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let probe = self.asked.probe(head);
        if let Probe::Match(recognition) = probe {
            self.matched.lock().unwrap().push(recognition);
        }
        probe
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        self.asked.follow()
    }
}

/// A sample, what the pipeline says of it as it is, and who recognised it.
struct Sample {
    dialogue: Dialogue,
    said: Said,
    recogniser: Option<usize>,
}

fn judged(dialogue: Dialogue) -> Sample {
    let spies: Vec<Spy> =
        RECOGNISERS.iter().map(|asked| Spy { asked: *asked, matched: Mutex::default() }).collect();
    let registry: Vec<&dyn Recogniser> = spies.iter().map(|spy| -> &dyn Recogniser { spy }).collect();
    let mut wire = Wire::default();
    wire.send(&dialogue, &dialogue.plain());
    let said = wire.read_by(&registry).remove(0);
    let first = said.recognitions.last().map(|(_, recognition)| *recognition);
    let recogniser =
        spies.iter().position(|spy| first.is_some_and(|one| spy.matched.lock().unwrap().contains(&one)));
    Sample { dialogue, said, recogniser }
}

/// What is written down, each side alone and both, and some of each kind from captures.
fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    for dialogue in samples::written() {
        let is_one_sided = dialogue.turns.iter().all(|(client, _)| *client == dialogue.turns[0].0);
        if !is_one_sided {
            all.push(judged(dialogue.alone(true)));
            all.push(judged(dialogue.alone(false)));
        }
        all.push(judged(dialogue));
    }
    let mut kinds = BTreeMap::<String, usize>::new();
    for path in taken::fixture_captures().into_iter().chain(real_captures()) {
        for dialogue in taken::captured(&path) {
            for view in [dialogue.clone(), dialogue.alone(true), dialogue.alone(false)] {
                if view.turns.is_empty() {
                    continue;
                }
                let sample = judged(view);
                let Said { service, certainty, content, .. } = &sample.said;
                let (client, opened) = (sample.dialogue.turns[0].0, sample.dialogue.is_opened);
                let kind = format!(
                    "{service:?} {certainty:?} {content:?} {:?} {client} {opened}",
                    sample.recogniser
                );
                let count = kinds.entry(kind).or_default();
                if *count < OF_A_KIND && service.is_some() {
                    *count += 1;
                    all.push(sample);
                }
            }
        }
    }
    all
}

fn real_captures() -> Vec<PathBuf> {
    let Some(folder) = env::var_os("CAMSENTRY_CAPTURES") else {
        println!("skipped the real captures: CAMSENTRY_CAPTURES is not set");
        return Vec::new();
    };
    let folder = Path::new(&folder).join("real");
    let mut captures: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.retain(|path| path.extension().is_some_and(|kind| kind == "pcap"));
    captures.sort();
    captures
}

#[test]
fn what_is_said_does_not_depend_on_how_it_is_cut() {
    let samples = samples();
    let effort = effort();
    let mut tried = Tried::default();
    for (number, sample) in samples.iter().enumerate() {
        let mut dice = Dice(u64::try_from(number).unwrap());
        let variants = if sample.dialogue.transport == Transport::Tcp {
            stream_variants(&sample.dialogue, effort, &mut dice)
        } else {
            datagram_variants(&sample.dialogue, effort, &mut dice)
        };
        tried.count(sample, variants.len());
        for (what, parts) in variants {
            if tried.wire.is_full() {
                tried.read(&samples);
            }
            tried.wire.send(&sample.dialogue, &parts);
            tried.sent.push((number, what));
        }
    }
    tried.read(&samples);
    tried.print();
    assert!(tried.wrong.is_empty(), "{} of them:\n{}", tried.wrong.len(), tried.shown());
    assert!(tried.variants >= if effort.step == 1 { 50_000 } else { 3_000 });
}

#[test]
fn every_recogniser_in_force_has_its_samples() {
    let mut sides = vec![[0_u32; 2]; RECOGNISERS.len()];
    for sample in samples().iter().filter(|sample| {
        !sample.dialogue.turns.iter().any(|(client, _)| *client != sample.dialogue.turns[0].0)
    }) {
        if let Some(recogniser) = sample.recogniser {
            sides[recogniser][usize::from(sample.dialogue.turns[0].0)] += 1;
        }
    }
    let mut missing = Vec::new();
    for (number, (recogniser, [server, client])) in RECOGNISERS.iter().zip(&sides).enumerate() {
        println!("{number:2} {:14} client {client:3} server {server:3}", recogniser.service());
        if *client + *server == 0 || (*client == 0 || *server == 0) && !is_one_sided(number) {
            missing.push(format!("{} (number {number})", recogniser.service()));
        }
    }
    assert!(missing.is_empty(), "no sample of a side: {}", missing.join(", "));
}

/// Of these only one side is ever named by its own octets: [MC-NMF]'s server answers with one octet, and
/// pictures come from the camera.
fn is_one_sided(recogniser: usize) -> bool {
    let of_http = |number: &usize| RECOGNISERS[*number].service() == Service::Http;
    let pictures = (0..RECOGNISERS.len()).rfind(of_http);
    RECOGNISERS[recogniser].service() == Service::McNmf || Some(recogniser) == pictures
}

/// What was tried, and what came out otherwise.
#[derive(Default)]
struct Tried {
    wire: Wire,
    /// The sample of each variant on the wire, and what was done to it.
    sent: Vec<(usize, String)>,
    variants: usize,
    by_recogniser: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tried {
    fn count(&mut self, sample: &Sample, variants: usize) {
        self.variants += variants;
        let who = sample.recogniser.map_or("nobody".to_owned(), |number| {
            format!("{} (number {number})", RECOGNISERS[number].service())
        });
        *self.by_recogniser.entry(who).or_default() += variants;
    }

    fn read(&mut self, samples: &[Sample]) {
        let wire = std::mem::take(&mut self.wire);
        for ((number, what), said) in std::mem::take(&mut self.sent).into_iter().zip(wire.read()) {
            let Sample { dialogue, said: whole, .. } = &samples[number];
            // Who sends the first datagram after a silence opened the flow, and nothing was silent
            // before the first variant.
            let is_opened_alike = dialogue.transport != Transport::Tcp || said.initiator == whole.initiator;
            if !said.agrees(whole) || !is_opened_alike {
                self.wrong.push(format!(
                    "{}, {what}:\n  whole {}\n  now   {}",
                    dialogue.name,
                    shown(whole),
                    shown(&said)
                ));
            }
        }
    }

    fn print(&self) {
        for (recogniser, variants) in &self.by_recogniser {
            println!("{recogniser:32} {variants:7}");
        }
        println!("{} variants, {} of them said something else", self.variants, self.wrong.len());
    }

    /// A few of each sample.
    fn shown(&self) -> String {
        let mut per_name = BTreeMap::<&str, usize>::new();
        let few = self.wrong.iter().filter(|text| {
            let count = per_name.entry(text.split(", ").next().unwrap()).or_default();
            *count += 1;
            *count < 3
        });
        few.cloned().collect::<Vec<_>>().join("\n")
    }
}

fn shown(said: &Said) -> String {
    let Said { service, certainty, content, findings, initiator, .. } = said;
    format!("{service:?} {certainty:?} {content:?} {initiator:?} {findings:?}")
}

type Variant = (String, Vec<Part>);

/// Cuts, octet by octet, random cuts, neighbours swapped, segments twice.
fn stream_variants(dialogue: &Dialogue, effort: Effort, dice: &mut Dice) -> Vec<Variant> {
    let mut all = Vec::new();
    let lengths = [dialogue.stream(false).len(), dialogue.stream(true).len()];
    for client in [true, false] {
        let length = lengths[usize::from(client)];
        for cut in (1..length.min(effort.cuts + 1)).step_by(effort.step) {
            let parts =
                dialogue.cut_at(&|turn| if turn.from_client == client { vec![cut] } else { Vec::new() });
            all.push((format!("cut at {cut}"), parts));
        }
    }
    all.push((
        "octet by octet".to_owned(),
        dialogue.cut_at(&|turn| turn.range.clone().filter(|at| *at <= effort.cuts).collect()),
    ));
    for round in 0..effort.random {
        let parts = randomly_cut(dialogue, lengths, dice);
        all.push((format!("random cuts, round {round}"), parts.clone()));
        if round < effort.swaps {
            all.extend(disordered(dialogue, &parts, dice));
        }
    }
    all
}

fn randomly_cut(dialogue: &Dialogue, lengths: [usize; 2], dice: &mut Dice) -> Vec<Part> {
    let mut cuts = [Vec::new(), Vec::new()];
    for (cuts, length) in cuts.iter_mut().zip(lengths) {
        // Most of what decides stands at the start.
        let reach = if dice.below(3) == 0 { length } else { length.min(200) };
        *cuts = (0..=dice.below(12)).map(|_| dice.below(reach)).collect();
    }
    dialogue.cut_at(&|turn| cuts[usize::from(turn.from_client)].clone())
}

/// Two neighbours of one side swapped, and a segment sent twice: at once, and again later.
fn disordered(dialogue: &Dialogue, parts: &[Part], dice: &mut Dice) -> Vec<Variant> {
    let mut all = Vec::new();
    // Of a stream whose start was not seen, the segment that comes first is where we begin.
    let first = if dialogue.is_opened { 0 } else { 1 };
    let pairs: Vec<usize> = (first..parts.len().saturating_sub(1))
        .filter(|at| {
            parts[*at].from_client == parts[at + 1].from_client && parts[*at].number == parts[at + 1].number
        })
        .filter(|at| {
            dialogue.is_opened || parts[..*at].iter().any(|part| part.from_client == parts[*at].from_client)
        })
        .collect();
    if !pairs.is_empty() {
        let at = pairs[dice.below(pairs.len())];
        let mut swapped = parts.to_vec();
        swapped.swap(at, at + 1);
        all.push((format!("segments {at} and the next swapped of {}", parts.len()), swapped));
    }
    let at = dice.below(parts.len());
    let mut doubled = parts.to_vec();
    doubled.insert(at, parts[at].clone());
    all.push((format!("segment {at} twice"), doubled.clone()));
    doubled.push(parts[dice.below(parts.len())].clone());
    all.push((format!("segment {at} twice and one again at the end"), doubled));
    all
}

/// Fragments at every place, in both orders; neighbours swapped; datagrams twice.
fn datagram_variants(dialogue: &Dialogue, effort: Effort, dice: &mut Dice) -> Vec<Variant> {
    let mut all = Vec::new();
    let longest = dialogue.turns.iter().map(|(_, octets)| octets.len()).max().unwrap_or(0);
    // Fragments are cut at multiples of eight octets of the datagram with its header.
    for at in (8..longest.min(effort.cuts * 8)).step_by(8 * effort.step.min(3)) {
        let parts = dialogue.cut_at(&|turn| vec![turn.range.start + at]);
        all.push((format!("fragments at {at}"), parts.clone()));
        all.push((format!("fragments at {at}, the last first"), turned(&parts)));
    }
    // A datagram that a single fragment holds with its header cannot be cut.
    for round in 0..if longest > 8 { effort.random } else { 0 } {
        let cuts: Vec<usize> = (0..=dice.below(4)).map(|_| dice.below(longest.div_ceil(8)) * 8).collect();
        let mut parts = dialogue.cut_at(&|turn| cuts.iter().map(|cut| turn.range.start + cut).collect());
        if dice.below(2) == 0 {
            parts = turned(&parts);
        }
        all.push((format!("random fragments, round {round}"), parts));
    }
    let parts = dialogue.plain();
    let at = dice.below(parts.len());
    if parts.iter().filter(|part| part.number == parts[at].number).count() == 1 {
        let mut doubled = parts.clone();
        doubled.insert(at, parts[at].clone());
        all.push((format!("datagram {at} twice"), doubled));
    }
    all
}

/// The fragments of each datagram in reverse.
fn turned(parts: &[Part]) -> Vec<Part> {
    parts
        .chunk_by(|one, next| one.number == next.number)
        .flat_map(|datagram| datagram.iter().rev().cloned())
        .collect()
}
