//! SMB, ImageServer, Matrix, MxMessage, TDS.

use crate::probing::Case;
use crate::probing::Question;
use crate::probing::ask;
use crate::probing::hex;
use crate::probing::holds;
use crate::probing::learned;
use camsentry::flow::Side;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::Finding;
use camsentry::recognise::finding::SmbDialect;
use camsentry::recognise::finding::TlsVersion;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

fn tcp(name: &'static str, ports: (u16, u16), octets: Vec<u8>, service: Service, sender: Sender) -> Case {
    let certainty = Certainty::Signature;
    let parts = vec![octets];
    Case {
        name,
        transport: Transport::Tcp,
        ports,
        parts,
        service,
        sender,
        certainty,
        elsewhere: Some(certainty),
    }
}

/// An SMB2 message ([MS-SMB2] §2.2.1.2): command, flags, NextCommand, body.
fn smb2(command: u8, flags: u8, next: u32, body: &[u8]) -> Vec<u8> {
    let mut message = hex("fe534d42 4000 0000 00000000");
    message.extend([command, 0, 1, 0, flags, 0, 0, 0]);
    message.extend(next.to_le_bytes());
    message.resize(64, 0);
    message.extend(body);
    message
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(message);
    frame
}

/// CREATE request ([MS-SMB2] §2.2.13): the name at octet 120.
fn create(name: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut body = vec![57, 0];
    body.resize(44, 0);
    body.extend(120_u16.to_le_bytes());
    body.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    body.resize(56, 0);
    body.extend(name);
    smb2(5, 0, 0, &body)
}

/// WRITE request ([MS-SMB2] §2.2.21): data at octet 112.
fn write(data: &[u8]) -> Vec<u8> {
    let mut body = vec![49, 0, 112, 0];
    body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    body.resize(48, 0);
    body.extend(data);
    smb2(9, 0, 0, &body)
}

/// NEGOTIATE response ([MS-SMB2] §2.2.4).
fn negotiated(dialect: u16) -> Vec<u8> {
    let mut body = vec![65, 0, 1, 0];
    body.extend(dialect.to_le_bytes());
    body.resize(64, 0);
    smb2(0, 1, 0, &body)
}

fn smb1(command: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut message = hex("ff534d42");
    message.push(command);
    message.extend([0, 0, 0, 0, flags]);
    message.resize(32, 0);
    message.extend(body);
    message
}

#[test]
fn smb_of_each_kind_is_known_and_its_response_flag_tells_the_sender() {
    let encrypted = {
        let mut message = hex("fd534d42");
        message.resize(100, 7);
        framed(&message)
    };
    let compressed = framed(&hex("fc534d42 00100000 0100 0000 00000000 00112233"));
    for (name, octets, sender) in [
        ("SMB2 request", framed(&smb2(0, 0, 0, &[0; 40])), Sender::Client),
        ("SMB2 response", framed(&negotiated(0x0311)), Sender::Server),
        ("SMB1 request", framed(&smb1(0x72, 0x18, &[0; 9])), Sender::Client),
        ("SMB1 response", framed(&smb1(0x72, 0x98, &[0; 9])), Sender::Server),
        ("encrypted", encrypted, Sender::Either),
        ("compressed", compressed, Sender::Either),
    ] {
        let ports = if sender == Sender::Server { (445, 50_000) } else { (50_000, 445) };
        holds(&tcp(name, ports, octets.clone(), Service::Smb, sender));
        let mut kept_alive = hex("85000000 00000000");
        kept_alive.extend(octets);
        holds(&tcp(name, ports, kept_alive, Service::Smb, sender));
    }
}

#[test]
fn a_netbios_session_is_known_by_its_names() {
    // RFC 1002 §4.3.2: both names in first-level encoding.
    let mut request = hex("81000044");
    for name in [b"CKFDENECFDEFFCFGEFFCCACACACACACA", b"EDEBENDACACACACACACACACACACAAAAA"] {
        request.push(32);
        request.extend(name);
        request.push(0);
    }
    holds(&tcp("session request", (50_000, 139), request, Service::Smb, Sender::Client));
    let case = tcp("session response", (139, 50_000), hex("82000000"), Service::Smb, Sender::Server);
    holds(&Case { certainty: Certainty::Consistent, elsewhere: None, ..case });
}

#[test]
fn a_session_that_was_there_before_is_known_after_one_hit() {
    let mut stream = vec![0xaa; 700];
    stream.extend(framed(&smb2(9, 1, 0, &[17, 0, 0, 0])));
    let mut question = Question::new(Transport::Tcp, (445, 50_000), &[stream]);
    question.from_start = false;
    question.finished = true;
    let Probe::Match(found) = question.asked() else { panic!("not recognised") };
    assert_eq!((found.service, found.sender, found.offset), (Service::Smb, Sender::Server, 700));
    question.octets.truncate(705);
    question.finished = false;
    assert_eq!(question.asked(), Probe::NeedMore);
    question.finished = true;
    assert_eq!(question.asked(), Probe::Refuse);
}

#[test]
fn the_dialect_is_the_one_that_the_server_chose() {
    for (revision, dialect) in [
        (0x0202, SmbDialect::Smb202),
        (0x0210, SmbDialect::Smb210),
        (0x0300, SmbDialect::Smb300),
        (0x0302, SmbDialect::Smb302),
        (0x0311, SmbDialect::Smb311),
    ] {
        let said = [
            // A client that begins with SMB 1 does not speak it yet ([MS-SMB2] §3.2.4.2.2.1).
            (Side::A, framed(&smb1(0x72, 0x18, &[0; 9]))),
            (Side::B, framed(&negotiated(0x02ff))),
            (Side::A, framed(&smb2(0, 0, 0, &[36, 0]))),
            (Side::B, framed(&negotiated(revision))),
        ];
        for piece in [1, 3, 64, 5_000] {
            let found = learned(Service::Smb, Transport::Tcp, &said, piece);
            assert_eq!(found, [Finding::SmbDialect(dialect)], "pieces of {piece}");
        }
    }
    let said = [(Side::B, framed(&smb1(0x72, 0x98, &hex("11 0500 03"))))];
    let found = learned(Service::Smb, Transport::Tcp, &said, 5);
    assert_eq!(found, [Finding::SmbDialect(SmbDialect::Smb1)]);
}

#[test]
fn a_camera_s_recording_is_known_by_its_path_and_then_by_its_pictures() {
    // MXF header of the wire reference: version 0x59, 2023-11-14, serial 0x008145.
    let mut picture =
        hex("ffd8ffe000104a46494600010100000100010000 fffe0042 4d584600 59458100 0040 1e18240a0600");
    picture.resize(3_000, 0x11);
    let padded = {
        let mut message = smb2(3, 0, 72, &[0; 8]);
        message.extend(create("cams\\10_2_17_34\\000\\123\\E00000.jpg"));
        message
    };
    let mut said = vec![
        (Side::A, framed(&create("reports\\2024.xlsx"))),
        (Side::A, framed(&write(b"nothing"))),
        (Side::A, framed(&padded)),
    ];
    let by_path = [Finding::Content(Content::CameraRecording, Certainty::Consistent)];
    let by_picture = Finding::Content(Content::CameraRecording, Certainty::Signature);
    for piece in [1, 7, 200, 100_000] {
        assert_eq!(learned(Service::Smb, Transport::Tcp, &said, piece), by_path, "pieces of {piece}");
    }
    said.push((Side::A, framed(&write(&picture))));
    for piece in [1, 7, 200, 100_000] {
        let found = learned(Service::Smb, Transport::Tcp, &said, piece);
        assert_eq!(found, [by_path.to_vec(), vec![by_picture.clone()]].concat(), "pieces of {piece}");
    }
}

#[test]
fn hostile_compounds_and_lengths_end() {
    let mut loops = smb2(5, 0, 8, &[0xff; 200]);
    loops.extend(smb2(9, 0, u32::MAX - 7, &[0xff; 200]));
    let said =
        [(Side::A, framed(&loops)), (Side::A, hex("00ffffff fe534d42 4000")), (Side::A, vec![0; 9_000])];
    assert!(learned(Service::Smb, Transport::Tcp, &said, 1_460).is_empty());
}

#[test]
fn imageserver_is_known_both_ways() {
    // Milestone SDK sample TcpVideoViewer; the double space is in the protocol's documentation.
    let call = "<methodcall><requestid>0</requestid><methodname>connect</methodname></methodcall>\r\n\r\n";
    for declaration in [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<?xml version='1.0' encoding='UTF-8'?>",
        "<?xml version=\"1.0\"  encoding=\"UTF-8\"?>\n",
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "",
    ] {
        let octets = format!("{declaration}{call}").into_bytes();
        holds(&tcp("methodcall", (50_000, 7563), octets, Service::Imageserver, Sender::Client));
    }
    for text in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodresponse><requestid>1</requestid>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><livepackage><status>",
        "ImageResponse\r\nRequestId: 2\r\nContent-length: 0\r\n\r\n",
    ] {
        holds(&tcp(text_name(text), (7563, 50_000), text.into(), Service::Imageserver, Sender::Server));
    }
}

fn text_name(text: &'static str) -> &'static str {
    text
}

#[test]
fn the_neighbours_of_imageserver_are_not_taken_for_it() {
    for text in [
        "<?xml version=\"1.0\"?><methodCall><methodName>x</methodName></methodCall>",
        "POST /RecorderCommandService/RecorderCommandService.asmx HTTP/1.1\r\n\r\n",
        "<html><body>",
        "ImageResponse \r\n",
    ] {
        let found = ask(Transport::Tcp, (50_000, 7563), &[text.into()]);
        assert_ne!(found.map(|found| found.service), Some(Service::Imageserver), "{text}");
    }
}

#[test]
fn imageserver_is_known_in_mid_stream() {
    let mut stream = vec![0x42; 300];
    stream.extend(b"\r\n\r\nImageResponse\r\nRequestId: 7\r\nPrev: 1\r\n");
    let mut question = Question::new(Transport::Tcp, (7563, 50_000), &[stream]);
    question.from_start = false;
    question.finished = true;
    let Probe::Match(found) = question.asked() else { panic!("not recognised") };
    assert_eq!((found.service, found.sender, found.offset), (Service::Imageserver, Sender::Server, 304));
    question.from_start = true;
    assert_eq!(question.asked(), Probe::Refuse);
}

#[test]
fn matrix_is_known_both_ways() {
    // Milestone SDK sample MatrixServer/MatrixSession.cs.
    let request = b"NetMatrixMonitorBegin+1+xyz+NetMatrixMonitorEnd".to_vec();
    let answer = b"NetMatrixMonitorBegin+GETSTATUS+0+NetMatrixMonitorEnd+Version30".to_vec();
    holds(&tcp("command", (50_000, 12_345), request.clone(), Service::Matrix, Sender::Client));
    holds(&tcp("answer", (12_345, 50_000), answer, Service::Matrix, Sender::Server));
    let mut later = b"\r\n ".to_vec();
    later.extend(request);
    let found = ask(Transport::Tcp, (50_000, 12_345), &[later]).unwrap();
    assert_eq!((found.service, found.offset), (Service::Matrix, 3));
}

/// Octets of a linear congruential generator (Knuth's MMIX constants), upper octet.
fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut octets = Vec::new();
    while octets.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        octets.push(state.to_be_bytes()[0]);
    }
    octets
}

#[test]
fn mxmessage_is_known_by_shape_on_its_ports_alone() {
    let datagrams = [random(3, 64), random(5, 256)];
    for port in [19_800, 19_799] {
        let found = ask(Transport::Udp, (50_000, port), &datagrams).unwrap();
        assert_eq!((found.service, found.certainty), (Service::Mxmessage, Certainty::Heuristic));
    }
    assert!(ask(Transport::Udp, (50_000, 19_801), &datagrams).is_none());
    assert!(ask(Transport::Udp, (50_000, 19_800), &datagrams[..1]).is_none());
    let open = Question::new(Transport::Udp, (50_000, 19_800), &datagrams[..1]);
    assert_eq!(open.asked(), Probe::NeedMore);
}

#[test]
fn text_or_a_table_on_the_port_of_mxmessage_is_something_else() {
    let text = b"{\"event\":\"door\",\"value\":1,\"camera\":\"entrance\",\"time\":170000}".to_vec();
    assert!(ask(Transport::Udp, (50_000, 19_800), &[text.clone(), text]).is_none());
    let zeros = vec![0; 128];
    assert!(ask(Transport::Udp, (50_000, 19_800), &[zeros.clone(), zeros]).is_none());
}

/// PRELOGIN of [MS-TDS] §4.1.
const PRELOGIN: &str = "12 01 00 2f 00 00 01 00 00 00 1a 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 04
    04 00 26 00 01 ff 09 00 00 00 00 00 01 00 b8 0d 00 00 01";
/// Start of LOGIN7 of [MS-TDS] §4.2.
const LOGIN7: &str = "10 01 00 90 00 00 01 00 88 00 00 00 02 00 09 72 00 10 00 00 00 00 00 07";

#[test]
fn tds_is_known_by_prelogin_and_login() {
    let mut answer = hex(PRELOGIN);
    answer[0] = 4;
    holds(&tcp("PRELOGIN", (50_000, 1433), hex(PRELOGIN), Service::Tds, Sender::Client));
    holds(&tcp("PRELOGIN answer", (1433, 50_000), answer, Service::Tds, Sender::Server));
    holds(&tcp("LOGIN7", (50_000, 1433), hex(LOGIN7), Service::Tds, Sender::Client));
}

#[test]
fn other_tds_packets_need_the_port() {
    let batch = hex("01 01 00 5c 00 00 01 00 16 00 00 00 12 00 00 00");
    let case = tcp("batch", (50_000, 1433), batch, Service::Tds, Sender::Client);
    holds(&Case { certainty: Certainty::Consistent, elsewhere: None, ..case });
    let rows = hex("04 01 01 61 00 00 01 00 ad 36 00 01");
    let case = tcp("rows", (1433, 50_000), rows, Service::Tds, Sender::Server);
    holds(&Case { certainty: Certainty::Consistent, elsewhere: None, ..case });
    // TPKT, as RDP and ISO transport write it.
    for tpkt in ["03 00 00 13 0e e0 00 00", "03 00 00 16 11 e0 00 00"] {
        let found = ask(Transport::Tcp, (50_000, 1433), &[hex(tpkt)]);
        assert_ne!(found.map(|found| found.service), Some(Service::Tds));
    }
}

/// A hello record: handshake type, legacy version, supported_versions data.
fn hello(kind: u8, legacy: [u8; 2], supported: &[u8]) -> Vec<u8> {
    let mut body = legacy.to_vec();
    body.extend([9; 32]);
    body.push(0);
    body.extend(if kind == 1 { hex("0002 1301 01 00") } else { hex("1301 00") });
    let mut extensions = hex("0017 0000");
    if !supported.is_empty() {
        extensions.extend(hex("002b"));
        extensions.extend(u16::try_from(supported.len()).unwrap().to_be_bytes());
        extensions.extend(supported);
    }
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut record = hex("160301");
    record.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
    record.push(kind);
    record.push(0);
    record.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    record.extend(body);
    record
}

/// Octets in packets of type 12 with `most` octets of payload each.
fn inside_tds(octets: &[u8], most: usize) -> Vec<u8> {
    octets.chunks(most).fold(Vec::new(), |mut stream, payload| {
        stream.extend([0x12, 1]);
        stream.extend(u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
        stream.extend([0, 0, 1, 0]);
        stream.extend(payload);
        stream
    })
}

#[test]
fn tls_inside_prelogin_tells_its_version_at_any_segmentation() {
    let offered = Finding::TlsOffered(TlsVersion::Tls13);
    for (chosen, version) in [(&[3, 4][..], TlsVersion::Tls13), (&[][..], TlsVersion::Tls12)] {
        let mut client = hex(PRELOGIN);
        client.extend(inside_tds(&hello(1, [3, 3], &[4, 3, 4, 3, 3]), 20));
        let mut server = hex(PRELOGIN);
        server[0] = 4;
        server.extend(inside_tds(&hello(2, [3, 3], chosen), 4_000));
        let said = [(Side::A, client), (Side::B, server)];
        for piece in [1, 5, 30, 5_000] {
            let found = learned(Service::Tds, Transport::Tcp, &said, piece);
            assert_eq!(found, [offered.clone(), Finding::TlsVersion(version)], "pieces of {piece}");
        }
    }
    let mid_stream = inside_tds(&hello(1, [3, 3], &[]), 4_000);
    holds(&tcp("TLS in TDS", (50_000, 1433), mid_stream, Service::Tds, Sender::Client));
}

#[test]
fn a_gap_in_a_session_loses_one_message_and_no_more() {
    let recogniser = RECOGNISERS.iter().find(|one| one.service() == Service::Smb).unwrap();
    let mut follower = recogniser.follow().unwrap();
    let mut findings = Vec::new();
    let first = framed(&create("10_2_17_34\\000"));
    let key = Question::new(Transport::Tcp, (50_000, 445), &[]).key;
    let piece = |octets, offset| Piece { key: &key, side: Side::A, octets, offset, packet: 1 };
    follower.octets(&piece(&first[..90], 0), &mut findings);
    follower.gap(Side::A);
    // The rest of a message that is lost, then a whole one.
    let mut later = vec![0x77; 333];
    later.extend(framed(&create("10_2_17_34\\001")));
    for (at, octets) in (90_u32..).step_by(50).zip(later.chunks(50)) {
        follower.octets(&piece(octets, at), &mut findings);
    }
    let recording = Finding::Content(Content::CameraRecording, Certainty::Consistent);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].finding, recording);
    assert_eq!(findings[0].evidence.offset, 90 + 333 + 4 + 120);
}
