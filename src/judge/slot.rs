//! What is kept of a flow that is going on: of most flows nothing is known but their opening until they end,
//! and that takes 40 octets; the others have a [`LiveFlow`].

use crate::addr::Addr;
use crate::event::EventKind;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::key::FlowNumber;
use crate::judge::conversations::ConversationIndex;
use crate::judge::flow_state::FlowState;
use crate::judge::flow_state::few;
use crate::judge::live::Joined;
use crate::judge::live::LiveFlow;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// One flow, whose ends are kept as `E`.
#[derive(Debug)]
pub(super) enum Slot<E> {
    /// Little is known.
    Little(Little<E>),
    /// All that is known; absent while it is being changed.
    Grown(FlowNumber, Option<Box<LiveFlow>>),
}

/// Field by field and bit by bit, because a million flows at a time are no rarity.
#[derive(Debug)]
pub(super) struct Little<E> {
    number: FlowNumber,
    opened_at: Timestamp,
    ends: E,
    /// How much later the latest event was, the lower part, in nanoseconds; the rest is in `bits`.
    late: u32,
    a_port: u16,
    b_port: u16,
    transport: Transport,
    vlan: u16,
    initiation: Initiation,
    outcome: Outcome,
    /// See the constants below.
    bits: u8,
    /// What [`EventKind::Unrecognised`] said, see [`pack`]; 0: there was none.
    seen: u8,
}

/// Bits of `bits`: who opened it is known; it is the end B; as their names say. From [`LATER`] on: the upper
/// part of `late`.
const INITIATED: u8 = 1;
const BY_B: u8 = 2;
const MIDSTREAM: u8 = 4;
const HAS_KIN: u8 = 8;
const FLAGS: u8 = 15;
const LATER: u8 = 4;
/// Events from so many nanoseconds after the opening on are not kept in little.
const LATEST: u64 = 1 << (u32::BITS + 4);

/// Bits of `seen`: whether there is anything; octets of each side, see [`few`]; whether some were cut.
const THERE: u8 = 1;
const CUT: u8 = 2;
const SEEN_A: u8 = 2;
const SEEN_B: u8 = 4;
const MOST: u8 = 3;

/// How both ends' addresses are kept.
pub(super) trait Ends: Copy {
    /// Both addresses, if they can be kept so.
    fn of(a: Addr, b: Addr) -> Option<Self>;
    /// Both addresses.
    fn both(self) -> (Addr, Addr);
}

impl Ends for [u32; 2] {
    fn of(a: Addr, b: Addr) -> Option<Self> {
        Some([a.v4_number()?, b.v4_number()?])
    }

    fn both(self) -> (Addr, Addr) {
        let [a, b] = self.map(|addr| Addr::v4(addr.to_be_bytes()));
        (a, b)
    }
}

impl Ends for [Addr; 2] {
    fn of(a: Addr, b: Addr) -> Option<Self> {
        Some([a, b])
    }

    fn both(self) -> (Addr, Addr) {
        let [a, b] = self;
        (a, b)
    }
}

impl<E: Ends> Slot<E> {
    /// Of a flow that just opened and of which nothing else is known; `None` if its ends cannot be kept so.
    pub(super) fn of(number: FlowNumber, opening: &Opening, time: Timestamp, has_kin: bool) -> Option<Self> {
        let FlowKey { a, b, a_port, b_port, transport, vlan } = opening.key;
        let bits = if opening.midstream { MIDSTREAM } else { 0 } | if has_kin { HAS_KIN } else { 0 };
        let mut little = Little {
            number,
            opened_at: time,
            ends: E::of(a, b)?,
            late: 0,
            a_port,
            b_port,
            transport,
            vlan,
            initiation: opening.initiation,
            outcome: Outcome::Attempted,
            bits,
            seen: 0,
        };
        little.initiated(opening.initiator);
        Some(Self::Little(little))
    }

    /// Which flow it is.
    pub(super) fn number(&self) -> FlowNumber {
        match self {
            Self::Little(little) => little.number,
            Self::Grown(number, _) => *number,
        }
    }

    /// Takes in an event that says little, of a flow of which little is known. False if there is more to do.
    pub(super) fn note(&mut self, kind: &EventKind, time: Timestamp, within: Span) -> bool {
        match self {
            Self::Little(little) => little.note(kind, time, within),
            Self::Grown(..) => false,
        }
    }

    /// The conversation that the flow joined, if it has joined one.
    pub(super) fn home(&self) -> Option<ConversationIndex> {
        match self {
            Self::Grown(_, Some(live)) => live.joined.as_ref()?.conversation,
            Self::Grown(_, None) | Self::Little(_) => None,
        }
    }

    /// Where its counts went, if it joined a conversation. Of a flow that is gone nothing is there.
    pub(super) fn joined_mut(&mut self) -> Option<&mut Joined> {
        match self {
            Self::Grown(_, Some(live)) => live.joined.as_deref_mut(),
            Self::Grown(_, None) | Self::Little(_) => None,
        }
    }

    /// Everything known of the flow, to change it; [`Slot::put`] takes it back.
    pub(super) fn lift(&mut self) -> Option<Box<LiveFlow>> {
        match self {
            Self::Little(little) => {
                let live = Box::new(little.live());
                *self = Self::Grown(little.number, None);
                Some(live)
            }
            Self::Grown(_, live) => live.take(),
        }
    }

    /// Takes a flow back that was lifted.
    pub(super) fn put(&mut self, live: Box<LiveFlow>) {
        *self = Self::Grown(self.number(), Some(live));
    }
}

impl<E: Ends> Little<E> {
    fn note(&mut self, kind: &EventKind, time: Timestamp, within: Span) -> bool {
        let late = time.since(self.opened_at);
        if late >= within || late.nanos() >= LATEST {
            return false;
        }
        match kind {
            EventKind::Initiated(_, side, initiation) => {
                self.initiated(Some(*side));
                self.initiation = *initiation;
            }
            EventKind::Unrecognised { seen, cut, .. } => self.seen = pack(*seen, *cut),
            EventKind::Reached(_, outcome) => self.outcome = self.outcome.max(*outcome),
            _ => return false,
        }
        // What recognisers conclude may come long after the last packet.
        if late.nanos() > self.latest() && !matches!(kind, EventKind::Unrecognised { .. }) {
            self.late = u32::try_from(late.nanos() & u64::from(u32::MAX)).unwrap_or(u32::MAX);
            let later = u8::try_from(late.nanos() >> u32::BITS).unwrap_or(u8::MAX);
            self.bits = self.bits & FLAGS | later << LATER;
        }
        true
    }

    /// How much later than the opening the latest event was, in nanoseconds.
    fn latest(&self) -> u64 {
        u64::from(self.bits >> LATER) << u32::BITS | u64::from(self.late)
    }

    fn initiated(&mut self, initiator: Option<Side>) {
        self.set(initiator.is_some(), INITIATED);
        self.set(initiator == Some(Side::B), BY_B);
    }

    fn set(&mut self, holds: bool, flag: u8) {
        self.bits = if holds { self.bits | flag } else { self.bits & !flag };
    }

    fn is(&self, flag: u8) -> bool {
        self.bits & flag != 0
    }

    /// Everything known of the flow.
    #[inline]
    pub(super) fn live(&self) -> LiveFlow {
        let Self { a_port, b_port, transport, vlan, opened_at, .. } = *self;
        let (a, b) = self.ends.both();
        let mut state = FlowState::opened(FlowKey { a, b, a_port, b_port, transport, vlan }, opened_at);
        let initiator = if self.is(BY_B) { Side::B } else { Side::A };
        state.initiator = self.is(INITIATED).then_some(initiator);
        (state.initiation, state.outcome) = (self.initiation, self.outcome);
        state.midstream = self.is(MIDSTREAM);
        state.last_seen = opened_at.plus(Span::from_nanos(self.latest()));
        if let Some((seen, cut)) = unpack(self.seen) {
            state.unrecognised(seen, cut);
        }
        LiveFlow { state, details: None, joined: None, has_kin: self.is(HAS_KIN), has_sides: false }
    }
}

/// How much of each side was seen, as far as it matters, and whether some was cut: never 0.
fn pack(seen: [u32; 2], cut: bool) -> u8 {
    let [a, b] = few(seen);
    THERE | a << SEEN_A | b << SEEN_B | if cut { CUT } else { 0 }
}

fn unpack(packed: u8) -> Option<([u8; 2], bool)> {
    let part = |from: u8| packed >> from & MOST;
    (packed != 0).then(|| ([part(SEEN_A), part(SEEN_B)], packed & CUT != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::segment::VlanStack;

    const AT: Timestamp = Timestamp::from_parts(1000, 0);

    fn opening(a: Addr, b: Addr) -> Opening {
        Opening {
            key: FlowKey { a, b, a_port: 7, b_port: 9, transport: Transport::Udp, vlan: 4000 },
            initiator: Some(Side::A),
            initiation: Initiation::Observed,
            midstream: true,
            macs: [None; 2],
            vlans: VlanStack::default(),
            tunnel: None,
            first: Side::A,
        }
    }

    fn opened(opening: &Opening) -> LiveFlow {
        let state = FlowState::new(opening, AT);
        LiveFlow { state, details: None, joined: None, has_kin: true, has_sides: false }
    }

    fn later(nanos: u64) -> Timestamp {
        AT.plus(Span::from_nanos(nanos))
    }

    fn grows_back<E: Ends + std::fmt::Debug>(a: Addr, b: Addr) {
        let opening = opening(a, b);
        let mut slot = Slot::<E>::of(FlowNumber(3), &opening, AT, true).unwrap();
        assert!(
            matches!(&slot, Slot::Little(little) if format!("{:?}", little.live()) == format!("{:?}", opened(&opening)))
        );
        let within = Span::from_secs(5);
        let seen = EventKind::Unrecognised { flow: FlowNumber(3), seen: [3, 700], cut: true };
        let initiated = EventKind::Initiated(FlowNumber(3), Side::B, Initiation::Inferred);
        assert!(slot.note(&seen, later(12), within));
        assert!(slot.note(&initiated, later(4_999_999_999), within));
        assert!(!slot.note(&seen, later(5_000_000_000), within));
        let mut expected = opened(&opening);
        expected.state.take(&seen, later(12));
        expected.state.take(&initiated, later(4_999_999_999));
        let grown = slot.lift().unwrap();
        assert_eq!(format!("{grown:?}"), format!("{expected:?}"));
        assert_eq!((slot.number(), slot.home()), (FlowNumber(3), None));
    }

    #[test]
    fn what_is_kept_in_little_grows_back_to_all() {
        let (one, other) = (Addr::v4([10, 0, 0, 1]), Addr::v4([224, 0, 0, 251]));
        grows_back::<[u32; 2]>(one, other);
        grows_back::<[Addr; 2]>(one, Addr::v6([0xfd; 16]));
    }

    #[test]
    fn an_ipv6_address_does_not_fit_where_ipv4_is_kept() {
        let wide = opening(Addr::v4([10, 0, 0, 1]), Addr::v6([0xfd; 16]));
        assert!(Slot::<[u32; 2]>::of(FlowNumber(3), &wide, AT, true).is_none());
    }
}
