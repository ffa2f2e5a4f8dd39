//! Packets with meaning through the whole audit: conversations of the demo site, their octets taken
//! from real protocols and then changed. Every packet is accounted for, no stage gives up, another
//! number of workers says the same, and no credential comes out.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::inventory::site_file::read_site;
use camsentry::pipeline::audit::Audited;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

use crate::cost::Budget;
use crate::cost::within;
use crate::feed::Feed;
use crate::output::print_all;
use crate::site_file::KNOWN;
use crate::site_file::read_back;
use crate::wire::Savefile;
use crate::wire::ethernet;
use crate::wire::tcp;
use crate::wire::udp;

const BUDGET: Budget = Budget { octets: 64 << 20, octets_each: 1 << 16, micros_each: 200 };

const HOSTS: [Ipv4Addr; 16] = [
    Ipv4Addr::new(10, 20, 0, 17),
    Ipv4Addr::new(10, 20, 1, 5),
    Ipv4Addr::new(10, 10, 1, 10),
    Ipv4Addr::new(10, 10, 1, 11),
    Ipv4Addr::new(10, 10, 1, 12),
    Ipv4Addr::new(10, 10, 1, 13),
    Ipv4Addr::new(10, 10, 2, 9),
    Ipv4Addr::new(10, 30, 0, 7),
    Ipv4Addr::new(10, 30, 0, 9),
    Ipv4Addr::new(10, 40, 0, 2),
    Ipv4Addr::new(10, 10, 0, 1),
    Ipv4Addr::new(10, 20, 0, 99),
    Ipv4Addr::new(203, 0, 113, 9),
    Ipv4Addr::new(192, 168, 77, 3),
    Ipv4Addr::new(239, 255, 255, 250),
    Ipv4Addr::new(10, 20, 255, 255),
];

const PORTS: [u16; 24] = [
    554, 80, 443, 7563, 9000, 22, 445, 1433, 5432, 53, 67, 68, 123, 161, 389, 88, 25, 8082, 5353, 3702, 1900,
    40_000, 19_800, 22_331,
];

/// What no output may hold: the password, its Basic form, and a token.
const SECRETS: [&str; 4] =
    ["S3cret!Pa55", "b3BlcmF0b3I6UzNjcmV0IVBhNTU=", "TOKEN-4f2e77", "6629fae49393a05397450978507c4ef1"];

/// Octets of real protocols; those with a credential begin and end a line of their own.
pub const SAID: [&[u8]; 30] = [
    include_bytes!("../../fixtures/octets/rtsp_live555_0.bin"),
    include_bytes!("../../fixtures/octets/rtsp_live555_1.bin"),
    include_bytes!("../../fixtures/octets/rtsp_interleaved_1.bin"),
    include_bytes!("../../fixtures/octets/http_5432_0.bin"),
    include_bytes!("../../fixtures/octets/http_ipv6_1.bin"),
    include_bytes!("../../fixtures/octets/tls10_0.bin"),
    include_bytes!("../../fixtures/octets/tls10_1.bin"),
    include_bytes!("../../fixtures/octets/tls12_0.bin"),
    include_bytes!("../../fixtures/octets/tls12_1.bin"),
    include_bytes!("../../fixtures/octets/tls13_0.bin"),
    include_bytes!("../../fixtures/octets/mobotix_event.bin"),
    include_bytes!("../../fixtures/octets/mobotix_event_request.bin"),
    include_bytes!("../../fixtures/octets/mobotix_push.bin"),
    include_bytes!("../../fixtures/octets/mobotix_mxg.bin"),
    b"GET /control/event.jpg HTTP/1.1\r\nHost: 10.20.0.17\r\nAuthorization: Basic b3BlcmF0b3I6UzNjcmV0IVBhNTU=\r\n\r\n",
    b"DESCRIBE rtsp://operator:S3cret!Pa55@10.20.0.17/stream RTSP/1.0\r\nCSeq: 2\r\n\r\n",
    b"\r\nAuthorization: Digest username=\"operator\", realm=\"MOBOTIX\", nonce=\"n\", uri=\"/\", response=\"6629fae49393a05397450978507c4ef1\"\r\n",
    b"GET http://operator:S3cret!Pa55@www.example.net/ HTTP/1.1\r\nHost: operator:S3cret!Pa55@www.example.net\r\n\r\n",
    b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodcall><requestid>0</requestid><methodname>connect</methodname><username>a</username><password>S3cret!Pa55</password><cameraid>1</cameraid><alwaysstdjpeg>yes</alwaysstdjpeg><connectparam>id=1&amp;connectiontoken=TOKEN-4f2e77</connectparam></methodcall>\r\n\r\n",
    b"ImageResponse\r\nRequestId: 1\r\nContent-type: image/jpeg\r\nContent-length: 40\r\nCurrent: 1\r\n\r\n",
    b"<wsse:UsernameToken><wsse:Username>operator</wsse:Username><wsse:Password>S3cret!Pa55</wsse:Password></wsse:UsernameToken>\r\n",
    b"USER operator\r\nPASS S3cret!Pa55\r\n",
    b"220 mail.example.net ESMTP\r\n250-AUTH LOGIN PLAIN\r\n250 STARTTLS\r\n",
    b"AUTH PLAIN b3BlcmF0b3I6UzNjcmV0IVBhNTU=\r\n",
    b"SETUP rtsp://10.20.0.17/stream/trackID=1 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=40000-40001\r\n\r\n",
    b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=40000-40001;server_port=50000-50001;source=10.20.0.17\r\nSession: 7\r\n\r\n",
    b"\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01payload of a picture",
    b"\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x03www\x07example\x03net\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xcb\x00\x71\x09",
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
];

fn policy(site: Option<&str>, strict: bool) -> Arc<Policy> {
    let site = site.map(|text| {
        let source = SourceText { name: "site.toml".to_owned(), text: text.to_owned() };
        read_site(&source, &KNOWN).site.expect("the demo site is without fault")
    });
    Arc::new(Policy::new(packs::shipped(), site, strict, 0))
}

static POLICIES: LazyLock<[Arc<Policy>; 3]> = LazyLock::new(|| {
    let demo = include_str!("../../fixtures/captures/demo/site.toml");
    [policy(Some(demo), false), policy(Some(demo), true), policy(None, false)]
});

/// The target.
pub fn run(octets: &[u8]) {
    let mut feed = Feed(octets);
    let settings = feed.u8();
    let policy = &POLICIES[usize::from(settings & 3) % 3];
    let capture = capture(&mut feed);
    within(BUDGET, capture.len(), || {
        let one = audit(&capture, policy, 1);
        if settings & 0xf0 == 0xf0 {
            let two = audit(&capture, policy, 2);
            assert!(
                print_all(&one.audit, &one.run, Some(policy))
                    == print_all(&two.audit, &two.run, Some(policy))
            );
        }
    });
}

/// Audits a capture and checks what must hold of it.
pub fn audit(capture: &[u8], policy: &Arc<Policy>, workers: usize) -> Audited {
    let workers = NonZeroUsize::new(workers).unwrap();
    let auditor = Auditor { policy: Arc::clone(policy), workers, keep_flows: true, draft: true };
    let mut captures = Captures::from_reader("capture.pcap", Cursor::new(capture.to_vec()));
    let audited = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {});
    let run = &audited.run;
    assert_eq!(run.unaccounted(), 0, "every packet is accounted for");
    assert_eq!(run.undecoded.get("abandoned"), None, "no stage gives up");
    assert!(!run.interrupted, "no worker is lost");
    let totals = &audited.audit.totals;
    assert_eq!(totals.flows, run.flows, "every flow closes");
    assert_eq!(totals.judged_packets + totals.out_of_scope_packets, run.flow_packets);
    assert_eq!(totals.duplicate_packets, run.duplicate_packets);
    let printed = print_all(&audited.audit, run, None);
    let draft = audited.draft.clone().unwrap_or_default();
    read_back(&draft);
    for secret in SECRETS {
        assert!(!printed.contains(secret) && !draft.contains(secret), "the credential {secret} is printed");
    }
    audited
}

/// A savefile of what the octets say. Each step: who talks to whom about what, and how.
fn capture(feed: &mut Feed<'_>) -> Vec<u8> {
    let mut file = Savefile::default();
    let mut sequence: BTreeMap<(Ipv4Addr, Ipv4Addr, u16, u16), u32> = BTreeMap::new();
    let (mut millis, mut last) = (0_u32, Vec::new());
    while !feed.is_empty() {
        let (kind, hosts, port, odd) = (feed.u8(), feed.u8(), feed.pick(&PORTS), feed.u8());
        millis += if odd & 1 == 1 { u32::from(feed.u8()) * 250 } else { 1 };
        let client = (HOSTS[usize::from(hosts >> 4)], 50_000 + u16::from(kind >> 6));
        let server = (HOSTS[usize::from(hosts & 15)], port);
        let (from, to) = if kind & 1 == 0 { (client, server) } else { (server, client) };
        let payload = if kind & 2 == 2 { said(feed) } else { Vec::new() };
        let vlan = (odd & 2 == 2).then_some(20);
        let next = sequence.entry((from.0, to.0, from.1, to.1)).or_insert(1000);
        let frame = match kind >> 2 & 7 {
            0..=4 => {
                let flags = [0x18, 0x02, 0x12, 0x11, 0x14][usize::from(kind >> 2 & 7)];
                let seq = if odd & 4 == 4 { next.wrapping_add(feed.u8().into()) } else { *next };
                let spent = u32::try_from(payload.len()).unwrap() + u32::from(flags & 3 != 0);
                *next = seq.wrapping_add(spent);
                ethernet(from, to, 6, &tcp(from, to, seq, 1001, flags, &payload), vlan)
            }
            5 | 6 => ethernet(from, to, 17, &udp(from, to, &payload), vlan),
            _ if odd & 8 == 8 => feed.take(64).to_vec(),
            _ => std::mem::take(&mut last),
        };
        let captured = if odd & 16 == 16 { usize::from(feed.u8()) } else { usize::MAX };
        file.add(millis, &frame, captured);
        last = frame;
    }
    file.0
}

/// Some octets of a protocol, some of them changed.
fn said(feed: &mut Feed<'_>) -> Vec<u8> {
    let which = feed.u8();
    if which & 0x40 == 0x40 {
        return feed.take(usize::from(which & 0x3f)).to_vec();
    }
    let whole = SAID[usize::from(which & 0x1f) % SAID.len()];
    let holds_secret =
        SECRETS.iter().any(|secret| whole.windows(secret.len()).any(|part| part == secret.as_bytes()));
    if which & 0x20 == 0 || holds_secret {
        return whole[..whole.len().min(1400)].to_vec();
    }
    let start = usize::from(feed.u8()) * 8 % whole.len();
    let mut octets = whole[start..whole.len().min(start + 1400)].to_vec();
    for _ in 0..feed.u8() & 3 {
        let (at, octet) = (usize::from(feed.u16()) % octets.len(), feed.u8());
        octets[at] = octet;
    }
    octets
}
