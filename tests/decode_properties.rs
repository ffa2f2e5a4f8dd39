//! Whatever comes, nothing panics and every frame is in exactly one count: the bench asserts it
//! after each frame. Fragments are compared with the plainest way to join them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test arithmetic")]

#[expect(dead_code, reason = "each test file uses its part")]
mod decode_frames;

use camsentry::decode::DecodeSettings;
use decode_frames::Bench;
use decode_frames::frame;
use decode_frames::ipv4;
use decode_frames::ipv6;
use proptest::collection::vec;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop_assert;
use proptest::prelude::prop_assert_eq;
use proptest::proptest;
use proptest::sample::select;

const LINKS: [u32; 25] = [
    0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 109, 113, 117, 166, 204, 205, 219, 226, 228, 229, 239, 242,
    276, 4_000_000,
];
const ETHER_TYPES: [u16; 10] =
    [0x0800, 0x86dd, 0x8100, 0x8847, 0x8864, 0x0806, 0x0026, 0x6558, 0x880b, 0x1234];
const PROTOCOLS: [u8; 14] = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 132];

/// One fragment: identification, start in units of 8, length, more, fill, seconds since the last.
type Piece = (u16, u16, usize, bool, u8, u32);

fn fragment(piece: &Piece) -> Vec<u8> {
    let (id, start, length, more, fill, _) = *piece;
    let mut packet = ipv4(250, &vec![fill; length]);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[6..8].copy_from_slice(&(start | if more { 0x2000 } else { 0 }).to_be_bytes());
    frame(0x0800, &packet)
}

proptest! {
    #[test]
    fn any_octets_on_any_link_are_counted(link in select(&LINKS[..]), octets in vec(any::<u8>(), 0..200), more in 0usize..2000) {
        Bench::new().cut(0, link, &octets, octets.len() + more).finish();
    }

    #[test]
    fn any_octets_after_any_header_are_counted(
        ether_type in select(&ETHER_TYPES[..]),
        protocol in select(&PROTOCOLS[..]),
        octets in vec(any::<u8>(), 0..120),
    ) {
        let mut bench = Bench::new();
        bench.at(0, 1, &frame(ether_type, &octets));
        bench.at(0, 1, &frame(0x0800, &ipv4(protocol, &octets)));
        bench.at(0, 1, &frame(0x86dd, &ipv6(protocol, &octets))).finish();
        prop_assert_eq!(bench.tally().seen.frames, 3);
    }

    #[test]
    fn any_fragments_in_a_small_table_are_counted(
        pieces in vec((0u16..4, 0u16..12, 0usize..60, any::<bool>(), 0u8..3, select(&[0u32, 0, 0, 2, 31][..])), 0..60),
        max_datagrams in 0usize..4,
        max_fragment_octets in select(&[0usize, 500, 5_000][..]),
    ) {
        let settings = DecodeSettings { max_datagrams, max_fragment_octets, ..DecodeSettings::default() };
        let (mut bench, mut seconds) = (Bench::with(settings), 0);
        for piece in &pieces {
            seconds += piece.5;
            bench.at(seconds * 1_000, 1, &fragment(piece));
        }
        bench.finish();
    }

    #[test]
    fn the_first_data_wins_as_in_an_array_that_is_written_once(
        pieces in vec((0u16..1, 0u16..6, (1usize..4).prop_map(|units| units * 8), select(&[true][..]), 0u8..3, 0u32..1), 0..12),
    ) {
        let mut expected = [None; 64];
        let mut differs = false;
        let mut bench = Bench::new();
        for piece in &pieces {
            let start = usize::from(piece.1) * 8;
            for octet in expected.iter_mut().take(64).skip(start).take(piece.2.min(64 - start)) {
                differs |= *octet.get_or_insert(piece.4) != piece.4;
            }
            bench.at(0, 1, &fragment(&(piece.0, piece.1, piece.2.min(64 - start), true, piece.4, 0)));
        }
        bench.finish();
        let start: Vec<u8> = expected.iter().map_while(|octet| *octet).collect();
        prop_assert_eq!(bench.out.segments.is_empty(), start.is_empty());
        if let Some(segment) = bench.out.segments.first() {
            prop_assert_eq!(bench.payload(segment), &start[..]);
            prop_assert_eq!(segment.oddities.overlap_differs, differs);
            prop_assert!(segment.oddities.incomplete);
            prop_assert_eq!(usize::from(segment.frames), pieces.len());
        }
    }
}
