//! A whole run over frames of the test's own: the same events for any workers and batches, a net
//! under every packet, and nothing lost.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use camsentry::capture::CaptureFault;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::LinkType;
use camsentry::capture::Supply;
use camsentry::event::Event;
use camsentry::event::EventKind;
use camsentry::flow::FlowSettings;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::RunTally;
use camsentry::pipeline::run;
use camsentry::recognise::Follower;
use camsentry::recognise::Head;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::service::Service;
use camsentry::service::Transport;
use camsentry::time::Timestamp;

/// Frames given out so many at a time.
struct Given<'a> {
    frames: &'a [(i64, Vec<u8>)],
    next: usize,
    batch: usize,
}

impl FrameSource for Given<'_> {
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.clear();
        let end = (self.next + self.batch).min(self.frames.len());
        for (millis, octets) in self.frames.get(self.next..end).unwrap() {
            self.next += 1;
            let length = u32::try_from(octets.len()).unwrap();
            batch.frames.push(Frame {
                number: u64::try_from(self.next).unwrap(),
                time: Timestamp::from_nanos(1_700_000_000_000_000_000 + millis * 1_000_000),
                link: LinkType::IPV4,
                interface: 0,
                file: 0,
                wire_len: length,
                start: u32::try_from(batch.octets.len()).unwrap(),
                captured: length,
            });
            batch.octets.extend_from_slice(octets);
        }
        if self.next == self.frames.len() { Supply::End } else { Supply::More }
    }

    fn faults(&self) -> &[CaptureFault] {
        &[]
    }

    fn consumed(&self) -> u64 {
        u64::try_from(self.next).unwrap()
    }
}

/// An IPv4 packet without checksums, as an offloading host writes it.
fn ipv4(protocol: u8, from: u8, to: u8, id: u16, fragment: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let (id, fragment) = (id.to_be_bytes(), fragment.to_be_bytes());
    let mut octets =
        vec![0x45, 0, length[0], length[1], id[0], id[1], fragment[0], fragment[1], 64, protocol, 0, 0];
    octets.extend([10, 0, from / 16, from, 10, 0, to / 16, to]);
    octets.extend(body);
    octets
}

fn udp(from_port: u16, to_port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut octets: Vec<u8> =
        [from_port, to_port, length, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
    octets.extend(payload);
    octets
}

fn tcp(from_port: u16, to_port: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets: Vec<u8> = [from_port, to_port].iter().flat_map(|word| word.to_be_bytes()).collect();
    octets.extend(seq.to_be_bytes());
    octets.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    octets.extend(payload);
    octets
}

/// Four thousand packets of many hosts, some fragmented, with long silences now and then.
fn traffic() -> Vec<(i64, Vec<u8>)> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    };
    let mut millis = 0_i64;
    let mut frames = Vec::new();
    for id in 0..4000_u16 {
        millis += i64::try_from(if random(200) == 0 { 100_000 } else { random(40) }).unwrap();
        let host = |random: &mut dyn FnMut(u64) -> u64| u8::try_from(random(60)).unwrap();
        let (from, to) = (host(&mut random), host(&mut random));
        let port = u16::try_from(40_000 + random(3)).unwrap();
        let text = format!("packet {id} of the test");
        match random(10) {
            0..=3 => {
                let flags = [0x02, 0x12, 0x10, 0x18, 0x11, 0x04][usize::try_from(random(6)).unwrap()];
                let seq = u32::try_from(random(500)).unwrap();
                frames.push((millis, ipv4(6, from, to, id, 0, &tcp(port, 554, seq, flags, text.as_bytes()))));
            }
            4 => {
                let whole = udp(port, 5000, &[7; 64]);
                let (head, tail) = whole.split_at(40);
                frames.push((millis, ipv4(17, from, to, id, 0x2000, head)));
                if random(3) > 0 {
                    frames.push((millis, ipv4(17, from, to, id, 5, tail)));
                }
            }
            5 => frames.push((millis, text.into_bytes())),
            _ => {
                frames.push((millis, ipv4(17, from, to, id, 0, &udp(port, 5000, text.as_bytes()))));
                if random(4) == 0 {
                    frames.push((millis + 1, ipv4(17, from, to, id, 0, &udp(port, 5000, text.as_bytes()))));
                }
            }
        }
    }
    frames
}

fn play(
    frames: &[(i64, Vec<u8>)],
    batch: usize,
    workers: usize,
    settings: &PipelineSettings<'_>,
) -> (Vec<Event>, RunTally) {
    let mut source = Given { frames, next: 0, batch };
    let (mut events, stop) = (Vec::new(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let workers = NonZeroUsize::new(workers).unwrap();
    let tally = run(&mut source, settings, workers, &mut control, &mut |mut more| events.append(&mut more));
    (events, tally)
}

#[test]
fn events_are_the_same_for_any_number_of_workers_and_any_size_of_batches() {
    let frames = traffic();
    let flow = FlowSettings { flows_per_shard: 8, ..FlowSettings::default() };
    let settings = PipelineSettings { flow, ..PipelineSettings::default() };
    let (events, tally) = play(&frames, 1000, 1, &settings);
    assert!(tally.is_conserved(), "{tally:?}");
    let flows = tally.workers.flows;
    assert!(
        flows.evicted > 10 && flows.expired > 10 && flows.duplicates > 10 && flows.live == 0,
        "{flows:?}"
    );
    assert!(events.windows(2).all(|pair| pair[0].stamp < pair[1].stamp), "stamps are unique and ascend");
    let closed = events.iter().filter(|event| matches!(event.kind, EventKind::Closed(_))).count();
    assert_eq!(u64::try_from(closed).unwrap(), flows.opened);
    let whole = format!("{events:?}");
    for (batch, workers) in [(1, 1), (7, 1), (100_000, 1), (1, 2), (333, 2), (50, 4), (1000, 4), (13, 3)] {
        let (other, other_tally) = play(&frames, batch, workers, &settings);
        assert_eq!(format!("{other:?}"), whole, "batches of {batch}, {workers} workers");
        assert_eq!(other_tally, tally, "batches of {batch}, {workers} workers");
    }
}

#[test]
fn counts_of_the_closed_flows_add_up_to_the_packets_of_the_run() {
    let frames = traffic();
    let (events, tally) = play(&frames, 1000, 2, &PipelineSettings::default());
    let sum: u64 = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Closed(facts) => Some(&facts.tallies),
            _ => None,
        })
        .flatten()
        .map(|side| side.packets + side.duplicate_packets)
        .sum();
    assert_eq!(sum, tally.decode.segments.frames);
    assert_eq!(tally.decode.seen.frames, u64::try_from(frames.len()).unwrap());
}

/// Panics over one word.
struct Fragile;

impl Recogniser for Fragile {
    fn service(&self) -> Service {
        Service::Telnet
    }

    fn speaks(&self, _: Transport) -> bool {
        true
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.first().starts_with(b"break") {
            panic!("a defect of ours");
        }
        Probe::Refuse
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        None
    }
}

#[test]
fn a_panic_over_one_packet_costs_one_flow_and_is_counted() {
    let line = |from: u8, text: &[u8]| ipv4(17, from, 200, u16::from(from), 0, &udp(1000, 2000, text));
    let mut frames = Vec::new();
    for from in 0..50 {
        frames.push((i64::from(from), line(from, if from == 20 { b"break" } else { b"fine!" })));
    }
    frames.push((60, line(20, b"fine!")));
    let registry: [&dyn Recogniser; 1] = [&Fragile];
    let settings = PipelineSettings { registry: &registry, ..PipelineSettings::default() };
    for workers in [1, 2] {
        let (events, tally) = play(&frames, 10, workers, &settings);
        assert_eq!(tally.workers.abandoned, 1);
        assert!(tally.is_conserved(), "{tally:?}");
        let closed = events.iter().filter(|event| matches!(event.kind, EventKind::Closed(_))).count();
        assert_eq!(closed, 51, "the flow of the bad packet was closed, its next packet opened another");
    }
}

#[test]
fn a_stopped_run_ends_in_good_order() {
    let frames = traffic();
    let mut source = Given { frames: &frames, next: 0, batch: 100 };
    let (mut closed, stop) = (0_u64, AtomicBool::new(false));
    let mut consumed = 0;
    let mut progress = |octets| {
        consumed = octets;
        if octets >= 500 {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let mut control = Control { stop: &stop, progress: &mut progress };
    let two = NonZeroUsize::new(2).unwrap();
    let tally = run(&mut source, &PipelineSettings::default(), two, &mut control, &mut |events| {
        let more = events.iter().filter(|event| matches!(event.kind, EventKind::Closed(_))).count();
        closed += u64::try_from(more).unwrap();
    });
    assert!(tally.stopped && tally.is_conserved());
    assert_eq!((tally.decode.seen.frames, consumed), (500, 500));
    assert_eq!(closed, tally.workers.flows.opened);
}
