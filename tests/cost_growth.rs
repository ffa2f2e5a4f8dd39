//! Eight times the hostile input costs about eight times the work: nothing that a stranger sends, and
//! nothing that stands in a site file, is quadratic. What is counted is the processor time of this
//! thread, as the kernel accounts it, so that a busy machine does not matter.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "test helpers, some of them shared with the fuzz targets"
)]

use std::fmt::Write;
use std::fs;
use std::io::Cursor;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::thread;

use camsentry::capture::captures::Captures;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::file::read_pack;
use camsentry::policy::force::Policy;
use camsentry::policy::lint::lint_packs;
use camsentry::policy::packs;

#[path = "../fuzz/src/wire.rs"]
mod wire;

use wire::End;
use wire::Savefile;
use wire::ethernet;
use wire::tcp;
use wire::udp;

/// How much larger the large input is.
const GROWTH: usize = 8;
/// How much more it may cost: three times for each doubling, where linear is two and quadratic four.
const MOST: u64 = 27;
/// Below this the large input costs nothing worth comparing: 40 ms, in nanoseconds.
const NOTHING: u64 = 40_000_000;

const CAMERA: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 17);
const RECORDER: Ipv4Addr = Ipv4Addr::new(10, 10, 1, 11);

/// Nanoseconds that this thread spent on a processor; none where the kernel does not tell.
fn spent() -> Option<u64> {
    // The account is brought up to date when the thread gives way.
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn cost(act: &dyn Fn()) -> u64 {
    let start = spent().unwrap_or(0);
    act();
    spent().unwrap_or(0).saturating_sub(start)
}

/// A sentence if `GROWTH` times the input costs too much more.
fn grows_too_fast(name: &str, size: usize, act: &dyn Fn(usize)) -> Option<String> {
    if spent().is_none() {
        println!("skipped: the kernel does not tell the processor time of a thread");
        return None;
    }
    let least = |size: usize, runs: usize| (0..runs).map(|_| cost(&|| act(size))).min().unwrap_or(0);
    let (mut small, mut large) = (least(size, 2), least(size * GROWTH, 1));
    if large > NOTHING && large > small.saturating_mul(MOST / 2) {
        (small, large) = (small.max(least(size, 2)), large.min(least(size * GROWTH, 2)));
    }
    println!("{name}: {} us, then {} us", small / 1000, large / 1000);
    let fast = large > NOTHING && large > small.saturating_mul(MOST);
    fast.then(|| format!("{name}: {} us for {size}, {} us for {}", small / 1000, large / 1000, size * GROWTH))
}

/// A name, the size of the small input, and what is done with an input of a size.
type Case<'a> = (&'a str, usize, &'a dyn Fn(usize));

/// A name, the server's port, whether the server says it, how it begins and how it goes on.
type Stream = (&'static str, u16, bool, Vec<u8>, Vec<u8>);

/// The same of fixed octets.
type Words = (&'static str, u16, bool, &'static [u8], &'static [u8]);

fn all_grow_well(cases: &[Case<'_>]) {
    let faults: Vec<String> =
        cases.iter().filter_map(|(name, size, act)| grows_too_fast(name, *size, act)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn site() -> String {
    "monitored = [\"10.0.0.0/8\"]\n[[zone]]\nname = \"x\"\nnetworks = [\"10.0.0.0/8\"]\npacks = [\"xprotect\"]\n\
     [[network]]\nprefix = \"10.20.0.0/16\"\nroles = [\"camera\"]\n[[host]]\naddress = \"10.10.1.11\"\nroles = [\"recording-server\"]\n"
        .to_owned()
}

static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let reading = read_site(&source(site()), &KNOWN);
    Arc::new(Policy::new(packs::shipped(), reading.site, false, 0))
});
static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::of(&packs::shipped()));

fn source(text: String) -> SourceText {
    SourceText { name: "made.toml".to_owned(), text }
}

fn audit(file: Savefile) {
    let auditor =
        Auditor { policy: Arc::clone(&POLICY), workers: NonZeroUsize::MIN, keep_flows: false, draft: true };
    let mut captures = Captures::from_reader("made", Cursor::new(file.0));
    let run = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {}).run;
    assert_eq!((run.unaccounted(), run.undecoded.get("abandoned")), (0, None));
}

/// Audits a connection on which the server (or else the client) says this, in segments of `size`.
fn audit_stream(port: u16, from_server: bool, octets: &[u8], size: usize) {
    let (client, server): (End, End) = ((RECORDER, 50_000), (CAMERA, port));
    let (from, to) = if from_server { (server, client) } else { (client, server) };
    let mut file = Savefile::default();
    let syn = [(client, server, 0, 0, 2), (server, client, 0, 1, 0x12), (client, server, 1, 1, 0x10)];
    for (from, to, seq, ack, flags) in syn {
        file.add(0, &ethernet(from, to, 6, &tcp(from, to, seq, ack, flags, b""), None), usize::MAX);
    }
    if from_server {
        let question = b"DESCRIBE rtsp://10.20.0.17/a RTSP/1.0\r\nCSeq: 1\r\n\r\n";
        let question = if port == 554 { &question[..] } else { b"" };
        file.add(
            0,
            &ethernet(client, server, 6, &tcp(client, server, 1, 1, 0x18, question), None),
            usize::MAX,
        );
    }
    let mut seq = 1_u32;
    for chunk in octets.chunks(size) {
        file.add(1, &ethernet(from, to, 6, &tcp(from, to, seq, 1, 0x18, chunk), None), usize::MAX);
        seq = seq.wrapping_add(u32::try_from(chunk.len()).unwrap());
    }
    audit(file);
}

/// The beginning, and then the same again and again, `size` octets of it.
fn endless(start: &[u8], again: &[u8], size: usize) -> Vec<u8> {
    [start, &again.repeat(size / again.len() + 1)].concat()
}

#[test]
fn endless_messages_cost_what_their_octets_cost() {
    let smb = |next: u32| {
        let mut header = b"\xfeSMB\x40\0\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0".to_vec();
        header.extend(next.to_le_bytes());
        header.resize(64, 0);
        header
    };
    let session = |chain: Vec<u8>| [&[0, 0, 0xff, 0xf0][..], &chain].concat();
    let streams: [Stream; 26] = [
        ("RTSP requests", 554, false, vec![], b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".to_vec()),
        ("RTSP headers", 554, false, b"OPTIONS * RTSP/1.0\r\n".to_vec(), b"X: y\r\n".to_vec()),
        ("RTSP one line", 554, false, b"OPTIONS * RTSP/1.0\r\nX: ".to_vec(), b"y".to_vec()),
        ("RTSP empty lines", 554, false, b"OPTIONS * RTSP/1.0\r\n\r\n".to_vec(), b"\r\n".to_vec()),
        ("RTSP empty frames", 554, true, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n".to_vec(), b"$\0\0\0".to_vec()),
        ("RTSP transports", 554, false, b"SETUP rtsp://a/ RTSP/1.0\r\nTransport: ".to_vec(), b"RTP/AVP;client_port=1-2,".to_vec()),
        ("RTSP sessions", 554, false, vec![], b"SETUP rtsp://a/ RTSP/1.0\r\nCSeq: 7\r\nTransport: RTP/AVP;unicast;client_port=40000-40001\r\n\r\n".to_vec()),
        ("SDP lines", 554, true, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 99999999\r\n\r\n".to_vec(), b"m=video 0 RTP/AVP 96\r\na=control:x\r\n".to_vec()),
        ("HTTP headers", 80, false, b"GET / HTTP/1.1\r\n".to_vec(), b"X: y\r\n".to_vec()),
        ("HTTP one line", 80, false, b"GET /".to_vec(), b"a".to_vec()),
        ("HTTP requests", 80, false, vec![], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("HTTP answers", 80, true, vec![], b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("HTTP chunks", 80, true, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), b"1\r\na\r\n".to_vec()),
        ("HTTP zero chunks", 80, true, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), b"00000".to_vec()),
        ("HTTP parts", 80, true, b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=a\r\n\r\n".to_vec(), b"--a\r\n\r\n\r\n".to_vec()),
        ("HTTP part headers", 80, true, b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=a\r\n\r\n--a\r\n".to_vec(), b"X: y\r\n".to_vec()),
        ("MxPEG markers", 80, true, b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8".to_vec(), b"\xff\xfe\0\x04MX".to_vec()),
        ("JPEG starts", 80, true, b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".to_vec(), b"\xff\xd8\xff\xd9".to_vec()),
        ("TLS records", 443, false, vec![], b"\x16\x03\x01\0\x01\x01".to_vec()),
        ("TLS hello requests", 443, true, vec![], b"\x16\x03\x03\0\x08\0\0\0\0\0\0\0\0".to_vec()),
        ("TLS certificates", 443, true, b"\x16\x03\x03\x3f\xff\x0b\x00\xff\xff\x00\xff\xfc".to_vec(), b"\0\0\x01a".to_vec()),
        ("SMB chain", 445, false, session(vec![]), smb(64)),
        ("SMB chain of 8", 445, false, session(vec![]), smb(8)),
        ("SMB chain that wraps", 445, false, session(vec![]), smb(0xffff_fff8)),
        ("SMB messages", 445, false, vec![], [&[0, 0, 0, 64][..], &smb(0)].concat()),
        ("TDS packets", 1433, false, b"\x12\x01\0\x2f\0\0\0\0".to_vec(), b"\x12\x00\0\x08\0\0\0\0".to_vec()),
    ];
    let mut faults = Vec::new();
    for (name, port, from_server, start, again) in &streams {
        for segment in [1400, 3] {
            let size = if segment == 1400 { 60_000 } else { 3_000 };
            let act = |size: usize| audit_stream(*port, *from_server, &endless(start, again, size), segment);
            faults.extend(grows_too_fast(&format!("{name} in segments of {segment}"), size, &act));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn endless_lines_of_other_protocols_cost_what_their_octets_cost() {
    let streams: [Words; 12] = [
        (
            "ImageServer tags",
            7563,
            false,
            b"<?xml version=\"1.0\"?><methodcall><requestid>0</requestid><methodname>connect</methodname>",
            b"<a>b</a>",
        ),
        (
            "ImageServer one tag",
            7563,
            false,
            b"<?xml version=\"1.0\"?><methodcall><requestid>0</requestid>",
            b"<",
        ),
        (
            "ImageServer answers",
            7563,
            true,
            b"",
            b"ImageResponse\r\nRequestId: 1\r\nContent-length: 0\r\n\r\n",
        ),
        ("Matrix", 12_345, false, b"<?xml version=\"1.0\"?><matrix>", b"<password>x</password>"),
        ("SMTP", 25, true, b"220 a ESMTP\r\n", b"250-X\r\n"),
        ("FTP", 21, true, b"220-a FTP\r\n", b"220-x\r\n"),
        ("text", 9000, false, b"", b"nothing that is known "),
        ("noise", 9000, false, b"\x80", b"\x81\x92\x03"),
        ("DNS over TCP", 53, false, b"", b"\0\x11\x12\x34\x01\0\0\x01\0\0\0\0\0\0\0\0\0\x01\0"),
        ("LDAP", 389, false, b"", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"),
        ("PostgreSQL", 5432, false, b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x08"),
        (
            "websocket",
            80,
            true,
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"\x82\0",
        ),
    ];
    let mut faults = Vec::new();
    for (name, port, from_server, start, again) in streams {
        for segment in [1400, 3] {
            let size = if segment == 1400 { 60_000 } else { 3_000 };
            let act = |size: usize| audit_stream(port, from_server, &endless(start, again, size), segment);
            faults.extend(grows_too_fast(&format!("{name} in segments of {segment}"), size, &act));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Audits `count` frames, each made from its number.
fn audit_frames(count: usize, frame: &dyn Fn(u32) -> Vec<u8>) {
    let mut file = Savefile::default();
    for number in 0..u32::try_from(count).unwrap() {
        file.add(number / 8, &frame(number), usize::MAX);
    }
    audit(file);
}

/// The low 16 bits.
fn low(number: u32) -> u16 {
    u16::try_from(number & 0xffff).unwrap()
}

#[test]
fn nested_headers_cost_what_their_octets_cost() {
    let nested = |head: Vec<u8>, again: Vec<u8>| {
        move |size: usize| {
            // One frame has at most 64 KiB; more octets are more frames.
            let frame = endless(&head, &again, 60_000);
            audit_frames(size, &|_| frame.clone());
        }
    };
    let macs = |kind: [u8; 2]| [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind].concat();
    let gre = ethernet((CAMERA, 0), (RECORDER, 0), 47, &[0, 0, 0x08, 0], None)[14..].to_vec();
    let ipip = ethernet((CAMERA, 0), (RECORDER, 0), 4, &[], None)[14..].to_vec();
    let ipv6 = [&[0x60, 0, 0, 0, 0xea, 0x60, 0, 64][..], &[1; 32]].concat();
    all_grow_well(&[
        ("VLAN", 40, &nested(macs([0x81, 0]), vec![0, 1, 0x81, 0])),
        ("MPLS", 40, &nested(macs([0x88, 0x47]), vec![0, 1, 0, 64])),
        ("GRE", 40, &nested(macs([8, 0]), gre)),
        ("IP in IP", 40, &nested(macs([8, 0]), ipip)),
        ("IPv6 options", 40, &nested([macs([0x86, 0xdd]), ipv6].concat(), vec![0, 0, 1, 4, 0, 0, 0, 0])),
    ]);
}

#[test]
fn many_fragments_and_holes_cost_what_their_packets_cost() {
    let fragment = |id: u16, units: u16, length: usize| {
        let mut frame = ethernet((CAMERA, 0), (RECORDER, 0), 17, &vec![7; length], None);
        frame[18..20].copy_from_slice(&id.to_be_bytes());
        frame[20..22].copy_from_slice(&(units & 0x1fff | 0x2000).to_be_bytes());
        frame
    };
    let segment = |seq: u32| {
        let (from, to) = ((CAMERA, 554), (RECORDER, 50_000));
        ethernet(from, to, 6, &tcp(from, to, seq, 1, 0x18, &[seq.to_be_bytes()[3]; 20]), None)
    };
    all_grow_well(&[
        ("one datagram", 900, &|size| audit_frames(size, &|number| fragment(1, low(number), 8))),
        ("one datagram backwards", 900, &|size| {
            audit_frames(size, &|number| fragment(1, 8000 - low(number), 8))
        }),
        ("overlapping fragments", 900, &|size| {
            audit_frames(size, &|number| fragment(1, low(number % 64), 500))
        }),
        ("many datagrams", 4000, &|size| audit_frames(size, &|number| fragment(low(number), 9, 8))),
        ("copies of a fragment", 4000, &|size| audit_frames(size, &|_| fragment(1, 9, 8))),
        ("holes", 4000, &|size| audit_frames(size, &|number| segment(number * 40))),
        ("segments backwards", 4000, &|size| audit_frames(size, &|number| segment(900_000 - number * 20))),
        ("retransmissions", 4000, &|size| audit_frames(size, &|number| segment(number % 50 * 7))),
    ]);
}

/// A DNS answer that gives a name of its own an address.
fn answer(number: u32) -> Vec<u8> {
    let mut said = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x08".to_vec();
    said.extend(format!("{number:08x}").bytes());
    said.extend(b"\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x01\x02\x03\x04");
    said
}

#[test]
fn many_flows_hosts_and_names_cost_what_their_packets_cost() {
    let host = |number: u32| Ipv4Addr::from(0x0a14_0000 + number % 0xffff);
    let syn = |from: End, to: End| ethernet(from, to, 6, &tcp(from, to, 9, 0, 2, b""), None);
    let datagram = |from: End, to: End, said: &[u8]| ethernet(from, to, 17, &udp(from, to, said), None);
    let compressed = b"\x12\x34\x81\x80\0\x01\0\xff\0\0\0\0\xc0\x0c\0\x01\0\x01".to_vec();
    let compressed = endless(&compressed, b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\0", 1300);
    let nested = endless(b"\x12\x34\x81\x80\0\x01\0\xff\0\0\0\0", b"\x01a\xc0\x0c", 1300);
    let arp = |number: u32| {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0]);
        frame.extend(low(number).to_be_bytes());
        frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0]);
        frame.extend(low(number).to_be_bytes());
        frame.extend(host(number / 3).octets());
        frame.extend([0; 10]);
        frame
    };
    let dns = (RECORDER, 53);
    all_grow_well(&[
        ("flows of one pair", 600, &|size| {
            audit_frames(size, &|number| datagram((CAMERA, low(number)), (RECORDER, 9), b"x"))
        }),
        ("both ports change", 600, &|size| {
            audit_frames(size, &|number| datagram((CAMERA, low(number)), (RECORDER, low(number * 7)), b"x"))
        }),
        ("ports of one host", 600, &|size| {
            audit_frames(size, &|number| syn((CAMERA, 50_000), (RECORDER, low(number))))
        }),
        ("hosts that are tried", 600, &|size| {
            audit_frames(size, &|number| syn((RECORDER, 50_000), (host(number), 22)))
        }),
        ("hosts that try", 600, &|size| {
            audit_frames(size, &|number| syn((host(number), 50_000), (RECORDER, 22)))
        }),
        ("openings of one conversation", 600, &|size| {
            audit_frames(size, &|number| syn((CAMERA, low(number)), (RECORDER, 22)))
        }),
        ("names that are resolved", 600, &|size| {
            audit_frames(size, &|number| datagram(dns, (CAMERA, low(number)), &answer(number)))
        }),
        ("names at one address", 600, &|size| {
            audit_frames(size, &|number| datagram(dns, (CAMERA, 40_000), &answer(number)))
        }),
        ("DNS pointers", 300, &|size| {
            audit_frames(size, &|number| datagram(dns, (CAMERA, low(number)), &compressed))
        }),
        ("DNS pointers to themselves", 300, &|size| {
            audit_frames(size, &|number| datagram(dns, (CAMERA, low(number)), &nested))
        }),
        ("addresses that are claimed", 600, &|size| audit_frames(size, &arp)),
        ("pings", 600, &|size| {
            audit_frames(size, &|number| {
                ethernet((CAMERA, 0), (host(number), 0), 1, &[8, 0, 0, 0, 1, 1, 0, 1], None)
            })
        }),
    ]);
}

fn read_and_draw_site(text: String) {
    let source = source(text);
    let reading = read_site(&source, &KNOWN);
    render_all(&reading.diagnostics, std::slice::from_ref(&source), false);
}

fn read_and_draw_pack(text: String) {
    let source = source(text);
    match read_pack(&source) {
        Ok(file) => drop(render_all(&lint_packs(&[file]), std::slice::from_ref(&source), false)),
        Err(faults) => drop(render_all(&faults, std::slice::from_ref(&source), false)),
    }
}

/// A text of `size` parts, each made from its number.
fn parts(start: &str, size: usize, part: &dyn Fn(usize, &mut String)) -> String {
    let mut text = start.to_owned();
    (0..size).for_each(|number| part(number, &mut text));
    text
}

#[test]
fn site_files_with_very_many_entries_or_faults_cost_what_their_lines_cost() {
    let good = "monitored = [\"10.0.0.0/8\"]\n";
    let address = |number: usize| Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).unwrap());
    let host = |number: usize, text: &mut String| {
        writeln!(text, "[[host]]\naddress = \"{}\"\nroles = [\"camera\"]", address(number)).unwrap();
    };
    let rule = "from = [\"camera\"]\nto = [\"camera\"]\ntransport = \"tcp\"\nports = \"1\"\npurpose = \"A test.\"\nservices = \"port-only\"\ntls = \"none\"\nstatus = [\"required\"]\nsource = \"none\"\ncontrols = [\"SC-7\"]\n";
    all_grow_well(&[
        ("hosts", 1000, &|size| read_and_draw_site(parts(good, size, &host))),
        ("the same host", 1000, &|size| read_and_draw_site(parts(good, size, &|_, text| host(1, text)))),
        ("unknown roles", 200, &|size| {
            read_and_draw_site(parts(good, size, &|number, text| {
                writeln!(text, "[[host]]\naddress = \"{}\"\nroles = [\"camrea\"]", address(number)).unwrap();
            }));
        }),
        ("unknown keys", 1000, &|size| {
            read_and_draw_site(parts(good, size, &|number, text| writeln!(text, "key{number} = 1").unwrap()));
        }),
        ("lines that are no TOML", 1000, &|size| {
            read_and_draw_site(parts(good, size, &|_, text| text.push_str("= no\n")));
        }),
        ("addresses in one line", 1000, &|size| {
            let list = parts("", size, &|_, text| text.push_str("\"10.0.0\", "));
            read_and_draw_site(format!("{good}[[host]]\nroles = [\"camera\"]\naddress = [{list}]\n"));
        }),
        ("own rules", 500, &|size| {
            read_and_draw_site(parts(good, size, &|number, text| {
                write!(text, "[[allow]]\nid = \"S{number}\"\n{rule}").unwrap()
            }));
        }),
        ("zones", 1000, &|size| {
            read_and_draw_site(parts(good, size, &|number, text| {
                writeln!(
                    text,
                    "[[zone]]\nname = \"z{number}\"\nnetworks = [\"{}/32\"]\npacks = [\"xprotect\"]",
                    address(number)
                )
                .unwrap();
            }));
        }),
        ("monitored networks with hosts", 300, &|size| {
            let list = parts("", size, &|number, text| write!(text, "\"{}/32\", ", address(number)).unwrap());
            read_and_draw_site(parts(&format!("monitored = [{list}]\n"), size, &host));
        }),
        ("named ports", 1000, &|size| {
            read_and_draw_site(parts(&format!("{good}[named_ports]\n"), size, &|number, text| {
                writeln!(text, "R{number} = \"1\"").unwrap()
            }));
        }),
        ("ports of one set", 1000, &|size| {
            let list =
                parts("", size, &|number, text| write!(text, "{}, ", number * 2 % 60_000 + 1).unwrap());
            read_and_draw_site(format!(
                "{good}[[ports]]\nrole = \"camera\"\ndefault = 80\nuse = \"{list}1\"\n"
            ));
        }),
        ("open brackets", 1000, &|size| read_and_draw_site(format!("{good}name = {}", "[".repeat(size)))),
        ("dotted keys", 1000, &|size| read_and_draw_site(format!("{good}{}a = 1\n", "a.".repeat(size)))),
    ]);
}

#[test]
fn packs_with_very_many_rules_cost_what_their_lines_cost() {
    let head = "[pack]\nid = \"p\"\ntitle = \"A test\"\nsource = \"none\"\n";
    let rule = "from = [\"camera\"]\nto = [\"camera\"]\ntransport = \"tcp\"\npurpose = \"A test.\"\nservices = \"port-only\"\ntls = \"none\"\nstatus = [\"required\"]\nsource = \"none\"\ncontrols = [\"SC-7\"]\n";
    let write_rule = |id: usize, port: usize, text: &mut String| {
        write!(text, "[[allow]]\nid = \"R{id}\"\nports = \"{}\"\n{rule}", port % 60_000 + 1).unwrap();
    };
    all_grow_well(&[
        ("rules", 100, &|size| {
            read_and_draw_pack(parts(head, size, &|number, text| write_rule(number, number, text)))
        }),
        ("the same id", 300, &|size| {
            read_and_draw_pack(parts(head, size, &|number, text| write_rule(1, number, text)))
        }),
        ("features", 1000, &|size| {
            read_and_draw_pack(parts(&format!("{head}[features]\n"), size, &|number, text| {
                writeln!(text, "f{number} = \"A sentence.\"").unwrap()
            }));
        }),
    ]);
}
