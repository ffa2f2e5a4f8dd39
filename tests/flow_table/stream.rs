//! What the sink receives of a TCP side does not depend on how it was sent.

use camsentry::flow::FlowSettings;
use proptest::prelude::Just;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

use crate::script::ACK;
use crate::script::CLIENT_SIDE;
use crate::script::Packet;
use crate::script::SERVER_SIDE;
use crate::script::Stage;
use crate::script::client;
use crate::script::handshake;
use crate::script::only;
use crate::script::played;
use crate::script::server;

const TEXT: &[u8] = b"DESCRIBE rtsp://10.0.0.1/stream RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: test\r\n\r\n";

/// TEXT from the client after a handshake, cut at `cuts`.
fn cut_at(isn: u32, cuts: &[usize]) -> Vec<Packet> {
    let mut bounds: Vec<usize> = cuts.iter().copied().chain([0, TEXT.len()]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let pieces = bounds.windows(2).map(|pair| {
        let seq = isn.wrapping_add(1).wrapping_add(u32::try_from(pair[0]).unwrap());
        client(ACK, seq, 501, &TEXT[pair[0]..pair[1]])
    });
    pieces.collect()
}

fn play_text(isn: u32, pieces: &[Packet]) -> (Vec<u8>, bool, bool) {
    let notes = played(&[handshake(isn, 500), pieces.to_vec()].concat());
    let (facts, said) = only(&notes);
    (CLIENT_SIDE.of(&said.octets).clone(), facts.gap, facts.overlap_differs)
}

#[test]
fn every_cut_and_every_swap_of_neighbours_gives_the_same_octets() {
    for cut in 1..TEXT.len() {
        for isn in [100, u32::MAX - 20] {
            let mut pieces = cut_at(isn, &[cut, cut / 2]);
            assert_eq!(play_text(isn, &pieces), (TEXT.to_vec(), false, false), "cut at {cut}");
            let last = pieces.len() - 1;
            pieces.swap(last, last - 1);
            assert_eq!(play_text(isn, &pieces), (TEXT.to_vec(), false, false), "swapped at {cut}");
        }
    }
}

fn cuts_order_and_repeats() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, Vec<bool>, u32)> {
    let cuts = proptest::collection::vec(1..TEXT.len(), 0..12);
    cuts.prop_flat_map(|cuts| {
        let most = cuts.len() + 1;
        let order = Just((0..most).collect::<Vec<_>>()).prop_shuffle();
        let repeats = proptest::collection::vec(any::<bool>(), most);
        (Just(cuts), order, repeats, any::<u32>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_cut_any_order_and_any_repetition_give_the_same_octets(
        (cuts, order, repeats, isn) in cuts_order_and_repeats()
    ) {
        let pieces = cut_at(isn, &cuts);
        let mut sent = Vec::new();
        for (index, again) in order.iter().zip(repeats) {
            let Some(piece) = pieces.get(*index) else { continue };
            sent.push(piece.clone());
            if again {
                sent.push(piece.clone());
            }
        }
        prop_assert_eq!(play_text(isn, &sent), (TEXT.to_vec(), false, false));
    }

    #[test]
    fn overlaps_that_agree_give_the_same_octets(starts in proptest::collection::vec(0..TEXT.len(), 1..20)) {
        let mut sent: Vec<Packet> = Vec::new();
        for start in starts {
            let end = (start + 17).min(TEXT.len());
            let seq = 101 + u32::try_from(start).unwrap();
            sent.push(client(ACK, seq, 501, &TEXT[start..end]));
        }
        sent.extend(cut_at(100, &[]));
        prop_assert_eq!(play_text(100, &sent), (TEXT.to_vec(), false, false));
    }

    #[test]
    fn nonsense_never_loses_an_octet_silently(
        segments in proptest::collection::vec((any::<u8>(), 0_u32..5000, 0_usize..40, any::<bool>()), 1..60)
    ) {
        let mut sent = handshake(100, 500);
        for (flags, seq, length, ours) in segments {
            let octets = vec![flags; length];
            let make = if ours { client } else { server };
            sent.push(make(flags, seq, 501, &octets));
        }
        let notes = played(&sent);
        let packets: u64 = notes
            .closed
            .iter()
            .flat_map(|(facts, _)| facts.tallies.iter())
            .map(|tally| tally.packets + tally.duplicate_packets)
            .sum();
        prop_assert_eq!(packets, u64::try_from(sent.len()).unwrap());
        prop_assert!(notes.closed.len() <= sent.len());
    }
}

#[test]
fn the_first_data_wins_and_a_difference_is_told() {
    // Delivered already; waiting behind a hole; and in part only.
    let delivered = [client(ACK, 101, 501, b"GET /good"), client(ACK, 101, 501, b"GET /evil")];
    let waiting =
        [client(ACK, 105, 501, b"/good"), client(ACK, 105, 501, b"/evil"), client(ACK, 101, 501, b"GET ")];
    let partly =
        [client(ACK, 101, 501, b"GET /go"), client(ACK, 106, 501, b"evil"), client(ACK, 108, 501, b"od")];
    for (packets, text) in
        [(&delivered[..], &b"GET /good"[..]), (&waiting[..], b"GET /good"), (&partly[..], b"GET /goil")]
    {
        let notes = played(&[&handshake(100, 500)[..], packets].concat());
        let (facts, said) = only(&notes);
        assert_eq!(CLIENT_SIDE.of(&said.octets), text);
        assert!(facts.overlap_differs);
    }
}

#[test]
fn a_keep_alive_is_no_retransmission_and_no_evasion() {
    let mut packets = handshake(100, 500);
    packets.extend([client(ACK, 101, 501, b"ask"), client(ACK, 103, 501, b"\0")]);
    let notes = played(&packets);
    let (facts, _) = only(&notes);
    assert_eq!((facts.history.as_str(), facts.overlap_differs), ("ShAD", false));
}

#[test]
fn a_hole_that_is_never_filled_becomes_a_gap_and_the_stream_goes_on() {
    let mut packets = handshake(100, 500);
    packets.push(client(ACK, 101, 501, b"start"));
    for index in 0..40_u32 {
        packets.push(client(ACK, 200 + index * 4, 501, b"more"));
    }
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(&packets);
    stage.play(&[server(ACK, 501, 400, b"tell")]);
    let notes = stage.end();
    let (facts, said) = only(&notes);
    assert!(facts.gap);
    assert_eq!(*CLIENT_SIDE.of(&said.gaps), 1);
    assert_eq!(CLIENT_SIDE.of(&said.octets).len(), 5 + 160);
    assert_eq!(SERVER_SIDE.of(&said.octets), b"tell");
}

#[test]
fn a_stream_that_goes_on_far_away_is_followed_after_some_segments() {
    let mut packets = handshake(100, 500);
    packets.push(client(ACK, 101, 501, b"start"));
    for index in 0..10_u32 {
        packets.push(client(ACK, 3_000_000_000 + index * 4, 501, b"more"));
    }
    let notes = played(&packets);
    let (_, said) = only(&notes);
    assert_eq!(*CLIENT_SIDE.of(&said.gaps), 1);
    assert_eq!(CLIENT_SIDE.of(&said.octets), b"startmoremoremore");
}

#[test]
fn nothing_is_handed_over_after_enough() {
    let mut stage = Stage::new(FlowSettings::default());
    stage.notes.enough = Some(5);
    stage.play(&handshake(100, 500));
    stage.play(&cut_at(100, &[6, 20, 40]));
    let notes = stage.end();
    let (facts, said) = only(&notes);
    assert_eq!(CLIENT_SIDE.of(&said.octets), &TEXT[..6]);
    assert_eq!(CLIENT_SIDE.of(&facts.tallies).payload_octets, u64::try_from(TEXT.len()).unwrap());
}

#[test]
fn a_stream_knows_whether_it_was_seen_from_its_start() {
    let packets = |from: usize| {
        let all = [handshake(100, 500), vec![client(ACK, 101, 501, b"a"), server(ACK, 501, 102, b"b")]];
        all.concat().split_off(from)
    };
    for (from, ours, theirs) in [(0, true, true), (1, true, true), (2, false, false)] {
        let notes = played(&packets(from));
        assert_eq!(notes.from_start.get(&CLIENT_SIDE), Some(&ours), "from packet {from}");
        assert_eq!(notes.from_start.get(&SERVER_SIDE), Some(&theirs), "from packet {from}");
    }
}
