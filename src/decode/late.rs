//! Copies of fragments that a mirror makes come after their datagram was joined too; they are
//! known here and share its fate, instead of waiting for a datagram that never comes.

use std::collections::VecDeque;

use super::decoder::Decoded;
use super::fragments::Key;
use super::segment::Segment;
use super::undecoded::NotConversation;
use super::undecoded::Undecoded;
use super::walk::Next;
use crate::time::Span;
use crate::time::Timestamp;

/// How long a copy may lag: what the flow table allows a mirror.
const LAG: Span = Span::from_millis(5);

/// How many joined datagrams are remembered.
const MAX_JOINED: usize = 256;

/// How many fragments of them are remembered, in 8 octets each.
const MAX_HASHES: usize = 65_536;

/// What became of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// It gave this segment.
    Segment(Segment),
    /// It is no conversation.
    Quiet(NotConversation),
    /// It could not be decoded.
    Stopped(Undecoded),
    /// It is itself a fragment, and waits.
    Held,
}

/// The datagrams that were joined last.
#[derive(Debug, Default)]
pub(super) struct LateCopies {
    joined: VecDeque<Joined>,
    /// Hashes in all of `joined`.
    hashes: usize,
}

#[derive(Debug)]
struct Joined {
    key: Key,
    time: Timestamp,
    hashes: Vec<u64>,
    ending: Ending,
}

impl Ending {
    /// What a walk ended with; its segment is the last one of `out`.
    pub(super) fn of(end: Result<Next, Undecoded>, out: &Decoded) -> Self {
        match end {
            Ok(Next::Quiet(kind)) => Self::Quiet(kind),
            Err(cause) => Self::Stopped(cause),
            Ok(Next::Segment | Next::Layer(_) | Next::Fragment) => {
                out.segments.last().copied().map_or(Self::Held, Self::Segment)
            }
        }
    }
}

impl LateCopies {
    /// Remembers what became of a joined datagram, whose fragments had these hashes.
    pub(super) fn remember(&mut self, key: Key, time: Timestamp, hashes: Vec<u64>, ending: Ending) {
        self.hashes = self.hashes.saturating_add(hashes.len());
        while self.joined.len() >= MAX_JOINED || self.hashes > MAX_HASHES {
            if !self.forget_oldest() {
                break;
            }
        }
        self.joined.push_back(Joined { key, time, hashes, ending });
    }

    /// What became of the datagram that this fragment is a copy of; each fragment has one copy.
    pub(super) fn ending(&mut self, key: &Key, hash: u64, now: Timestamp) -> Option<Ending> {
        while self.joined.front().is_some_and(|joined| now.since(joined.time) > LAG) {
            self.forget_oldest();
        }
        let joined = self.joined.iter_mut().rev().find(|joined| joined.key == *key)?;
        let at = joined.hashes.iter().position(|held| *held == hash)?;
        joined.hashes.swap_remove(at);
        self.hashes = self.hashes.saturating_sub(1);
        Some(joined.ending)
    }

    /// False if there is none.
    fn forget_oldest(&mut self) -> bool {
        let oldest = self.joined.pop_front();
        let hashes = oldest.as_ref().map_or(0, |joined| joined.hashes.len());
        self.hashes = self.hashes.saturating_sub(hashes);
        oldest.is_some()
    }
}
