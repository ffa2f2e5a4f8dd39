//! What was found out of ends and cases, and holds for all others of their kind.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::Inventory;
use crate::judge::ruling::end_of;
use crate::judge::seats::Seat;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::force::Policy;
use crate::service::Transport;

/// Rulings that are remembered, about 300 octets each; then all are forgotten.
const RULING_CAP: usize = 65_536;

/// Places for whether a port is served, 128 KiB of them.
const SERVED_PLACES: usize = 8192;

/// So many rulings are looked through for the same one.
const LATELY: usize = 8;

/// Rulings that were made before. A ruling is a function of its case; of most conversations little is
/// known, so that many have the same case.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// A verdict may depend on which host of a kind it is.
    tells_hosts_apart: bool,
    /// A verdict may depend on the time.
    expires: bool,
    /// Kinds of ends by the number of the kind of host.
    by_kind: Vec<Option<u32>>,
    kinds: HashMap<End, u32, FixedState>,
    list: Vec<End>,
    rulings: HashMap<Known, Arc<Ruling>, FixedState>,
    /// The last few different ones.
    lately: VecDeque<Arc<Ruling>>,
    /// Whether rules in force let one end open a port of the other, as packed by [`packed`]: one for each
    /// place; who is wanted lately drives out who was.
    served: Vec<u128>,
}

/// All that a ruling depends on, where there are no traits: both ends' kinds, initiator, transport,
/// ports, what is spoken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Known {
    pub(super) ends: (u32, u32),
    pub(super) initiation: Initiation,
    pub(super) transport: Transport,
    pub(super) ports: (Option<u16>, Option<u16>),
    pub(super) spoken: Spoken,
    pub(super) clear: bool,
    pub(super) outcome: Outcome,
}

impl Memory {
    /// An empty memory for rulings by `policy`.
    pub(super) fn of(policy: &Policy) -> Self {
        Self { tells_hosts_apart: policy.tells_hosts_apart(), expires: policy.expires(), ..Self::default() }
    }

    /// The number of a host's kind: hosts of one kind are the same to the policy.
    pub(super) fn end(&mut self, policy: &Policy, inventory: &Inventory, seat: &Seat, addr: Addr) -> u32 {
        let kind = seat.kind().number().filter(|_| !self.tells_hosts_apart);
        let kind = kind.and_then(|kind| usize::try_from(kind).ok());
        if let Some(Some(number)) = kind.and_then(|kind| self.by_kind.get(kind)) {
            return *number;
        }
        let mut end = end_of(policy, inventory, &seat.view(addr));
        if !self.tells_hosts_apart {
            end.addr = Addr::v4([0; 4]);
        }
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let list = &mut self.list;
        let number = *self.kinds.entry(end).or_insert_with_key(|end| {
            list.push(end.clone());
            next
        });
        if let Some(kind) = kind {
            if self.by_kind.len() <= kind {
                self.by_kind.resize(kind.saturating_add(1), None);
            }
            if let Some(held) = self.by_kind.get_mut(kind) {
                *held = Some(number);
            }
        }
        number
    }

    /// The same ruling as one of the last few, if it is: where initiators are not known, every case has its
    /// own ports, and most have one ruling all the same.
    pub(super) fn share(&mut self, ruling: Ruling) -> Arc<Ruling> {
        if let Some(same) = self.lately.iter().find(|lately| ***lately == ruling) {
            return Arc::clone(same);
        }
        let ruling = Arc::new(ruling);
        if self.lately.len() >= LATELY {
            self.lately.pop_front();
        }
        self.lately.push_back(Arc::clone(&ruling));
        ruling
    }

    /// The end with this number.
    pub(super) fn kind(&self, number: u32) -> Option<&End> {
        self.list.get(usize::try_from(number).ok()?)
    }

    /// Whether a verdict may depend on which host of a kind it is.
    pub(super) fn tells_hosts_apart(&self) -> bool {
        self.tells_hosts_apart
    }

    /// Whether a verdict may depend on the time.
    pub(super) fn expires(&self) -> bool {
        self.expires
    }

    /// The ruling on such a case, if it was made before.
    pub(super) fn ruling(&self, known: &Known) -> Option<&Arc<Ruling>> {
        self.rulings.get(known)
    }

    /// Notes the ruling on such a case.
    pub(super) fn note(&mut self, known: Known, ruling: &Arc<Ruling>) {
        if self.rulings.len() >= RULING_CAP {
            self.rulings.clear();
        }
        self.rulings.insert(known, Arc::clone(ruling));
    }

    /// What `serves` says of whether a rule lets the first of these ends open this port of the second, or what
    /// it said before.
    pub(super) fn serves(
        &mut self,
        [from, to]: [u32; 2],
        transport: Transport,
        port: u16,
        serves: impl FnOnce(&Self) -> bool,
    ) -> bool {
        let asked = packed([from, to], transport, port);
        let hash = FixedState::default().hash_one(asked);
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % SERVED_PLACES;
        if let Some(held) = self.served.get(place).filter(|held| **held & !YES == asked) {
            return held & YES != 0;
        }
        let answer = serves(self);
        self.served.resize(SERVED_PLACES, 0);
        if let Some(held) = self.served.get_mut(place) {
            *held = if answer { asked | YES } else { asked };
        }
        answer
    }
}

/// The answer is yes.
const YES: u128 = 1;

/// A question about a port; never 0, and without [`YES`].
fn packed([from, to]: [u32; 2], transport: Transport, port: u16) -> u128 {
    let number = match transport {
        Transport::Ip(number) => u16::from(number) | 0x100,
        named => u16::from(named.number()),
    };
    u128::from(from) << 96 | u128::from(to) << 64 | u128::from(number) << 32 | u128::from(port) << 16 | 2
}
