//! One datagram that is being joined from its fragments.

use std::collections::BTreeMap;

use super::context::Context;
use super::octets::narrow;
use super::walk::Layer;
use super::walk::Place;
use crate::time::Timestamp;

/// What a fragment costs beside its octets: map node, vector, hash.
const PIECE_OVERHEAD: usize = 96;

/// Pieces of one datagram. They never overlap: what came first stays.
#[derive(Debug)]
pub(super) struct Datagram {
    /// By start in the datagram's payload.
    pieces: BTreeMap<usize, Piece>,
    /// Octets on the wire that the pieces cover.
    covered: usize,
    /// The highest octet that a piece reaches.
    highest: usize,
    /// Where the payload ends, said by the first fragment without "more" that made sense.
    end: Option<usize>,
    /// Context and protocol of the fragment at 0.
    first: Option<(Context, u8)>,
    /// Hash of each fragment that came.
    hashes: Vec<u64>,
    /// Context of the fragment that came last.
    last: Context,
    frames: u16,
    wire_octets: u32,
    overlap_differs: bool,
    memory: usize,
}

/// A fragment as it is added: where, what, and its hash.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) start: usize,
    pub(super) more: bool,
    pub(super) protocol: u8,
    /// Octets on the wire.
    pub(super) wire: usize,
    /// Octets captured, not more than `wire`.
    pub(super) octets: &'a [u8],
    pub(super) hash: u64,
}

#[derive(Debug)]
struct Piece {
    wire: usize,
    octets: Vec<u8>,
}

impl Part<'_> {
    fn end(&self) -> usize {
        self.start.saturating_add(self.wire)
    }
}

impl Datagram {
    pub(super) fn new(context: Context) -> Self {
        Self {
            pieces: BTreeMap::new(),
            covered: 0,
            highest: 0,
            end: None,
            first: None,
            hashes: Vec::new(),
            last: context,
            frames: 0,
            wire_octets: 0,
            overlap_differs: false,
            memory: 0,
        }
    }

    /// Whether there is room for the frames of one more fragment.
    pub(super) fn has_room(&self, context: &Context, max_frames: u16) -> bool {
        self.frames.checked_add(context.frames).is_some_and(|frames| frames <= max_frames)
    }

    /// Whether `part` says something else than what is held of the same octets, or of the end.
    pub(super) fn differs(&self, part: &Part<'_>) -> bool {
        let said_end = if part.more { None } else { Some(part.end()) };
        let other_end = match (self.end, said_end) {
            (Some(end), Some(said)) => end != said,
            (Some(end), None) => part.end() > end,
            (None, Some(said)) => said < self.highest,
            (None, None) => false,
        };
        other_end || self.overlapping(part).any(|(at, piece)| piece.differs(at, part))
    }

    /// Takes `part` in; the octets that are held already stay.
    pub(super) fn add(&mut self, part: &Part<'_>, context: &Context) {
        self.overlap_differs |= self.differs(part);
        if !part.more && part.end() >= self.highest {
            self.end = self.end.or(Some(part.end()));
        }
        if part.start == 0 && part.wire > 0 && self.first.is_none() {
            self.first = Some((*context, part.protocol));
        }
        self.frames = self.frames.saturating_add(context.frames);
        self.wire_octets = self.wire_octets.saturating_add(context.wire_octets);
        self.last = *context;
        self.hashes.push(part.hash);
        self.memory = self.memory.saturating_add(PIECE_OVERHEAD);
        for (start, end) in self.gaps(part) {
            self.hold(part, start, end);
        }
    }

    /// Holds `start..end` of the datagram, which `part` brings and nothing covers yet.
    fn hold(&mut self, part: &Part<'_>, start: usize, end: usize) {
        let captured = part.octets.len();
        let from = start.saturating_sub(part.start).min(captured);
        let to = end.saturating_sub(part.start).min(captured);
        let octets = part.octets.get(from..to).unwrap_or_default().to_vec();
        let wire = end.saturating_sub(start);
        self.covered = self.covered.saturating_add(wire);
        self.highest = self.highest.max(end);
        self.memory = self.memory.saturating_add(octets.len()).saturating_add(PIECE_OVERHEAD);
        self.pieces.insert(start, Piece { wire, octets });
    }

    /// The parts of `part` that nothing covers, and that are not past the end.
    fn gaps(&self, part: &Part<'_>) -> Vec<(usize, usize)> {
        let mut end = part.end().min(self.end.unwrap_or(usize::MAX));
        let mut gaps = Vec::new();
        for (at, piece) in self.overlapping(part) {
            let piece_end = at.saturating_add(piece.wire);
            if piece_end < end {
                gaps.push((piece_end, end));
            }
            end = end.min(at);
        }
        if part.start < end {
            gaps.push((part.start, end));
        }
        gaps
    }

    /// The pieces that share octets with `part`, last first. There are at most as many as it has octets.
    fn overlapping(&self, part: &Part<'_>) -> impl Iterator<Item = (usize, &Piece)> {
        let start = part.start;
        self.pieces
            .range(..part.end())
            .rev()
            .map(|(at, piece)| (*at, piece))
            .take_while(move |(at, piece)| at.saturating_add(piece.wire) > start)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.end == Some(self.covered)
    }

    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    pub(super) fn frames(&self) -> u16 {
        self.frames
    }

    pub(super) fn last_seen(&self) -> Timestamp {
        self.last.time
    }

    /// The hashes of its fragments, by which a late copy of one is known.
    pub(super) fn into_hashes(self) -> Vec<u64> {
        self.hashes
    }

    /// Context of all its frames, for counting it when its first fragment never came.
    pub(super) fn context(&self) -> Context {
        let last = self.last;
        Context { frames: self.frames, wire_octets: self.wire_octets, ..last }
    }

    /// Appends the contiguous start to `arena` and gives the place where the walk goes on;
    /// `None` if the first fragment never came.
    pub(super) fn join(&self, arena: &mut Vec<u8>) -> Option<Place> {
        let (mut context, protocol) = self.first?;
        let start = arena.len();
        let mut reached = 0;
        for (at, piece) in &self.pieces {
            if *at != reached {
                break;
            }
            arena.extend_from_slice(&piece.octets);
            if piece.octets.len() < piece.wire {
                break;
            }
            reached = at.saturating_add(piece.wire);
        }
        let wire = self.end.unwrap_or(self.highest);
        context.number = self.last.number;
        context.time = self.last.time;
        context.file = self.last.file;
        context.interface = self.last.interface;
        context.frames = self.frames;
        context.wire_octets = self.wire_octets;
        context.ip_octets = context.ip_octets.saturating_add(narrow(wire));
        context.unverifiable = true;
        context.oddities.overlap_differs |= self.overlap_differs;
        context.oddities.incomplete |= !self.is_complete();
        let captured = arena.len().saturating_sub(start);
        Some(Place { start, captured, wire, layer: Layer::Payload(protocol), context })
    }
}

impl Piece {
    /// Whether the octets that both have captured differ.
    fn differs(&self, at: usize, part: &Part<'_>) -> bool {
        let low = at.max(part.start);
        let held = self.octets.get(low.saturating_sub(at)..).unwrap_or_default();
        let came = part.octets.get(low.saturating_sub(part.start)..).unwrap_or_default();
        held.iter().zip(came).any(|(held, came)| held != came)
    }
}
