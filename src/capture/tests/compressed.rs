//! Captures inside gzip and zstd.

use crate::capture::CaptureProblem;
use crate::capture::FrameBatch;
use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::capture::captures::Captures;
use crate::capture::tests::Harvest;
use crate::capture::tests::Order;
use crate::capture::tests::header;
use crate::capture::tests::small_pcap;
use flate2::Compression;
use flate2::GzBuilder;
use flate2::write::GzEncoder;
use std::io::Read;
use std::io::Write;

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum at the end of the frame, as the `zstd` program writes it.
fn zstd(octets: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// A capture of 4 000 packets that does not compress to nothing.
fn long_pcap() -> Vec<u8> {
    let mut out = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 1);
    let mut state = 1_u32;
    for second in 0..4_000 {
        out.extend(Order::Little.all(&[second, 0, 100, 100]));
        for _ in 0..25 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend((state >> 12).to_le_bytes());
        }
    }
    out
}

#[test]
fn gzip_and_zstd_give_what_the_plain_file_gives() {
    for plain in [small_pcap(&[1, 2, 3]), long_pcap()] {
        let expected = Harvest::of_octets(&plain);
        for packed in [gzip(&plain), zstd(&plain)] {
            let harvest = Harvest::of_octets(&packed);
            assert_eq!(harvest.faults, []);
            assert!(harvest.frames == expected.frames);
        }
    }
}

#[test]
fn several_members_or_frames_are_one_stream() {
    let plain = long_pcap();
    let (first, second) = plain.split_at(1_234);
    let mut padded = [gzip(first), gzip(second)].concat();
    padded.extend([0; 512]);
    let skippable = [vec![0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], zstd(first), zstd(second)].concat();
    for packed in [padded, skippable] {
        let harvest = Harvest::of_octets(&packed);
        assert_eq!((harvest.faults.as_slice(), harvest.frames.len()), ([].as_slice(), 4_000));
    }
}

#[test]
fn a_gzip_header_with_all_its_fields_is_read_past() {
    let mut encoder = GzBuilder::new()
        .filename("capture.pcap")
        .comment("made by hand")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), Compression::fast());
    encoder.write_all(&small_pcap(&[1, 2])).unwrap();
    let harvest = Harvest::of_octets(&encoder.finish().unwrap());
    assert_eq!((harvest.faults.as_slice(), harvest.frames.len()), ([].as_slice(), 2));
}

#[test]
fn a_compressed_stream_cut_at_any_octet_never_ends_silently() {
    let plain = small_pcap(&[1, 2, 3]);
    for packed in [gzip(&plain), zstd(&plain)] {
        for cut in 0..packed.len() {
            let harvest = Harvest::of_octets(packed.get(..cut).unwrap());
            assert_eq!(harvest.faults.len(), 1, "cut at {cut}: {:?}", harvest.faults);
        }
    }
}

#[test]
fn a_cut_gzip_stream_gives_every_octet_that_it_holds() {
    let plain = long_pcap();
    let packed = gzip(&plain);
    for share in 1..10 {
        let cut = packed.len().checked_mul(share).unwrap() / 10;
        let octets = packed.get(..cut).unwrap();
        // The second opinion: flate2's own reader, one octet at a time.
        let mut decoder = flate2::read::GzDecoder::new(octets);
        let (mut bare, mut octet) = (Vec::new(), [0]);
        while let Ok(1) = decoder.read(&mut octet) {
            bare.extend(octet);
        }
        let harvest = Harvest::of_octets(octets);
        let packets = u64::try_from(bare.len().saturating_sub(24) / 116).unwrap();
        let at = u64::try_from(bare.len()).unwrap();
        let expected = CaptureProblem::Truncated { at, inside: "the gzip stream", packets };
        assert_eq!(harvest.faults, [expected]);
        assert_eq!(u64::try_from(harvest.frames.len()).unwrap(), packets);
    }
}

#[test]
fn a_corrupt_stream_gives_what_comes_before_and_says_where_it_broke() {
    let plain = long_pcap();
    for (mut packed, least) in [(gzip(&plain), 1_900), (zstd(&plain), 1_000)] {
        let middle = packed.len() / 2;
        packed.get_mut(middle..middle.checked_add(64).unwrap()).unwrap().fill(0xff);
        let harvest = Harvest::of_octets(&packed);
        let [CaptureProblem::Damaged { at, packets, .. }] = harvest.faults.as_slice() else {
            panic!("{:?}", harvest.faults);
        };
        assert!(*packets >= least, "{packets}");
        assert_eq!(u64::try_from(harvest.frames.len()).unwrap(), *packets);
        assert!(*at >= packets.checked_mul(116).unwrap());
        let whole = Harvest::of_octets(&plain);
        let sound = usize::try_from(least).unwrap();
        assert!(harvest.frames.get(..sound) == whole.frames.get(..sound));
    }
}

#[test]
fn a_wrong_checksum_is_told_after_all_packets() {
    let mut packed = gzip(&small_pcap(&[1, 2, 3]));
    let crc = packed.len().checked_sub(8).unwrap();
    *packed.get_mut(crc).unwrap() ^= 1;
    let harvest = Harvest::of_octets(&packed);
    assert_eq!(harvest.frames.len(), 3);
    let [CaptureProblem::Damaged { at: 84, what, packets: 3 }] = harvest.faults.as_slice() else {
        panic!("{:?}", harvest.faults);
    };
    assert_eq!(what, "the gzip stream is corrupt: the checksum does not match");
}

#[test]
fn compressed_text_is_no_capture_and_compressed_nothing_is_empty() {
    let shown = "68 65 6c 6c 6f".to_owned();
    for packed in [gzip(b"hello"), zstd(b"hello")] {
        assert_eq!(Harvest::of_octets(&packed).faults, [CaptureProblem::NotACapture(shown.clone())]);
    }
    for packed in [gzip(b""), zstd(b"")] {
        assert_eq!(Harvest::of_octets(&packed).faults, [CaptureProblem::Empty]);
    }
}

#[test]
fn a_bomb_is_read_in_batches_that_stay_small() {
    // 16 MiB of zeros behind a file header are 1 048 576 packets of nothing.
    let mut plain = header(Order::Little, 0xa1b2_c3d4, (2, 4), 65_535, 1);
    plain.resize(plain.len().checked_add(16 * 1024 * 1024).unwrap(), 0);
    for packed in [gzip(&plain), zstd(&plain)] {
        let mut captures = Captures::from_reader("made", std::io::Cursor::new(packed));
        let mut batch = FrameBatch::default();
        let mut packets = 0_usize;
        while captures.fill(&mut batch) == Supply::More {
            assert!(batch.frames.len() <= 8_192 && batch.octets.is_empty());
            packets = packets.checked_add(batch.frames.len()).unwrap();
        }
        assert_eq!(packets.checked_add(batch.frames.len()), Some(1_048_576));
        assert!(captures.faults().is_empty());
    }
}
