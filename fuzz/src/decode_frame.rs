//! Arbitrary frames on every link type, fragments among them. Every frame is in exactly one count after
//! each of them, and what is told of the payload lies in the arena. The walk alone says the same as with
//! the short way of the common headers before it.

use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::LinkType;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::time::Timestamp;

use crate::cost::Budget;
use crate::cost::within;
use crate::feed::Feed;

/// For the two ways together.
const BUDGET: Budget = Budget { octets: 8 << 20, octets_each: 4096, micros_each: 10 };

const LINKS: [u32; 25] = [
    1, 1, 1, 0, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 228, 276, 109, 117, 219, 226, 239, 242, 166, 204,
    205,
];

/// The target. Each frame: link type, flags, seconds since the last one, length, octets.
pub fn run(octets: &[u8]) {
    within(BUDGET, octets.len(), || decode(octets));
}

/// A decoder with the batch that it reads and joins fragments in.
struct Way {
    decoder: Decoder,
    batch: FrameBatch,
    out: Decoded,
    /// Frames of the segments in `out`.
    given: u64,
}

impl Way {
    fn new(settings: DecodeSettings) -> Self {
        let (batch, out) = (FrameBatch::default(), Decoded::default());
        Self { decoder: Decoder::new(settings), batch, out, given: 0 }
    }

    fn forget(&mut self) {
        self.batch.clear();
        self.out.clear();
        self.given = 0;
    }

    /// Decodes one more frame.
    fn take(&mut self, frame: Frame, octets: &[u8]) {
        let start = u32::try_from(self.batch.octets.len()).unwrap();
        self.batch.frames.push(Frame { start, ..frame });
        self.batch.octets.extend_from_slice(octets);
        let before = self.decoder.tally().segments.frames;
        let index = self.batch.frames.len() - 1;
        self.decoder.decode(&mut self.batch, index, &mut self.out);
        self.given += self.decoder.tally().segments.frames - before;
        check(&self.decoder, &self.batch, &self.out, frame.number, self.given);
    }

    fn finish(&mut self, frames: u64) {
        let before = self.decoder.tally().segments.frames;
        self.decoder.finish(&mut self.batch, &mut self.out);
        self.given += self.decoder.tally().segments.frames - before;
        check(&self.decoder, &self.batch, &self.out, frames, self.given);
        assert_eq!(self.decoder.tally().fragments.held, 0, "nothing waits after the end");
    }
}

fn decode(octets: &[u8]) {
    let mut feed = Feed(octets);
    let small = DecodeSettings { max_datagrams: 3, max_fragment_octets: 4000, ..DecodeSettings::default() };
    let settings = if feed.flag() { small } else { DecodeSettings::default() };
    let mut short = Way::new(settings);
    let mut walk = Way::new(DecodeSettings { fast: false, ..settings });
    let (mut frames, mut seconds) = (0_u64, 0_i64);
    while !feed.is_empty() {
        let link = match feed.u8() {
            255 => feed.u32(),
            other => LINKS[usize::from(other) % LINKS.len()],
        };
        let flags = feed.u8();
        seconds += if flags & 2 == 2 { i64::from(feed.u8().cast_signed()) } else { 0 };
        let length = if flags & 4 == 4 { feed.u16().into() } else { usize::from(feed.u8()) };
        let octets = feed.take(length);
        let more = if flags & 1 == 1 { feed.u16().into() } else { 0 };
        if flags & 8 == 8 {
            short.forget();
            walk.forget();
        }
        frames += 1;
        let captured = u32::try_from(octets.len()).unwrap();
        let frame = Frame {
            number: frames,
            time: Timestamp::from_parts(seconds, 0),
            link: LinkType(link),
            interface: 0,
            file: 0,
            wire_len: captured + more,
            start: 0,
            captured,
        };
        let (before, before_walk) = (short.out.segments.len(), walk.out.segments.len());
        short.take(frame, octets);
        walk.take(frame, octets);
        // Those before were compared when they came.
        assert_eq!(short.out.segments.get(before..), walk.out.segments.get(before_walk..));
        assert_eq!(short.decoder.tally(), walk.decoder.tally());
    }
    short.finish(frames);
    walk.finish(frames);
    assert_eq!(short.out.segments.len(), walk.out.segments.len());
    assert_eq!(short.out.errors, walk.out.errors);
    assert_eq!(short.out.sightings, walk.out.sightings);
    assert_eq!(short.decoder.tally(), walk.decoder.tally());
}

fn check(decoder: &Decoder, batch: &FrameBatch, out: &Decoded, frames: u64, given: u64) {
    let tally = decoder.tally();
    let quiet: u64 = tally.not_conversation.values().map(|count| count.frames).sum();
    let stopped: u64 = tally.undecoded.values().map(|count| count.frames).sum();
    assert_eq!(tally.seen.frames, frames);
    assert_eq!(frames, tally.segments.frames + quiet + stopped + tally.fragments.held, "{tally:?}");
    let fragments = tally.fragments;
    assert_eq!(fragments.seen, fragments.joined + fragments.given_up + fragments.held, "{fragments:?}");
    assert_eq!(given, out.segments.iter().map(|segment| u64::from(segment.frames)).sum::<u64>());
    // The last ones only: those before were looked at when they came.
    for segment in out.segments.iter().rev().take(4) {
        let end = usize::try_from(segment.payload_start + segment.payload_len).unwrap();
        assert!(end <= batch.octets.len(), "payload outside the arena");
        assert!(segment.oddities.cut || segment.payload_len == segment.payload_wire, "{segment:?}");
        assert!(segment.payload_len <= segment.payload_wire, "{segment:?}");
    }
}
