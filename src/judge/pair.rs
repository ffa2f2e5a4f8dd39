//! Two addresses, small where both are IPv4, as nearly all are.

use crate::addr::Addr;

/// Two addresses.
#[derive(Clone, Debug)]
pub(super) enum Pair {
    /// Of IPv4.
    Narrow([u32; 2]),
    /// Others.
    Wide(Box<(Addr, Addr)>),
}

impl Pair {
    /// These two.
    pub(super) fn of(one: Addr, other: Addr) -> Self {
        match (one.v4_number(), other.v4_number()) {
            (Some(one), Some(other)) => Self::Narrow([one, other]),
            _ => Self::Wide(Box::new((one, other))),
        }
    }

    /// Both.
    pub(super) fn both(&self) -> (Addr, Addr) {
        match self {
            Self::Narrow([one, other]) => (Addr::v4(one.to_be_bytes()), Addr::v4(other.to_be_bytes())),
            Self::Wide(both) => **both,
        }
    }
}
