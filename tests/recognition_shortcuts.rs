//! What makes recognition cheap changes no answer: who is not asked about a head would have refused it,
//! and what hangs on a flow says what a watch says that is kept whole until the end.
//!
//! `CAMSENTRY_VARIANTS=full cargo test --release --test recognition_shortcuts` tries more heads.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "test helpers")]

use std::env;

use camsentry::addr::Addr;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::sink::Chunk;
use camsentry::flow::sink::Interest;
use camsentry::flow::sink::Reaction;
use camsentry::recognise::Head;
use camsentry::recognise::Probe;
use camsentry::recognise::attached::Attached;
use camsentry::recognise::dispatch::Dispatch;
use camsentry::recognise::heads::HeadPool;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::recognise::watch::Notice;
use camsentry::recognise::watch::Watch;
use camsentry::recognise::watch::Watching;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/dialogue.rs"]
mod dialogue;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/taken.rs"]
mod taken;

use dialogue::Dialogue;
use samples::Dice;

/// Ports with a meaning for some recogniser, and some without.
const PORTS: [u16; 34] = [
    20, 21, 23, 25, 53, 67, 68, 80, 110, 111, 123, 137, 138, 139, 143, 389, 445, 500, 546, 547, 554, 1194,
    1433, 1883, 1900, 2049, 3389, 3702, 4500, 5353, 5355, 5432, 19_800, 37_777,
];

fn is_full() -> bool {
    env::var_os("CAMSENTRY_VARIANTS").is_some_and(|value| value == "full")
}

/// What is written down and what fixtures hold.
fn dialogues() -> Vec<Dialogue> {
    let mut all = samples::written();
    for path in taken::fixture_captures() {
        all.extend(taken::captured(&path).into_iter().take(if is_full() { usize::MAX } else { 12 }));
    }
    all
}

/// Asks everybody about heads, and holds those that need not be asked to their refusal.
struct Asking {
    dispatch: Dispatch<'static>,
    spared: usize,
    asked: usize,
}

impl Asking {
    fn new() -> Self {
        Self { dispatch: Dispatch::new(RECOGNISERS), spared: 0, asked: 0 }
    }

    /// Shows `octets` as a stream or as the first datagram, in one of the ways in which a head can be.
    fn show(&mut self, transport: Transport, ports: (u16, u16), octets: &[u8], dice: &mut Dice) {
        let ends = ((Addr::v4([10, 0, 0, 1]), ports.0), (Addr::v4([10, 0, 0, 2]), ports.1));
        let (key, side) = FlowKey::canonical(ends.0, ends.1, transport, 0);
        let length = [u32::try_from(octets.len()).unwrap()];
        let (finished, cut) = [(false, false), (true, false), (true, true)][dice.below(3)];
        let datagram = transport != Transport::Tcp;
        let head = Head {
            key: &key,
            side,
            octets,
            datagram_ends: if datagram { &length } else { &[] },
            from_start: dice.below(2) == 0,
            finished,
            cut,
            to_group: dice.below(4) == 0,
        };
        let asked = self.dispatch.asked(&head);
        for (number, one) in RECOGNISERS.iter().enumerate().filter(|(_, one)| one.speaks(transport)) {
            if asked >> number & 1 == 1 {
                self.asked += 1;
                continue;
            }
            self.spared += 1;
            let probe = one.probe(&head);
            let refused = matches!(probe, Probe::Refuse | Probe::Malformed);
            let start = &octets[..octets.len().min(40)];
            assert!(refused, "{} (number {number}): {probe:?} to {start:02x?}, {head:?}", one.service());
        }
    }
}

/// The first octets, as they are and in shorter pieces.
fn lengths(octets: &[u8], dice: &mut Dice) -> [usize; 4] {
    let most = octets.len().min(4096);
    [1, 1 + dice.below(most.min(24)), 1 + dice.below(most), most]
}

#[test]
fn who_is_not_asked_about_a_sample_would_have_refused_it() {
    let (mut asking, mut dice) = (Asking::new(), Dice(1));
    for dialogue in dialogues() {
        for (from_client, octets) in first_of_each_side(&dialogue) {
            let (client, server) = (dialogue.client.1, dialogue.server.1);
            let ports = if from_client { (client, server) } else { (server, client) };
            for first in 0..=u8::MAX {
                let mut other = octets.clone();
                if first > 0 {
                    // The sample as it is comes first.
                    other[0] = octets[0].wrapping_add(first);
                }
                for length in lengths(&other, &mut dice) {
                    asking.show(dialogue.transport, ports, &other[..length], &mut dice);
                    if is_full() || first == 0 {
                        let elsewhere = PORTS[dice.below(PORTS.len())];
                        asking.show(dialogue.transport, (ports.0, elsewhere), &other[..length], &mut dice);
                        asking.show(dialogue.transport, (elsewhere, ports.1), &other[..length], &mut dice);
                    }
                }
            }
        }
    }
    println!("{} refusals spared, {} answers asked for", asking.spared, asking.asked);
    assert!(asking.spared > asking.asked / 4);
}

#[test]
fn who_is_not_asked_about_noise_would_have_refused_it() {
    let (mut asking, mut dice) = (Asking::new(), Dice(2));
    for round in 0..if is_full() { 4000 } else { 60 } {
        for first in 0..=u8::MAX {
            let mut octets = samples::random(round * 256 + u64::from(first), 1 + dice.below(200));
            // Small numbers, as headers have them, get further than noise.
            octets.iter_mut().filter(|_| dice.below(3) == 0).for_each(|octet| *octet &= 3);
            octets[0] = first;
            let ports = (PORTS[dice.below(PORTS.len())], 40_000);
            let ports = if dice.below(2) == 0 { ports } else { (41_000, ports.0) };
            for transport in [Transport::Tcp, Transport::Udp] {
                asking.show(transport, ports, &octets, &mut dice);
            }
        }
    }
    println!("{} refusals spared, {} answers asked for", asking.spared, asking.asked);
}

/// What recognisers see first of each side: its stream, or its first datagram.
fn first_of_each_side(dialogue: &Dialogue) -> Vec<(bool, Vec<u8>)> {
    let sides = [true, false].into_iter().map(|client| {
        let datagram = || dialogue.turns.iter().find(|(from, _)| *from == client).map(|turn| turn.1.clone());
        let octets = if dialogue.transport == Transport::Tcp { None } else { datagram() };
        (client, octets.unwrap_or_else(|| dialogue.stream(client)))
    });
    sides.filter(|(_, octets)| !octets.is_empty()).collect()
}

/// Something that happens to a flow.
#[derive(Clone, Debug)]
enum Step {
    /// Octets, and whether they were cut short.
    Octets(Side, Vec<u8>, bool),
    Gap(Side),
}

/// Takes what happens to a flow, in one of two ways, and stops to hand over what is not wanted.
struct Taking<'r> {
    watch: Option<Watch>,
    attached: Attached,
    pool: HeadPool,
    dispatch: &'r Dispatch<'r>,
    notices: Vec<Notice>,
    unwanted: [bool; 2],
    sent: [u32; 2],
    initiator: Option<Side>,
}

impl<'r> Taking<'r> {
    fn new(dispatch: &'r Dispatch<'r>, whole: bool) -> Self {
        Self {
            watch: whole.then(Watch::default),
            attached: Attached::default(),
            pool: HeadPool::new(HeadPool::OCTETS_PER_SHARD, 1),
            dispatch,
            notices: Vec::new(),
            unwanted: [false; 2],
            sent: [0; 2],
            initiator: None,
        }
    }

    fn take(&mut self, key: &FlowKey, step: &Step, from_start: bool) {
        let (Step::Octets(side, ..) | Step::Gap(side)) = step;
        let mut desk = Watching { dispatch: self.dispatch, pool: &mut self.pool, notices: &mut self.notices };
        let offset = *side.of(&self.sent);
        if let Step::Octets(_, octets, _) = step {
            *side.of_mut(&mut self.sent) += u32::try_from(octets.len()).unwrap();
        }
        if *side.of(&self.unwanted) {
            return;
        }
        let reaction = match step {
            Step::Octets(side, octets, cut) => {
                let (side, time, cut) = (*side, Timestamp::default(), *cut);
                let chunk =
                    Chunk { key, side, packet: u64::from(offset), time, octets, offset, from_start, cut };
                match &mut self.watch {
                    Some(watch) => watch.octets(&chunk, &mut desk),
                    None => self.attached.octets(&chunk, &mut desk),
                }
            }
            Step::Gap(side) => match &mut self.watch {
                Some(watch) => watch.gap(key, *side, &mut desk),
                None => self.attached.gap(key, *side, &mut desk),
            },
        };
        self.react(reaction);
    }

    fn end(&mut self, key: &FlowKey) {
        let mut desk = Watching { dispatch: self.dispatch, pool: &mut self.pool, notices: &mut self.notices };
        let reaction = match &mut self.watch {
            Some(watch) => watch.end(key, &mut desk),
            None => self.attached.end(key, &mut desk),
        };
        self.react(reaction);
    }

    fn react(&mut self, reaction: Reaction) {
        for (unwanted, interest) in self.unwanted.iter_mut().zip(reaction.interest) {
            *unwanted |= interest == Interest::Enough;
        }
        self.initiator = reaction.initiator;
    }
}

/// A dialogue in pieces, with losses, cuts and noise as the dice want it.
fn steps(dialogue: &Dialogue, client: Side, dice: &mut Dice) -> Vec<Step> {
    let (noise, lossy) = (dice.below(3) == 0, dice.below(3) == 0);
    let mut steps = Vec::new();
    for (from_client, octets) in &dialogue.turns {
        let side = if *from_client { client } else { client.other() };
        let piece = if dialogue.transport == Transport::Tcp { 1 + dice.below(1400) } else { 65_535 };
        for piece in octets.chunks(piece) {
            if lossy && dice.below(6) == 0 {
                steps.push(Step::Gap(side));
            }
            let noisy = noise && (*from_client || dice.below(8) == 0);
            let octets = if noisy { samples::random(dice.next(), piece.len()) } else { piece.to_vec() };
            steps.push(Step::Octets(side, octets, lossy && dice.below(8) == 0));
        }
    }
    if dice.below(8) == 0 {
        // One side talks on beyond all patience before the other says its first.
        let many = (0..70).map(|seed| Step::Octets(client, samples::random(seed, 1000), false));
        steps.splice(0..0, many);
    }
    steps
}

#[test]
fn what_hangs_on_a_flow_says_what_a_whole_watch_says() {
    let (dispatch, mut dice) = (Dispatch::new(RECOGNISERS), Dice(3));
    let (mut told, mut steps_taken) = (0, 0);
    let both = dialogues();
    for dialogue in both.iter().flat_map(|one| [one.clone(), one.alone(true), one.alone(false)]) {
        let ends =
            ((Addr::from(dialogue.client.0), dialogue.client.1), (dialogue.server.0, dialogue.server.1));
        let server = (Addr::from(ends.1.0), ends.1.1);
        let (key, client) = FlowKey::canonical(ends.0, server, dialogue.transport, 0);
        for _ in 0..if is_full() { 200 } else { 8 } {
            let steps = steps(&dialogue, client, &mut dice);
            let from_start = dialogue.transport != Transport::Tcp || dice.below(2) == 0;
            let (mut whole, mut small) = (Taking::new(&dispatch, true), Taking::new(&dispatch, false));
            for step in &steps {
                whole.take(&key, step, from_start);
                small.take(&key, step, from_start);
                assert_eq!(whole.notices, small.notices, "{}: {step:02x?}", dialogue.name);
                assert_eq!(whole.unwanted, small.unwanted, "{}: {step:02x?}", dialogue.name);
                assert_eq!(whole.initiator, small.initiator, "{}: {step:02x?}", dialogue.name);
            }
            whole.end(&key);
            small.end(&key);
            assert_eq!(whole.notices, small.notices, "{}, at its end", dialogue.name);
            assert_eq!(whole.initiator, small.initiator, "{}, at its end", dialogue.name);
            (told, steps_taken) = (told + whole.notices.len(), steps_taken + steps.len());
        }
    }
    println!("{steps_taken} steps, {told} notices");
    assert!(told > 1000);
}
