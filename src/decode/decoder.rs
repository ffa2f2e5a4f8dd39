//! Frames in, segments out: drives the walk, the fragment table and the counts.

use std::ops::Range;

use super::DecodeTally;
use super::Segment;
use super::Undecoded;
use super::context::Context;
use super::datagram::Datagram;
use super::datagram::Part;
use super::fast;
use super::fingerprint;
use super::fragments::Fragment;
use super::fragments::Fragments;
use super::fragments::Key;
use super::late::Ending;
use super::late::LateCopies;
use super::octets::narrow;
use super::segment::IcmpError;
use super::segment::Sighting;
use super::walk::Layer;
use super::walk::Place;
use super::walk::Walk;
use crate::capture::FrameBatch;
use crate::time::Span;
use crate::time::Timestamp;

/// Bounds of the decoder's memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecodeSettings {
    /// Datagrams that wait for fragments. Default 4096.
    pub max_datagrams: usize,
    /// Octets of fragments that wait, with 192 octets for each fragment's own keeping. Default
    /// 16 MiB. Memory: this, 1 KiB for each of `max_datagrams`, and under 1 MiB for late copies.
    pub max_fragment_octets: usize,
    /// Packet time that a datagram waits. Default 30 s (Linux's `ipfrag_time`).
    pub fragment_lifetime: Span,
    /// Whether the common headers are read on a short way of their own. It changes nothing but the
    /// time that decoding takes; without it tests see what the long way says. Default true.
    pub fast: bool,
    /// Whether segments of the short way are completed at once; if not, [`Segment::read`] is for
    /// whoever takes them. Default true.
    pub complete: bool,
}

/// What frames gave. The caller clears it with each batch: segments point into the batch.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// In the order of frames.
    pub segments: Vec<Segment>,
    /// Errors that quote a packet of another flow.
    pub errors: Vec<IcmpError>,
    /// Hosts seen by their link address.
    pub sightings: Vec<Sighting>,
}

/// Decodes frames one by one, in the order of capture.
#[derive(Debug)]
pub struct Decoder {
    fast: bool,
    complete: bool,
    fragments: Fragments,
    late: LateCopies,
    tally: DecodeTally,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            max_datagrams: 4096,
            max_fragment_octets: 16 << 20,
            fragment_lifetime: Span::from_secs(30),
            fast: true,
            complete: true,
        }
    }
}

impl Decoded {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.errors.clear();
        self.sightings.clear();
    }
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(settings: DecodeSettings) -> Self {
        Self {
            fast: settings.fast,
            complete: settings.complete,
            fragments: Fragments::new(settings),
            late: LateCopies::default(),
            tally: DecodeTally::default(),
        }
    }

    /// Decodes frame `index` of `batch` and adds what it gives to `out`. A datagram whose last
    /// fragment it is, or that it makes too old, is joined at the end of `batch.octets`.
    /// Without such a frame nothing happens.
    ///
    /// hot: once per frame
    pub fn decode(&mut self, batch: &mut FrameBatch, index: usize, out: &mut Decoded) {
        let Some(time) = batch.frames.get(index).map(|frame| frame.time) else { return };
        self.give_up(Some(time), batch, out);
        let Some(frame) = batch.frames.get(index) else { return };
        self.tally.see(frame);
        let octets = batch.octets_of(frame);
        if !self.fast || fast::segment(frame, octets, &mut self.tally, &mut out.segments).is_none() {
            self.decode_slowly(index, batch, out);
        } else if self.complete
            && let Some(segment) = out.segments.last_mut()
        {
            segment.complete(segment.read(&batch.octets, &mut self.tally.bad_checksums));
        }
    }

    /// Completes a segment that points into `arena`, the octets of its batch.
    pub fn complete(&mut self, segment: &mut Segment, arena: &[u8]) {
        segment.complete(segment.read(arena, &mut self.tally.bad_checksums));
    }

    /// Decodes a frame by the walk, which knows everything that may be odd about it.
    fn decode_slowly(&mut self, index: usize, batch: &mut FrameBatch, out: &mut Decoded) {
        let Some(frame) = batch.frames.get(index).copied() else { return };
        let context = Context::of(&frame);
        let captured = batch.octets_of(&frame).len();
        if captured == 0 {
            self.tally.undecoded(Undecoded::Empty, &context);
            return;
        }
        let place = Place {
            start: usize::try_from(frame.start).unwrap_or(usize::MAX),
            captured,
            wire: captured.max(usize::try_from(frame.wire_len).unwrap_or(usize::MAX)),
            layer: Layer::Link(frame.link),
            context,
        };
        self.follow(&place, batch, out);
        self.give_up(Some(frame.time), batch, out);
    }

    /// Gives up every datagram that still waits: what was captured of it becomes a segment, or is
    /// counted as unattributed. To be called once, after the last frame, with an empty batch or the last one.
    pub fn finish(&mut self, batch: &mut FrameBatch, out: &mut Decoded) {
        self.give_up(None, batch, out);
    }

    /// What was counted so far.
    pub fn tally(&self) -> &DecodeTally {
        &self.tally
    }

    /// Walks from `place` to the end.
    fn follow(&mut self, place: &Place, batch: &mut FrameBatch, out: &mut Decoded) {
        let mut walk = Walk::new(&batch.octets, place, &mut self.tally, out);
        let end = walk.run(place.layer);
        match walk.fragment {
            Some(fragment) => {
                let (span, context) = (walk.span(), walk.context);
                self.follow_fragment(fragment, span, context, batch, out);
                self.tally.fragments.held = self.fragments.held();
            }
            None => walk.count(end),
        }
    }

    /// Goes on from a fragment, whose data stands at `span` of the arena, through as many
    /// datagrams as it completes; tunnels bound how many those can be.
    #[cold]
    fn follow_fragment(
        &mut self,
        mut fragment: Fragment,
        mut span: Range<usize>,
        mut context: Context,
        batch: &mut FrameBatch,
        out: &mut Decoded,
    ) {
        let time = context.time;
        let mut joined: Vec<(Key, Vec<u64>)> = Vec::new();
        let ending = loop {
            let octets = batch.octets.get(span).unwrap_or_default();
            let datagram = match self.hold(&fragment, octets, &context) {
                Held::Waits => break Ending::Held,
                Held::Copy(ending) => {
                    self.repeat(ending, &context, out);
                    break Ending::Held;
                }
                Held::Complete(datagram) => datagram,
            };
            let place = datagram.join(&mut batch.octets);
            joined.push((fragment.key, datagram.into_hashes()));
            // A complete datagram has its first fragment.
            let Some(place) = place else { break Ending::Held };
            let mut walk = Walk::new(&batch.octets, &place, &mut self.tally, out);
            let end = walk.run(place.layer);
            match walk.fragment {
                Some(inner) => {
                    (fragment, span, context) = (inner, walk.span(), walk.context);
                }
                None => {
                    walk.count(end);
                    break Ending::of(end, out);
                }
            }
        };
        for (key, hashes) in joined {
            self.late.remember(key, time, hashes, ending);
        }
    }

    /// Puts a fragment to those that wait.
    fn hold(&mut self, fragment: &Fragment, octets: &[u8], context: &Context) -> Held {
        let frames = u64::from(context.frames);
        let counts = &mut self.tally.fragments;
        counts.seen = counts.seen.saturating_add(frames);
        let Fragment { key, start, more, protocol, wire } = *fragment;
        let hash = fingerprint::of_fragment(start, more, wire, octets);
        if let Some(ending) = self.late.ending(&key, hash, context.time) {
            counts.joined = counts.joined.saturating_add(frames);
            return Held::Copy(ending);
        }
        let part = Part { start, more, protocol, wire, octets, hash };
        match self.fragments.add(key, &part, context) {
            Some(datagram) => {
                counts.joined = counts.joined.saturating_add(u64::from(datagram.frames()));
                Held::Complete(datagram)
            }
            None => Held::Waits,
        }
    }

    /// Lets the late copy of a fragment share the fate of its datagram. A segment is repeated
    /// without payload and with the same fingerprint, so that the flow counts it as a duplicate.
    fn repeat(&mut self, ending: Ending, context: &Context, out: &mut Decoded) {
        match ending {
            Ending::Segment(mut segment) => {
                segment.number = context.number;
                segment.time = context.time;
                segment.file = context.file;
                segment.interface = context.interface;
                segment.src_mac = context.src_mac;
                segment.dst_mac = context.dst_mac;
                segment.vlans = context.vlans;
                segment.frames = context.frames;
                segment.wire_octets = context.wire_octets;
                segment.payload_start = narrow(0);
                segment.payload_len = 0;
                segment.oddities.cut = segment.payload_wire > 0;
                out.segments.push(segment);
                self.tally.segments.add(context);
            }
            Ending::Quiet(kind) => self.tally.not_conversation(kind, context),
            Ending::Stopped(cause) => self.tally.undecoded(cause, context),
            Ending::Held => self.tally.undecoded(Undecoded::FragmentUnattributed, context),
        }
    }

    /// Gives up what is too old at `now` or over the caps; without `now`, everything.
    fn give_up(&mut self, now: Option<Timestamp>, batch: &mut FrameBatch, out: &mut Decoded) {
        if !self.fragments.is_empty() {
            self.give_up_waiting(now, batch, out);
        }
    }

    #[cold]
    fn give_up_waiting(&mut self, now: Option<Timestamp>, batch: &mut FrameBatch, out: &mut Decoded) {
        // The fragments of a tunnel's inside that this brings to light are one tunnel deeper: it ends.
        while let Some((datagram, cause)) = self.fragments.overdue(now) {
            let count = &mut self.tally.fragments.given_up;
            *count = count.saturating_add(u64::from(datagram.frames()));
            match datagram.join(&mut batch.octets) {
                Some(place) => self.follow(&place, batch, out),
                None => self.tally.undecoded(cause, &datagram.context()),
            }
        }
        self.tally.fragments.held = self.fragments.held();
    }
}

/// What the table says to a fragment.
enum Held {
    Waits,
    Copy(Ending),
    Complete(Datagram),
}
