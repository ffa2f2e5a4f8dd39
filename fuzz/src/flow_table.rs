//! Segments in any order through a small flow table. Every packet is counted once, every flow closes
//! once, no octet of a TCP side is left out or given twice, and the caps hold.

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
use camsentry::time::Span;
use camsentry::time::Timestamp;

use crate::cost::Budget;
use crate::cost::within;
use crate::feed::Feed;

/// The first block of flows alone is asked for 32 MiB, of which what is written to becomes memory.
const BUDGET: Budget = Budget { octets: 40 << 20, octets_each: 1024, micros_each: 20 };
const MOST_FLOWS: u32 = 5;

/// What a flow was told.
#[derive(Default)]
struct Told {
    next: [u32; 2],
    gap: [bool; 2],
    octets: [u64; 2],
}

/// Checks everything that it is told.
#[derive(Default)]
struct Checker {
    open: BTreeMap<u64, (Outcome, Initiation)>,
    opened: u64,
    packets: u64,
    duplicates: u64,
    bored_after: Option<u64>,
    claims: bool,
}

impl Checker {
    fn reaction(&self, told: &Told) -> Reaction {
        let interest = told.octets.map(|octets| match self.bored_after {
            Some(most) if octets >= most => Interest::Enough,
            _ => Interest::More,
        });
        Reaction { interest, initiator: self.claims.then_some(Side::B) }
    }

    fn state(&mut self, flow: FlowNumber) -> &mut (Outcome, Initiation) {
        self.open.get_mut(&flow.0).expect("told of a flow that is not open")
    }
}

impl FlowSink<Told> for Checker {
    fn opened(&mut self, flow: FlowNumber, _: Timestamp, opening: &Opening) -> Told {
        let first = (Outcome::Attempted, opening.initiation);
        assert!(self.open.insert(flow.0, first).is_none(), "opened twice");
        self.opened += 1;
        Told::default()
    }

    fn octets(&mut self, flow: FlowNumber, told: &mut Told, chunk: &Chunk<'_>) -> Reaction {
        self.state(flow);
        if chunk.key.transport == Transport::Tcp {
            let (next, gap) = (chunk.side.of_mut(&mut told.next), chunk.side.of_mut(&mut told.gap));
            assert!(*gap || chunk.offset == *next, "octet {} after {next}", chunk.offset);
            assert!(chunk.offset >= *next, "an octet was given twice");
            *next = chunk.offset.saturating_add(u32::try_from(chunk.octets.len()).unwrap());
            *gap = chunk.cut;
        }
        *chunk.side.of_mut(&mut told.octets) += u64::try_from(chunk.octets.len()).unwrap();
        self.reaction(told)
    }

    fn gap(&mut self, flow: FlowNumber, told: &mut Told, _: &FlowKey, side: Side, _: Timestamp) -> Reaction {
        self.state(flow);
        *side.of_mut(&mut told.gap) = true;
        self.reaction(told)
    }

    fn ending(&mut self, flow: FlowNumber, told: &mut Told, _: &FlowKey, _: Timestamp) -> Reaction {
        self.state(flow);
        self.reaction(told)
    }

    fn initiated(&mut self, flow: FlowNumber, _: Timestamp, _: Side, initiation: Initiation) {
        let state = self.state(flow);
        assert!(initiation > state.1, "{initiation} after {}", state.1);
        state.1 = initiation;
    }

    fn reached(&mut self, flow: FlowNumber, _: Timestamp, outcome: Outcome) {
        let state = self.state(flow);
        assert!(outcome > state.0, "{outcome} after {}", state.0);
        state.0 = outcome;
    }

    fn tally(&mut self, flow: FlowNumber, _: Timestamp, _: &[SideTally; 2]) {
        self.state(flow);
    }

    fn closed(&mut self, _: Timestamp, told: Told, facts: FlowFacts) {
        let (outcome, initiation) = self.open.remove(&facts.number.0).expect("closed twice");
        assert_eq!((outcome, initiation), (facts.outcome, facts.initiation), "told all steps");
        for side in [Side::A, Side::B] {
            let tally = side.of(&facts.tallies);
            self.packets += tally.packets;
            self.duplicates += tally.duplicate_packets;
            assert!(*side.of(&told.octets) <= tally.payload_octets, "more octets than were sent");
        }
    }
}

fn segment(feed: &mut Feed<'_>, number: u64, time: Timestamp) -> (Segment, Vec<u8>) {
    let [what, flags, seq, size] = [feed.u8(), feed.u8(), feed.u8(), feed.u8()];
    let host = |number: u8| Addr::v4([10, 0, 0, number & 3]);
    let port = |bit: bool| if bit { 554 } else { 50_000 };
    let transport = [Transport::Tcp, Transport::Tcp, Transport::Udp, Transport::Icmp][usize::from(what >> 6)];
    // Near the wrap, with leaps that are small against the window, or great ones.
    let wide = if size & 0x80 == 0x80 { u32::from(feed.u8()) << 22 } else { 0 };
    let seq = 0xffff_ff00_u32.wrapping_add(u32::from(seq) * 3).wrapping_add(wide);
    let tcp =
        Tcp { seq, ack: if flags & 0x80 == 0 { seq } else { feed.u32() }, window: 1000, flags: flags & 0x3f };
    let length = usize::from(size & 0x3f);
    let cut = length.min(if size & 0x40 == 0x40 { usize::from(feed.u8()) } else { usize::MAX });
    let start = u8::try_from(seq & 0xff).unwrap();
    // The octet follows from its place, so that copies agree; a liar's do not.
    let lie = if flags & 0x40 == 0x40 { feed.u8() } else { 0 };
    let payload: Vec<u8> = (0..cut).map(|at| start.wrapping_add(u8::try_from(at).unwrap()) ^ lie).collect();
    let wire = u32::try_from(length).unwrap();
    let segment = Segment {
        number,
        time,
        src: host(what),
        dst: host(what >> 2),
        transport,
        src_port: port(what & 0x10 == 0),
        dst_port: port(what & 0x20 == 0),
        tcp: (transport == Transport::Tcp).then_some(tcp),
        icmp_reply: transport == Transport::Icmp && flags & 1 == 1,
        src_mac: None,
        dst_mac: None,
        vlans: VlanStack::default(),
        tunnel: None,
        wire_octets: 54 + wire,
        ip_octets: 40 + wire,
        frames: 1,
        hops: 64,
        payload_wire: wire,
        payload_start: 0,
        payload_len: u32::try_from(cut).unwrap(),
        file: 0,
        interface: 0,
        fingerprint: u64::from(tcp.seq) ^ u64::from(flags) << 32 ^ u64::from(size) << 40,
        unread: None,
        oddities: Oddities { cut: cut < length, ..Oddities::default() },
    };
    (segment, payload)
}

/// The target. Each step: how much time goes by, then a segment or an ICMP error.
pub fn run(octets: &[u8]) {
    within(BUDGET, octets.len(), || play(octets));
}

fn play(octets: &[u8]) {
    let mut feed = Feed(octets);
    let settings = FlowSettings {
        flows_per_shard: MOST_FLOWS,
        held_segments: 4,
        held_octets: 300,
        held_octets_per_shard: 500,
        mirror_window: Span::from_millis(5),
        ..FlowSettings::default()
    };
    let mut table = FlowTable::new(settings, 1);
    let tracer = Tracer::new(&settings);
    let bored_after = feed.flag().then(|| feed.u8().into());
    let mut checker = Checker { bored_after, claims: feed.flag(), ..Checker::default() };
    let (mut millis, mut packets) = (0_i64, 0_u64);
    while !feed.is_empty() {
        let step = feed.u8();
        millis += match step & 0x3f {
            0 => i64::from(feed.u16().cast_signed()) * 100,
            other => i64::from(other),
        };
        let time = Timestamp::from_nanos(millis * 1_000_000);
        match step >> 6 {
            3 => {
                let (packet, _) = segment(&mut feed, 0, time);
                let Segment { src, dst, transport, src_port, dst_port, .. } = packet;
                let refused = step & 1 == 0;
                let error = IcmpError {
                    number: packets,
                    time,
                    from: dst,
                    src,
                    dst,
                    transport,
                    src_port,
                    dst_port,
                    refused,
                };
                table.icmp_error(tracer.trace_error(&error), &error, &mut checker);
            }
            2 if step & 1 == 1 => table.watch_from(time),
            _ => {
                packets += 1;
                let (packet, payload) = segment(&mut feed, packets, time);
                table.segment(tracer.trace(&packet), &packet, &payload, &mut checker);
            }
        }
        let counts = table.counts();
        assert_eq!(counts.packets + counts.duplicates, packets, "every packet is counted once");
        assert_eq!(counts.opened, checker.opened);
        assert_eq!(counts.live, u64::try_from(checker.open.len()).unwrap());
        assert!(counts.live <= u64::from(MOST_FLOWS), "the cap holds");
    }
    let slots: Vec<_> = table.flows().collect();
    for (_, slot) in slots {
        table.close(slot, Timestamp::from_nanos(millis * 1_000_000), &mut checker);
    }
    assert!(checker.open.is_empty(), "every flow closes");
    assert_eq!((checker.packets, checker.duplicates), (table.counts().packets, table.counts().duplicates));
}
