//! Several files as one stream of packets.

use crate::capture::CaptureProblem;
use crate::capture::FrameSource;
use crate::capture::captures::Captures;
use crate::capture::captures::MAX_OPEN_FILES;
use crate::capture::run::CaptureFile;
use crate::capture::tests::Folder;
use crate::capture::tests::Harvest;
use crate::capture::tests::Order;
use crate::capture::tests::names;
use crate::capture::tests::pcapng::small_pcapng;
use crate::capture::tests::small_pcap;

/// File, second and number of each frame.
fn order_of(harvest: &Harvest) -> Vec<(u16, i64, u64)> {
    let seconds = |nanos: i64| nanos / 1_000_000_000;
    harvest.frames.iter().map(|(frame, _)| (frame.file, seconds(frame.time.nanos()), frame.number)).collect()
}

#[test]
fn files_are_merged_by_packet_time_and_ties_follow_the_order_of_the_files() {
    let folder = Folder::new("merge");
    let first = folder.write("1", &small_pcap(&[1, 4, 5]));
    let second = folder.write("2", &small_pcap(&[1, 2, 5, 6]));
    let third = folder.write("3", &small_pcap(&[0, 3]));
    let paths = [first, second, third];
    let mut captures = Captures::open(&names(&paths));
    let harvest = Harvest::of(&mut captures);
    let expected =
        [(2, 0, 1), (0, 1, 2), (1, 1, 3), (1, 2, 4), (2, 3, 5), (0, 4, 6), (0, 5, 7), (1, 5, 8), (1, 6, 9)];
    assert_eq!(order_of(&harvest), expected);
    let name = paths.first().unwrap().display().to_string();
    let file = CaptureFile { name, packets: 3, captured_octets: 12, wire_octets: 180 };
    assert_eq!(captures.files().first(), Some(&file));
}

#[test]
fn the_order_inside_a_file_whose_time_goes_back_is_kept() {
    let folder = Folder::new("back");
    let back = folder.write("1", &small_pcap(&[5, 1, 9]));
    let other = folder.write("2", &small_pcap(&[2, 6]));
    let harvest = Harvest::of_paths(&[back, other]);
    assert_eq!(order_of(&harvest), [(1, 2, 1), (0, 5, 2), (0, 1, 3), (1, 6, 4), (0, 9, 5)]);
}

#[test]
fn formats_mix_and_interfaces_count_on() {
    let folder = Folder::new("mix");
    let classic = folder.write("1", &small_pcap(&[1, 3]));
    let modern = folder.write("2", &small_pcapng(Order::Big));
    let mut captures = Captures::open(&names(&[classic, modern]));
    let harvest = Harvest::of(&mut captures);
    let seen: Vec<(u16, u16)> =
        harvest.frames.iter().map(|(frame, _)| (frame.file, frame.interface)).collect();
    assert_eq!(seen, [(1, 1), (0, 0), (1, 1), (1, 1), (0, 0)]);
    let files: Vec<u16> = captures.interfaces().iter().map(|interface| interface.file).collect();
    assert_eq!(files, [0, 1]);
}

#[test]
fn a_damaged_file_does_not_end_the_others() {
    let folder = Folder::new("damaged");
    let whole = small_pcap(&[1, 3, 5]);
    let cut = folder.write("1", whole.get(..70).unwrap());
    let good = folder.write("2", &small_pcap(&[2, 4, 6]));
    let harvest = Harvest::of_paths(&[cut, good]);
    assert_eq!(order_of(&harvest).iter().map(|(_, second, _)| *second).collect::<Vec<_>>(), [1, 2, 3, 4, 6]);
    let fault = CaptureProblem::Truncated { at: 64, inside: "a record header", packets: 2 };
    assert_eq!(harvest.faults, [fault]);
}

#[test]
fn more_files_than_may_be_open_are_merged_even_if_all_overlap() {
    let folder = Folder::new("many");
    let count = u32::try_from(MAX_OPEN_FILES).unwrap().checked_mul(2).unwrap();
    let mut paths = Vec::new();
    let mut expected = Vec::new();
    for file in 0..count {
        let seconds: Vec<u32> = (0..4_u32).map(|round| round * count + file).collect();
        let plain = small_pcap(&seconds);
        let octets = if file % 3 == 0 { zstd::encode_all(plain.as_slice(), 1).unwrap() } else { plain };
        paths.push(folder.write(&format!("{file:03}"), &octets));
        expected.extend(seconds);
    }
    expected.sort_unstable();
    let mut captures = Captures::open(&names(&paths));
    let harvest = Harvest::of(&mut captures);
    assert_eq!(harvest.faults, []);
    let seconds: Vec<u32> =
        order_of(&harvest).iter().map(|(_, second, _)| u32::try_from(*second).unwrap()).collect();
    assert_eq!(seconds, expected);
    assert!(captures.files().iter().all(|file| file.packets == 4));
    assert_eq!(captures.total(), Some(captures.consumed()));
}

#[test]
fn a_file_that_vanishes_while_it_is_closed_is_told() {
    let folder = Folder::new("vanish");
    let paths: Vec<_> = (0..MAX_OPEN_FILES.checked_add(1).unwrap())
        .map(|file| folder.write(&format!("{file:03}"), &small_pcap(&[1, 2])))
        .collect();
    let mut captures = Captures::open(&names(&paths));
    std::fs::remove_file(paths.last().unwrap()).unwrap();
    let harvest = Harvest::of(&mut captures);
    assert_eq!(harvest.frames.len(), MAX_OPEN_FILES * 2);
    assert!(
        matches!(harvest.faults.as_slice(), [CaptureProblem::Io(why)] if why.starts_with("No such file"))
    );
}
