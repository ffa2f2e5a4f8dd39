//! Fills batches: frames from the source, decoded, each thing with its trace and its place.

use crate::capture::Frame;
use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::decode::DecodeSettings;
use crate::decode::DecodeTally;
use crate::decode::Decoded;
use crate::decode::Decoder;
use crate::event::Event;
use crate::event::EventKind;
use crate::event::Stamp;
use crate::flow::Trace;
use crate::flow::Tracer;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::work::Item;
use crate::pipeline::work::What;
use crate::pipeline::work::Work;
use crate::time::Span;
use crate::time::Timestamp;

/// When the next file begins so long after the last one ended, nobody watched in between.
const WATCH_BREAK: Span = Span::from_secs(10);
/// What is due at the end of the source comes behind its last frame.
const END: u64 = u64::MAX - 1;

/// Reads and decodes.
pub(super) struct Intake {
    decoder: Decoder,
    tracer: Tracer,
    watched: Option<Watched>,
    first: Option<Timestamp>,
    sightings: u64,
}

/// The last frame, as far as watching is concerned.
#[derive(Clone, Copy)]
struct Watched {
    latest: Timestamp,
    file: u16,
    number: u64,
}

/// How much of a batch's decoded things has its place.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
struct Placed {
    segments: usize,
    errors: usize,
    sightings: usize,
}

impl Intake {
    pub(super) fn new(settings: &PipelineSettings<'_>) -> Self {
        // Workers complete what they take.
        let decoder = Decoder::new(DecodeSettings { complete: false, ..settings.decode });
        let tracer = Tracer::new(&settings.flow);
        Self { decoder, tracer, watched: None, first: None, sightings: 0 }
    }

    /// Fills `work`, which is empty, with the next batch.
    pub(super) fn read(&mut self, source: &mut dyn FrameSource, work: &mut Work) -> Supply {
        let supply = source.fill(&mut work.frames);
        let mut placed = Placed::default();
        for index in 0..work.frames.frames.len() {
            let Some(frame) = work.frames.frames.get(index).copied() else { break };
            self.decoder.decode(&mut work.frames, index, &mut work.decoded);
            let watch = self.watch(&frame);
            self.place(frame.number, watch, &mut placed, work);
        }
        supply
    }

    /// Fills `work`, which is empty, with what was held back to the end.
    pub(super) fn finish(&mut self, work: &mut Work) {
        self.decoder.finish(&mut work.frames, &mut work.decoded);
        self.place(END, None, &mut Placed::default(), work);
    }

    /// Reads of the packets what is else left to the workers.
    pub(super) fn complete(&mut self, work: &mut Work) {
        let Work { frames, decoded, .. } = work;
        for segment in &mut decoded.segments {
            self.decoder.complete(segment, &frames.octets);
        }
    }

    /// What the decoder counted.
    pub(super) fn tally(&self) -> &DecodeTally {
        self.decoder.tally()
    }

    /// How many sightings there were.
    pub(super) fn sightings(&self) -> u64 {
        self.sightings
    }

    /// The latest time, and the highest number, of all frames.
    pub(super) fn end(&self) -> (Timestamp, u64) {
        self.watched.map_or((Timestamp::default(), 0), |watched| (watched.latest, watched.number))
    }

    /// The earliest and the latest time of all frames, if there was one.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.first?, self.watched?.latest))
    }

    /// Whether watching begins (again) with this frame.
    fn watch(&mut self, frame: &Frame) -> Option<Timestamp> {
        let begins = self
            .watched
            .is_none_or(|last| last.file != frame.file && frame.time.since(last.latest) > WATCH_BREAK);
        let (latest, number) = self.watched.map_or((frame.time, 0), |last| (last.latest, last.number));
        self.first = Some(self.first.map_or(frame.time, |first| first.min(frame.time)));
        self.watched = Some(Watched {
            latest: latest.max(frame.time),
            file: frame.file,
            number: number.max(frame.number),
        });
        begins.then_some(frame.time)
    }

    /// Gives everything new its place. Nearly every frame brings one segment and nothing else.
    ///
    /// hot: once per frame
    fn place(&mut self, trigger: u64, watch: Option<Timestamp>, placed: &mut Placed, work: &mut Work) {
        let decoded = &work.decoded;
        let all = Placed::all_of(decoded);
        let one_more = Placed { segments: placed.segments.saturating_add(1), ..*placed };
        if watch.is_none() && (all == *placed || all == one_more) {
            if let Some(segment) = decoded.segments.get(placed.segments) {
                let trace = self.tracer.trace(segment);
                let index = narrow(placed.segments);
                work.items.push(Item { trigger, ordinal: 0, index, trace, what: What::Segment });
            }
        } else {
            self.place_all(trigger, watch, placed, work);
        }
        *placed = all;
    }

    /// The same for whatever a frame may bring: the reader's own things become events at once.
    #[cold]
    fn place_all(&mut self, trigger: u64, watch: Option<Timestamp>, placed: &Placed, work: &mut Work) {
        let decoded = &work.decoded;
        let mut ordinal = 0_u32;
        let mut add = |what, index, trace| {
            work.items.push(Item { trigger, ordinal, index: narrow(index), trace, what });
            ordinal = ordinal.saturating_add(1);
        };
        if let Some(time) = watch {
            add(What::WatchFrom, work.watched_from.len(), Trace::NOWHERE);
            work.watched_from.push(time);
        }
        for (index, segment) in decoded.segments.iter().enumerate().skip(placed.segments) {
            add(What::Segment, index, self.tracer.trace(segment));
        }
        for (index, error) in decoded.errors.iter().enumerate().skip(placed.errors) {
            add(What::Error, index, self.tracer.trace_error(error));
        }
        for (sighting, sequence) in decoded.sightings.iter().skip(placed.sightings).zip(0_u64..) {
            work.events.push(Event {
                // Before everything else that this frame brought.
                stamp: Stamp { packet: trigger, sequence },
                time: sighting.time,
                kind: EventKind::Seen(sighting.addr, sighting.mac),
            });
            self.sightings = self.sightings.saturating_add(1);
        }
    }
}

impl Placed {
    fn all_of(decoded: &Decoded) -> Self {
        Self {
            segments: decoded.segments.len(),
            errors: decoded.errors.len(),
            sightings: decoded.sightings.len(),
        }
    }
}

/// A place in a batch, which never has so many things that it would be another number.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
