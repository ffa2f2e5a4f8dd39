//! TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446), SSL 3.0 (RFC 6101) and the hellos of SSL 2.0: by the
//! record header and the first handshake octets of either side, and mid-stream by chained records.

use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::tls_follow::TlsFollower;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser of TLS from the start of a record.
pub struct Tls;
/// The recogniser of TLS where the first octets stand in the middle of a record.
pub struct TlsMidstream;

/// Octets of a record header.
pub const RECORD_HEADER: usize = 5;
/// Longest record: 2^14 and what RFC 5246 §6.2.3 lets encryption add.
const RECORD_OCTETS: usize = 0x4800;
/// Content type of alerts.
pub const ALERT: u8 = 21;
/// Content type of handshake messages.
pub const HANDSHAKE: u8 = 22;
/// Content type of application data.
const APPLICATION_DATA: u8 = 23;
/// Records of one side that are walked before an answer must be given.
const RECORDS: usize = 8;

/// A record header that is believable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record {
    /// Content type, 20 to 24.
    pub kind: u8,
    /// Octets after the header.
    pub length: usize,
}

impl Recogniser for Tls {
    fn service(&self) -> Service {
        Service::Tls
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 20..=24 | 0x80..)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        match head.octets.first() {
            None if head.finished => Probe::Refuse,
            None => Probe::NeedMore,
            Some(20..=24) => records(head),
            Some(0x80..=0xff) => ssl2(head),
            Some(_) => Probe::Refuse,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TlsFollower::default()))
    }
}

impl Recogniser for TlsMidstream {
    fn service(&self) -> Service {
        Service::Tls
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start {
            return Probe::Refuse;
        }
        for at in memchr::memchr_iter(APPLICATION_DATA, head.octets) {
            let rest = head.octets.get(at..).unwrap_or_default();
            let Some(first) = record(rest) else { continue };
            let next = first.map(|first| rest.get(first.length.saturating_add(RECORD_HEADER)..));
            let second = record(next.flatten().unwrap_or_default());
            match (next, second) {
                (_, None) => {}
                (Some(Some(next)), Some(Some(_))) if next.get(..3) == rest.get(..3) => {
                    return chained(at);
                }
                (Some(Some(_)), Some(Some(_))) => {}
                _ if head.finished => {}
                _ => return Probe::NeedMore,
            }
        }
        if head.finished { Probe::Refuse } else { Probe::NeedMore }
    }
}

/// The answer to two records of application data in a row that start at `at`.
fn chained(at: usize) -> Probe {
    Probe::Match(Recognition {
        service: Service::Tls,
        certainty: Certainty::Consistent,
        content: None,
        sender: Sender::Either,
        offset: u32::try_from(at).unwrap_or(u32::MAX),
        length: 5,
        what: "two TLS records in a row, in mid-stream",
    })
}

/// Reads a record header; `None` if it cannot be one, `Some(None)` if octets are missing.
pub fn record(octets: &[u8]) -> Option<Option<Record>> {
    let fits = |at: usize, believed: &dyn Fn(u8) -> bool| octets.get(at).is_none_or(|o| believed(*o));
    if !fits(0, &|o| (20..=24).contains(&o)) || !fits(1, &|o| o == 3) || !fits(2, &|o| o <= 4) {
        return None;
    }
    let [kind, _, _, high, low, ..] = octets else {
        return Some(None);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let sane = match *kind {
        20 => length == 1,
        ALERT => length >= 2,
        _ => length >= 1,
    };
    (sane && length <= RECORD_OCTETS).then_some(Some(Record { kind: *kind, length }))
}

/// Walks the records until a hello shows, two are chained, or the head ends.
fn records(head: &Head<'_>) -> Probe {
    let mut start = [0_u8; 6];
    let mut known = 0_usize;
    let mut at = 0_usize;
    for number in 0..RECORDS {
        let rest = head.octets.get(at..).unwrap_or_default();
        let header = match record(rest) {
            None if number == 0 => return Probe::Refuse,
            // Whole records in front and then something else.
            None => return Probe::Malformed,
            Some(None) => return unfinished(head, number),
            Some(Some(header)) => header,
        };
        if header.kind == HANDSHAKE {
            let body = rest.get(RECORD_HEADER..).unwrap_or_default();
            let body = body.get(..header.length.min(body.len())).unwrap_or_default();
            for (slot, octet) in start.iter_mut().skip(known).zip(body) {
                *slot = *octet;
                known = known.saturating_add(1);
            }
            if let Some(answer) = hello(&start, known) {
                return answer;
            }
            // A hello may be spread over records (RFC 8446 §5.1).
            let may_be_hello = known < start.len() && (known == 0 || matches!(start, [1 | 2, ..]));
            if may_be_hello && body.len() < header.length {
                return unfinished(head, number.saturating_add(1));
            }
            if may_be_hello {
                at = at.saturating_add(RECORD_HEADER).saturating_add(header.length);
                continue;
            }
        }
        if number >= 1 {
            return matched(Certainty::Signature, Sender::Either, "two TLS records in a row");
        }
        at = at.saturating_add(RECORD_HEADER).saturating_add(header.length);
    }
    lone(1)
}

/// The answer where the head ends after `whole` record headers.
fn unfinished(head: &Head<'_>, whole: usize) -> Probe {
    if head.finished { lone(whole) } else { Probe::NeedMore }
}

/// The answer to handshake octets: a hello names its sender.
fn hello(start: &[u8; 6], known: usize) -> Option<Probe> {
    let [kind, _, _, _, major, minor] = *start;
    if known < start.len() || major != 3 || minor > 4 {
        return None;
    }
    match kind {
        1 => Some(matched(Certainty::Signature, Sender::Client, "ClientHello")),
        2 => Some(matched(Certainty::Signature, Sender::Server, "ServerHello")),
        _ => None,
    }
}

/// The answer when nothing more will come after `whole` records and the start of another.
fn lone(whole: usize) -> Probe {
    if whole == 0 {
        return Probe::Refuse;
    }
    matched(Certainty::Consistent, Sender::Either, "one TLS record")
}

fn matched(certainty: Certainty, sender: Sender, what: &'static str) -> Probe {
    Probe::Match(Recognition {
        service: Service::Tls,
        certainty,
        content: None,
        sender,
        offset: 0,
        length: 11,
        what,
    })
}

/// The hellos of SSL 2.0 (Hickman, "The SSL Protocol", and RFC 5246 appendix E.2): every length in
/// them must add up.
fn ssl2(head: &Head<'_>) -> Probe {
    let octets = head.octets;
    let begins = match octets {
        [_, _, 1, rest @ ..] => matches!(rest, [] | [0 | 3] | [0, 2, ..] | [3, 0..=3, ..]),
        [_, _, 4, rest @ ..] => matches!(rest, [] | [0 | 1] | [0 | 1, 0 | 1] | [0 | 1, 0 | 1, 0, ..]),
        [_, _, _, ..] => false,
        _ => true,
    };
    if !begins {
        return Probe::Refuse;
    }
    let Some(first) = octets.first_chunk::<13>() else {
        return if head.finished { Probe::Refuse } else { Probe::NeedMore };
    };
    let word = |at: usize| {
        let pair = [first.get(at), first.get(at.saturating_add(1))].map(|o| o.copied().unwrap_or(0));
        usize::from(u16::from_be_bytes(pair))
    };
    let length = word(0) & 0x7fff;
    let client = first.get(2) == Some(&1);
    // Client: version 3, cipher specs 5, session 7, challenge 9. Server: version 5, certificate 7,
    // cipher specs 9, connection 11.
    let (fixed, a, b, c) =
        if client { (9, word(5), word(7), word(9)) } else { (11, word(7), word(9), word(11)) };
    let sum = a.saturating_add(b).saturating_add(c).saturating_add(fixed);
    let sane = if client {
        a > 0 && a.checked_rem(3) == Some(0) && matches!(b, 0 | 16 | 32) && (16..=32).contains(&c)
    } else {
        word(5) == 2 && b.checked_rem(3) == Some(0) && c <= 32
    };
    if sum != length || !sane {
        return Probe::Refuse;
    }
    let sender = if client { Sender::Client } else { Sender::Server };
    let what = if client { "SSL 2.0 CLIENT-HELLO" } else { "SSL 2.0 SERVER-HELLO" };
    matched(Certainty::Signature, sender, what)
}
