//! What MOBOTIX cameras do beside sending pictures: commands in the event stream, recordings on NFS and
//! FTP servers. Paths and commands are those of MOBOTIX's help pages and of public clients.

use camsentry::addr::Addr;
use camsentry::recognise::Finding;
use camsentry::recognise::finding_words::CameraCommand;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::fixture;
use crate::talk::tcp;
use crate::talk::udp;

const REQUEST: &[u8] = b"POST /control/eventstream.jpg HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n";

fn recording(certainty: Certainty) -> Finding {
    Finding::Content(Content::CameraRecording, certainty)
}

#[test]
fn commands_of_an_event_stream_are_told_by_name_without_their_parameters() {
    let said = [
        REQUEST,
        b"{\"id\":12,\"method\":\"mode\",\"params\":[\"mxpeg\"]}\n\0",
        b"{\"method\":\"trigger\",\"id\":26,\"params\":[\"door\",\"hunter2\"]}\0",
        // Client's audio: on, data with a NUL in it, off.
        b"\xff\xeb\x00\x08MXS\x00\x01\x81",
        b"\xff\xeb\x00\x0aMXA\x00{\"\x00}",
        b"{\"id\":1,\"method\":\"invented\",\"params\":[\"\\\"method\\\":\\\"kurator\\\"\"]}\0",
        b"{\"result\":[\"pong\"],\"error\":null,\"id\":3}\0",
        b"no json\0{\"id\":18,\"method\":\"live\",\"params\":[false]}\n\0",
    ]
    .concat();
    let talk = tcp(80, &[(CLIENT, &said)]);
    let heard = talk.heard();
    let commands: Vec<CameraCommand> = heard
        .found
        .iter()
        .filter_map(
            |(_, finding)| if let Finding::Command(command) = finding { Some(*command) } else { None },
        )
        .collect();
    let wanted = [CameraCommand::Mode, CameraCommand::Trigger, CameraCommand::Other, CameraCommand::Live];
    assert_eq!(commands, wanted);
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn a_command_long_after_the_first_picture_is_told() {
    let stream = fixture("mobotix_event.bin");
    let late = b"{\"id\":1,\"method\":\"trigger\",\"params\":[\"door\"]}\0";
    let heard = tcp(80, &[(CLIENT, REQUEST), (SERVER, &stream), (CLIENT, late)]).heard();
    heard.demand(CLIENT, Finding::Content(Content::MxpegEventStream, Certainty::Signature));
    heard.demand(CLIENT, Finding::Command(CameraCommand::Trigger));
}

/// A call of NFS 3 with AUTH_NONE: LOOKUP (3) of a name in a folder, or WRITE (7) of data.
fn nfs_call(procedure: u32, name: &[u8]) -> Vec<u8> {
    let words = [7_u32, 0, 2, 100_003, 3, procedure, 0, 0, 0, 0, 4, 0x0102_0304];
    let mut call: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    call.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    call.extend(name);
    call.resize(call.len().next_multiple_of(4), 0);
    call
}

fn marked(call: &[u8]) -> Vec<u8> {
    [&(0x8000_0000 | u32::try_from(call.len()).unwrap()).to_be_bytes(), call].concat()
}

#[test]
fn a_camera_that_records_over_nfs_is_told_by_its_folder_and_by_its_pictures() {
    let pictures = fixture("mobotix_mxg.bin");
    let picture = &pictures[..2000];
    let (folder, write) = (nfs_call(3, b"10_2_17_34"), nfs_call(7, picture));
    let said = [marked(&nfs_call(3, b"cams")), marked(&folder), marked(&write)].concat();
    for port in [2049, 41_111] {
        let heard = tcp(port, &[(CLIENT, &said)]).heard();
        assert_eq!(heard.services(), [Service::Nfs]);
        assert_eq!(
            heard.found,
            [(CLIENT, recording(Certainty::Consistent)), (CLIENT, recording(Certainty::Signature))]
        );
    }
    let heard = udp(2049, &[(CLIENT, &folder), (CLIENT, &write)]).heard();
    heard.demand(CLIENT, recording(Certainty::Signature));
    let other = [marked(&nfs_call(3, b"10_reports")), marked(&nfs_call(3, b"10_2_17"))].concat();
    assert!(tcp(2049, &[(CLIENT, &other)]).heard().found.is_empty(), "other folders are no recording");
}

#[test]
fn a_camera_that_records_over_ftp_is_told_and_its_data_connections_are_announced() {
    let client = b"USER camera\r\nPASS hunter2\r\nCWD /cams/10_2_17_34/000/123\r\nPORT 10,0,0,1,195,80\r\nSTOR E00000.jpg\r\nPASV\r\nEPSV\r\n";
    let server =
        b"220 FTP ready\r\n230 ok\r\n227 Entering Passive Mode (10,0,0,2,200,10)\r\n229 ok (|||50001|)\r\n";
    let heard = tcp(21, &[(SERVER, server), (CLIENT, client)]).heard();
    assert_eq!(heard.named[0].1.service, Service::Ftp);
    heard.demand(CLIENT, recording(Certainty::Consistent));
    let media: Vec<(Addr, u16, Option<Addr>, u16)> = heard
        .found
        .iter()
        .filter_map(|(_, finding)| match finding {
            Finding::Media(media) if media.transport == Transport::Tcp => {
                Some((media.receiver, media.receiver_port, media.sender, media.sender_port))
            }
            _ => None,
        })
        .collect();
    let (camera, files) = (Addr::v4([10, 0, 0, 1]), Some(Addr::v4([10, 0, 0, 2])));
    // 195 × 256 + 80, 200 × 256 + 10.
    let mut sorted = media.clone();
    sorted.sort_by_key(|one| one.3);
    assert_eq!(sorted, [(camera, 50_000, files, 0), (camera, 0, files, 50_001), (camera, 0, files, 51_210)]);
    assert!(!format!("{heard:?}").contains("hunter2"));
}

#[test]
fn a_picture_on_ftp_s_data_port_is_a_recording_and_nothing_else_there_is_named() {
    let pictures = fixture("mobotix_mxg.bin");
    let heard = tcp(20, &[(CLIENT, &pictures)]).heard();
    assert_eq!(heard.services(), [Service::Ftp]);
    assert_eq!(heard.named[0].1.content, Some(Content::CameraRecording));
    assert!(!tcp(2020, &[(CLIENT, &pictures)]).heard().services().contains(&Service::Ftp));
    let other = [b"\xff\xd8\xff\xe0\x00\x10JFIF\0".as_slice(), &[7; 5000]].concat();
    assert_eq!(tcp(20, &[(CLIENT, &other)]).heard().services(), []);
}
