//! Puts what happens at the same time into one order: plans, the conversations that are going on, streams.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashSet;
use std::io;
use std::vec::IntoIter;

use super::streams::Stream;
use crate::workloads::chance::Noise;
use crate::workloads::savefile::Frame;
use crate::workloads::savefile::Savefile;

/// Something that begins at a time.
pub(in crate::workloads) struct Plan {
    /// Microseconds since 1970.
    pub(in crate::workloads) at: u64,
    pub(in crate::workloads) begin: Begin,
}

/// Makes the frames of a conversation when its time has come, and what goes on behind them.
pub(in crate::workloads) type Begin = Box<dyn FnOnce(u64) -> Voice>;

/// A conversation that is going on.
pub(in crate::workloads) struct Voice {
    next: Option<Frame>,
    rest: IntoIter<Frame>,
    stream: Option<Box<dyn Stream>>,
}

impl Voice {
    /// Frames in the order of their time, and then, if there is one, a stream without an end.
    pub(super) fn new(frames: Vec<Frame>, stream: Option<Box<dyn Stream>>) -> Self {
        let mut rest = frames.into_iter();
        Self { next: rest.next(), rest, stream }
    }

    pub(in crate::workloads) fn short(frames: Vec<Frame>) -> Self {
        Self::new(frames, None)
    }
}

/// Until the first frame of a stream after the frames of its opening, in microseconds.
const PAUSE: u64 = 20_000;

/// How a frame reaches the file: as it is, or as a hostile network delivers it.
pub(in crate::workloads) type Deliver<'d> = dyn FnMut(&[u8], &mut Savefile<'_>, u64) -> io::Result<()> + 'd;

/// Plays all plans; then streams go on until the file has `packets` packets. Gives the number of flows.
pub(in crate::workloads) fn play(
    mut plans: Vec<Plan>,
    packets: u64,
    noise: &mut Noise,
    file: &mut Savefile<'_>,
    deliver: &mut Deliver<'_>,
) -> io::Result<u64> {
    plans.sort_by_key(|plan| plan.at);
    let mut plans = plans.into_iter().peekable();
    let mut voices: Vec<Voice> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    // When which voice speaks next.
    let mut turns = BinaryHeap::new();
    let (mut frame, mut shorts, mut flows) = (Vec::new(), 0_usize, HashSet::new());
    loop {
        let now = turns.peek().map(|Reverse((at, _))| *at);
        if let Some(plan) = plans.next_if(|plan| now.is_none_or(|now| plan.at <= now)) {
            let voice = (plan.begin)(plan.at);
            shorts += usize::from(voice.stream.is_none());
            let place = free.pop().unwrap_or(voices.len());
            turns.push(Reverse((plan.at, place)));
            if place == voices.len() {
                voices.push(voice);
            } else {
                voices[place] = voice;
            }
            continue;
        }
        let settled = plans.peek().is_none() && shorts == 0;
        let Some(Reverse((at, place))) = turns.pop().filter(|_| !settled || file.packets < packets) else {
            return Ok(flows.len() as u64);
        };
        let voice = &mut voices[place];
        let after = if let Some(ready) = voice.next.take() {
            flows.extend(tuple(&ready.octets));
            deliver(&ready.octets, file, at)?;
            voice.next = voice.rest.next();
            match (&voice.next, &voice.stream) {
                (Some(next), _) => Some(next.at.max(at)),
                (None, Some(_)) => Some(at + PAUSE),
                (None, None) => None,
            }
        } else if let Some(stream) = &mut voice.stream {
            let pause = stream.emit(noise, &mut frame);
            flows.extend(tuple(&frame));
            deliver(&frame, file, at)?;
            Some(at + pause)
        } else {
            None
        };
        match after {
            Some(after) => turns.push(Reverse((after, place))),
            None => {
                shorts -= 1;
                free.push(place);
            }
        }
    }
}

/// An address as far as IPv6 has it, and a port.
type Side = ([u8; 16], u16);

/// Protocol and both ends, the lower one first.
pub(in crate::workloads) type Tuple = (u8, Side, Side);

/// The 5-tuple of an IP frame without tags, both directions one; protocols without ports have 0.
pub(in crate::workloads) fn tuple(frame: &[u8]) -> Option<Tuple> {
    let (protocol, length, at, transport) = match (frame[12], frame[13]) {
        (8, 0) => (frame[23], 4, 26, 34),
        (0x86, 0xdd) => (frame[20], 16, 22, 54),
        _ => return None,
    };
    let side = |address: usize, port: usize| {
        let mut all = [0; 16];
        all[..length].copy_from_slice(&frame[address..address + length]);
        let port = if matches!(protocol, 6 | 17) { [frame[port], frame[port + 1]] } else { [0; 2] };
        (all, u16::from_be_bytes(port))
    };
    let (from, to) = (side(at, transport), side(at + length, transport + 2));
    Some((protocol, from.min(to), from.max(to)))
}
