//! SMB over the NetBIOS session service, and what stands in front of compressed data.

use camsentry::recognise::Finding;
use camsentry::recognise::finding::SmbDialect;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::hex;
use crate::talk::tcp;

/// A header of SMB 2 ([MS-SMB2] §2.2.1.2) with this command and these flags.
fn header(command: u16, flags: u32) -> Vec<u8> {
    let mut header = hex("fe534d42 4000 0000 00000000");
    header.extend(command.to_le_bytes());
    header.extend([0, 0]);
    header.extend(flags.to_le_bytes());
    header.resize(64, 0);
    header
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

#[test]
fn a_session_on_139_tells_its_dialect() {
    let name = format!("20 {} 00", "4341".repeat(16));
    let session = hex(&format!("81000044 {name} {name}"));
    let mut answer = header(0, 1);
    answer.extend(hex("4100 0100 1103"));
    answer.resize(130, 0);
    let talk = tcp(
        139,
        &[
            (CLIENT, &session),
            (SERVER, &hex("82000000")),
            (CLIENT, &framed(&header(0, 0))),
            (SERVER, &framed(&answer)),
        ],
    );
    let heard = talk.heard();
    assert_eq!(heard.named[0].1.service, Service::Smb);
    heard.demand(SERVER, Finding::SmbDialect(SmbDialect::Smb311));
}

#[test]
fn a_camera_s_folder_in_front_of_compressed_data_is_told_and_what_is_compressed_is_not_guessed() {
    // CREATE ([MS-SMB2] §2.2.13): the name's offset and length at 44 and 46 of its structure.
    let name: Vec<u8> = "10_2_17_34".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut create = header(5, 0);
    create.resize(64 + 44, 0);
    create.extend(120_u16.to_le_bytes());
    create.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    create.resize(120, 0);
    create.extend(&name);
    let transform = |flags: u16| {
        let mut message = hex("fc534d42 00020000 0200");
        message.extend(flags.to_le_bytes());
        message.extend(u32::try_from(create.len()).unwrap().to_le_bytes());
        [message, create.clone(), vec![0x5a; 40]].concat()
    };
    let told = Finding::Content(Content::CameraRecording, Certainty::Consistent);
    let heard = tcp(445, &[(CLIENT, &framed(&transform(0)))]).heard();
    assert_eq!(heard.services(), [Service::Smb]);
    heard.demand(CLIENT, told);
    assert!(tcp(445, &[(CLIENT, &framed(&transform(1)))]).heard().found.is_empty(), "chained");
}
