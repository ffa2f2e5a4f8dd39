//! How a watched flow asks small recognisers of the test's own, and feeds their followers.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test helpers")]

use std::sync::Mutex;

use camsentry::addr::Addr;
use camsentry::evidence::Evidence;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::sink::Chunk;
use camsentry::flow::sink::Interest;
use camsentry::flow::sink::Reaction;
use camsentry::recognise::Finding;
use camsentry::recognise::Follower;
use camsentry::recognise::Following;
use camsentry::recognise::Head;
use camsentry::recognise::Located;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::Recognition;
use camsentry::recognise::Sender;
use camsentry::recognise::dispatch::Dispatch;
use camsentry::recognise::head::HEAD_OCTETS;
use camsentry::recognise::heads::HeadPool;
use camsentry::recognise::watch::Notice;
use camsentry::recognise::watch::Watch;
use camsentry::recognise::watch::Watching;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

/// What followers were fed, by side; a gap is `None`.
type Fed = Mutex<Vec<(Side, Option<Vec<u8>>)>>;

/// Knows heads that start with one of two words.
struct Words {
    service: Service,
    certainty: Certainty,
    client: &'static [u8],
    server: &'static [u8],
    /// Where its followers note what they are fed.
    fed: Option<&'static Fed>,
    /// Octets after which its follower says that this begins.
    goes_over: Option<(&'static [u8], Service)>,
}

const fn words(
    service: Service,
    certainty: Certainty,
    client: &'static [u8],
    server: &'static [u8],
) -> Words {
    Words { service, certainty, client, server, fed: None, goes_over: None }
}

impl Recogniser for Words {
    fn service(&self) -> Service {
        self.service
    }

    fn speaks(&self, _: Transport) -> bool {
        true
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        for (word, sender) in [(self.client, Sender::Client), (self.server, Sender::Server)] {
            if head.first().starts_with(word) {
                return Probe::Match(Recognition {
                    service: self.service,
                    certainty: self.certainty,
                    content: None,
                    sender,
                    offset: 0,
                    length: u16::try_from(word.len()).unwrap(),
                    what: "its first word",
                });
            }
            if word.starts_with(head.first()) && !head.finished {
                return Probe::NeedMore;
            }
        }
        Probe::Refuse
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        let fed = self.fed?;
        Some(Box::new(Listener { fed, goes_over: self.goes_over, seen: Vec::new() }))
    }
}

struct Listener {
    fed: &'static Fed,
    goes_over: Option<(&'static [u8], Service)>,
    seen: Vec<u8>,
}

impl Follower for Listener {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        self.fed.lock().unwrap().push((piece.side, Some(piece.octets.to_vec())));
        let Some((word, service)) = self.goes_over else { return Following::More };
        for (octet, at) in piece.octets.iter().zip(piece.offset..) {
            self.seen.push(*octet);
            if self.seen.ends_with(word) {
                let length = u16::try_from(word.len()).unwrap();
                let offset = at + 1 - u32::from(length);
                let evidence = Evidence { packet: piece.packet, offset, length, what: "consent" };
                findings.push(Located { finding: Finding::Upgrade(service), side: piece.side, evidence });
                return Following::Done;
            }
        }
        Following::More
    }

    fn gap(&mut self, side: Side) -> Following {
        self.fed.lock().unwrap().push((side, None));
        Following::More
    }
}

/// A watch with all that it needs.
struct Desk<'r> {
    dispatch: Dispatch<'r>,
    pool: HeadPool,
    notices: Vec<Notice>,
    watch: Watch,
    key: FlowKey,
    sent: [u32; 2],
}

impl<'r> Desk<'r> {
    fn new(registry: &'r [&'r dyn Recogniser], transport: Transport) -> Self {
        let (key, _) = FlowKey::canonical(
            (Addr::v4([10, 0, 0, 1]), 80),
            (Addr::v4([10, 0, 0, 2]), 50_000),
            transport,
            0,
        );
        let pool = HeadPool::new(HeadPool::OCTETS_PER_SHARD, 1);
        let dispatch = Dispatch::new(registry);
        Self { dispatch, pool, notices: Vec::new(), watch: Watch::default(), key, sent: [0; 2] }
    }

    fn say(&mut self, side: Side, octets: &[u8]) -> Reaction {
        self.say_cut(side, octets, true, false)
    }

    fn say_cut(&mut self, side: Side, octets: &[u8], from_start: bool, cut: bool) -> Reaction {
        let sent = side.of_mut(&mut self.sent);
        let time = Timestamp::default();
        let chunk = Chunk { key: &self.key, side, packet: 1, time, octets, offset: *sent, from_start, cut };
        *sent += u32::try_from(octets.len()).unwrap();
        let mut desk =
            Watching { dispatch: &self.dispatch, pool: &mut self.pool, notices: &mut self.notices };
        self.watch.octets(&chunk, &mut desk)
    }

    fn gap(&mut self, side: Side) -> Reaction {
        let mut desk =
            Watching { dispatch: &self.dispatch, pool: &mut self.pool, notices: &mut self.notices };
        self.watch.gap(&self.key, side, &mut desk)
    }

    fn end(mut self) -> Vec<Notice> {
        let mut desk =
            Watching { dispatch: &self.dispatch, pool: &mut self.pool, notices: &mut self.notices };
        self.watch.end(&self.key, &mut desk);
        self.notices
    }
}

fn names(notices: &[Notice]) -> Vec<(Side, Service)> {
    let identified = notices.iter().filter_map(|notice| match notice {
        Notice::Identified(side, recognition, _) => Some((*side, recognition.service)),
        _ => None,
    });
    identified.collect()
}

static HTTP: Words = words(Service::Http, Certainty::Signature, b"GET /", b"HTTP/1.1 ");
static RTSP: Words = words(Service::Rtsp, Certainty::Signature, b"GET /rtsp", b"RTSP/1.0 ");
static GUESS: Words = words(Service::Mxmessage, Certainty::Heuristic, b"GE", b"HT");

#[test]
fn a_head_is_named_the_same_however_it_is_cut() {
    let registry: [&dyn Recogniser; 3] = [&RTSP, &HTTP, &GUESS];
    for text in [&b"GET /rtsp/1"[..], b"GET /index", b"GE", b"GExx", b"nothing", b"GET /rt"] {
        let name = |cuts: &[usize]| {
            let mut desk = Desk::new(&registry, Transport::Tcp);
            let mut from = 0;
            for cut in cuts.iter().copied().chain([text.len()]) {
                desk.say(Side::B, &text[from..cut]);
                from = cut;
            }
            let notices = desk.end();
            let unrecognised = notices.iter().any(|one| matches!(one, Notice::Unrecognised(..)));
            (names(&notices), unrecognised)
        };
        let whole = name(&[]);
        for first in 0..text.len() {
            for second in first..text.len() {
                assert_eq!(name(&[first, second]), whole, "{} at {first}, {second}", text.escape_ascii());
            }
        }
    }
}

#[test]
fn a_certain_name_waits_for_those_before_it_and_an_uncertain_one_for_all() {
    let registry: [&dyn Recogniser; 3] = [&RTSP, &HTTP, &GUESS];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::B, b"GET /r");
    assert!(desk.notices.is_empty(), "it may still be RTSP");
    desk.say(Side::B, b"oot");
    assert_eq!(names(&desk.notices), [(Side::B, Service::Http)]);
}

#[test]
fn the_sender_of_the_first_word_tells_who_opened_the_flow() {
    let registry: [&dyn Recogniser; 1] = [&HTTP];
    for (word, initiator) in [(&b"GET /"[..], Side::B), (b"HTTP/1.1 200", Side::A)] {
        let mut desk = Desk::new(&registry, Transport::Tcp);
        assert_eq!(desk.say(Side::B, word).initiator, Some(initiator));
    }
}

#[test]
fn the_other_side_s_confirmation_raises_nothing_and_both_sides_are_enough_then() {
    let registry: [&dyn Recogniser; 2] = [&RTSP, &HTTP];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    assert_eq!(desk.say(Side::B, b"GET /x").interest, [Interest::More, Interest::Enough]);
    assert_eq!(desk.say(Side::A, b"HTTP/1.1 200").interest, [Interest::Enough, Interest::Enough]);
    assert_eq!(names(&desk.end()), [(Side::B, Service::Http)]);
}

#[test]
fn a_stronger_name_replaces_a_weaker_one_and_not_the_other_way_round() {
    let registry: [&dyn Recogniser; 2] = [&GUESS, &RTSP];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::B, b"GExx");
    desk.say(Side::A, b"RTSP/1.0 200");
    assert_eq!(names(&desk.end()), [(Side::B, Service::Mxmessage), (Side::A, Service::Rtsp)]);
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::A, b"RTSP/1.0 200");
    desk.say(Side::B, b"GExx");
    assert_eq!(names(&desk.end()), [(Side::A, Service::Rtsp)]);
}

#[test]
fn what_nobody_knows_is_told_once_with_what_was_seen() {
    let registry: [&dyn Recogniser; 1] = [&HTTP];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::B, b"SSH-2.0-x");
    assert!(desk.notices.is_empty(), "the other side may still tell");
    let reaction = desk.say(Side::A, b"SSH-2.0-server");
    assert_eq!(reaction.interest, [Interest::Enough; 2]);
    assert_eq!(desk.end(), [Notice::Unrecognised([14, 9], false)]);
    // Nothing said, nothing told.
    assert_eq!(Desk::new(&registry, Transport::Tcp).end(), []);
}

#[test]
fn a_follower_is_fed_both_sides_from_the_first_octet() {
    static FED: Fed = Mutex::new(Vec::new());
    static FOLLOWED: Words =
        Words { fed: Some(&FED), ..words(Service::Http, Certainty::Signature, b"GET /", b"HTTP/1.1 ") };
    let registry: [&dyn Recogniser; 1] = [&FOLLOWED];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::B, b"GE");
    desk.say(Side::A, b"HTT");
    desk.say(Side::A, b"P/1.1 200 OK");
    desk.say(Side::B, b"T /index");
    desk.gap(Side::A);
    desk.end();
    let fed = FED.lock().unwrap();
    let of = |side: Side| {
        let octets = fed.iter().filter(|(one, _)| *one == side);
        octets.flat_map(|(_, octets)| octets.clone().unwrap_or(b"|".to_vec())).collect::<Vec<u8>>()
    };
    assert_eq!(of(Side::B), b"GET /index");
    assert_eq!(of(Side::A), b"HTTP/1.1 200 OK|");
}

#[test]
fn a_flow_that_goes_over_is_named_and_followed_anew() {
    static FIRST: Fed = Mutex::new(Vec::new());
    static SECOND: Fed = Mutex::new(Vec::new());
    static SMTP: Words = Words {
        fed: Some(&FIRST),
        goes_over: Some((b"go\r\n", Service::Tls)),
        ..words(Service::Smtp, Certainty::Signature, b"EHLO", b"220 ")
    };
    static TLS: Words = Words {
        fed: Some(&SECOND),
        ..words(Service::Tls, Certainty::Signature, b"\x16hello", b"\x16server")
    };
    let registry: [&dyn Recogniser; 2] = [&TLS, &SMTP];
    let text = b"220 hi\r\n220 go\r\n";
    for cut in 1..text.len() {
        SECOND.lock().unwrap().clear();
        let mut desk = Desk::new(&registry, Transport::Tcp);
        desk.say(Side::A, &text[..cut]);
        desk.say(Side::A, &text[cut..]);
        desk.say(Side::B, b"\x16he");
        desk.say(Side::B, b"llo");
        let notices = desk.end();
        assert_eq!(names(&notices), [(Side::A, Service::Smtp), (Side::B, Service::Tls)], "cut at {cut}");
        let fed: Vec<u8> =
            SECOND.lock().unwrap().iter().flat_map(|(_, octets)| octets.clone().unwrap()).collect();
        assert_eq!(fed, b"\x16hello");
        assert!(!notices.iter().any(|one| matches!(one, Notice::Unrecognised(..))));
    }
    // The new protocol's first octets in the same segment as the consent.
    SECOND.lock().unwrap().clear();
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::A, b"220 hi\r\n220 go\r\n\x16server");
    assert_eq!(names(&desk.end()), [(Side::A, Service::Smtp), (Side::A, Service::Tls)]);
}

#[test]
fn behind_a_gap_a_fresh_head_may_tell() {
    let registry: [&dyn Recogniser; 1] = [&HTTP];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say(Side::B, b"GE");
    desk.gap(Side::B);
    desk.say(Side::B, b"GET /after");
    assert_eq!(names(&desk.end()), [(Side::B, Service::Http)]);
    // Cut by the snap length, twice.
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.say_cut(Side::B, b"xxxx", true, true);
    desk.say_cut(Side::B, b"yyyy", true, true);
    assert_eq!(desk.end(), [Notice::Unrecognised([0, 8], true)]);
}

#[test]
fn datagrams_are_shown_one_after_the_other() {
    /// Knows three datagrams of one octet each.
    struct Three;
    impl Recogniser for Three {
        fn service(&self) -> Service {
            Service::Rtp
        }
        fn speaks(&self, transport: Transport) -> bool {
            transport == Transport::Udp
        }
        fn probe(&self, head: &Head<'_>) -> Probe {
            let sizes: Vec<usize> = head.datagrams().map(<[u8]>::len).collect();
            match sizes.as_slice() {
                [1, 1, 1] => HTTP.probe(&Head { octets: b"GET /", datagram_ends: &[], ..*head }),
                _ if head.finished || sizes.len() > 3 => Probe::Refuse,
                _ => Probe::NeedMore,
            }
        }
    }
    let registry: [&dyn Recogniser; 1] = [&Three];
    let mut desk = Desk::new(&registry, Transport::Udp);
    for _ in 0..3 {
        desk.say(Side::B, b"x");
    }
    assert_eq!(names(&desk.notices), [(Side::B, Service::Http)]);
}

#[test]
fn heads_stay_within_the_memory_of_the_shard() {
    /// Always wants more.
    struct Greedy;
    impl Recogniser for Greedy {
        fn service(&self) -> Service {
            Service::Ftp
        }
        fn speaks(&self, _: Transport) -> bool {
            true
        }
        fn probe(&self, head: &Head<'_>) -> Probe {
            assert!(head.octets.len() <= HEAD_OCTETS);
            Probe::NeedMore
        }
    }
    let registry: [&dyn Recogniser; 1] = [&Greedy];
    let mut desk = Desk::new(&registry, Transport::Tcp);
    desk.pool = HeadPool::new(100, 1);
    desk.say(Side::A, &[7; 60]);
    let reaction = desk.say(Side::A, &[7; 60]);
    assert_eq!((reaction.interest, desk.pool.refused()), ([Interest::More; 2], 1));
    desk.say(Side::B, &[8; 90]);
    desk.say(Side::B, &[8; 5000]);
    assert!(desk.end().iter().any(|one| matches!(one, Notice::Unrecognised(_, true))));
}
