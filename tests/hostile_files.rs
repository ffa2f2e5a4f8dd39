//! Capture files that were made to break readers, each through the whole audit: what was read before
//! the break, where it broke, and every packet accounted for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::io::Cursor;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use camsentry::capture::CaptureFault;
use camsentry::capture::CaptureProblem;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::export::run_facts::RunFacts;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::time::Timestamp;

/// A UDP datagram of DNS size: Ethernet, IPv4, UDP, four octets.
const FRAME: [u8; 46] = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10,
    0, 0, 2, 0x9c, 0x40, 0x9c, 0x41, 0, 12, 0, 0, 1, 2, 3, 4,
];

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let size = u32::try_from(padded.saturating_add(12)).unwrap().to_le_bytes();
    let mut block = [&kind.to_le_bytes()[..], &size, body].concat();
    block.resize(padded.saturating_add(8), 0);
    block.extend(size);
    block
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]))
}

/// An Ethernet interface with these options.
fn interface(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = words(&[1, 0]);
    for (code, value) in options {
        body.extend([*code, 0, u8::try_from(value.len()).unwrap(), 0]);
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(1, &body)
}

/// An enhanced packet of interface `number` at `ticks`.
fn packet(number: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
    let length = u32::try_from(frame.len()).unwrap();
    block(6, &[words(&[number, high, low, length, length]), frame.to_vec()].concat())
}

/// One packet, well made.
fn good() -> Vec<u8> {
    [section(), interface(&[]), packet(0, 0, &FRAME)].concat()
}

fn pcap(snaplen: u32, records: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, snaplen, 1]);
    for (captured, wire, octets) in records {
        file.extend(words(&[1_700_000_000, 0, *captured, *wire]));
        file.extend(*octets);
    }
    file
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(octets, flate2::Compression::best()).read_to_end(&mut out).unwrap();
    out
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap()
}

/// Audits a file and checks that every packet is accounted for.
fn audit(file: Vec<u8>) -> RunFacts {
    static POLICY: LazyLock<Arc<Policy>> =
        LazyLock::new(|| Arc::new(Policy::new(packs::shipped(), None, false, 0)));
    let auditor =
        Auditor { policy: Arc::clone(&POLICY), workers: NonZeroUsize::MIN, keep_flows: false, draft: false };
    let mut captures = Captures::from_reader("hostile", Cursor::new(file));
    let run = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {}).run;
    assert_eq!(run.unaccounted(), 0);
    assert_eq!(run.undecoded.get("abandoned"), None);
    run
}

/// Where a fault says that the file broke, and how many packets came before.
fn broke(faults: &[CaptureFault]) -> Option<(u64, u64)> {
    match faults {
        [] => None,
        [CaptureFault { problem: CaptureProblem::Damaged { at, packets, .. }, .. }]
        | [CaptureFault { problem: CaptureProblem::Truncated { at, packets, .. }, .. }] => {
            Some((*at, *packets))
        }
        other => panic!("{other:?}"),
    }
}

/// Audits `file`, which gives `packets` and breaks off at `at`.
fn breaks(what: &str, file: Vec<u8>, packets: u64, at: u64) {
    let run = audit(file);
    assert_eq!((run.packets, broke(&run.faults)), (packets, Some((at, packets))), "{what}");
}

fn times(file: Vec<u8>) -> Vec<Timestamp> {
    let mut captures = Captures::from_reader("hostile", Cursor::new(file));
    let (mut batch, mut times) = (FrameBatch::default(), Vec::new());
    while {
        let supply = captures.fill(&mut batch);
        times.extend(batch.frames.iter().map(|frame| frame.time));
        supply == Supply::More
    } {}
    times
}

#[test]
fn block_lengths_that_cannot_be_end_the_reading_where_they_stand() {
    for size in [0_u32, 1, 3, 8, 11, 13, 0x0100_0001, 0x0100_0004, 0x7fff_fffc, 0xffff_fff0, 0xffff_ffff] {
        for kind in [0x0a0d_0d0a, 1, 2, 3, 4, 5, 6, 10, 0xbad] {
            let body = if kind == 0x0a0d_0d0a { words(&[0x1a2b_3c4d, 1, 0, 0]) } else { vec![0; 64] };
            let file = [good(), words(&[kind, size]), body].concat();
            breaks(&format!("block {kind:#x} of {size}"), file, 1, length(&good()));
        }
    }
}

#[test]
fn a_block_that_promises_more_than_there_is_is_cut_and_takes_no_memory_for_it() {
    for kind in [1, 2, 3, 6, 10] {
        let file = [good(), words(&[kind, 0x0100_0000]), vec![0; 1000]].concat();
        breaks(&format!("block {kind} of 16 MiB"), file, 1, length(&good()));
    }
}

#[test]
fn sections_in_the_middle_begin_anew() {
    let run = audit([good(), good(), section(), section(), good()].concat());
    assert_eq!((run.packets, run.faults), (3, vec![]));
    // A section forgets the interfaces of the one before.
    let file = [good(), section(), packet(0, 0, &FRAME)].concat();
    breaks("no interface", file, 1, length(&good()).saturating_add(length(&section())));
    // So many sections that each octet counts, and never a packet.
    let run = audit(section().repeat(50_000));
    assert_eq!((run.packets, run.faults.len()), (0, 1));
}

#[test]
fn as_many_interfaces_as_can_be_numbered_are_read_and_one_more_is_damage() {
    let all = [section(), interface(&[]).repeat(65_536)].concat();
    let run = audit([all.clone(), packet(65_535, 0, &FRAME)].concat());
    assert_eq!((run.packets, run.faults), (1, vec![]));
    let end = length(&all).saturating_add(length(&packet(0, 0, &FRAME)));
    let file = [all.clone(), packet(65_535, 0, &FRAME), interface(&[])].concat();
    breaks("65 537 interfaces", file, 1, end);
    let file = [all, packet(0, 0, &FRAME), packet(65_536, 0, &FRAME)].concat();
    breaks("a packet of none of them", file, 1, end);
}

#[test]
fn resolutions_and_offsets_at_their_extremes_give_times_that_saturate() {
    let seconds = 1_000_000_000_i64;
    let cases: [(u8, u64, i64); 9] = [
        (0xff, u64::MAX, 0),
        (0x80, 1, seconds),
        (0x80, u64::MAX, i64::MAX),
        (0xbf, 1 << 63, seconds),
        (0x7f, u64::MAX, 0),
        (0, 1, seconds),
        (0, u64::MAX, i64::MAX),
        (9, u64::MAX, i64::MAX),
        (19, u64::MAX, 1_844_674_407),
    ];
    for (resolution, ticks, nanos) in cases {
        let file = [section(), interface(&[(9, &[resolution])]), packet(0, ticks, &FRAME)].concat();
        assert_eq!(times(file.clone()), [Timestamp::from_nanos(nanos)], "{resolution} {ticks}");
        assert_eq!(audit(file).packets, 1);
    }
    for (offset, nanos) in [(i64::MIN, i64::MIN), (i64::MAX, i64::MAX), (-1, -seconds)] {
        let file = [section(), interface(&[(14, &offset.to_le_bytes())]), packet(0, 0, &FRAME)].concat();
        assert_eq!(times(file.clone()), [Timestamp::from_nanos(nanos)], "{offset}");
        assert_eq!(audit(file).packets, 1);
    }
    // Both ends of time in one file: no span overflows.
    let both =
        [section(), interface(&[(14, &i64::MIN.to_le_bytes())]), interface(&[(14, &i64::MAX.to_le_bytes())])];
    let file = [both.concat(), packet(0, 0, &FRAME), packet(1, 0, &FRAME), packet(0, 0, &FRAME)].concat();
    assert_eq!(audit(file).packets, 3);
}

#[test]
fn captured_lengths_that_cannot_be_end_the_reading() {
    for captured in [262_145, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let file = pcap(65_535, &[(46, 46, &FRAME), (captured, 46, &FRAME)]);
        breaks(&format!("captured {captured}"), file, 1, 24 + 16 + 46);
    }
    // A snap length of 4 GiB does not let a record be so long.
    breaks("great snap length", pcap(u32::MAX, &[(0x0100_0001, 46, &FRAME)]).clone(), 0, 24);
    let body = [words(&[0, 0, 0, u32::MAX, 46]), FRAME.to_vec()].concat();
    breaks("pcapng", [good(), block(6, &body)].concat(), 1, length(&good()));
}

#[test]
fn more_captured_than_on_the_wire_is_taken_as_it_was_captured() {
    let run = audit(pcap(65_535, &[(46, 10, &FRAME), (46, 0, &FRAME)]));
    assert_eq!((run.packets, run.octets, run.cut_packets), (2, 92, 0));
    assert_eq!(run.faults, []);
}

#[test]
fn packets_of_nothing_are_counted_one_by_one_even_out_of_a_bomb() {
    const PACKETS: u64 = 200_000;
    let file = [pcap(65_535, &[]), vec![0; 3_200_000]].concat();
    let bomb = gzip(&file);
    assert!(bomb.len() < 4_000, "3 MB in {} octets", bomb.len());
    let zstd = zstd::encode_all(file.as_slice(), 3).unwrap();
    for packed in [bomb, zstd] {
        let run = audit(packed);
        assert_eq!((run.packets, run.octets), (PACKETS, 0));
        assert_eq!(run.undecoded.get("empty-frame"), Some(&PACKETS));
        assert_eq!(run.faults, []);
    }
}

#[test]
fn a_bomb_of_one_block_that_nobody_reads_is_passed_over() {
    let file = [section(), block(0xbad, &vec![0; 16 * 1024 * 1024 - 12])].concat();
    let run = audit(gzip(&[file.repeat(4), good()].concat()));
    assert_eq!((run.packets, run.faults), (1, vec![]));
}

#[test]
fn a_file_cut_at_any_octet_gives_what_was_whole_and_says_where_it_broke() {
    let pcap = pcap(65_535, &[(46, 46, &FRAME), (20, 46, FRAME.get(..20).unwrap()), (46, 46, &FRAME)]);
    let pcapng = [good(), block(0xbad, &[0; 5]), packet(0, 9, &FRAME)].concat();
    for (file, ends) in [(pcap, vec![24, 86, 122, 184]), (pcapng, vec![28, 48, 128, 148, 228])] {
        assert_eq!(ends.last(), Some(&file.len()));
        for cut in 0..file.len() {
            let run = audit(file.get(..cut).unwrap().to_vec());
            let start = ends.iter().copied().filter(|end| *end <= cut).max().unwrap_or(0);
            let whole = match (file.len(), start) {
                (184, start) => ends.iter().position(|end| *end == start).unwrap_or(0),
                (_, start) => usize::from(start >= 128),
            };
            let packets = u64::try_from(whole).unwrap();
            assert_eq!(run.packets, packets, "cut at {cut}");
            match run.faults.as_slice() {
                [] => assert!(start == cut && packets > 0, "cut at {cut}"),
                [CaptureFault { problem: CaptureProblem::Empty, .. }] => {
                    assert!(cut == start && packets == 0)
                }
                [CaptureFault { problem: CaptureProblem::NotACapture(_), .. }] => {
                    assert!(cut < 4, "cut at {cut}")
                }
                faults => {
                    assert_eq!(broke(faults), Some((u64::try_from(start).unwrap(), packets)), "cut at {cut}")
                }
            }
        }
    }
}

#[test]
fn a_compressed_file_cut_at_any_octet_or_with_any_octet_changed_ends() {
    let file = pcap(65_535, &[(46, 46, &FRAME), (46, 46, &FRAME)]);
    for packed in [gzip(&file), zstd::encode_all(file.as_slice(), 1).unwrap()] {
        for cut in 1..packed.len() {
            let run = audit(packed.get(..cut).unwrap().to_vec());
            assert!(run.packets <= 2 && run.faults.len() == 1, "cut at {cut}: {:?}", run.faults);
            for value in [0, 0x7f, 0xff] {
                let mut changed = packed.clone();
                *changed.get_mut(cut).unwrap() = value;
                assert!(audit(changed).packets <= 50);
            }
        }
    }
}

#[test]
fn a_file_without_any_packet_is_never_a_clean_audit() {
    let empty: [Vec<u8>; 7] = [
        Vec::new(),
        pcap(65_535, &[]),
        section(),
        [section(), interface(&[])].concat(),
        gzip(&[]),
        gzip(&pcap(65_535, &[])),
        vec![0; 100_000],
    ];
    for file in empty {
        let run = audit(file);
        assert_eq!((run.packets, run.faults.len()), (0, 1), "{:?}", run.faults);
    }
}
