//! Arbitrary heads before every recogniser, and arbitrary octets before every follower. However a
//! stream is cut, it is answered and told the same; a finished head is answered; names are printable.

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
use camsentry::recognise::finding::NAME_OCTETS;
use camsentry::recognise::head::HEAD_OCTETS;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Transport;

use crate::cost::Budget;
use crate::cost::within;
use crate::feed::Feed;

const BUDGET: Budget = Budget { octets: 2 << 20, octets_each: 2048, micros_each: 100 };

const PORTS: [u16; 24] = [
    40_000, 554, 80, 443, 7563, 9000, 22, 445, 1433, 5432, 53, 67, 123, 161, 389, 88, 500, 1194, 5353, 3702,
    1900, 37_777, 19_800, 12_345,
];

/// A head to be shown in parts.
struct Shown<'a> {
    key: FlowKey,
    side: Side,
    octets: &'a [u8],
    ends: Vec<u32>,
    from_start: bool,
    to_group: bool,
}

impl Shown<'_> {
    fn ask(&self, recogniser: &dyn Recogniser, length: usize, finished: bool) -> Probe {
        let octets = &self.octets[..length.min(HEAD_OCTETS)];
        let most = u32::try_from(octets.len()).unwrap();
        let ends: Vec<u32> = self.ends.iter().copied().filter(|end| *end <= most).collect();
        let finished = finished || octets.len() == HEAD_OCTETS;
        let head = Head {
            key: &self.key,
            side: self.side,
            octets,
            datagram_ends: &ends,
            from_start: self.from_start,
            finished,
            cut: finished,
            to_group: self.to_group,
        };
        let probe = recogniser.probe(&head);
        assert!(
            !finished || probe != Probe::NeedMore,
            "{}: a finished head needs an answer",
            recogniser.service()
        );
        if let Probe::Match(found) = probe {
            let end = usize::try_from(found.offset).unwrap() + usize::from(found.length);
            assert!(end <= octets.len(), "{}: the proof lies outside the head", recogniser.service());
        }
        probe
    }

    /// The first answer when the head grows by these lengths and then ends.
    fn grown(&self, recogniser: &dyn Recogniser, lengths: &[usize]) -> Probe {
        for length in lengths.iter().copied().chain([self.octets.len()]) {
            let probe = self.ask(recogniser, length, false);
            if probe != Probe::NeedMore {
                return probe;
            }
        }
        self.ask(recogniser, self.octets.len(), true)
    }
}

fn told(recogniser: &dyn Recogniser, shown: &Shown<'_>, sizes: &[u8], gap: bool) -> Vec<(Side, Finding)> {
    let Some(mut follower) = recogniser.follow() else { return Vec::new() };
    let mut findings: Vec<Located> = Vec::new();
    let mut sizes = sizes.iter().cycle();
    'all: for side in [shown.side, shown.side.other()] {
        let (mut rest, mut offset) = (shown.octets, 0_u32);
        while !rest.is_empty() {
            let size = sizes.next().map_or(usize::MAX, |size| usize::from(*size)).clamp(1, rest.len());
            let (octets, after) = rest.split_at(size);
            let piece = Piece { key: &shown.key, side, octets, offset, packet: 1 };
            if follower.octets(&piece, &mut findings) == Following::Done {
                break 'all;
            }
            offset += u32::try_from(size).unwrap();
            rest = after;
            if gap && size % 7 == 3 && follower.gap(side) == Following::Done {
                break 'all;
            }
        }
    }
    assert!(findings.len() <= shown.octets.len() * 2 + 8, "{}: too much is told", recogniser.service());
    findings.into_iter().map(|located| (located.side, located.finding)).collect()
}

fn check_names(findings: &[(Side, Finding)]) {
    for (_, finding) in findings {
        let name = match finding {
            Finding::ServerName(name) | Finding::HttpHost(name) | Finding::Resolved { name, .. } => name,
            _ => continue,
        };
        let fine =
            name.len() <= NAME_OCTETS && name.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
        assert!(fine, "{name:?}");
    }
}

/// The target: ports, side, transport, cuts, then the octets.
pub fn run(octets: &[u8]) {
    within(BUDGET, octets.len(), || show(octets));
}

fn show(octets: &[u8]) {
    let mut feed = Feed(octets);
    let (flags, from, to) = (feed.u8(), feed.pick(&PORTS), feed.pick(&PORTS));
    let sizes = feed.take(4);
    let octets = feed.0;
    let transport = if flags & 1 == 1 { Transport::Udp } else { Transport::Tcp };
    let ends = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
    let (key, _) = FlowKey::canonical((ends.0, from), (ends.1, to), transport, 0);
    let side = if flags & 2 == 2 { Side::A } else { Side::B };
    let lengths = lengths_of(sizes, octets.len());
    let udp = transport == Transport::Udp;
    let all = u32::try_from(octets.len().min(HEAD_OCTETS)).unwrap();
    let ends = if udp {
        lengths
            .iter()
            .map(|length| u32::try_from(*length).unwrap())
            .filter(|end| *end < all)
            .chain([all])
            .collect()
    } else {
        Vec::new()
    };
    let shown =
        Shown { key, side, octets, ends, from_start: flags & 4 == 4, to_group: udp && flags & 8 == 8 };
    for recogniser in RECOGNISERS.iter().filter(|one| one.speaks(transport)) {
        let answer = judged(shown.grown(*recogniser, &[]));
        let cut = judged(shown.grown(*recogniser, &lengths));
        if !udp {
            assert_eq!(cut, answer, "{}: another cut {lengths:?}, another answer", recogniser.service());
        }
        let whole = told(*recogniser, &shown, &[], false);
        check_names(&whole);
        let pieces = told(*recogniser, &shown, sizes, false);
        check_names(&pieces);
        if !udp && !sizes.is_empty() {
            assert_eq!(pieces, whole, "{}: other pieces, other findings", recogniser.service());
        }
        check_names(&told(*recogniser, &shown, sizes, true));
    }
}

/// What an answer means for a verdict: broken rules are no match either.
fn judged(probe: Probe) -> Probe {
    if probe == Probe::Malformed { Probe::Refuse } else { probe }
}

/// Ascending lengths made of steps.
fn lengths_of(steps: &[u8], most: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut length = 0;
    for step in steps {
        length += usize::from(*step);
        if length < most.min(HEAD_OCTETS) {
            lengths.push(length);
        }
    }
    lengths.dedup();
    lengths
}
