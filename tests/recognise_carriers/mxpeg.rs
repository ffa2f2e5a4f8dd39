//! MOBOTIX media without its HTTP header, from our generator (see the fixtures' paper): its scan
//! counts 8 frames, 7 masks and 1 whole picture in `mxg`, 8 whole pictures and no mask in `mjpeg`.

use camsentry::recognise::Finding;
use camsentry::recognise::Probe;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::DeviceKind;
use camsentry::recognise::http::HttpMidstream;
use camsentry::recognise::mxpeg::Mark;
use camsentry::recognise::mxpeg::Scanner;
use camsentry::recognise::mxpeg_flow::MobotixMedia;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;

use crate::driver::SERVER;
use crate::driver::Shown;
use crate::driver::fixture;
use crate::driver::told;

fn midstream(octets: &[u8], port: u16) -> Shown<'_> {
    Shown { octets, port, side: SERVER, from_start: false }
}

#[test]
fn the_scanner_counts_what_the_generator_counts() {
    let count = |name: &str| {
        let marks = Scanner::default().feed(&fixture(name), 0);
        let of = |wanted: fn(&Mark) -> bool| marks.iter().filter(|(mark, _)| wanted(mark)).count();
        (
            of(|m| matches!(m, Mark::Picture { timed: true, .. })),
            of(|m| *m == Mark::Mask),
            of(|m| *m == Mark::Whole),
        )
    };
    assert_eq!(count("mobotix_mxg.bin"), (8, 7, 1));
    assert_eq!(count("mobotix_mjpeg.bin"), (8, 0, 8));
}

#[test]
fn media_in_mid_stream_is_named_on_any_port() {
    let event = fixture("mobotix_event.bin");
    let found = midstream(&event[19..], 8080).matched(&MobotixMedia);
    assert_eq!((found.content, found.sender), (Some(Content::MxpegEventStream), Sender::Server));
    let stream = fixture("mobotix_mxg.bin");
    let found = midstream(&stream[700..], 9000).matched(&MobotixMedia);
    assert_eq!((found.content, found.certainty), (Some(Content::Mxpeg), Certainty::Consistent));
    assert_eq!(midstream(&stream[700..], 9000).claimed(), [Service::Http]);
    let picture = fixture("mobotix_mjpeg.bin");
    let found = midstream(&picture[50..2000], 80).matched(&MobotixMedia);
    assert_eq!((found.content, found.certainty), (None, Certainty::Heuristic));
}

#[test]
fn a_stream_of_whole_pictures_becomes_mobotix_mjpeg_and_no_mxpeg() {
    let pictures = fixture("mobotix_mjpeg.bin");
    let wanted = [
        Finding::DeviceKind(DeviceKind::MobotixCamera),
        Finding::Content(Content::MobotixMjpeg, Certainty::Consistent),
    ];
    assert_eq!(told(&MobotixMedia, &[(SERVER, &pictures)]), wanted.map(|finding| (SERVER, finding)));
}

#[test]
fn a_file_on_its_way_and_pictures_of_others_are_refused() {
    let stream = fixture("mobotix_mxg.bin");
    for port in [445, 139, 2049, 20] {
        assert_eq!(midstream(&stream, port).answer(&MobotixMedia), Probe::Refuse);
    }
    let start = Shown { octets: &stream, port: 80, side: SERVER, from_start: true };
    assert_eq!(start.answer(&MobotixMedia), Probe::Refuse);
    let jfif = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0 MXF\0 and MXM\0 in text \xff\xfe\0\x10MXF ....";
    assert_eq!(midstream(jfif, 80).answer(&MobotixMedia), Probe::Refuse);
}

#[test]
fn a_faststream_in_mid_stream_is_told_by_its_boundary_and_pictures() {
    for name in ["mobotix_push.bin", "mobotix_pushjpeg.bin"] {
        let stream = fixture(name);
        let found = midstream(&stream[80..], 80).matched(&HttpMidstream);
        assert_eq!((found.content, found.service), (Some(Content::Mjpeg), Service::Http));
        let found = told(&HttpMidstream, &[(SERVER, &stream[80..])]);
        let wanted = [
            Finding::DeviceKind(DeviceKind::MobotixCamera),
            Finding::Content(Content::MobotixFaststream, Certainty::Signature),
        ];
        assert_eq!(found, wanted.map(|finding| (SERVER, finding)), "{name}");
    }
}
