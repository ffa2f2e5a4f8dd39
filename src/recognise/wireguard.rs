//! WireGuard by its four messages. Either peer may open a new session, so none tells the client.
//!
//! Source: WireGuard protocol description (wireguard.com/protocol), "The Protocol".

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// See the module.
pub(super) struct Wireguard;

/// Octets of initiation, response, cookie reply; least of transport data.
const INITIATION: usize = 148;
const RESPONSE: usize = 92;
const COOKIE: usize = 64;
const DATA_LEAST: usize = 32;
/// Most packets lost between two that are compared.
const STEP_MOST: u64 = 64;

impl Recogniser for Wireguard {
    fn service(&self) -> Service {
        Service::Wireguard
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        (1..=4).contains(&first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.array::<4>(0) {
            Ok([1, 0, 0, 0]) => answer(handshake(octets, INITIATION)),
            Ok([2, 0, 0, 0]) => answer(handshake(octets, RESPONSE)),
            Ok([3, 0, 0, 0]) => answer(short(octets)),
            Ok([4, 0, 0, 0]) => data(head),
            _ => Probe::Refuse,
        }
    }
}

/// The last sixteen octets are zero unless the peer is under load.
fn handshake(octets: Octets<'_>, length: usize) -> Read<Recognition> {
    octets.ends_at(length)?;
    require(octets.be32(4)? != 0)?;
    let second_mac = octets.slice(length.saturating_sub(16), 16);
    let zero = second_mac.is_ok_and(|mac| mac.iter().all(|octet| *octet == 0));
    let certainty = if zero { Certainty::Signature } else { Certainty::Consistent };
    let what = "WireGuard handshake of its exact length";
    Ok(Recognition::proved(Service::Wireguard, certainty, Sender::Either, 4, what))
}

fn short(octets: Octets<'_>) -> Read<Recognition> {
    octets.ends_at(COOKIE)?;
    let what = "WireGuard cookie reply of its exact length";
    Ok(Recognition::proved(Service::Wireguard, Certainty::Heuristic, Sender::Either, 4, what))
}

/// Transport data: two datagrams to one receiver index with a rising counter.
fn data(head: &Head<'_>) -> Probe {
    let mut datagrams = head.datagrams().map(Octets::whole);
    // What comes twice tells nothing.
    let first = datagrams.next();
    let second = datagrams.find(|later| first.is_some_and(|first| first.seen() != later.seen()));
    let (Some(first), Some(second)) = (first, second) else {
        return if head.finished { Probe::Refuse } else { Probe::NeedMore };
    };
    answer(pair(first, second, head.cut))
}

fn pair(first: Octets<'_>, second: Octets<'_>, cut: bool) -> Read<Recognition> {
    let fits = |one: Octets<'_>| {
        let length = one.seen().len();
        cut || (length >= DATA_LEAST && length.is_multiple_of(16))
    };
    second.expect(0, &[4, 0, 0, 0])?;
    let counter = |one: Octets<'_>| one.array(8).map(u64::from_le_bytes);
    let step = counter(second)?.wrapping_sub(counter(first)?);
    require(fits(first) && fits(second) && first.be32(4)? == second.be32(4)?)?;
    require((1..=STEP_MOST).contains(&step))?;
    let what = "WireGuard data: one receiver, rising counter";
    Ok(Recognition::proved(Service::Wireguard, Certainty::Consistent, Sender::Either, 16, what))
}
