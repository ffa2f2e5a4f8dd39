//! Who is worth asking about a head: by transport, first octet and ports, looked up in a table that is
//! made once from what each recogniser says of itself.

use super::Head;
use super::Recogniser;
use crate::service::Service;
use crate::service::Transport;

/// Values of an octet.
const OCTETS: usize = 256;

/// The recognisers in force, and which of them a head must be shown to. A set of them is a `u128`: bit n
/// is the recogniser with number n in the registry, so there are at most 128.
pub struct Dispatch<'r> {
    recognisers: &'r [&'r dyn Recogniser],
    streams: Table,
    datagrams: Table,
    /// Those that answer at some ports only.
    bound: u128,
    /// A port, and those that answer there only (or there and at others of this list).
    ports: Vec<(u16, u128)>,
}

/// Who is asked over one transport.
struct Table {
    all: u128,
    /// By first octet.
    first: Vec<u128>,
}

impl<'r> Dispatch<'r> {
    /// Asks each recogniser what it is worth asking about.
    pub fn new(recognisers: &'r [&'r dyn Recogniser]) -> Self {
        let (mut bound, mut ports) = (0, Vec::new());
        for (number, recogniser) in (0_u8..).zip(recognisers) {
            for port in recogniser.only_at() {
                bound |= bit(number);
                ports.push((*port, bit(number)));
            }
        }
        let table = |transport| Table::new(recognisers, transport);
        let (streams, datagrams) = (table(Transport::Tcp), table(Transport::Udp));
        Self { recognisers, streams, datagrams, bound, ports }
    }

    /// Whom to ask about `head`: all others would refuse it, and what it may grow to.
    pub fn asked(&self, head: &Head<'_>) -> u128 {
        let first = head.first().first();
        let spoken = match head.key.transport {
            Transport::Tcp => self.streams.asked(first),
            Transport::Udp => self.datagrams.asked(first),
            other => speakers(self.recognisers, other, |_| true),
        };
        if self.bound == 0 {
            return spoken;
        }
        let (from, to) = (head.from_port(), head.to_port());
        let here = self.ports.iter().filter(|(port, _)| *port == from || *port == to);
        spoken & here.fold(!self.bound, |asked, (_, bits)| asked | bits)
    }

    /// The recogniser with this number.
    pub(super) fn recogniser(&self, number: u8) -> Option<&'r dyn Recogniser> {
        self.recognisers.get(usize::from(number)).copied()
    }

    /// The first recogniser of `service`, and its number.
    pub(super) fn of(&self, service: Service) -> Option<(&'r dyn Recogniser, u8)> {
        self.recognisers.iter().copied().zip(0_u8..).find(|(one, _)| one.service() == service)
    }
}

impl Table {
    fn new(recognisers: &[&dyn Recogniser], transport: Transport) -> Self {
        let may_begin = |first| speakers(recognisers, transport, |one| one.may_begin(first, transport));
        Self {
            all: speakers(recognisers, transport, |_| true),
            first: (0..=u8::MAX).map(may_begin).take(OCTETS).collect(),
        }
    }

    /// Of a head without octets nothing is known.
    fn asked(&self, first: Option<&u8>) -> u128 {
        first.and_then(|first| self.first.get(usize::from(*first))).copied().unwrap_or(self.all)
    }
}

/// The set of one. Those beyond the 128th are in none.
pub(super) fn bit(number: u8) -> u128 {
    1_u128.checked_shl(u32::from(number)).unwrap_or(0)
}

/// Those that speak over this transport and of which this is true.
fn speakers(
    recognisers: &[&dyn Recogniser],
    transport: Transport,
    fits: impl Fn(&dyn Recogniser) -> bool,
) -> u128 {
    let numbered = (0_u8..).zip(recognisers);
    let fitting = numbered.filter(|(_, one)| one.speaks(transport) && fits(**one));
    fitting.fold(0, |all, (number, _)| all | bit(number))
}
