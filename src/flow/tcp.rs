//! TCP's state as Zeek tells it (`base/protocols/conn/main.zeek`), and which segments are to be
//! believed.

use crate::flow::Side;
use crate::flow::facts::ConnState;
use crate::flow::facts::History;
use crate::flow::marks::Marks;

/// How far from the expected sequence number a segment may be: a window scaled up as far as hosts
/// of today do (Linux' default maximum is 6 MiB).
pub(super) const WINDOW: u32 = 8 << 20;

/// State of one endpoint, by the names of Zeek.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Phase {
    /// Sent nothing yet.
    #[default]
    Inactive,
    /// Sent a SYN.
    SynSent,
    /// Sent a SYN-ACK, the other's SYN was not seen.
    SynAckSent,
    /// Sent something, without a SYN.
    Partial,
    /// The handshake was seen.
    Established,
    /// Sent a FIN.
    Closed,
    /// Sent a RST.
    Reset,
}

/// Both endpoints of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Connection {
    /// State of each endpoint.
    pub(super) phases: [Phase; 2],
    marks: Marks,
}

/// Both closed, or one reset, and nothing new was said since.
const OVER: u8 = 1;
/// An endpoint sent a right checksum.
const CHECKED: [u8; 2] = [1 << 1, 1 << 2];
/// An endpoint's SYN was seen, or proved.
const NUMBERED: [u8; 2] = [1 << 3, 1 << 4];

/// An endpoint's FIN was acknowledged.
const ACKNOWLEDGED: [u8; 2] = [1 << 5, 1 << 6];

impl Connection {
    /// Both closed, or one reset, and nothing new was said since.
    #[inline]
    pub(super) const fn is_over(&self) -> bool {
        self.marks.has(OVER)
    }

    /// Whether an endpoint sent a right checksum: then a segment of its with a wrong one neither
    /// opens, closes nor resets anything.
    pub(super) fn is_checked(&self, side: Side) -> bool {
        self.marks.has(*side.of(&CHECKED))
    }

    /// Takes a segment's checksum, and tells whether the segment is doubted for it.
    pub(super) fn doubts(&mut self, side: Side, is_wrong: bool) -> bool {
        let doubted = is_wrong && self.is_checked(side);
        self.marks.note(*side.of(&CHECKED), !is_wrong);
        doubted
    }

    /// Whether the initial sequence number of an endpoint is known.
    pub(super) fn is_numbered(&self, side: Side) -> bool {
        self.marks.has(*side.of(&NUMBERED))
    }

    /// Notes that it is.
    pub(super) fn number(&mut self, side: Side) {
        self.marks.set(*side.of(&NUMBERED), true);
    }

    /// Takes a SYN without ACK that is believed and belongs to this connection.
    pub(super) fn syn(&mut self, side: Side) {
        let phase = side.of_mut(&mut self.phases);
        if matches!(phase, Phase::Inactive | Phase::Partial) {
            *phase = Phase::SynSent;
        }
        // Its SYN-ACK was here before it: the capture changed their order.
        if *side.other().of(&self.phases) == Phase::SynAckSent {
            self.phases = [Phase::Established; 2];
        }
    }

    /// Takes a SYN-ACK that is believed and belongs to this connection.
    pub(super) fn syn_ack(&mut self, side: Side) {
        if !matches!(*side.of(&self.phases), Phase::Inactive | Phase::Partial) {
            return;
        }
        if *side.other().of(&self.phases) == Phase::Inactive {
            *side.of_mut(&mut self.phases) = Phase::SynAckSent;
        } else {
            *side.of_mut(&mut self.phases) = Phase::Established;
            let other = side.other().of_mut(&mut self.phases);
            if matches!(other, Phase::SynSent | Phase::Partial) {
                *other = Phase::Established;
            }
        }
    }

    /// Takes a segment without SYN and RST.
    pub(super) fn plain(&mut self, side: Side) {
        if *side.of(&self.phases) != Phase::Inactive {
            return;
        }
        if *side.other().of(&self.phases) == Phase::SynAckSent {
            self.phases = [Phase::Established; 2];
        } else {
            *side.of_mut(&mut self.phases) = Phase::Partial;
        }
    }

    /// Takes a FIN that is believed.
    pub(super) fn fin(&mut self, side: Side) {
        let phase = side.of_mut(&mut self.phases);
        if *phase != Phase::Reset {
            *phase = Phase::Closed;
        }
        self.marks.note(OVER, self.phases == [Phase::Closed; 2]);
    }

    /// Notes that the FIN of an endpoint was acknowledged.
    pub(super) fn acknowledge_fin(&mut self, side: Side) {
        self.marks.set(*side.of(&ACKNOWLEDGED), true);
    }

    /// Whether both ends know that both closed: neither has anything to repeat.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        let [a, b] = ACKNOWLEDGED;
        self.phases == [Phase::Closed; 2] && self.marks.has(a) && self.marks.has(b)
    }

    /// Takes a RST that is believed.
    pub(super) fn rst(&mut self, side: Side) {
        *side.of_mut(&mut self.phases) = Phase::Reset;
        self.marks.set(OVER, true);
    }

    /// New octets came: a RST before them did not end it.
    pub(super) fn lives(&mut self) {
        self.marks.set(OVER, self.phases == [Phase::Closed; 2]);
    }

    /// Whether both sides took part, or one proves that the other did.
    pub(super) fn is_answered(&self) -> bool {
        match self.phases {
            [Phase::SynAckSent, _] | [_, Phase::SynAckSent] => true,
            [Phase::Inactive | Phase::Reset, _] | [_, Phase::Inactive | Phase::Reset] => false,
            phases => phases != [Phase::SynSent; 2],
        }
    }

    /// Whether nothing but attempts of one side were seen.
    pub(super) fn is_attempt(&self) -> bool {
        matches!(self.phases, [Phase::SynSent, Phase::Inactive] | [Phase::Inactive, Phase::SynSent])
    }

    /// Zeek's `conn_state`, seen from `orig` as `history` is; `silent` if no payload was seen.
    pub(super) fn state(&self, orig: Side, silent: bool, history: &History) -> ConnState {
        let (o, r) = (*orig.of(&self.phases), *orig.other().of(&self.phases));
        let inactive = |phase| matches!(phase, Phase::Inactive | Phase::Partial);
        match (o, r) {
            (Phase::SynSent | Phase::SynAckSent, Phase::Reset) => ConnState::Rej,
            (Phase::Reset, Phase::Reset) if silent => ConnState::Rej,
            (_, Phase::Reset) if inactive(o) => ConnState::Rstrh,
            (_, Phase::Reset) => ConnState::Rstr,
            (Phase::Reset, _) if inactive(r) && gave_up(history) => ConnState::Rstos0,
            (Phase::Reset, _) if inactive(r) => ConnState::Oth,
            (Phase::Reset, _) => ConnState::Rsto,
            (Phase::Closed, Phase::Closed) => ConnState::Sf,
            (Phase::Closed, _) if inactive(r) => ConnState::Sh,
            (Phase::Closed, _) => ConnState::S2,
            (_, Phase::Closed) if inactive(o) => ConnState::Shr,
            (_, Phase::Closed) => ConnState::S3,
            (Phase::SynSent, Phase::Inactive) => ConnState::S0,
            (Phase::Established, Phase::Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }
}

/// Whether the originator sent a SYN and then a RST, nothing else of weight between: Zeek's
/// `/\^?S[^HAFGIQ]*R.*/`.
fn gave_up(history: &History) -> bool {
    let letters = history.as_str();
    let letters = letters.strip_prefix('^').unwrap_or(letters);
    letters
        .strip_prefix('S')
        .and_then(|rest| rest.split_once('R'))
        .is_some_and(|(between, _)| !between.contains(['H', 'A', 'F', 'G', 'I', 'Q']))
}

/// Whether `seq` is near enough to `expected` to be of this connection.
pub(super) fn is_near(seq: u32, expected: u32) -> bool {
    seq.wrapping_sub(expected).cast_signed().unsigned_abs() <= WINDOW
}
