//! pcap files.

use crate::capture::CaptureProblem;
use crate::capture::LinkType;
use crate::capture::captures::Captures;
use crate::capture::tests::Harvest;
use crate::capture::tests::Order;
use crate::capture::tests::header;
use crate::capture::tests::small_pcap;
use std::io::Cursor;

#[test]
fn every_variant_gives_its_packet_in_both_byte_orders() {
    // Magic, octets between file header and records, octets after a record header, nanoseconds.
    let variants = [
        (0xa1b2_c3d4_u32, 0, 0, 7_000_005_000_i64),
        (0xa1b2_3c4d, 0, 0, 7_000_000_005),
        (0xa1b2_cd34, 0, 8, 7_000_005_000),
        (0x1c00_01ac, 4, 0, 7_000_000_005),
        (0x1c00_01ab, 4, 0, 7_000_005_000),
    ];
    for (magic, extra, more, nanos) in variants {
        for order in [Order::Big, Order::Little] {
            let mut file = header(order, magic, (2, 4), 65_535, 1);
            file.extend(vec![0xee; extra]);
            for packet in [9_u8, 8] {
                file.extend(order.all(&[7, 5, 3, 60]));
                file.extend(vec![0xee; more]);
                file.extend([packet, 2, 3]);
            }
            let harvest = Harvest::of_octets(&file);
            assert_eq!(harvest.faults, [], "{magic:#x} {order:?}");
            assert_eq!(harvest.nanos(), [nanos, nanos], "{magic:#x} {order:?}");
            let (frame, octets) = harvest.frames.first().unwrap();
            assert_eq!(octets, &[9, 2, 3]);
            assert_eq!((frame.number, frame.wire_len, frame.captured), (1, 60, 3));
            assert_eq!((frame.link, frame.interface, frame.file), (LinkType::ETHERNET, 0, 0));
            assert_eq!(harvest.first_octets(), [9, 8]);
        }
    }
}

#[test]
fn versions_before_2_3_and_dg_ux_have_the_wire_length_first() {
    for (version, lengths) in [((2, 2), [60, 3]), ((543, 0), [60, 3]), ((2, 3), [60, 3]), ((2, 3), [3, 60])] {
        let mut file = header(Order::Little, 0xa1b2_c3d4, version, 65_535, 1);
        file.extend(Order::Little.all(&[7, 5]));
        file.extend(Order::Little.all(&lengths));
        file.extend([1, 2, 3]);
        let harvest = Harvest::of_octets(&file);
        let lengths: Vec<(u32, u32)> =
            harvest.frames.iter().map(|(frame, _)| (frame.captured, frame.wire_len)).collect();
        assert_eq!(lengths, [(3, 60)], "{version:?}");
        assert_eq!(harvest.faults, []);
    }
}

#[test]
fn the_upper_bits_of_the_link_type_are_not_the_link_type() {
    let mut file = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 0x2400_0071);
    file.extend(Order::Little.all(&[7, 5, 1, 1, 0]));
    let mut captures = Captures::from_reader("made", Cursor::new(file));
    let interface = captures.interfaces().first().cloned().unwrap();
    assert_eq!((interface.link, interface.fcs_octets), (LinkType::LINUX_SLL, Some(4)));
    assert_eq!(Harvest::of(&mut captures).frames.len(), 1);
}

#[test]
fn reserved_bits_of_the_link_type_and_unknown_versions_are_damage() {
    let reserved = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 0x0030_0001);
    let version = header(Order::Little, 0xa1b2_c3d4, (1, 4), 65_535, 1);
    for file in [reserved, version] {
        let faults = Harvest::of_octets(&file).faults;
        assert!(
            matches!(faults.as_slice(), [CaptureProblem::Damaged { at: 0, packets: 0, .. }]),
            "{faults:?}"
        );
    }
}

#[test]
fn a_file_cut_at_any_octet_gives_all_packets_before_the_cut_and_says_where() {
    let file = small_pcap(&[1, 2, 3]);
    let starts = [24_usize, 44, 64, 84];
    for length in 0..file.len() {
        let harvest = Harvest::of_octets(file.get(..length).unwrap());
        let whole = starts.iter().skip(1).filter(|&&end| end <= length).count();
        assert_eq!(harvest.frames.len(), whole, "cut at {length}");
        let packets = u64::try_from(whole).unwrap();
        let start = u64::try_from(*starts.get(whole).unwrap()).unwrap();
        let expected = match length {
            0 => vec![CaptureProblem::Empty],
            1..=3 => return_not_a_capture(file.get(..length).unwrap()),
            4..=23 => vec![CaptureProblem::Truncated { at: 0, inside: "the file header", packets: 0 }],
            24 => vec![CaptureProblem::Empty],
            44 | 64 => vec![],
            _ => {
                let in_header = u64::try_from(length).unwrap() < start.checked_add(16).unwrap();
                let inside = if in_header { "a record header" } else { "a packet record" };
                vec![CaptureProblem::Truncated { at: start, inside, packets }]
            }
        };
        assert_eq!(harvest.faults, expected, "cut at {length}");
    }
}

fn return_not_a_capture(octets: &[u8]) -> Vec<CaptureProblem> {
    let shown: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    vec![CaptureProblem::NotACapture(shown.join(" "))]
}

#[test]
fn a_captured_length_that_cannot_be_is_damage_and_what_came_before_counts() {
    // 262144 is what libpcap lets every file have; a greater snap length allows more.
    for (snaplen, captured, is_damage) in [
        (96, 262_144_u32, false),
        (96, 262_145, true),
        (0, 262_145, true),
        (u32::MAX, 262_145, true),
        (400_000, 400_000, false),
        (400_000, 400_001, true),
        (0x7fff_ffff, 16_777_216, true),
    ] {
        let mut file = header(Order::Little, 0xa1b2_c3d4, (2, 4), snaplen, 1);
        file.extend(Order::Little.all(&[1, 0, 0, 0]));
        file.extend(Order::Little.all(&[2, 0, captured, captured]));
        file.extend(vec![0x55; usize::try_from(captured).unwrap()]);
        let harvest = Harvest::of_octets(&file);
        if is_damage {
            assert_eq!(harvest.frames.len(), 1, "{snaplen} {captured}");
            let faults = harvest.faults;
            assert!(
                matches!(faults.as_slice(), [CaptureProblem::Damaged { at: 40, packets: 1, .. }]),
                "{faults:?}"
            );
        } else {
            assert_eq!(harvest.faults, [], "{snaplen} {captured}");
            let lengths: Vec<usize> = harvest.frames.iter().map(|(_, octets)| octets.len()).collect();
            assert_eq!(lengths, [0, usize::try_from(captured).unwrap()]);
        }
    }
}

#[test]
fn more_captured_than_on_the_wire_counts_as_on_the_wire() {
    let mut file = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 1);
    file.extend(Order::Little.all(&[1, 0, 4, 0, 0]));
    let harvest = Harvest::of_octets(&file);
    assert_eq!(harvest.frames.first().map(|(frame, _)| frame.wire_len), Some(4));
}

#[test]
fn the_last_second_and_the_greatest_fraction_do_not_overflow() {
    let mut file = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 1);
    file.extend(Order::Little.all(&[u32::MAX, u32::MAX, 0, 0]));
    assert_eq!(Harvest::of_octets(&file).nanos(), [4_294_967_295_000_000_000 + 4_294_967_295_000]);
}

#[test]
fn an_input_that_fails_gives_what_came_before_and_says_why() {
    struct Failing(Cursor<Vec<u8>>);
    impl std::io::Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(std::io::Error::other("the cable is out")),
                count => Ok(count),
            }
        }
    }
    let reader = Failing(Cursor::new(small_pcap(&[1, 2])));
    let harvest = Harvest::of(&mut Captures::from_reader("made", reader));
    assert_eq!(harvest.frames.len(), 2);
    let why = "the cable is out, after octet 64: all 2 packets before it were read".to_owned();
    assert_eq!(harvest.faults, [CaptureProblem::Io(why)]);
}
