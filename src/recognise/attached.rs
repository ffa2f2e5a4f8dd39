//! What hangs on each flow: a watch from its first octets until nothing more can be told of it, and a
//! few octets before and after. A table holds a million flows of which few are being read.

use super::heads::HeadPool;
use super::side::Stage;
use super::watch::Notice;
use super::watch::PATIENCE;
use super::watch::Watch;
use super::watch::Watching;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::sink::Chunk;
use crate::flow::sink::Interest;
use crate::flow::sink::Reaction;

/// What hangs on a flow: 8 octets at most, and a [`Watch`] in the [`HeadPool`] while it is being read. It is
/// used with one pool only, and given back to it by [`Attached::let_go`].
#[derive(Default)]
pub struct Attached(State);

#[derive(Default)]
enum State {
    /// Nothing came.
    #[default]
    Untouched,
    /// It is being read, by the watch in this slot of the pool.
    Watched(u32),
    /// Nobody knows one side, and nothing came of the other yet.
    OneSided(OneSided),
    /// Everything is told; this is who the octets prove to have opened it.
    Settled(Option<Side>),
}

/// All that counts of a [`Watch`] of which nobody knows one side and the other was silent.
#[derive(Clone, Copy)]
struct OneSided {
    shown: u32,
    fresh: u8,
    /// Which side, and what is known of it.
    known: u8,
    tired: bool,
}

/// It is side B.
const IS_B: u8 = 1;
/// The head has begun.
const STARTED: u8 = 1 << 1;
/// It did so at the stream's start.
const FROM_START: u8 = 1 << 2;
/// Octets were lost or cut away behind the head.
const CUT: u8 = 1 << 3;
/// The same, of any head.
const ANY_CUT: u8 = 1 << 4;

impl Attached {
    /// Takes the next octets of a side.
    pub fn octets(&mut self, chunk: &Chunk<'_>, desk: &mut Watching<'_>) -> Reaction {
        match &mut self.0 {
            State::OneSided(known) if known.side() == chunk.side => known.octets(chunk),
            State::Settled(initiator) => settled(*initiator),
            _ => self.watch(desk, |watch, desk| watch.octets(chunk, desk)),
        }
    }

    /// Octets of `side` are missing.
    pub fn gap(&mut self, key: &FlowKey, side: Side, desk: &mut Watching<'_>) -> Reaction {
        match self.0 {
            State::Settled(initiator) => settled(initiator),
            _ => self.watch(desk, |watch, desk| watch.gap(key, side, desk)),
        }
    }

    /// No more octets will come.
    pub fn end(&mut self, key: &FlowKey, desk: &mut Watching<'_>) -> Reaction {
        match self.0 {
            State::Untouched => settled(None),
            State::Settled(initiator) => settled(initiator),
            State::OneSided(known) => {
                desk.notices.extend(known.ended());
                self.0 = State::Settled(None);
                settled(None)
            }
            State::Watched(_) => self.watch(desk, |watch, desk| watch.end(key, desk)),
        }
    }

    /// Gives memory back to the pool.
    pub fn let_go(&mut self, pool: &mut HeadPool) {
        pool.recover();
        if let State::Watched(slot) = std::mem::take(&mut self.0) {
            pool.free(slot);
        }
    }

    /// Lets a watch take something, and keeps no more of it than is still needed. Should it panic over that,
    /// [`Attached::let_go`] has the pool forget what it held.
    fn watch(
        &mut self,
        desk: &mut Watching<'_>,
        act: impl FnOnce(&mut Watch, &mut Watching<'_>) -> Reaction,
    ) -> Reaction {
        let slot = if let State::Watched(slot) = self.0 { Some(slot) } else { None };
        let mut watch = slot.and_then(|slot| desk.pool.unhang(slot)).unwrap_or_else(|| desk.pool.watch());
        if let State::OneSided(known) = self.0 {
            known.write(&mut watch);
        }
        desk.pool.work(watch.held());
        let reaction = act(&mut watch, desk);
        desk.pool.done();
        let less = if reaction.interest == [Interest::Enough; 2] {
            // Then neither side is asked about or followed any more, and all was said of both.
            Some(State::Settled(reaction.initiator))
        } else {
            OneSided::read(&watch).map(State::OneSided)
        };
        match (less, slot) {
            (None, None) => self.0 = State::Watched(desk.pool.hang(watch)),
            (None, Some(slot)) => desk.pool.hang_again(slot, watch),
            (Some(less), slot) => {
                desk.pool.release_watch(watch);
                slot.into_iter().for_each(|slot| desk.pool.free(slot));
                self.0 = less;
            }
        }
        reaction
    }
}

impl OneSided {
    /// What there is to know of `watch`, if it is one of these.
    fn read(watch: &Watch) -> Option<Self> {
        let side =
            [Side::A, Side::B].into_iter().find(|side| side.of(&watch.sides).stage == Stage::Nobody)?;
        let ours = side.of(&watch.sides);
        let told = watch.named.is_some() || watch.told_unrecognised || watch.has_content;
        let went_over = watch.only.is_some() || watch.upgrades > 0;
        let is_read = watch.follower.is_some() || watch.initiator.is_some();
        let silent = side.other().of(&watch.sides).is_untouched();
        let known = [
            (IS_B, side == Side::B),
            (STARTED, ours.started),
            (FROM_START, ours.from_start),
            (CUT, ours.cut),
            (ANY_CUT, ours.any_cut),
        ];
        let known = known.into_iter().fold(0, |all, (bit, is)| if is { all | bit } else { all });
        (silent && !told && !went_over && !is_read && ours.holds_nothing()).then_some(Self {
            shown: ours.shown,
            fresh: ours.fresh,
            known,
            tired: ours.tired,
        })
    }

    /// Makes a watch that has seen nothing one that knows this.
    fn write(self, watch: &mut Watch) {
        let is = |bit: u8| self.known & bit != 0;
        let ours = self.side().of_mut(&mut watch.sides);
        ours.stage = Stage::Nobody;
        (ours.shown, ours.fresh, ours.started) = (self.shown, self.fresh, is(STARTED));
        (ours.from_start, ours.cut, ours.any_cut) = (is(FROM_START), is(CUT), is(ANY_CUT));
        ours.tired = self.tired;
    }

    /// What [`Watch::end`] tells: of the other side nothing came, so that nobody knows it either.
    fn ended(self) -> Option<Notice> {
        let is_cut = self.known & (CUT | ANY_CUT) != 0;
        let shown = match self.side() {
            Side::A => [self.shown, 0],
            Side::B => [0, self.shown],
        };
        (self.shown > 0 || is_cut).then_some(Notice::Unrecognised(shown, is_cut))
    }

    /// Which side nobody knows.
    const fn side(self) -> Side {
        if self.known & IS_B == 0 { Side::A } else { Side::B }
    }

    /// What [`Watch::octets`] does with more octets of the side that nobody knows.
    fn octets(&mut self, chunk: &Chunk<'_>) -> Reaction {
        self.tired |= chunk.offset > PATIENCE;
        let ours = if self.tired { Interest::Enough } else { Interest::More };
        let interest = match self.side() {
            Side::A => [ours, Interest::More],
            Side::B => [Interest::More, ours],
        };
        Reaction { interest, initiator: None }
    }
}

/// Nothing more is wanted.
const fn settled(initiator: Option<Side>) -> Reaction {
    Reaction { interest: [Interest::Enough; 2], initiator }
}

#[cfg(test)]
mod tests {
    use super::Attached;

    #[test]
    fn what_hangs_on_a_flow_takes_eight_octets() {
        assert!(size_of::<Attached>() <= 8, "{}", size_of::<Attached>());
    }
}
