//! Who opened a flow, as far as packets and octets tell, and its history from that end's view.

use crate::flow::Side;
use crate::flow::facts::History;
use crate::flow::facts::Initiation;
use crate::flow::letters::Letters;
use crate::flow::record::FIRST_IS_B;
use crate::flow::record::Flow;
use crate::flow::sink::FlowSink;
use crate::service::Transport;
use crate::time::Timestamp;

/// Who opened a flow, and how we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Opener {
    Unknown,
    InferredA,
    InferredB,
    ObservedA,
    ObservedB,
}

impl Opener {
    /// Nobody's evidence is none.
    pub(super) const fn of(initiator: Option<Side>, initiation: Initiation) -> Self {
        match (initiator, initiation) {
            (Some(Side::A), Initiation::Observed) => Self::ObservedA,
            (Some(Side::B), Initiation::Observed) => Self::ObservedB,
            (Some(Side::A), Initiation::Inferred) => Self::InferredA,
            (Some(Side::B), Initiation::Inferred) => Self::InferredB,
            // What is assumed is no matter of packets and octets.
            (None, _) | (Some(_), Initiation::Unknown | Initiation::Assumed) => Self::Unknown,
        }
    }

    /// Who, if it is known.
    #[inline]
    pub(super) const fn side(self) -> Option<Side> {
        match self {
            Self::Unknown => None,
            Self::InferredA | Self::ObservedA => Some(Side::A),
            Self::InferredB | Self::ObservedB => Some(Side::B),
        }
    }

    /// How we know.
    pub(super) const fn initiation(self) -> Initiation {
        match self {
            Self::Unknown => Initiation::Unknown,
            Self::InferredA | Self::InferredB => Initiation::Inferred,
            Self::ObservedA | Self::ObservedB => Initiation::Observed,
        }
    }
}

impl<A> Flow<A> {
    /// Who opened it, as far as packets and octets tell.
    pub(super) fn initiator(&self) -> Option<Side> {
        self.opener.side()
    }

    /// Who sent the first packet.
    pub(super) fn first(&self) -> Side {
        if self.marks.has(FIRST_IS_B) { Side::B } else { Side::A }
    }

    /// From whose view the history is written: the initiator's, or unknown, the first sender's.
    #[inline]
    pub(super) fn orientation(&self) -> Side {
        self.opener.side().unwrap_or_else(|| self.first())
    }

    /// Adds a history letter, given in upper case, as of `side`.
    pub(super) fn letter(&mut self, side: Side, letter: u8) {
        let letter = if side == self.orientation() { letter } else { letter.to_ascii_lowercase() };
        if !self.history.has(letter) && !self.history.add(letter) {
            self.rare.get_or_insert_default().note_letter(letter);
        }
    }

    /// All of the history.
    pub(super) fn history(&self) -> History {
        self.history.history(self.rare.as_ref().map_or(&[], |rare| &rare.letters))
    }

    pub(super) fn set_history(&mut self, history: &History) {
        let (first, more) = Letters::of(history);
        self.history = first;
        if let Some(rare) = &mut self.rare {
            rare.letters = Default::default();
        }
        if !more.is_empty() {
            let rare = self.rare.get_or_insert_default();
            more.iter().for_each(|letter| rare.note_letter(*letter));
        }
    }

    /// Takes better evidence of who opened the flow; evidence no better than what is known is no news.
    ///
    /// Octets that only one end sends are better than a watched silence before a datagram: of a
    /// mirror that shows one direction only, the first datagram after it is an answer. A group opens nothing.
    pub(super) fn initiate<S: FlowSink<A>>(
        &mut self,
        side: Side,
        initiation: Initiation,
        time: Timestamp,
        sink: &mut S,
    ) {
        let known = self.opener.initiation();
        let is_answer = self.key.transport != Transport::Tcp
            && self.initiator() == Some(side.other())
            && !self.key.end(side).0.is_group()
            && (known, initiation) == (Initiation::Observed, Initiation::Inferred);
        if initiation <= known && !is_answer {
            return;
        }
        let turns = side != self.orientation();
        self.opener = Opener::of(Some(side), initiation);
        if turns && !self.history.is_empty() {
            let mut history = self.history().flipped();
            history.add(b'^');
            self.set_history(&history);
        }
        sink.initiated(self.number, time, side, initiation);
    }
}
