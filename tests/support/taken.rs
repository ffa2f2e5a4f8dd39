//! Conversations taken from captures: those whose octets come in order, up to some length.
#![expect(clippy::as_conversions, reason = "fields of headers, cut to their width")]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;

use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::service::Transport;

use crate::dialogue::Dialogue;

/// Octets of one side that are taken from a capture.
const MOST_OCTETS: usize = 6000;
/// Things said that are taken from a capture.
const MOST_TURNS: usize = 24;

/// The synthetic captures.
pub(crate) fn fixture_captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut captures: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("capture.pcap")).collect();
    captures.sort();
    captures
}

/// What is taken from a capture of one side of a flow.
#[derive(Default)]
struct Taken {
    next: Option<u32>,
    octets: usize,
}

struct Taking {
    dialogue: Dialogue,
    client: Side,
    sides: [Taken; 2],
    is_broken: bool,
}

/// The conversations of a capture whose octets come in order, up to some length.
pub(crate) fn captured(path: &Path) -> Vec<Dialogue> {
    let mut captures = Captures::open(&[path.to_str().unwrap().to_owned()]);
    let mut decoder = Decoder::new(DecodeSettings::default());
    let (mut batch, mut decoded) = (FrameBatch::default(), Decoded::default());
    let mut all = BTreeMap::<FlowKey, Taking>::new();
    loop {
        let supply = captures.fill(&mut batch);
        for index in 0..batch.frames.len() {
            decoded.clear();
            decoder.decode(&mut batch, index, &mut decoded);
            for segment in &decoded.segments {
                let start = segment.payload_start as usize;
                let payload = &batch.octets[start..start + segment.payload_len as usize];
                let (key, side) = FlowKey::of(segment, false);
                if matches!(key.transport, Transport::Tcp | Transport::Udp) {
                    let taking = all.entry(key).or_insert_with(|| {
                        taking(path, &key, side, segment.tcp.is_some_and(|tcp| tcp.flags & 18 == 18))
                    });
                    let tcp = segment.tcp.map(|tcp| (tcp.seq, tcp.flags));
                    taking.take(side, tcp, payload, segment.oddities.cut || segment.oddities.incomplete);
                }
            }
        }
        if supply == Supply::End {
            let spoken = all.into_values().map(|taking| taking.dialogue);
            return spoken.filter(|dialogue| !dialogue.turns.is_empty()).collect();
        }
    }
}

fn taking(path: &Path, key: &FlowKey, side: Side, is_answer: bool) -> Taking {
    let client = if is_answer { side.other() } else { side };
    let at = |side: Side, other: u8| {
        let (addr, port) = key.end(side);
        match addr.ip() {
            IpAddr::V4(addr) => (addr, port),
            IpAddr::V6(addr) if addr.is_multicast() => (Ipv4Addr::new(239, 255, 255, 250), port),
            IpAddr::V6(_) => (Ipv4Addr::new(10, 99, 0, other), port),
        }
    };
    let (from, to) = (at(client, 1), at(client.other(), 2));
    let name = format!("{} {} {} > {}", path.display(), key.transport, from.1, to.1);
    let dialogue = Dialogue {
        name,
        transport: key.transport,
        client: from,
        server: to,
        is_opened: false,
        turns: Vec::new(),
    };
    Taking { dialogue, client, sides: Default::default(), is_broken: false }
}

impl Taking {
    fn take(&mut self, side: Side, tcp: Option<(u32, u8)>, payload: &[u8], is_cut: bool) {
        let from_client = side == self.client;
        let taken = side.of_mut(&mut self.sides);
        if let Some((seq, flags)) = tcp {
            if flags & 2 > 0 {
                self.dialogue.is_opened |= self.dialogue.turns.is_empty();
                taken.next = Some(seq.wrapping_add(1));
                return;
            }
            let is_next = taken.next.is_none_or(|next| next == seq);
            if !is_next {
                // A repetition changes nothing; behind a hole nothing more is taken.
                self.is_broken |= seq.wrapping_sub(taken.next.unwrap()) < 0x8000_0000;
                return;
            }
            taken.next = Some(seq.wrapping_add(payload.len() as u32));
        }
        self.is_broken |= is_cut;
        let room = MOST_OCTETS.saturating_sub(taken.octets);
        if payload.is_empty() || self.is_broken || self.dialogue.turns.len() >= MOST_TURNS || room == 0 {
            return;
        }
        let is_whole = payload.len() <= room || tcp.is_some();
        if is_whole {
            taken.octets += payload.len().min(room);
            self.dialogue.turns.push((from_client, payload[..payload.len().min(room)].to_vec()));
        }
        self.is_broken |= payload.len() > room;
    }
}
