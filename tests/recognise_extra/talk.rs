//! Lets two ends talk under the eyes of a watch with all recognisers.

use camsentry::addr::Addr;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::flow::sink::Chunk;
use camsentry::recognise::Finding;
use camsentry::recognise::Recognition;
use camsentry::recognise::dispatch::Dispatch;
use camsentry::recognise::heads::HeadPool;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::recognise::watch::Notice;
use camsentry::recognise::watch::Watch;
use camsentry::recognise::watch::Watching;
use camsentry::service::Service;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

/// The end at 10.0.0.1, port 40000.
pub(crate) const CLIENT: Side = Side::A;
/// The end at 10.0.0.2.
pub(crate) const SERVER: Side = Side::B;

/// What a watch told.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) named: Vec<(Side, Recognition)>,
    pub(crate) found: Vec<(Side, Finding)>,
}

impl Heard {
    pub(crate) fn services(&self) -> Vec<Service> {
        self.named.iter().map(|(_, recognition)| recognition.service).collect()
    }

    pub(crate) fn has(&self, side: Side, finding: &Finding) -> bool {
        self.found.iter().any(|(of, found)| *of == side && found == finding)
    }

    pub(crate) fn demand(&self, side: Side, finding: Finding) {
        assert!(self.has(side, &finding), "{finding:?} of {side:?} is not in {self:#?}");
    }
}

/// Two ends, what they say and in which order. UDP: each turn is one datagram.
#[derive(Clone)]
pub(crate) struct Talk {
    pub(crate) transport: Transport,
    pub(crate) port: u16,
    pub(crate) from_start: bool,
    pub(crate) turns: Vec<(Side, Vec<u8>)>,
}

pub(crate) fn tcp(port: u16, turns: &[(Side, &[u8])]) -> Talk {
    let turns = turns.iter().map(|(side, octets)| (*side, octets.to_vec())).collect();
    Talk { transport: Transport::Tcp, port, from_start: true, turns }
}

pub(crate) fn udp(port: u16, turns: &[(Side, &[u8])]) -> Talk {
    Talk { transport: Transport::Udp, ..tcp(port, turns) }
}

impl Talk {
    /// Only what this side says.
    pub(crate) fn of(&self, side: Side) -> Self {
        let turns = self.turns.iter().filter(|(of, _)| *of == side).cloned().collect();
        Self { turns, ..self.clone() }
    }

    /// What is heard, which for TCP is the same however each turn is cut.
    pub(crate) fn heard(&self) -> Heard {
        let whole = self.in_pieces(usize::MAX, usize::MAX);
        if self.transport == Transport::Tcp {
            for size in [1, 2, 3, 5, 7, 11, 100] {
                assert_eq!(self.in_pieces(size, usize::MAX), whole, "in pieces of {size}");
            }
            let longest = self.turns.iter().map(|(_, octets)| octets.len()).max().unwrap_or(0);
            for cut in 1..longest.min(200) {
                assert_eq!(self.in_pieces(usize::MAX, cut), whole, "cut at {cut}");
            }
        }
        whole
    }

    pub(crate) fn in_pieces(&self, size: usize, cut: usize) -> Heard {
        let ends = ((Addr::v4([10, 0, 0, 1]), 40_000), (Addr::v4([10, 0, 0, 2]), self.port));
        let (key, _) = FlowKey::canonical(ends.0, ends.1, self.transport, 0);
        let dispatch = Dispatch::new(RECOGNISERS);
        let mut pool = HeadPool::new(HeadPool::OCTETS_PER_SHARD, 1);
        let mut notices = Vec::new();
        let mut watch = Watch::default();
        let mut sent = [0_u32; 2];
        let mut desk = Watching { dispatch: &dispatch, pool: &mut pool, notices: &mut notices };
        for (side, octets) in &self.turns {
            let (first, second) = octets.split_at(cut.min(octets.len()));
            for octets in first.chunks(size).chain(second.chunks(size)) {
                let sent = side.of_mut(&mut sent);
                let (time, from_start) = (Timestamp::default(), self.from_start);
                let (side, offset) = (*side, *sent);
                let chunk =
                    Chunk { key: &key, side, packet: 1, time, octets, offset, from_start, cut: false };
                *sent += u32::try_from(octets.len()).unwrap();
                watch.octets(&chunk, &mut desk);
            }
        }
        watch.end(&key, &mut desk);
        let mut heard = Heard::default();
        for notice in notices {
            match notice {
                Notice::Identified(side, recognition, _) => heard.named.push((side, recognition)),
                Notice::Found(side, finding, _) => heard.found.push((side, finding)),
                Notice::Unrecognised(..) => {}
            }
        }
        heard
    }
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/octets/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Octets from hex digits; blanks are skipped.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let octet = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).unwrap();
    digits.chunks_exact(2).map(octet).collect()
}
