//! Conversations that recognisers must know, written down from documents and from `fixtures/octets`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use camsentry::service::Transport;

use crate::dialogue::Dialogue;

#[path = "samples_table.rs"]
mod table;

use table::BINARY;
use table::MIDDLES;
use table::PAIRS;
use table::TCP;
use table::TEXTS;
use table::UDP;
use table::Who;
use table::Who::Both;
use table::Who::Client;
use table::Who::Server;

/// Everything that is written down here.
pub(crate) fn written() -> Vec<Dialogue> {
    let mut all = Vec::new();
    for (name, transport, port, who, parts) in BINARY {
        let parts: Vec<Vec<u8>> = parts.iter().map(|text| hex(text)).collect();
        all.extend(sides(name, *transport, *port, *who, &parts));
    }
    for (name, transport, port, who, text) in TEXTS {
        all.extend(sides(name, *transport, *port, *who, &[text.as_bytes().to_vec()]));
    }
    for (name, port, client, server) in PAIRS {
        let turns = vec![(true, octets(client)), (false, octets(server))];
        all.push(dialogue(name, TCP, *port, true, turns));
    }
    for (name, port, from_client, file, from) in MIDDLES {
        let turns = vec![(*from_client, octets(file)[*from..].to_vec())];
        all.push(dialogue(&format!("{name}, mid-stream"), TCP, *port, false, turns));
    }
    all.extend(made());
    all.extend(upgraded());
    all
}

/// DTLS, QUIC, mail, MQTT and RFB, and what comes inside and after another protocol.
fn upgraded() -> Vec<Dialogue> {
    let mut all = Vec::new();
    for (name, who) in [("dtls12_0.bin", Client), ("dtls12_1.bin", Server)] {
        let (octets, mut datagrams) = (octets(name), Vec::new());
        let mut rest = octets.as_slice();
        while let [high, low, after @ ..] = rest {
            let (datagram, next) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            datagrams.push(datagram.to_vec());
            rest = next;
        }
        all.extend(sides("dtls", UDP, 4433, who, &datagrams));
    }
    all.extend(sides("quic", UDP, 443, Client, &[octets("quic_split_0.bin"), octets("quic_split_1.bin")]));
    let handshake = [hex("e0 00000001 00 08 f067a5502a4262b5 4040"), vec![0x77; 64]].concat();
    all.extend(sides("quic", UDP, 443, Server, &[handshake]));
    let lines: [(&str, u16, Who, &[u8]); 7] = [
        ("imap", 143, Server, b"* OK [CAPABILITY IMAP4rev2] ready\r\n"),
        ("imap", 143, Client, b"A001 LOGIN mrc secret\r\n"),
        ("pop3", 110, Server, b"+OK POP3 server ready\r\n"),
        ("pop3", 110, Client, b"CAPA\r\n"),
        ("rfb", 5900, Both, b"RFB 003.008\n"),
        ("mqtt", 1883, Client, b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03cam"),
        ("mqtt", 1883, Server, b"\x20\x02\x00\x00"),
    ];
    for (name, port, who, line) in lines {
        all.extend(sides(name, TCP, port, who, &[line.to_vec()]));
    }
    all.extend(sides("ftp's data", TCP, 20, Both, &[octets("mobotix_mxg.bin")]));
    let before: [(&str, u16, &[u8], &[u8]); 3] = [
        ("connect", 3128, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("postgresql to tls", 5432, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"),
        ("ftp to tls", 21, b"AUTH TLS\r\n", b"220 FTP\r\n234 go\r\n"),
    ];
    for (name, port, ask, consent) in before {
        let (hello, answer) = (octets("tls12_0.bin"), octets("tls12_1.bin"));
        let turns = vec![(true, ask.to_vec()), (false, consent.to_vec()), (true, hello), (false, answer)];
        all.push(dialogue(name, TCP, port, true, turns));
    }
    all
}

/// What is easier made than written.
fn made() -> Vec<Dialogue> {
    let mut all = Vec::new();
    let rtp = |number: u8| {
        let mut packet = hex("8060");
        packet.extend([0, number]);
        packet.extend(u32::from(number).to_be_bytes());
        packet.extend(hex("1badcafe"));
        packet.extend((0..160_u8).map(|octet| octet.wrapping_mul(167) ^ number));
        packet
    };
    all.extend(sides("rtp", UDP, 50_000, Both, &(0..6).map(rtp).collect::<Vec<_>>()));
    let mxmessage: Vec<Vec<u8>> = (0..3).map(|seed| random(seed + 3, 256)).collect();
    all.extend(sides("mxmessage", UDP, 19_800, Both, &mxmessage));
    let mut smb = vec![0xaa; 700];
    smb.extend(hex("00000044 fe534d42 40000000 00000000 0900 0100 01000000 00000000"));
    smb.resize(700 + 4 + 68, 0);
    all.push(dialogue("smb, mid-stream", TCP, 445, false, vec![(false, smb.clone())]));
    let mut asked = vec![0xab; 200];
    asked.extend(hex("00000044 fe534d42 40000000 00000000 0900 0100 00000000 00000000"));
    asked.resize(200 + 4 + 68, 0);
    all.push(dialogue("smb, mid-stream", TCP, 445, false, vec![(true, asked)]));
    let mut picture = vec![0x42; 300];
    picture.extend(b"\r\n\r\nImageResponse\r\nRequestId: 7\r\nPrev: 1\r\n");
    all.push(dialogue("imageserver, mid-stream", TCP, 7563, false, vec![(false, picture)]));
    let call =
        b"/cameraid></methodcall>\r\n\r\n<?xml version=\"1.0\" encoding=\"utf-8\"?><methodcall><requestid>";
    all.push(dialogue("imageserver, mid-stream", TCP, 7563, false, vec![(true, call.to_vec())]));
    for client in [true, false] {
        // Application data (RFC 5246 §6.2.3), after the end of a record that began before.
        let mut records = random(9, 90);
        for length in [300_u16, 120, 44] {
            records.extend(hex("170303"));
            records.extend(length.to_be_bytes());
            records.extend(random(u64::from(length), usize::from(length)));
        }
        all.push(dialogue("tls, mid-stream", TCP, 443, false, vec![(client, records[90..].to_vec())]));
        all.push(dialogue("tls, within a record", TCP, 443, false, vec![(client, records)]));
        let lines = b"pt-Language: en\r\n\r\nHTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n";
        let asks =
            b"pt-Language: en\r\n\r\nGET /a/b?c HTTP/1.1\r\nHost: cam-17.example\r\nAccept: */*\r\n\r\n";
        let lines = if client { &asks[..] } else { &lines[..] };
        all.push(dialogue("http, mid-stream", TCP, 80, false, vec![(client, lines.to_vec())]));
        // RFC 2326 §10.12: frames of two channels.
        let mut frames = Vec::new();
        for number in 0..4_u8 {
            for (channel, length) in [(0_u8, 60_u16), (1, 28)] {
                frames.extend([b'$', channel]);
                frames.extend(length.to_be_bytes());
                let head = if channel == 0 { "8060" } else { "80c80006" };
                let mut packet = hex(head);
                packet.extend([0, number]);
                packet.extend(random(u64::from(number), 200));
                frames.extend(&packet[..usize::from(length)]);
            }
        }
        all.push(dialogue("rtsp, mid-stream", TCP, 554, false, vec![(client, frames.clone())]));
        let within = [random(5, 40), frames].concat();
        all.push(dialogue("rtsp, within a frame", TCP, 554, false, vec![(client, within)]));
        let within = b" text before NetMatrixMonitorBegin+1+xyz+NetMatrixMonitorEnd";
        all.push(dialogue("matrix, mid-stream", TCP, 12_345, false, vec![(client, within.to_vec())]));
    }
    // RFC 9001 §A.2, and the same with a version that is reserved for greasing (RFC 9000 §15).
    let mut initial = octets("quic_v1_initial.bin");
    all.extend(sides("quic", UDP, 443, Client, &[initial.clone()]));
    initial.splice(1..5, hex("1a2a3a4a"));
    all.extend(sides("quic, greased", UDP, 443, Client, &[initial]));
    for name in ["d22", "d29", "q050", "t051"] {
        let initial = octets(&format!("quic_{name}_initial.bin"));
        all.extend(sides(&format!("quic {name}"), UDP, 443, Client, &[initial]));
    }
    for name in ["q025", "q043", "q046"] {
        all.extend(sides("gquic hello", UDP, 443, Client, &[octets(&format!("gquic_{name}_chlo.bin"))]));
    }
    for name in ["q043", "q046"] {
        all.extend(sides("gquic reject", UDP, 443, Server, &[octets(&format!("gquic_{name}_rej.bin"))]));
    }
    all.extend(sides("ftp data", TCP, 20, Both, &[octets("mobotix_mjpeg.bin")]));
    all.extend(discovery());
    all
}

/// DHCP, WS-Discovery, and the wrapped or padded ones.
fn discovery() -> Vec<Dialogue> {
    let mut all = Vec::new();
    for (who, op, kind) in [(Client, 1, "350101ff"), (Server, 2, "35010536040a140001ff")] {
        let mut message = vec![op, 1, 6, 0, 0, 0, 0, 7];
        message.resize(16, 0);
        message.extend([10, 20, 0, 17]);
        message.resize(28, 0);
        message.extend(hex("0003c5123456"));
        message.resize(236, 0);
        message.extend(hex("63825363"));
        message.extend(hex(kind));
        all.extend(sides("dhcp", UDP, 67, who, &[message]));
    }
    for (who, action) in [(Client, "Probe"), (Server, "ProbeMatches")] {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Header><w:Action>\
             http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</w:Action></e:Header><e:Body><d:Types>\
             dn:NetworkVideoTransmitter</d:Types></e:Body></e:Envelope>"
        );
        all.extend(sides("ws-discovery", UDP, 3702, who, &[text.into_bytes()]));
    }
    let mut wireguard = hex("01000000 11223344");
    wireguard.resize(132, 0x5a);
    wireguard.resize(148, 0);
    all.extend(sides("wireguard handshake", UDP, 51_820, Both, &[wireguard]));
    // RFC 1002 §4.4.2: a datagram to a group, both names "FRED" padded with spaces.
    let name = format!("20 {} 00", "4547464345464545".to_owned() + &"4341".repeat(12));
    let datagram = format!("1102abcd 0a140011 008a 0044 0000 {name} {name}");
    all.extend(sides("nbdgm", UDP, 138, Both, &[hex(&datagram)]));
    let group = |name: &str, port: u16, text: &str, from_port: u16| Dialogue {
        client: (Ipv4Addr::new(10, 20, 0, 17), from_port),
        server: (Ipv4Addr::new(224, 0, 0, 251), port),
        ..dialogue(name, UDP, port, true, vec![(true, hex(text))])
    };
    let answer = "0000850000000001000000000a6d7831302d312d322d33056c6f63616c00000180010000000000040a010203";
    all.push(group("mdns", 5353, answer, 5353));
    // RFC 6762 §5.4: who asks for a unicast response gets one.
    all.extend(sides("mdns answer", UDP, 5353, Server, &[hex(answer)]));
    all.push(group("llmnr", 5355, "0009000000010000000000000a66696c657365727665720000010001", 50_000));
    let llmnr =
        "0009800000010001000000000a66696c657365727665720000010001 c00c 0001 0001 0000001e 0004 0a140005";
    all.extend(sides("llmnr answer", UDP, 5355, Server, &[hex(llmnr)]));
    all
}

fn sides(name: &str, transport: Transport, port: u16, who: Who, parts: &[Vec<u8>]) -> Vec<Dialogue> {
    let from: &[bool] = match who {
        Client => &[true],
        Server => &[false],
        Both => &[true, false],
    };
    let one = |client: &bool| {
        let turns = parts.iter().map(|part| (*client, part.clone())).collect();
        dialogue(name, transport, port, true, turns)
    };
    from.iter().map(one).collect()
}

pub(crate) fn dialogue(
    name: &str,
    transport: Transport,
    port: u16,
    is_opened: bool,
    turns: Vec<(bool, Vec<u8>)>,
) -> Dialogue {
    let (client, server) = (Ipv4Addr::new(10, 20, 0, 17), Ipv4Addr::new(10, 10, 0, 5));
    let name = format!("{name} ({transport} {port})");
    Dialogue { name, transport, client: (client, 50_000), server: (server, port), is_opened, turns }
}

pub(crate) fn octets(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/octets").join(name)).unwrap()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Octets of a linear congruential generator (Knuth's MMIX constants), upper octet.
pub(crate) fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice(seed);
    (0..length).map(|_| dice.next().to_be_bytes()[0]).collect()
}

/// The same, as numbers.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from((self.next() >> 33) % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}
