//! What two hosts say to each other, put on a wire of the test's own: cut, swapped and doubled as the
//! test wants it, and read by the whole pipeline. Each variant has a VLAN for itself, so that
//! thousands of them go through one run and share nothing.
#![expect(clippy::as_conversions, reason = "fields of headers, cut to their width")]

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::Cursor;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::event::EventKind;
use camsentry::flow::Side;
use camsentry::flow::facts::Initiation;
use camsentry::flow::key::FlowNumber;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::run;
use camsentry::recognise::Finding;
use camsentry::recognise::Recogniser;
use camsentry::recognise::Recognition;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::service::Transport;

/// Most variants of one run: VLAN identifiers.
pub(crate) const MOST_VARIANTS: usize = 4000;
/// Payload of a full segment or fragment.
const SEGMENT: usize = 1400;

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Dialogue {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    pub(crate) client: (Ipv4Addr, u16),
    pub(crate) server: (Ipv4Addr, u16),
    /// TCP: begins with its handshake. If not, the capture began later.
    pub(crate) is_opened: bool,
    /// What is said: by the client (`true`) or the server, in order. Over UDP each is one datagram.
    pub(crate) turns: Vec<(bool, Vec<u8>)>,
}

impl Dialogue {
    /// What one side alone says.
    pub(crate) fn alone(&self, client: bool) -> Self {
        let mut alone = self.clone();
        alone.turns.retain(|(from_client, _)| *from_client == client);
        alone
    }

    /// What a side says, all of it.
    pub(crate) fn stream(&self, client: bool) -> Vec<u8> {
        self.turns.iter().filter(|(from, _)| *from == client).flat_map(|(_, octets)| octets.clone()).collect()
    }

    /// As it is said, in full segments.
    pub(crate) fn plain(&self) -> Vec<Part> {
        self.cut_at(&|_| Vec::new())
    }

    /// With each turn cut at the places that `cuts` gives for its octets (positions in the side's
    /// stream), and nowhere else but at full segments.
    pub(crate) fn cut_at(&self, cuts: &dyn Fn(&Turn) -> Vec<usize>) -> Vec<Part> {
        let mut sent = [0_usize; 2];
        let mut parts = Vec::new();
        for (number, (from_client, octets)) in self.turns.iter().enumerate() {
            let sent = &mut sent[usize::from(*from_client)];
            let range = *sent..*sent + octets.len();
            *sent = range.end;
            let turn = Turn { from_client: *from_client, number, range: range.clone() };
            let mut places = cuts(&turn);
            places.retain(|place| range.contains(place) && *place > range.start);
            places.extend([range.start, range.end]);
            places.extend(range.clone().step_by(SEGMENT));
            places.sort_unstable();
            places.dedup();
            let pairs = places.iter().zip(places.iter().skip(1));
            parts.extend(pairs.map(|(from, to)| Part {
                from_client: *from_client,
                number,
                range: *from..*to,
            }));
        }
        parts
    }
}

/// One thing that is said.
pub(crate) struct Turn {
    pub(crate) from_client: bool,
    pub(crate) number: usize,
    /// Where it stands in its side's stream.
    pub(crate) range: Range<usize>,
}

/// A piece of a turn that goes out as one segment (TCP) or fragment (UDP).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) from_client: bool,
    /// Which turn.
    pub(crate) number: usize,
    /// Where it stands in its side's stream.
    pub(crate) range: Range<usize>,
}

/// What the pipeline says of one conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) service: Option<Service>,
    pub(crate) certainty: Option<Certainty>,
    pub(crate) content: Option<Content>,
    /// By side and order; over UDP each once.
    pub(crate) findings: Vec<(Side, Finding)>,
    /// Who proved to be the client, and how.
    pub(crate) initiator: Option<(Side, Initiation)>,
    /// The recognitions themselves, in order.
    pub(crate) recognitions: Vec<(Side, Recognition)>,
    pub(crate) unrecognised: bool,
}

impl Said {
    /// Whether two say the same: service, certainty, content, findings.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.service, self.certainty, self.content) == (other.service, other.certainty, other.content)
            && self.findings == other.findings
    }

    fn add(&mut self, kind: EventKind, by_set: bool) {
        match kind {
            EventKind::Identified(_, side, recognition, _) => {
                self.service = Some(recognition.service);
                self.certainty = self.certainty.max(Some(recognition.certainty));
                self.content = recognition.content.or(self.content);
                self.recognitions.push((side, recognition));
            }
            EventKind::Found(_, side, finding, _)
                if !by_set || !self.findings.contains(&(side, finding.clone())) =>
            {
                self.findings.push((side, finding));
            }
            EventKind::Unrecognised { .. } => self.unrecognised = true,
            EventKind::Initiated(_, side, initiation) => self.initiator = Some((side, initiation)),
            _ => {}
        }
    }

    /// Findings of one side in their order, the sides one after the other: which side was read first
    /// depends on the cuts, if both speak at once.
    fn settle(&mut self) {
        self.findings.sort_by_key(|(side, _)| *side);
    }
}

/// A wire with many variants on it.
#[derive(Default)]
pub(crate) struct Wire {
    file: Vec<u8>,
    micros: u64,
    id: u16,
    variants: usize,
}

impl Wire {
    pub(crate) fn is_full(&self) -> bool {
        self.variants >= MOST_VARIANTS
    }

    /// Nothing is sent for so long.
    pub(crate) fn wait(&mut self, seconds: u64) {
        self.micros += seconds * 1_000_000;
    }

    /// Sends a variant of `dialogue`; gives its number.
    pub(crate) fn send(&mut self, dialogue: &Dialogue, parts: &[Part]) -> usize {
        let number = self.variants;
        self.variants += 1;
        assert!(self.variants <= MOST_VARIANTS);
        if dialogue.transport == Transport::Tcp {
            self.stream(dialogue, parts);
        } else {
            self.datagrams(dialogue, parts);
        }
        number
    }

    fn stream(&mut self, dialogue: &Dialogue, parts: &[Part]) {
        let streams = [dialogue.stream(false), dialogue.stream(true)];
        let (syn, ack) = (2, 16);
        if dialogue.is_opened {
            self.segment(dialogue, true, syn, [0, 0], &[]);
            self.segment(dialogue, false, syn | ack, [0, 1], &[]);
            self.segment(dialogue, true, ack, [1, 1], &[]);
        }
        let mut sent = [0_usize; 2];
        for part in parts {
            let octets = &streams[usize::from(part.from_client)][part.range.clone()];
            let theirs = sent[usize::from(!part.from_client)];
            self.segment(dialogue, part.from_client, ack, [1 + part.range.start, 1 + theirs], octets);
            let ours = &mut sent[usize::from(part.from_client)];
            *ours = part.range.end.max(*ours);
        }
    }

    fn segment(&mut self, dialogue: &Dialogue, client: bool, flags: u8, numbers: [usize; 2], octets: &[u8]) {
        let (from, to) = ends(dialogue, client);
        // Far from a wrap; each side starts elsewhere.
        let first = if client { [0x1000_0000, 0x5000_0000] } else { [0x5000_0000, 0x1000_0000] };
        let [seq, ack] = [0, 1].map(|at| (first[at] as u32).wrapping_add(numbers[at] as u32));
        let mut segment = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        segment.extend(seq.to_be_bytes());
        segment.extend(if flags & 16 > 0 { ack } else { 0 }.to_be_bytes());
        segment.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        segment.extend(octets);
        let sum = checksum(&[&pseudo(from.0, to.0, 6, segment.len()), &segment]);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        self.packet(from.0, to.0, 6, 0, &segment);
    }

    /// Datagrams, each in its parts: a datagram whose parts are one is whole.
    fn datagrams(&mut self, dialogue: &Dialogue, parts: &[Part]) {
        let streams = [dialogue.stream(false), dialogue.stream(true)];
        let plain = dialogue.cut_at(&|_| Vec::new());
        let mut ids = BTreeMap::<usize, u16>::new();
        for part in parts {
            let of = |one: &&Part| one.number == part.number;
            let (start, end) = (
                plain.iter().find(of).unwrap().range.start,
                plain.iter().rfind(|one| one.number == part.number).unwrap().range.end,
            );
            let (from, to) = ends(dialogue, part.from_client);
            let is_first = part.range.start == start;
            let body = &streams[usize::from(part.from_client)][part.range.clone()];
            let mut octets = Vec::new();
            if is_first {
                for word in [from.1, to.1, (8 + end - start) as u16, 0] {
                    octets.extend(word.to_be_bytes());
                }
            }
            octets.extend(body);
            // Fragments count octets of the datagram with its header, which the first one carries.
            let at = if is_first { 0 } else { part.range.start - start + 8 };
            let more = part.range.end < end;
            let whole = is_first && !more;
            let fresh = !ids.contains_key(&part.number) || whole;
            if fresh {
                self.id = self.id.wrapping_add(1);
                ids.insert(part.number, self.id);
            }
            let id = ids[&part.number];
            let fragment = (u16::from(more) << 13) | (at / 8) as u16;
            self.ip(from.0, to.0, 17, id, fragment, &octets);
        }
    }

    fn packet(&mut self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, fragment: u16, body: &[u8]) {
        self.id = self.id.wrapping_add(1);
        self.ip(from, to, protocol, self.id, fragment, body);
    }

    fn ip(&mut self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, id: u16, fragment: u16, body: &[u8]) {
        let mut header = vec![0x45, 0];
        for word in [(20 + body.len()) as u16, id, fragment] {
            header.extend(word.to_be_bytes());
        }
        header.extend([64, protocol, 0, 0]);
        header.extend(from.octets());
        header.extend(to.octets());
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        let mac = |addr: Ipv4Addr| [&[2, 0][..], &addr.octets()].concat();
        let mut frame = [mac(to), mac(from)].concat();
        frame.extend([0x81, 0]);
        frame.extend((self.variants as u16).to_be_bytes());
        frame.extend([8, 0]);
        frame.extend(header);
        frame.extend(body);
        self.frame(&frame);
    }

    /// Ten milliseconds after the last one: no mirror's copy is so late.
    fn frame(&mut self, frame: &[u8]) {
        if self.file.is_empty() {
            for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
                self.file.extend(word.to_le_bytes());
            }
        }
        self.micros += 10_000;
        let seconds = 1_700_000_000 + self.micros / 1_000_000;
        let length = frame.len() as u32;
        for word in [seconds as u32, (self.micros % 1_000_000) as u32, length, length] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend(frame);
    }

    /// The savefile as it is now.
    pub(crate) fn into_capture(self) -> Vec<u8> {
        self.file
    }

    /// Lets the pipeline read it all: what is said of each variant, in the order of sending.
    pub(crate) fn read(self) -> Vec<Said> {
        self.read_by(RECOGNISERS)
    }

    /// The same by other recognisers.
    pub(crate) fn read_by(self, registry: &[&dyn Recogniser]) -> Vec<Said> {
        let mut all = vec![Said::default(); self.variants];
        let mut settings =
            PipelineSettings { registry, head_octets_per_shard: 1 << 28, ..Default::default() };
        settings.flow.key_by_vlan = true;
        settings.flow.flows_per_shard = 1 << 14;
        let mut captures = Captures::from_reader("variants.pcap", Cursor::new(self.file));
        let mut numbers = HashMap::<FlowNumber, (usize, bool)>::new();
        let mut control = Control { stop: &AtomicBool::new(false), progress: &mut |_| {} };
        let tally = run(&mut captures, &settings, NonZeroUsize::MIN, &mut control, &mut |events| {
            for event in events {
                if let EventKind::Opened(flow, opening) = &event.kind {
                    let is_udp = opening.key.transport == Transport::Udp;
                    let variant = usize::from(opening.key.vlan) - 1;
                    numbers.insert(*flow, (variant, is_udp));
                    if let Some(side) = opening.initiator {
                        all[variant].initiator = Some((side, opening.initiation));
                    }
                }
                if let Some((variant, is_udp)) = flow_of(&event.kind).and_then(|flow| numbers.get(&flow)) {
                    all[*variant].add(event.kind, *is_udp);
                }
            }
        });
        assert_eq!(tally.workers.abandoned, 0, "no recogniser may panic");
        assert_eq!(tally.workers.heads_refused, 0);
        assert_eq!(tally.workers.flows.duplicates, 0, "nothing here is a mirror's copy");
        all.iter_mut().for_each(Said::settle);
        all
    }
}

fn flow_of(kind: &EventKind) -> Option<FlowNumber> {
    match kind {
        EventKind::Identified(flow, ..)
        | EventKind::Found(flow, ..)
        | EventKind::Initiated(flow, ..)
        | EventKind::Unrecognised { flow, .. } => Some(*flow),
        _ => None,
    }
}

/// What is said of one dialogue as it is.
pub(crate) fn said_of(dialogue: &Dialogue) -> Said {
    let mut wire = Wire::default();
    wire.send(dialogue, &dialogue.plain());
    wire.read().remove(0)
}

fn ends(dialogue: &Dialogue, from_client: bool) -> ((Ipv4Addr, u16), (Ipv4Addr, u16)) {
    if from_client { (dialogue.client, dialogue.server) } else { (dialogue.server, dialogue.client) }
}

fn pseudo(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, length: usize) -> Vec<u8> {
    let mut header = [from.octets(), to.octets()].concat();
    header.extend([0, protocol]);
    header.extend((length as u16).to_be_bytes());
    header
}

/// The internet checksum (RFC 1071).
fn checksum(pieces: &[&[u8]]) -> u16 {
    let octets = pieces.concat();
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
