//! Shows octets to recognisers and followers as the flow stage would, cut in every way.

use camsentry::addr::Addr;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::recognise::Finding;
use camsentry::recognise::Following;
use camsentry::recognise::Head;
use camsentry::recognise::Located;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::Recognition;
use camsentry::recognise::head::HEAD_OCTETS;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Service;
use camsentry::service::Transport;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

/// The client's side of [`key`].
pub(crate) const CLIENT: Side = Side::A;
/// The server's side of [`key`].
pub(crate) const SERVER: Side = Side::B;

pub(crate) fn key(port: u16) -> FlowKey {
    let ends = (Addr::v4([10, 0, 0, 1]), 40_000, Addr::v4([10, 0, 0, 2]), port);
    FlowKey::canonical((ends.0, ends.1), (ends.2, ends.3), Transport::Tcp, 0).0
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/octets/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A head of one side, to be shown in parts.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) octets: &'a [u8],
    pub(crate) port: u16,
    pub(crate) side: Side,
    pub(crate) from_start: bool,
}

pub(crate) fn from_client(octets: &[u8], port: u16) -> Shown<'_> {
    Shown { octets, port, side: CLIENT, from_start: true }
}

pub(crate) fn from_server(octets: &[u8], port: u16) -> Shown<'_> {
    Shown { octets, port, side: SERVER, from_start: true }
}

impl Shown<'_> {
    fn ask(&self, recogniser: &dyn Recogniser, length: usize, finished: bool) -> Probe {
        let octets = &self.octets[..length.min(HEAD_OCTETS)];
        let finished = finished || octets.len() == HEAD_OCTETS;
        let head = Head {
            key: &key(self.port),
            side: self.side,
            octets,
            datagram_ends: &[],
            from_start: self.from_start,
            finished,
            cut: finished,
            to_group: false,
        };
        let probe = recogniser.probe(&head);
        assert!(!finished || probe != Probe::NeedMore, "a finished head needs an answer");
        probe
    }

    /// The first answer when the head grows by these cuts and then ends.
    fn grown(&self, recogniser: &dyn Recogniser, cuts: &[usize]) -> Probe {
        let lengths = cuts.iter().copied().chain([self.octets.len()]);
        for length in lengths {
            let probe = self.ask(recogniser, length, false);
            if probe != Probe::NeedMore {
                return probe;
            }
        }
        self.ask(recogniser, self.octets.len(), true)
    }

    /// The answer, which is the same for every single cut and for random ones.
    pub(crate) fn answer(&self, recogniser: &dyn Recogniser) -> Probe {
        let answer = self.grown(recogniser, &[]);
        let length = self.octets.len();
        for cut in 0..=length.min(400) {
            assert_eq!(self.grown(recogniser, &[cut]), answer, "cut at {cut}");
            // The capture ended here: another answer than more or less of the same would be a lie.
            if let (Probe::Match(short), Probe::Match(long)) = (self.ask(recogniser, cut, true), answer) {
                assert_eq!(short.service, long.service);
                assert!(short.certainty <= long.certainty && short.what.len() > 1);
            }
        }
        let each: Vec<usize> = (0..=length).collect();
        assert_eq!(self.grown(recogniser, &each), answer, "octet by octet");
        let cuts = proptest::collection::vec(0..=length, 0..12).prop_map(|mut cuts| {
            cuts.sort_unstable();
            cuts
        });
        let mut runner = TestRunner::new(Config::with_cases(200));
        let same = runner.run(&cuts, |cuts| {
            assert_eq!(self.grown(recogniser, &cuts), answer);
            Ok(())
        });
        same.unwrap();
        answer
    }

    pub(crate) fn matched(&self, recogniser: &dyn Recogniser) -> Recognition {
        match self.answer(recogniser) {
            Probe::Match(recognition) => recognition,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn refused(&self, recogniser: &dyn Recogniser) {
        let answer = self.answer(recogniser);
        assert!(matches!(answer, Probe::Refuse | Probe::Malformed), "{answer:?}");
    }

    /// Which services of the registry claim these octets. That they are text is said last, of what
    /// nobody claims.
    pub(crate) fn claimed(&self) -> Vec<Service> {
        let tcp = RECOGNISERS.iter().filter(|recogniser| recogniser.speaks(Transport::Tcp));
        let tcp = tcp.filter(|recogniser| recogniser.service() != Service::Text);
        let matching = tcp.filter(|recogniser| matches!(self.grown(**recogniser, &[]), Probe::Match(_)));
        matching.map(|recogniser| recogniser.service()).collect()
    }
}

/// What a follower tells when both sides' octets come in this order, each turn in pieces of `size`.
fn told_by(
    recogniser: &dyn Recogniser,
    turns: &[(Side, &[u8])],
    sizes: &mut dyn FnMut() -> usize,
) -> Vec<Located> {
    let key = key(554);
    let mut follower = recogniser.follow().unwrap();
    let mut findings = Vec::new();
    let mut sent = [0_u32; 2];
    for (side, octets) in turns {
        let mut rest = *octets;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(sizes().clamp(1, rest.len()));
            let offset = *side.of(&sent);
            let piece = Piece { key: &key, side: *side, octets: part, offset, packet: 1 };
            if follower.octets(&piece, &mut findings) == Following::Done {
                return findings;
            }
            *side.of_mut(&mut sent) += u32::try_from(part.len()).unwrap();
            rest = after;
        }
    }
    findings
}

/// What a follower tells, and the same for pieces of one octet and of random sizes.
pub(crate) fn told(recogniser: &dyn Recogniser, turns: &[(Side, &[u8])]) -> Vec<(Side, Finding)> {
    let plain = |located: Vec<Located>| -> Vec<(Side, Finding)> {
        located.into_iter().map(|located| (located.side, located.finding)).collect()
    };
    let whole = plain(told_by(recogniser, turns, &mut || usize::MAX));
    assert_eq!(plain(told_by(recogniser, turns, &mut || 1)), whole, "octet by octet");
    let mut runner = TestRunner::new(Config::with_cases(60));
    let sizes = proptest::collection::vec(any::<u8>(), 1..16);
    let same = runner.run(&sizes, |sizes| {
        let mut next = sizes.iter().cycle();
        let mut size = || usize::from(*next.next().unwrap()) * 3;
        assert_eq!(plain(told_by(recogniser, turns, &mut size)), whole);
        Ok(())
    });
    same.unwrap();
    whole
}

/// Searches everything that a follower tells for a secret.
pub(crate) fn tells_no(secret: &str, recogniser: &dyn Recogniser, turns: &[(Side, &[u8])]) {
    let all = format!("{:?}", told_by(recogniser, turns, &mut || usize::MAX));
    assert!(!all.contains(secret), "{all}");
}

/// Shows octets to a recogniser and its follower, whatever they say of them.
pub(crate) fn swallow(recogniser: &dyn Recogniser, octets: &[u8], side: Side, size: usize) {
    let shown = Shown { octets, port: 8080, side, from_start: false };
    for length in (0..octets.len()).step_by(size) {
        let probe = shown.ask(recogniser, length, false);
        assert!(
            octets.is_empty() || probe == shown.ask(recogniser, length, false),
            "the same head, the same answer"
        );
    }
    shown.ask(recogniser, octets.len(), true);
    if recogniser.follow().is_some() {
        told_by(recogniser, &[(side, octets), (side.other(), octets)], &mut || size);
    }
}
