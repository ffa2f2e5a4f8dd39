//! Fragments of IPv4 and IPv6 wait here for the rest of their datagram.
//!
//! Bounded by datagrams and octets; the oldest is given up first. Choices, where hosts differ:
//! * The data that came first wins an overlap; if the octets differ, the datagram is marked.
//! * The first statement about the end wins, unless data beyond it is held already; octets past
//!   the end are not read, and mark the datagram.
//! * A fragment with more to come and a length that is no multiple of 8 is shortened to one (as
//!   Linux does for IPv4).
//! * Data that differs from what is held, more than a second after the last fragment, is not an
//!   overlap but a new datagram that reuses the identification: the old one is given up.
//! * A first fragment too small for the transport header is joined like any other; while the
//!   rest is missing it gives no segment.
//! * IPv6 fragments are told apart by addresses and identification (RFC 8200 §4.5), those of IPv4
//!   by the protocol too (RFC 791 §3.2). VLAN tags do not tell them apart: a mirror may tag one copy.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::DecodeSettings;
use super::Undecoded;
use super::context::Context;
use super::datagram::Datagram;
use super::datagram::Part;
use super::octets::narrow;
use super::walk::Next;
use super::walk::Walk;
use crate::addr::Addr;
use crate::time::Span;
use crate::time::Timestamp;

/// The longest payload that the 16-bit lengths of both versions allow.
const MAX_PAYLOAD: usize = 65_535;

/// Frames of one datagram: twice the 8192 fragments of 8 octets that 64 KiB can have.
const MAX_FRAMES: u16 = 16_384;

/// Silence after which other data with the same identification is a new datagram.
const REUSE_AFTER: Span = Span::from_secs(1);

/// What a fragment header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) key: Key,
    pub(super) start: usize,
    pub(super) more: bool,
    pub(super) protocol: u8,
    /// Octets of it on the wire.
    pub(super) wire: usize,
}

/// What the fragments of one datagram share.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    src: Addr,
    dst: Addr,
    id: u32,
    /// Of IPv4; 44 for all of IPv6.
    protocol: u8,
    /// Fragments of a tunnel's inside are not those of its outside.
    tunnels: u8,
}

/// The table.
#[derive(Debug)]
pub(super) struct Fragments {
    settings: DecodeSettings,
    waiting: HashMap<Key, Waiting>,
    /// Keys by order of insertion, which is the order of giving up, with the time of it.
    order: BTreeMap<u64, (Key, Timestamp)>,
    next: u64,
    memory: usize,
    held: u64,
    /// Given up while another was added; taken by the next call of `overdue`.
    aside: Vec<Datagram>,
}

#[derive(Debug)]
struct Waiting {
    datagram: Datagram,
    serial: u64,
    since: Timestamp,
}

impl Fragment {
    /// Ends the walk at a fragment whose data starts here.
    pub(super) fn end(
        walk: &mut Walk<'_>,
        id: u32,
        start: usize,
        more: bool,
        protocol: u8,
    ) -> Result<Next, Undecoded> {
        let wire = if more { walk.wire & !7 } else { walk.wire };
        if start.saturating_add(wire) > MAX_PAYLOAD {
            return Err(Undecoded::BadNetwork);
        }
        let context = &mut walk.context;
        // What stands before the data is counted once; the data is added when it is joined.
        context.ip_octets = context.ip_octets.saturating_sub(narrow(walk.wire));
        let key = Key {
            src: context.src,
            dst: context.dst,
            id,
            protocol: if context.is_v6 { 44 } else { protocol },
            tunnels: context.tunnels,
        };
        walk.limit(wire);
        walk.fragment = Some(Self { key, start, more, protocol, wire });
        Ok(Next::Fragment)
    }
}

impl Fragments {
    pub(super) fn new(settings: DecodeSettings) -> Self {
        Self {
            settings,
            waiting: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            memory: 0,
            held: 0,
            aside: Vec::new(),
        }
    }

    /// Frames that wait.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.aside.is_empty()
    }

    /// Takes a fragment in and gives the datagram if it is complete now.
    pub(super) fn add(&mut self, key: Key, part: &Part<'_>, context: &Context) -> Option<Datagram> {
        if self.starts_anew(&key, part, context)
            && let Some(old) = self.take(&key)
        {
            self.held = self.held.saturating_add(u64::from(old.frames()));
            self.aside.push(old);
        }
        let serial = self.next;
        let waiting = match self.waiting.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.next = self.next.saturating_add(1);
                self.order.insert(serial, (key, context.time));
                entry.insert(Waiting { datagram: Datagram::new(*context), serial, since: context.time })
            }
        };
        let before = waiting.datagram.memory();
        waiting.datagram.add(part, context);
        let more = waiting.datagram.memory().saturating_sub(before);
        let is_complete = waiting.datagram.is_complete();
        self.memory = self.memory.saturating_add(more);
        self.held = self.held.saturating_add(u64::from(context.frames));
        if is_complete { self.take(&key) } else { None }
    }

    /// Whether the datagram that is held under `key` is another one than that of `part`.
    fn starts_anew(&self, key: &Key, part: &Part<'_>, context: &Context) -> bool {
        self.waiting.get(key).is_some_and(|Waiting { datagram, since, .. }| {
            !datagram.has_room(context, MAX_FRAMES)
                || context.time.since(*since) > self.settings.fragment_lifetime
                || (context.time.since(datagram.last_seen()) > REUSE_AFTER && datagram.differs(part))
        })
    }

    /// The next datagram to give up, and why: it is too old at `now`, or the table is over its caps.
    /// Without `now` all are given up.
    pub(super) fn overdue(&mut self, now: Option<Timestamp>) -> Option<(Datagram, Undecoded)> {
        if let Some(datagram) = self.aside.pop() {
            self.held = self.held.saturating_sub(u64::from(datagram.frames()));
            return Some((datagram, Undecoded::FragmentUnattributed));
        }
        let (_, &(key, since)) = self.order.first_key_value()?;
        let is_over = self.waiting.len() > self.settings.max_datagrams
            || self.memory > self.settings.max_fragment_octets;
        let is_old = now.is_none_or(|now| now.since(since) > self.settings.fragment_lifetime);
        let cause = match (is_old, is_over) {
            (true, _) => Undecoded::FragmentUnattributed,
            (false, true) => Undecoded::FragmentEvicted,
            (false, false) => return None,
        };
        self.take(&key).map(|datagram| (datagram, cause))
    }

    fn take(&mut self, key: &Key) -> Option<Datagram> {
        let Waiting { datagram, serial, .. } = self.waiting.remove(key)?;
        self.order.remove(&serial);
        self.memory = self.memory.saturating_sub(datagram.memory());
        self.held = self.held.saturating_sub(u64::from(datagram.frames()));
        Some(datagram)
    }
}
