//! Watches one flow: shows the heads of its sides to the recognisers, and lets the follower of the
//! one that knows it read on.

use super::Finding;
use super::Follower;
use super::Recognition;
use super::Sender;
use super::dispatch::Dispatch;
use super::heads::HeadPool;
use super::side::Answer;
use super::side::Panel;
use super::side::Part;
use super::side::SideWatch;
use super::side::Stage;
use crate::evidence::Evidence;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::sink::Chunk;
use crate::flow::sink::Interest;
use crate::flow::sink::Reaction;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;

/// So many more heads are tried on a side whose stream was not seen from its start, or has a gap:
/// a message is likely to begin with a later segment.
const FRESH_HEADS: u8 = 8;
/// How far a side that nobody knows is read on for the sake of the other.
pub(super) const PATIENCE: u32 = 64 * 1024;

/// What a watched flow tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A side was recognised.
    Identified(Side, Recognition, Evidence),
    /// Nobody recognised either side; how many octets of each were seen, and whether some were
    /// cut away or lost.
    Unrecognised([u32; 2], bool),
    /// The follower learned something.
    Found(Side, Finding, Evidence),
}

/// What a [`Watch`] needs beside its flow.
pub struct Watching<'a> {
    /// The recognisers, and whom of them to ask.
    pub dispatch: &'a Dispatch<'a>,
    /// Where heads are kept, and watches that are free.
    pub pool: &'a mut HeadPool,
    /// Takes what is learned, in order.
    pub notices: &'a mut Vec<Notice>,
}

/// Watches a flow, see [`Attached`](super::attached::Attached): 208 octets at most, beside its follower and what the [`HeadPool`] counts.
#[derive(Default)]
pub struct Watch {
    pub(super) sides: [SideWatch; 2],
    pub(super) follower: Option<Box<dyn Follower>>,
    pub(super) named: Option<(Service, Certainty)>,
    /// After an upgrade: who alone is asked.
    pub(super) only: Option<u8>,
    pub(super) upgrades: u8,
    pub(super) told_unrecognised: bool,
    pub(super) has_content: bool,
    pub(super) initiator: Option<Side>,
}

impl Watch {
    /// Takes the next octets of a side.
    pub fn octets(&mut self, chunk: &Chunk<'_>, desk: &mut Watching<'_>) -> Reaction {
        let part = Part {
            key: chunk.key,
            side: chunk.side,
            octets: chunk.octets,
            offset: chunk.offset,
            packet: chunk.packet,
            from_start: chunk.from_start,
            cut: chunk.cut,
        };
        let upgrades = self.upgrades;
        if self.follower.is_some() {
            self.follow(&part, desk);
        }
        let watch = part.side.of_mut(&mut self.sides);
        // An upgrade has shown the rest already.
        if upgrades == self.upgrades && watch.stage == Stage::Open {
            self.show(&part, desk);
        } else if watch.stage == Stage::Nobody && chunk.offset > PATIENCE {
            watch.tired = true;
        }
        self.react(desk)
    }

    /// Octets of `side` are missing.
    pub fn gap(&mut self, key: &FlowKey, side: Side, desk: &mut Watching<'_>) -> Reaction {
        self.follow_gap(side);
        side.of_mut(&mut self.sides).cut = true;
        self.finish_head(key, side, desk);
        self.react(desk)
    }

    /// No more octets will come.
    pub fn end(&mut self, key: &FlowKey, desk: &mut Watching<'_>) -> Reaction {
        for side in [Side::A, Side::B] {
            side.of_mut(&mut self.sides).fresh = FRESH_HEADS;
            self.finish_head(key, side, desk);
        }
        let reaction = self.react(desk);
        self.tell_unrecognised(desk);
        self.let_go(desk.pool);
        reaction
    }

    /// Gives memory back to the pool, at the end.
    pub fn let_go(&mut self, pool: &mut HeadPool) {
        for side in &mut self.sides {
            side.release(pool);
        }
        self.follower = None;
    }

    /// Octets of the pool that its heads hold.
    pub(super) fn held(&self) -> usize {
        self.sides.iter().fold(0, |sum, side| side.head.len().saturating_add(sum))
    }

    /// Shows octets to the recognisers.
    pub(super) fn show(&mut self, part: &Part<'_>, desk: &mut Watching<'_>) {
        let panel = self.panel(part.side, desk.dispatch);
        let watch = part.side.of_mut(&mut self.sides);
        let kept = watch.head.len();
        let answer = watch.grow(part, panel, desk.pool);
        watch.any_cut |= watch.cut;
        self.take_answer(answer, part, kept, desk);
    }

    /// Who is asked about `side`.
    fn panel<'r>(&self, side: Side, dispatch: &'r Dispatch<'r>) -> Panel<'r> {
        let first = match side.other().of(&self.sides).stage {
            Stage::Matched(number) => Some(number),
            Stage::Open | Stage::Nobody => None,
        };
        Panel { dispatch, first, only: self.only }
    }

    /// The head of `side` will not grow.
    fn finish_head(&mut self, key: &FlowKey, side: Side, desk: &mut Watching<'_>) {
        let panel = self.panel(side, desk.dispatch);
        let watch = side.of_mut(&mut self.sides);
        watch.any_cut |= watch.cut;
        if watch.stage != Stage::Open {
            return;
        }
        let kept = watch.head.len();
        let offset = watch.base.saturating_add(u32::try_from(kept).unwrap_or(u32::MAX));
        let (packet, from_start, cut) = (watch.packet, watch.from_start, watch.cut);
        let answer = if kept == 0 { Answer::Nobody } else { watch.ask_kept(key, side, true, panel) };
        let nothing = Part { key, side, octets: &[], offset, packet, from_start, cut };
        self.take_answer(answer, &nothing, kept, desk);
    }

    fn take_answer(&mut self, answer: Answer, part: &Part<'_>, kept: usize, desk: &mut Watching<'_>) {
        match answer {
            Answer::Wait => {}
            Answer::Match(number, recognition) => self.matched(number, &recognition, part, kept, desk),
            Answer::Nobody => {
                let watch = part.side.of_mut(&mut self.sides);
                watch.release(desk.pool);
                watch.stage = Stage::Nobody;
                let broken = watch.cut || !watch.from_start;
                if broken && watch.fresh < FRESH_HEADS && part.key.transport == Transport::Tcp {
                    watch.fresh = watch.fresh.saturating_add(1);
                    watch.restart(desk.pool);
                }
            }
        }
    }

    fn matched(
        &mut self,
        number: u8,
        recognition: &Recognition,
        part: &Part<'_>,
        kept: usize,
        desk: &mut Watching<'_>,
    ) {
        let watch = part.side.of_mut(&mut self.sides);
        watch.stage = Stage::Matched(number);
        let evidence = Evidence {
            packet: watch.packet,
            offset: watch.base.saturating_add(recognition.offset),
            length: recognition.length,
            what: recognition.what,
        };
        let known = self.named;
        let stronger = known.is_none_or(|(_, certainty)| recognition.certainty > certainty);
        let same = known.is_some_and(|(service, _)| service == recognition.service);
        let content = same && recognition.content.is_some() && !self.has_content;
        if stronger || same {
            self.initiator = self.initiator.or(match recognition.sender {
                Sender::Client => Some(part.side),
                Sender::Server => Some(part.side.other()),
                Sender::Either => None,
            });
        }
        if stronger || content {
            self.named = Some((
                recognition.service,
                recognition.certainty.max(known.map_or(Certainty::PortOnly, |known| known.1)),
            ));
            self.has_content |= recognition.content.is_some();
            desk.notices.push(Notice::Identified(part.side, *recognition, evidence));
        }
        if stronger && !same {
            self.start_following(number, recognition.sender, part, kept, desk);
        }
        part.side.of_mut(&mut self.sides).release_if_matched(desk.pool);
    }

    fn react(&mut self, desk: &mut Watching<'_>) -> Reaction {
        if self.sides.iter().all(|side| side.stage == Stage::Nobody) {
            self.tell_unrecognised(desk);
        }
        let interest = [Side::A, Side::B].map(|side| {
            let (ours, theirs) = (side.of(&self.sides), side.other().of(&self.sides));
            let wanted = match ours.stage {
                Stage::Open => true,
                Stage::Matched(_) => false,
                Stage::Nobody => theirs.stage == Stage::Open && !ours.tired,
            };
            if wanted || self.follower.is_some() { Interest::More } else { Interest::Enough }
        });
        Reaction { interest, initiator: self.initiator }
    }

    fn tell_unrecognised(&mut self, desk: &mut Watching<'_>) {
        let said = self.sides.iter().any(|side| side.shown > 0 || side.any_cut);
        if said && self.named.is_none() && !self.told_unrecognised {
            self.told_unrecognised = true;
            let [a, b] = &self.sides;
            desk.notices.push(Notice::Unrecognised([a.shown, b.shown], a.any_cut || b.any_cut));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;

    #[test]
    fn a_watch_takes_no_more_memory_than_its_documentation_says() {
        assert!(size_of::<Watch>() <= 208, "{}", size_of::<Watch>());
    }
}
