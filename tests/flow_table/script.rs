//! Writes segments by hand, runs them through one flow table, and notes what its sink is told.

use std::collections::BTreeMap;

use camsentry::addr::Addr;
use camsentry::decode::Segment;
use camsentry::decode::segment::IcmpError;
use camsentry::decode::segment::Oddities;
use camsentry::decode::segment::Tcp;
use camsentry::decode::segment::VlanStack;
use camsentry::flow::FlowFacts;
use camsentry::flow::FlowKey;
use camsentry::flow::FlowSettings;
use camsentry::flow::FlowSink;
use camsentry::flow::FlowTable;
use camsentry::flow::Side;
use camsentry::flow::Tracer;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Opening;
use camsentry::flow::facts::Outcome;
use camsentry::flow::facts::SideTally;
use camsentry::flow::key::FlowNumber;
use camsentry::flow::sink::Chunk;
use camsentry::flow::sink::Interest;
use camsentry::flow::sink::Reaction;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

pub(crate) const SYN: u8 = Tcp::SYN;
pub(crate) const ACK: u8 = Tcp::ACK;
pub(crate) const FIN: u8 = Tcp::FIN;
pub(crate) const RST: u8 = Tcp::RST;

/// The client has the higher address, so that the canonical order of the key is not its order.
pub(crate) const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 9], 50_000);
pub(crate) const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 554);
pub(crate) const CLIENT_SIDE: Side = Side::B;
pub(crate) const SERVER_SIDE: Side = Side::A;

#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) segment: Segment,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + seconds, 0)
}

pub(crate) fn packet(
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    transport: Transport,
    tcp: Option<Tcp>,
    payload: &[u8],
) -> Packet {
    let length = u32::try_from(payload.len()).unwrap();
    let segment = Segment {
        number: 0,
        time: seconds(0),
        src: Addr::v4(from.0),
        dst: Addr::v4(to.0),
        transport,
        src_port: from.1,
        dst_port: to.1,
        tcp,
        icmp_reply: false,
        src_mac: None,
        dst_mac: None,
        vlans: VlanStack::default(),
        tunnel: None,
        wire_octets: 54 + length,
        ip_octets: 40 + length,
        frames: 1,
        hops: 64,
        payload_wire: length,
        payload_start: 0,
        payload_len: length,
        file: 0,
        interface: 0,
        fingerprint: 0,
        unread: None,
        oddities: Oddities::default(),
    };
    Packet { segment, payload: payload.to_vec() }
}

pub(crate) fn client(flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Packet {
    let tcp = Tcp { seq, ack, window: 65_535, flags };
    packet(CLIENT, SERVER, Transport::Tcp, Some(tcp), payload)
}

pub(crate) fn server(flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Packet {
    let tcp = Tcp { seq, ack, window: 65_535, flags };
    packet(SERVER, CLIENT, Transport::Tcp, Some(tcp), payload)
}

pub(crate) fn client_udp(payload: &[u8]) -> Packet {
    packet(CLIENT, SERVER, Transport::Udp, None, payload)
}

pub(crate) fn server_udp(payload: &[u8]) -> Packet {
    packet(SERVER, CLIENT, Transport::Udp, None, payload)
}

/// SYN, SYN-ACK, ACK with these initial sequence numbers.
pub(crate) fn handshake(ours: u32, theirs: u32) -> Vec<Packet> {
    let (next, answer) = (ours.wrapping_add(1), theirs.wrapping_add(1));
    vec![client(SYN, ours, 0, b""), server(SYN | ACK, theirs, next, b""), client(ACK, next, answer, b"")]
}

/// What hangs on a flow here: what it said, per side.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) octets: [Vec<u8>; 2],
    pub(crate) gaps: [u32; 2],
}

/// Notes everything; wants everything unless told otherwise.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) openings: Vec<Opening>,
    pub(crate) closed: Vec<(FlowFacts, Said)>,
    pub(crate) initiated: Vec<(Side, Initiation)>,
    pub(crate) reached: Vec<Outcome>,
    pub(crate) tallies: u32,
    pub(crate) from_start: BTreeMap<Side, bool>,
    /// Enough after so many octets of a side.
    pub(crate) enough: Option<usize>,
    /// These octets, said by somebody, prove that he is the server.
    pub(crate) server_says: Option<&'static [u8]>,
}

impl Notes {
    fn reaction(&self, said: &Said, initiator: Option<Side>) -> Reaction {
        let interest = [Side::A, Side::B].map(|side| match self.enough {
            Some(enough) if side.of(&said.octets).len() >= enough => Interest::Enough,
            _ => Interest::More,
        });
        Reaction { interest, initiator }
    }
}

impl FlowSink<Said> for Notes {
    fn opened(&mut self, _: FlowNumber, _: Timestamp, opening: &Opening) -> Said {
        self.openings.push(opening.clone());
        Said::default()
    }

    fn octets(&mut self, _: FlowNumber, said: &mut Said, chunk: &Chunk<'_>) -> Reaction {
        self.from_start.entry(chunk.side).or_insert(chunk.from_start);
        let gaps = *chunk.side.of(&said.gaps);
        if gaps == 0 && chunk.key.transport == Transport::Tcp {
            let known = u32::try_from(chunk.side.of(&said.octets).len()).unwrap();
            assert_eq!(chunk.offset, known, "an octet was left out or given twice");
        }
        chunk.side.of_mut(&mut said.octets).extend_from_slice(chunk.octets);
        let proof = self.server_says.is_some_and(|says| chunk.octets.starts_with(says));
        self.reaction(said, proof.then_some(chunk.side.other()))
    }

    fn gap(&mut self, _: FlowNumber, said: &mut Said, _: &FlowKey, side: Side, _: Timestamp) -> Reaction {
        *side.of_mut(&mut said.gaps) += 1;
        self.reaction(said, None)
    }

    fn ending(&mut self, _: FlowNumber, said: &mut Said, _: &FlowKey, _: Timestamp) -> Reaction {
        self.reaction(said, None)
    }

    fn initiated(&mut self, _: FlowNumber, _: Timestamp, side: Side, initiation: Initiation) {
        self.initiated.push((side, initiation));
    }

    fn reached(&mut self, _: FlowNumber, _: Timestamp, outcome: Outcome) {
        self.reached.push(outcome);
    }

    fn tally(&mut self, _: FlowNumber, _: Timestamp, _: &[SideTally; 2]) {
        self.tallies += 1;
    }

    fn closed(&mut self, _: Timestamp, said: Said, facts: FlowFacts) {
        self.closed.push((facts, said));
    }
}

/// One table, its packets numbered and given distinct fingerprints as they come.
pub(crate) struct Stage {
    pub(crate) table: FlowTable<Said>,
    tracer: Tracer,
    pub(crate) notes: Notes,
    number: u64,
}

impl Stage {
    pub(crate) fn new(settings: FlowSettings) -> Self {
        let tracer = Tracer::new(&settings);
        Self { table: FlowTable::new(settings, 1), tracer, notes: Notes::default(), number: 0 }
    }

    /// Plays a packet at a time in seconds.
    pub(crate) fn play_at(&mut self, at: i64, packet: &Packet) {
        self.number += 1;
        let mut packet = packet.clone();
        packet.segment.number = self.number;
        packet.segment.time = seconds(at);
        if packet.segment.fingerprint == 0 {
            packet.segment.fingerprint = self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let trace = self.tracer.trace(&packet.segment);
        self.table.segment(trace, &packet.segment, &packet.payload, &mut self.notes);
    }

    /// Plays an ICMP error; tells whether it is of a flow.
    pub(crate) fn play_error(&mut self, error: &IcmpError) -> bool {
        let trace = self.tracer.trace_error(error);
        self.table.icmp_error(trace, error, &mut self.notes)
    }

    /// Plays packets, all at one time.
    pub(crate) fn play(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.play_at(0, packet);
        }
    }

    /// Ends the run: all flows in the order of their first packets.
    pub(crate) fn end(mut self) -> Notes {
        let mut left: Vec<_> = self.table.flows().collect();
        left.sort_unstable();
        for (_, slot) in left {
            self.table.close(slot, seconds(100_000), &mut self.notes);
        }
        self.notes.closed.sort_by_key(|(facts, _)| facts.number);
        self.notes
    }
}

/// Plays packets in a table of its own.
pub(crate) fn played(packets: &[Packet]) -> Notes {
    let mut stage = Stage::new(FlowSettings::default());
    stage.play(packets);
    stage.end()
}

/// The only flow that there was.
pub(crate) fn only(notes: &Notes) -> &(FlowFacts, Said) {
    assert_eq!(notes.closed.len(), 1, "one flow");
    notes.closed.first().unwrap()
}
