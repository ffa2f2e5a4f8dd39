//! What hangs on each flow: a watch from its first octets until nothing more can be told of it, and a
//! few octets before and after. A table holds a million flows of which few are being read.

use super::heads::HeadPool;
use super::side::Stage;
use super::watch::PATIENCE;
use super::watch::Watch;
use super::watch::Watching;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::sink::Chunk;
use crate::flow::sink::Interest;
use crate::flow::sink::Reaction;

/// What hangs on a flow: 16 octets at most, and a [`Watch`] while it is being read.
#[derive(Default)]
pub struct Attached(State);

#[derive(Default)]
enum State {
    /// Nothing came.
    #[default]
    Untouched,
    /// It is being read.
    Watched(Box<Watch>),
    /// Nobody knows one side, and nothing came of the other yet.
    OneSided(OneSided),
    /// Everything is told; this is who the octets prove to have opened it.
    Settled(Option<Side>),
}

/// All that counts of a [`Watch`] of which nobody knows one side and the other was silent.
#[derive(Clone, Copy)]
struct OneSided {
    shown: u32,
    side: Side,
    fresh: u8,
    started: bool,
    from_start: bool,
    cut: bool,
    any_cut: bool,
    tired: bool,
}

impl Attached {
    /// Takes the next octets of a side.
    pub fn octets(&mut self, chunk: &Chunk<'_>, desk: &mut Watching<'_>) -> Reaction {
        match &mut self.0 {
            State::OneSided(known) if known.side == chunk.side => known.octets(chunk),
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
            _ => self.watch(desk, |watch, desk| watch.end(key, desk)),
        }
    }

    /// Gives memory back to the pool.
    pub fn let_go(&mut self, pool: &mut HeadPool) {
        if let State::Watched(watch) = std::mem::take(&mut self.0) {
            pool.release_watch(watch);
        }
    }

    /// Lets a watch take something, and keeps no more of it than is still needed. While it works it hangs
    /// here, so that what it holds is given back should it panic.
    fn watch(
        &mut self,
        desk: &mut Watching<'_>,
        act: impl FnOnce(&mut Watch, &mut Watching<'_>) -> Reaction,
    ) -> Reaction {
        if !matches!(self.0, State::Watched(_)) {
            let mut watch = desk.pool.watch();
            if let State::OneSided(known) = self.0 {
                known.write(&mut watch);
            }
            self.0 = State::Watched(watch);
        }
        let State::Watched(watch) = &mut self.0 else { return settled(None) };
        let reaction = act(watch, desk);
        let less = if reaction.interest == [Interest::Enough; 2] {
            // Then neither side is asked about or followed any more, and all was said of both.
            Some(State::Settled(reaction.initiator))
        } else {
            OneSided::read(watch).map(State::OneSided)
        };
        if let Some(less) = less {
            self.let_go(desk.pool);
            self.0 = less;
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
        (silent && !told && !went_over && !is_read && ours.holds_nothing()).then_some(Self {
            shown: ours.shown,
            side,
            fresh: ours.fresh,
            started: ours.started,
            from_start: ours.from_start,
            cut: ours.cut,
            any_cut: ours.any_cut,
            tired: ours.tired,
        })
    }

    /// Makes a watch that has seen nothing one that knows this.
    fn write(self, watch: &mut Watch) {
        let ours = self.side.of_mut(&mut watch.sides);
        ours.stage = Stage::Nobody;
        (ours.shown, ours.fresh, ours.started) = (self.shown, self.fresh, self.started);
        (ours.from_start, ours.cut, ours.any_cut) = (self.from_start, self.cut, self.any_cut);
        ours.tired = self.tired;
    }

    /// What [`Watch::octets`] does with more octets of the side that nobody knows.
    fn octets(&mut self, chunk: &Chunk<'_>) -> Reaction {
        self.tired |= chunk.offset > PATIENCE;
        let ours = if self.tired { Interest::Enough } else { Interest::More };
        let interest = match self.side {
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
    fn what_hangs_on_a_flow_takes_sixteen_octets() {
        assert!(size_of::<Attached>() <= 16, "{}", size_of::<Attached>());
    }
}
