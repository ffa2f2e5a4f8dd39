//! pcapng files.

use crate::capture::CaptureProblem;
use crate::capture::LinkType;
use crate::capture::captures::Captures;
use crate::capture::tests::Harvest;
use crate::capture::tests::Order;
use std::io::Cursor;

/// A block of `kind` with `body`, which is padded.
pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let size = u32::try_from(body.len()).unwrap().checked_add(12).unwrap();
    let mut out = order.all(&[kind, size]);
    out.extend(body);
    out.extend(order.u32(size));
    out
}

pub(super) fn section(order: Order, minor: u16) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(1));
    body.extend(order.u16(minor));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

pub(super) fn interface(order: Order, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = order.u16(link).to_vec();
    body.extend([0, 0]);
    body.extend(order.u32(snaplen));
    for (code, value) in options {
        body.extend(order.u16(*code));
        body.extend(order.u16(u16::try_from(value.len()).unwrap()));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(order, 1, &body)
}

pub(super) fn enhanced(order: Order, interface: u32, ticks: u64, wire: u32, octets: &[u8]) -> Vec<u8> {
    let captured = u32::try_from(octets.len()).unwrap();
    let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
    let mut body = order.all(&[interface, high, low, captured, wire]);
    body.extend(octets);
    block(order, 6, &body)
}

/// One section: an interface, and three packets of three octets, the last one a simple packet.
pub(super) fn small_pcapng(order: Order) -> Vec<u8> {
    let mut file = section(order, 0);
    file.extend(interface(order, 1, 3, &[(2, b"eth0")]));
    file.extend(enhanced(order, 0, 1_000_000, 60, &[1, 2, 3]));
    file.extend(enhanced(order, 0, 2_000_000, 60, &[4, 5, 6]));
    let mut simple = order.u32(60).to_vec();
    simple.extend([7, 8, 9]);
    file.extend(block(order, 3, &simple));
    file
}

fn damage_of(file: &[u8]) -> (usize, u64, String) {
    let harvest = Harvest::of_octets(file);
    match harvest.faults.as_slice() {
        [CaptureProblem::Damaged { at, what, .. }] => (harvest.frames.len(), *at, what.clone()),
        other => panic!("{other:?}"),
    }
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap()
}

#[test]
fn enhanced_and_simple_packets_are_read_in_both_byte_orders() {
    for order in [Order::Big, Order::Little] {
        let harvest = Harvest::of_octets(&small_pcapng(order));
        assert_eq!(harvest.faults, []);
        assert_eq!(harvest.first_octets(), [1, 4, 7]);
        // A simple packet has no time: it gets that of the packet before it.
        assert_eq!(harvest.nanos(), [1_000_000_000, 2_000_000_000, 2_000_000_000]);
        assert!(harvest.frames.iter().all(|(frame, _)| frame.wire_len == 60 && frame.captured == 3));
    }
}

#[test]
fn sections_of_either_byte_order_have_their_own_interfaces() {
    let mut file = small_pcapng(Order::Little);
    file.extend(section(Order::Big, 2));
    file.extend(block(Order::Big, 0x0bad, &[1, 2, 3, 4, 5]));
    file.extend(interface(Order::Big, 113, 0, &[(2, b"any\0"), (9, &[9]), (13, &[4])]));
    file.extend(interface(Order::Big, 101, 0, &[(9, &[0x80 | 1]), (14, &[0, 0, 0, 0, 0, 0, 0, 100])]));
    file.extend(enhanced(Order::Big, 0, 5, 1, &[11]));
    file.extend(enhanced(Order::Big, 1, 3, 1, &[12]));
    let mut captures = Captures::from_reader("made", Cursor::new(file));
    let harvest = Harvest::of(&mut captures);
    assert_eq!(harvest.faults, []);
    let seen: Vec<(u16, LinkType)> =
        harvest.frames.iter().skip(3).map(|(frame, _)| (frame.interface, frame.link)).collect();
    assert_eq!(seen, [(1, LinkType::LINUX_SLL), (2, LinkType::RAW)]);
    assert_eq!(harvest.nanos().get(3..), Some([5, 101_500_000_000].as_slice()));
    let names: Vec<Option<&str>> =
        captures.interfaces().iter().map(|interface| interface.name.as_deref()).collect();
    assert_eq!(names, [Some("eth0"), Some("any"), None]);
    assert_eq!(captures.interfaces().get(1).and_then(|interface| interface.fcs_octets), Some(4));
}

#[test]
fn the_obsolete_packet_block_is_read() {
    for order in [Order::Big, Order::Little] {
        let mut file = section(order, 0);
        file.extend(interface(order, 1, 0, &[]));
        let mut body = order.u16(0).to_vec();
        body.extend(order.u16(77));
        body.extend(order.all(&[0, 9, 2, 60]));
        body.extend([1, 2]);
        file.extend(block(order, 2, &body));
        let harvest = Harvest::of_octets(&file);
        assert_eq!((harvest.faults.as_slice(), harvest.nanos()), ([].as_slice(), vec![9_000]));
    }
}

#[test]
fn a_file_cut_at_any_octet_gives_all_packets_before_the_cut_and_says_where() {
    let file = small_pcapng(Order::Little);
    // Where the blocks start: section, interface, two enhanced packets, a simple one; and the end.
    let starts = [0_usize, 28, 56, 92, 128, 148];
    assert_eq!(file.len(), 148);
    for cut in 4..file.len() {
        let harvest = Harvest::of_octets(file.get(..cut).unwrap());
        let block = starts.iter().filter(|&&start| start <= cut).count().saturating_sub(1);
        let packets = block.saturating_sub(2);
        assert_eq!(harvest.frames.len(), packets, "cut at {cut}");
        let start = *starts.get(block).unwrap();
        if cut == start {
            let expected = if packets == 0 { vec![CaptureProblem::Empty] } else { vec![] };
            assert_eq!(harvest.faults, expected, "cut at {cut}");
            continue;
        }
        let (start, packets) = (u64::try_from(start).unwrap(), u64::try_from(packets).unwrap());
        let [CaptureProblem::Truncated { at, packets: before, .. }] = harvest.faults.as_slice() else {
            panic!("cut at {cut}: {:?}", harvest.faults);
        };
        assert_eq!((*at, *before), (start, packets), "cut at {cut}");
    }
}

#[test]
fn a_packet_of_an_interface_that_is_not_described_is_damage() {
    let mut file = small_pcapng(Order::Little);
    let at = length(&file);
    file.extend(enhanced(Order::Little, 1, 0, 1, &[1]));
    let (packets, offset, what) = damage_of(&file);
    assert_eq!((packets, offset), (3, at));
    assert!(what.contains("interface 1"), "{what}");
    // A new section forgets the interfaces of the one before.
    let mut file = small_pcapng(Order::Little);
    file.extend(section(Order::Little, 0));
    file.extend(enhanced(Order::Little, 0, 0, 1, &[1]));
    assert_eq!(damage_of(&file).0, 3);
}

#[test]
fn block_lengths_that_cannot_be_are_damage() {
    let good = small_pcapng(Order::Little);
    for size in [0_u32, 4, 8, 11, 13, 0x0100_0004, 0xffff_fff0, 0xffff_ffff] {
        for kind in [1, 2, 3, 6, 0x0bad] {
            let mut file = good.clone();
            file.extend(Order::Little.all(&[kind, size, 0, 0, 0, 0, 0, 0]));
            let (packets, offset, _) = damage_of(&file);
            assert_eq!((packets, offset), (3, length(&good)), "{kind} {size}");
        }
    }
}

#[test]
fn a_length_that_its_repetition_contradicts_is_damage() {
    let good = small_pcapng(Order::Little);
    for bad in [block(Order::Little, 0x0bad, &[0; 8]), enhanced(Order::Little, 0, 0, 1, &[1])] {
        let mut file = good.clone();
        file.extend(&bad);
        *file.last_mut().unwrap() = 1;
        let (packets, offset, _) = damage_of(&file);
        assert_eq!((packets, offset), (3, length(&good)));
    }
}

#[test]
fn a_captured_length_beyond_its_block_is_damage() {
    let good = small_pcapng(Order::Little);
    for captured in [5_u32, 262_145, u32::MAX] {
        let mut file = good.clone();
        let body = [Order::Little.all(&[0, 0, 0, captured, 60]), vec![1, 2, 3, 4]].concat();
        file.extend(block(Order::Little, 6, &body));
        assert_eq!(damage_of(&file).1, length(&good), "{captured}");
    }
    // A simple packet whose block lacks what the snap length lets it have.
    let mut file = section(Order::Little, 0);
    file.extend(interface(Order::Little, 1, 0, &[]));
    file.extend(block(Order::Little, 3, &Order::Little.all(&[60, 0])));
    assert_eq!(damage_of(&file).0, 0);
}

#[test]
fn section_headers_that_cannot_be_are_damage() {
    let mut magic = section(Order::Little, 0);
    *magic.get_mut(8).unwrap() = 0;
    assert!(damage_of(&magic).2.contains("byte-order magic"));
    assert!(damage_of(&section(Order::Little, 1)).2.contains("version 1.1"));
}

#[test]
fn an_option_that_runs_past_its_block_is_damage() {
    let mut file = section(Order::Big, 0);
    let at = length(&file);
    file.extend(block(Order::Big, 1, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 5, b'e', b't', b'h', b'0']));
    assert_eq!(damage_of(&file).1, at);
}

#[test]
fn a_block_of_sixteen_mebioctets_is_passed_and_a_packet_of_ten_is_read() {
    let mut file = section(Order::Little, 0);
    file.extend(interface(Order::Little, 1, 0, &[]));
    file.extend(block(Order::Little, 0x0bad, &vec![7; 16 * 1024 * 1024 - 12]));
    file.extend(enhanced(Order::Little, 0, 0, 0, &vec![7; 10 * 1024 * 1024]));
    file.extend(enhanced(Order::Little, 0, 0, 1, &[9]));
    let harvest = Harvest::of_octets(&file);
    assert_eq!(harvest.faults, []);
    let lengths: Vec<usize> = harvest.frames.iter().map(|(_, octets)| octets.len()).collect();
    assert_eq!(lengths, [10 * 1024 * 1024, 1]);
}
