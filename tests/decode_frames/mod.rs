//! Frames for the decoder's tests, and what always holds of its counts.

pub(crate) mod scapy;

use camsentry::addr::Addr;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::LinkType;
use camsentry::decode::DecodeSettings;
use camsentry::decode::DecodeTally;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::decode::Segment;
use camsentry::decode::Undecoded;
use camsentry::decode::undecoded::NotConversation;
use camsentry::time::Timestamp;

/// A decoder with everything that it was given and gave.
pub(crate) struct Bench {
    pub(crate) decoder: Decoder,
    pub(crate) batch: FrameBatch,
    /// Frames of segments that were forgotten.
    forgotten: u64,
    pub(crate) out: Decoded,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(DecodeSettings::default())
    }

    pub(crate) fn with(settings: DecodeSettings) -> Self {
        Self {
            decoder: Decoder::new(settings),
            batch: FrameBatch::default(),
            forgotten: 0,
            out: Decoded::default(),
        }
    }

    /// Decodes a frame that was captured whole, `millis` after the epoch.
    pub(crate) fn at(&mut self, millis: u32, link: u32, octets: &[u8]) -> &mut Self {
        self.cut(millis, link, octets, octets.len())
    }

    /// Decodes a frame of which `octets` were captured and `wire` were on the wire.
    pub(crate) fn cut(&mut self, millis: u32, link: u32, octets: &[u8], wire: usize) -> &mut Self {
        self.cut_at(i64::from(millis).saturating_mul(1_000_000), link, octets, wire)
    }

    /// The same, `nanos` nanoseconds after the epoch.
    pub(crate) fn cut_at(&mut self, nanos: i64, link: u32, octets: &[u8], wire: usize) -> &mut Self {
        let start = u32::try_from(self.batch.octets.len()).unwrap();
        self.batch.octets.extend_from_slice(octets);
        let index = self.batch.frames.len();
        self.batch.frames.push(Frame {
            number: u64::try_from(index).unwrap().saturating_add(1),
            time: Timestamp::from_nanos(nanos),
            link: LinkType(link),
            interface: 0,
            file: 0,
            wire_len: u32::try_from(wire).unwrap(),
            start,
            captured: u32::try_from(octets.len()).unwrap(),
        });
        self.decoder.decode(&mut self.batch, index, &mut self.out);
        assert_conserved(self.decoder.tally(), &self.out, self.forgotten);
        self
    }

    pub(crate) fn finish(&mut self) -> &mut Self {
        self.decoder.finish(&mut self.batch, &mut self.out);
        assert_conserved(self.decoder.tally(), &self.out, self.forgotten);
        assert_eq!(self.decoder.tally().fragments.held, 0, "nothing waits after the end");
        self
    }

    /// Empties the batch and what was put out, as a new batch does.
    pub(crate) fn forget(&mut self) {
        let frames = self.out.segments.iter().map(|segment| u64::from(segment.frames));
        self.forgotten = self.forgotten.saturating_add(frames.sum());
        self.out.clear();
        self.batch.clear();
    }

    pub(crate) fn tally(&self) -> &DecodeTally {
        self.decoder.tally()
    }

    /// The only segment.
    pub(crate) fn segment(&self) -> Segment {
        assert_eq!(self.out.segments.len(), 1, "{:?}", self.decoder.tally());
        self.out.segments.first().copied().unwrap()
    }

    pub(crate) fn payload(&self, segment: &Segment) -> &[u8] {
        let start = usize::try_from(segment.payload_start).unwrap();
        let end = start + usize::try_from(segment.payload_len).unwrap();
        self.batch.octets.get(start..end).unwrap()
    }
}

/// Every frame that came is in exactly one count.
fn assert_conserved(tally: &DecodeTally, out: &Decoded, forgotten: u64) {
    let segments: u64 = forgotten + out.segments.iter().map(|segment| u64::from(segment.frames)).sum::<u64>();
    let quiet: u64 = tally.not_conversation.values().map(|count| count.frames).sum();
    let stopped: u64 = tally.undecoded.values().map(|count| count.frames).sum();
    assert_eq!(segments, tally.segments.frames);
    assert_eq!(tally.seen.frames, segments + quiet + stopped + tally.fragments.held, "{tally:?}");
    let fragments = tally.fragments;
    assert_eq!(fragments.seen, fragments.joined + fragments.given_up + fragments.held, "{fragments:?}");
}

/// The segment of one Ethernet frame.
pub(crate) fn ethernet(hex: &str) -> (Bench, Segment) {
    let mut bench = Bench::new();
    bench.at(0, 1, &octets(hex));
    let segment = bench.segment();
    (bench, segment)
}

/// Why this frame cannot be decoded.
pub(crate) fn stop(link: u32, octets: &[u8]) -> Undecoded {
    let mut bench = Bench::new();
    bench.at(0, link, octets);
    let causes: Vec<Undecoded> = bench.tally().undecoded.keys().copied().collect();
    assert_eq!(causes.len(), 1, "{:?}", bench.tally());
    causes.first().copied().unwrap()
}

/// What kind of no conversation this frame is.
pub(crate) fn quiet(link: u32, octets: &[u8]) -> NotConversation {
    let mut bench = Bench::new();
    bench.at(0, link, octets);
    let kinds: Vec<NotConversation> = bench.tally().not_conversation.keys().copied().collect();
    assert_eq!(kinds.len(), 1, "{:?}", bench.tally());
    kinds.first().copied().unwrap()
}

/// An Ethernet frame of this type.
pub(crate) fn frame(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = octets("020000000002020000000001");
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// An IPv4 packet from 192.0.2.1 to 192.0.2.2 without options and with a right checksum, by etherparse.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let header = etherparse::Ipv4Header::new(
        length,
        64,
        etherparse::IpNumber(protocol),
        [192, 0, 2, 1],
        [192, 0, 2, 2],
    );
    let mut packet = Vec::new();
    header.unwrap().write(&mut packet).unwrap();
    packet.extend_from_slice(payload);
    packet
}

/// An IPv6 packet from 2001:db8::1 to 2001:db8::2.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend_from_slice(&[next, 64]);
    packet.extend_from_slice(&octets("20010db800000000000000000000000120010db8000000000000000000000002"));
    packet.extend_from_slice(payload);
    packet
}

pub(crate) fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

pub(crate) fn addr(text: &str) -> Addr {
    Addr::from(text.parse::<std::net::IpAddr>().unwrap())
}
