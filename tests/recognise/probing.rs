//! Asks all recognisers about a head, as the watcher does, and checks what must hold for each.

use camsentry::addr::Addr;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::recognise::Following;
use camsentry::recognise::Head;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::Recognition;
use camsentry::recognise::Sender;
use camsentry::recognise::finding::Finding;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;

/// One side of a flow that must be recognised.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) transport: Transport,
    /// Sender's and receiver's port.
    pub(crate) ports: (u16, u16),
    /// TCP: one stream. UDP: datagrams.
    pub(crate) parts: Vec<Vec<u8>>,
    pub(crate) service: Service,
    pub(crate) sender: Sender,
    pub(crate) certainty: Certainty,
    /// Certainty on ports that say nothing; none if it is refused there.
    pub(crate) elsewhere: Option<Certainty>,
}

/// A head and what it borrows.
pub(crate) struct Question {
    pub(crate) key: FlowKey,
    pub(crate) side: Side,
    pub(crate) octets: Vec<u8>,
    pub(crate) ends: Vec<u32>,
    pub(crate) from_start: bool,
    pub(crate) finished: bool,
    pub(crate) cut: bool,
}

impl Question {
    pub(crate) fn new(transport: Transport, ports: (u16, u16), parts: &[Vec<u8>]) -> Self {
        let from = (Addr::v4([10, 20, 0, 17]), ports.0);
        let to = (Addr::v4([10, 10, 0, 5]), ports.1);
        let (key, side) = FlowKey::canonical(from, to, transport, 0);
        let octets = parts.concat();
        let mut ends = Vec::new();
        if transport == Transport::Udp {
            let mut end = 0_usize;
            for part in parts {
                end = end.saturating_add(part.len());
                ends.push(u32::try_from(end).unwrap());
            }
        }
        Self { key, side, octets, ends, from_start: true, finished: false, cut: false }
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            key: &self.key,
            side: self.side,
            octets: &self.octets,
            datagram_ends: &self.ends,
            from_start: self.from_start,
            finished: self.finished,
            cut: self.cut,
            to_group: false,
        }
    }

    /// The first recogniser in the registry's order that matches, if those before it have refused.
    pub(crate) fn asked(&self) -> Probe {
        let head = self.head();
        // That it is text is what is said when nobody else knows it.
        let names = |one: &&&dyn Recogniser| one.speaks(self.key.transport) && one.service() != Service::Text;
        for recogniser in RECOGNISERS.iter().filter(names) {
            match recogniser.probe(&head) {
                Probe::Refuse | Probe::Malformed => {}
                other => return other,
            }
        }
        Probe::Refuse
    }
}

pub(crate) fn ask(transport: Transport, ports: (u16, u16), parts: &[Vec<u8>]) -> Option<Recognition> {
    let mut question = Question::new(transport, ports, parts);
    question.finished = true;
    match question.asked() {
        Probe::Match(found) => Some(found),
        _ => None,
    }
}

/// Opens it; cut at every octet; on a foreign port.
pub(crate) fn holds(case: &Case) {
    let found = ask(case.transport, case.ports, &case.parts)
        .unwrap_or_else(|| panic!("{}: not recognised", case.name));
    assert_eq!(found.service, case.service, "{}", case.name);
    assert_eq!(found.sender, case.sender, "{}", case.name);
    assert_eq!(found.certainty, case.certainty, "{}", case.name);
    let elsewhere = ask(case.transport, (41_111, 42_222), &case.parts);
    assert_eq!(elsewhere.map(|found| found.certainty), case.elsewhere, "{} elsewhere", case.name);
    if let Some(elsewhere) = elsewhere {
        assert_eq!(elsewhere.service, case.service, "{} elsewhere", case.name);
    }
    if case.transport == Transport::Tcp {
        stream_is_cut_at_every_octet(case, found);
    } else {
        datagram_is_cut_at_every_octet(case);
    }
}

fn stream_is_cut_at_every_octet(case: &Case, whole: Recognition) {
    let stream = case.parts.concat();
    for length in 0..=stream.len() {
        let parts = [stream.get(..length).unwrap().to_vec()];
        let mut question = Question::new(case.transport, case.ports, &parts);
        match question.asked() {
            Probe::Match(found) => assert_eq!(found, whole, "{} cut at {length}", case.name),
            Probe::NeedMore => assert_ne!(length, stream.len(), "{}: whole, and still waits", case.name),
            other => panic!("{} cut at {length}: {other:?}", case.name),
        }
        question.finished = true;
        assert_ne!(question.asked(), Probe::NeedMore, "{}: waits for a finished head", case.name);
        question.from_start = false;
        question.cut = true;
        assert_ne!(question.asked(), Probe::NeedMore, "{}: waits for a finished head", case.name);
    }
}

fn datagram_is_cut_at_every_octet(case: &Case) {
    let Some(first) = case.parts.first() else { return };
    for length in 0..first.len() {
        let parts = [first.get(..length).unwrap().to_vec()];
        let mut question = Question::new(case.transport, case.ports, &parts);
        question.cut = true;
        question.finished = true;
        if let Probe::Match(found) = question.asked() {
            assert_eq!(found.service, case.service, "{} cut at {length}", case.name);
        }
    }
}

/// Hands the sides' octets to the follower of `service` in pieces of `piece` octets.
pub(crate) fn learned(
    service: Service,
    transport: Transport,
    said: &[(Side, Vec<u8>)],
    piece: usize,
) -> Vec<Finding> {
    let recogniser = RECOGNISERS
        .iter()
        .find(|one| one.service() == service && one.speaks(transport))
        .unwrap_or_else(|| panic!("{service} has no recogniser"));
    let mut follower = recogniser.follow().unwrap_or_else(|| panic!("{service} has no follower"));
    let mut findings = Vec::new();
    let key = Question::new(transport, (50_000, 50_001), &[]).key;
    let mut offsets = [0_u32; 2];
    for (packet, (side, octets)) in (1_u64..).zip(said) {
        for octets in octets.chunks(piece) {
            let offset = *side.of(&offsets);
            *side.of_mut(&mut offsets) = offset.saturating_add(u32::try_from(octets.len()).unwrap());
            let piece = Piece { key: &key, side: *side, octets, offset, packet };
            if follower.octets(&piece, &mut findings) == Following::Done {
                return findings.into_iter().map(|located| located.finding).collect();
            }
        }
    }
    findings.into_iter().map(|located| located.finding).collect()
}

/// Octets from hex digits; blanks are skipped.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let octet = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).unwrap();
    digits.chunks_exact(2).map(octet).collect()
}
