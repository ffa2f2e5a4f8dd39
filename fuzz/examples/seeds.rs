//! Writes `seeds/` from the project's fixtures: where the fuzzer starts, and what `cargo test` runs.
//! Files whose names begin with `found-` came from the fuzzer and are left alone.

use std::fs;
use std::path::Path;

use camsentry_fuzz::pipeline::SAID;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let capture = fs::read(root.join("fixtures/captures/demo/capture.pcap")).unwrap();
    captures(&capture);
    frames(&capture);
    heads();
    texts(&root);
    programs();
}

fn write(target: &str, name: &str, octets: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), octets).unwrap();
}

/// A number that follows from the last one, so that every run writes the same.
fn next(state: &mut u64) -> u8 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u8::try_from(*state >> 56).unwrap()
}

/// The octets of each record of a little-endian savefile.
fn records(capture: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut records) = (24, Vec::new());
    while let Some(length) = capture.get(at + 8..at + 12) {
        let length = usize::try_from(u32::from_le_bytes(length.try_into().unwrap())).unwrap();
        records.extend(capture.get(at + 16..at + 16 + length));
        at += 16 + length;
    }
    records
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes()[..], &size, body, &size].concat()
}

fn captures(capture: &[u8]) {
    let section =
        block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    let interface = block(
        1,
        &[1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    let packet = block(6, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    let simple = block(3, &[4, 0, 0, 0, 1, 2, 3, 4]);
    let pcapng =
        [section.clone(), interface.clone(), packet, simple.clone(), section, interface, simple].concat();
    for mode in 0..3 {
        write("capture_file", &format!("pcap-{mode}"), &[&[mode | 8], &capture[..1500]].concat());
        write("capture_file", &format!("pcapng-{mode}"), &[&[mode | 4], &pcapng[..]].concat());
    }
}

fn frames(capture: &[u8]) {
    let as_step = |frame: &[u8]| {
        let length = u16::try_from(frame.len()).unwrap().to_be_bytes();
        [&[0, 4][..], &length, frame].concat()
    };
    let records = records(capture);
    for (number, chunk) in records.chunks(40).step_by(6).take(6).enumerate() {
        let steps: Vec<u8> = chunk.iter().flat_map(|frame| as_step(frame)).collect();
        write("decode_frame", &format!("demo-{number}"), &[&[0], &steps[..]].concat());
    }
    let ethernet = records[0];
    let (macs, rest) = ethernet.split_at(12);
    let packet = &rest[2..];
    let wrapped = [
        [macs, &[0x81, 0, 0, 5, 0x88, 0xa8, 0, 6], rest].concat(),
        [macs, &[0x88, 0x47, 0, 1, 0, 64, 0, 1, 1, 64, 0x08, 0x00], packet].concat(),
        [macs, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 40, 0, 0x21], packet].concat(),
        [
            macs,
            &[0x08, 0, 0x45, 0, 0, 80, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 8, 0],
            packet,
        ]
        .concat(),
        [macs, &[0x08, 0, 0x45, 0, 0, 44, 0, 9, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], &[7; 24]]
            .concat(),
        [macs, &[0x08, 0, 0x45, 0, 0, 28, 0, 9, 0, 3, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], &[8; 8]]
            .concat(),
    ];
    let steps: Vec<u8> = wrapped.iter().flat_map(|frame| as_step(frame)).collect();
    write("decode_frame", "wrapped", &[&[1], &steps[..]].concat());
}

fn heads() {
    for (number, said) in SAID.iter().enumerate() {
        let said = &said[..said.len().min(900)];
        let port = u8::try_from(number % 24).unwrap();
        write("recognise_head", &format!("said-{number:02}"), &[&[6, 0, port, 3, 50, 7, 1], said].concat());
    }
    for (number, port) in [(28, 10), (29, 16), (26, 0)] {
        write(
            "recognise_head",
            &format!("datagrams-{number}"),
            &[&[7, 0, port, 60, 60, 60, 60], SAID[number]].concat(),
        );
    }
}

fn texts(root: &Path) {
    for pack in ["xprotect", "mobotix", "base"] {
        let text = fs::read_to_string(root.join(format!("rules/{pack}.toml"))).unwrap();
        let (start, _) = text.match_indices("[[allow]]").nth(4).unwrap();
        let assert = text.find("[[assert]]").map_or("", |at| &text[at..]);
        let end = assert.match_indices("[[assert]]").nth(2).map_or(assert.len(), |(at, _)| at);
        write("rule_file", pack, [&text[..start], &assert[..end]].concat().as_bytes());
    }
    for site in ["demo", "mobotix-planted", "xprotect-planted"] {
        let text = fs::read(root.join(format!("fixtures/captures/{site}/site.toml"))).unwrap();
        write("site_file", site, &text);
    }
    let faulty = "monitored = [\"10.0.0.0/8\", \"x\"]\nname = \"\u{1b}[31m\u{202e}\"\n[[host]]\naddress = \"10.0.0.1\"\nroles = [\"camrea\", \"\u{1b}\"]\n";
    write("site_file", "faulty", faulty.as_bytes());
}

fn programs() {
    for number in 0..4_u8 {
        let mut state = u64::from(number) + 1;
        let octets: Vec<u8> = (0..600).map(|_| next(&mut state)).collect();
        write("flow_table", &format!("program-{number}"), &octets);
        write("pipeline", &format!("program-{number}"), &[&[0xf0 | number], &octets[..]].concat());
        write("output", &format!("program-{number}"), &octets);
    }
    let hostile = "\u{1b}]0;x\u{7}\u{202e}\"\\\n\r\u{0}{}</script>\u{2028}";
    let text = [&[u8::try_from(hostile.len()).unwrap()], hostile.as_bytes()].concat();
    write("output", "hostile", &text.repeat(40));
    // A whole session: SYN, SYN-ACK, then each side says something; for each kind of octets.
    for number in 0..u8::try_from(SAID.len()).unwrap() {
        let port = number % 24;
        let host = 0x20 | number % 16;
        let session = [
            [4 << 1, host, port, 0].to_vec(),
            [8 << 1 | 1, host, port, 0].to_vec(),
            [2, host, port, 0, number].to_vec(),
            [3, host, port, 0, (number + 1) % 30].to_vec(),
            [2 | 5 << 2, host, port, 1, 1, number].to_vec(),
        ];
        write("pipeline", &format!("session-{number:02}"), &[&[0], &session.concat()[..]].concat());
    }
}
