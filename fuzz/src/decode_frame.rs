//! Arbitrary frames on every link type, fragments among them. Every frame is in exactly one count after
//! each of them, and what is told of the payload lies in the arena.

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

const BUDGET: Budget = Budget { octets: 4 << 20, octets_each: 2048, micros_each: 5 };

const LINKS: [u32; 25] = [
    1, 1, 1, 0, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 228, 276, 109, 117, 219, 226, 239, 242, 166, 204,
    205,
];

/// The target. Each frame: link type, flags, seconds since the last one, length, octets.
pub fn run(octets: &[u8]) {
    within(BUDGET, octets.len(), || decode(octets));
}

fn decode(octets: &[u8]) {
    let mut feed = Feed(octets);
    let small = DecodeSettings { max_datagrams: 3, max_fragment_octets: 4000, ..DecodeSettings::default() };
    let settings = if feed.flag() { small } else { DecodeSettings::default() };
    let mut decoder = Decoder::new(settings);
    let (mut batch, mut out, mut frames, mut seconds) =
        (FrameBatch::default(), Decoded::default(), 0_u64, 0_i64);
    let mut given = 0_u64;
    while !feed.is_empty() {
        let link = match feed.u8() {
            255 => feed.u32(),
            other => LINKS[usize::from(other) % LINKS.len()],
        };
        let flags = feed.u8();
        seconds += if flags & 2 == 2 { i64::from(feed.u8().cast_signed()) } else { 0 };
        let length = if flags & 4 == 4 { feed.u16().into() } else { usize::from(feed.u8()) };
        let frame = feed.take(length);
        let more = if flags & 1 == 1 { feed.u16().into() } else { 0 };
        if flags & 8 == 8 {
            batch.clear();
            out.clear();
            given = 0;
        }
        frames += 1;
        let captured = u32::try_from(frame.len()).unwrap();
        batch.frames.push(Frame {
            number: frames,
            time: Timestamp::from_parts(seconds, 0),
            link: LinkType(link),
            interface: 0,
            file: 0,
            wire_len: captured + more,
            start: u32::try_from(batch.octets.len()).unwrap(),
            captured,
        });
        batch.octets.extend_from_slice(frame);
        let before = decoder.tally().segments.frames;
        let index = batch.frames.len() - 1;
        decoder.decode(&mut batch, index, &mut out);
        given += decoder.tally().segments.frames - before;
        check(&decoder, &batch, &out, frames, given);
    }
    let before = decoder.tally().segments.frames;
    decoder.finish(&mut batch, &mut out);
    given += decoder.tally().segments.frames - before;
    check(&decoder, &batch, &out, frames, given);
    assert_eq!(decoder.tally().fragments.held, 0, "nothing waits after the end");
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
