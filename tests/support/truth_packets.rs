//! The packets of real captures by conversation, and captures made of them in memory.

use std::collections::BTreeMap;
use std::io::Cursor;

use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;

use crate::truth::TruthFile;

/// One frame of a conversation, as it was captured.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) frame: Frame,
    pub(crate) octets: Vec<u8>,
    pub(crate) sender: Side,
}

/// Sorts the frames of a capture by 5-tuple. Fragments go with the datagram that they complete.
pub(crate) fn by_conversation(file: &TruthFile) -> BTreeMap<FlowKey, Vec<Packet>> {
    let mut captures = Captures::open(&[file.path.to_str().unwrap().to_owned()]);
    let mut decoder = Decoder::new(DecodeSettings::default());
    let (mut batch, mut decoded) = (FrameBatch::default(), Decoded::default());
    let (mut connections, mut waiting) = (BTreeMap::<FlowKey, Vec<Packet>>::new(), Vec::new());
    loop {
        let supply = captures.fill(&mut batch);
        for index in 0..batch.frames.len() {
            let (frame, held) = (*batch.frames.get(index).unwrap(), decoder.tally().fragments.held);
            let octets = batch.octets_of(&frame).to_vec();
            decoded.clear();
            decoder.decode(&mut batch, index, &mut decoded);
            if decoder.tally().fragments.held > held {
                waiting.push((frame, octets));
            } else if let Some(segment) = decoded.segments.first() {
                let (key, sender) = FlowKey::of(segment, false);
                let earlier = waiting.len().saturating_sub(usize::from(segment.frames).saturating_sub(1));
                let frames = waiting.split_off(earlier).into_iter().chain([(frame, octets)]);
                let packets = frames.map(|(frame, octets)| Packet { frame, octets, sender });
                connections.entry(key).or_default().extend(packets);
            }
        }
        if supply == Supply::End {
            return connections;
        }
    }
}

/// A classic capture of nanoseconds, all of one link type.
pub(crate) fn capture(packets: &[Packet]) -> Captures {
    let link = packets.first().map_or(1, |packet| packet.frame.link.0);
    let mut file = Vec::new();
    for field in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, link] {
        file.extend_from_slice(&u32::to_le_bytes(field));
    }
    for Packet { frame, octets, .. } in packets {
        let nanos = frame.time.nanos();
        let captured = i64::try_from(octets.len()).unwrap();
        let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
        for field in [seconds, rest, captured, i64::from(frame.wire_len)] {
            file.extend_from_slice(&u32::try_from(field).unwrap().to_le_bytes());
        }
        file.extend_from_slice(octets);
    }
    Captures::from_reader("view.pcap", Cursor::new(file))
}
