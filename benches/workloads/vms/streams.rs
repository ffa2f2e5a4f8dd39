//! Conversations that do not end: the fixtures' writer opens them, these go on until nobody asks any more.

use super::content::Content;
use super::content::Kind;
use super::content::NEXT_RTP;
use super::content::RTP_FULL;
use super::content::SSRC;
use super::content::TICKS;
use super::content::rtp_head;
use crate::workloads::chance::Chance;
use crate::workloads::chance::Noise;
use crate::workloads::savefile::Frame;
use crate::workloads::wire;
use crate::workloads::wire::ACK;
use crate::workloads::wire::End;
use crate::workloads::wire::IP;
use crate::workloads::wire::PSH;
use crate::workloads::wire::Place;
use crate::workloads::wire::TRANSPORT;

/// Payload of a full segment on Ethernet.
const SEGMENT: usize = 1460;
/// A full frame takes so many microseconds at 1 Gbit/s.
const FRAME_TIME: u64 = 13;
/// Reports of RTCP come every five seconds (RFC 3550 §6.2).
const REPORTS: u64 = 5_000_000;
const TCP: u8 = 6;
const CLIENT: usize = 0;

/// Something that sends one frame after the other.
pub(super) trait Stream {
    /// Writes the next frame into `out`; gives the microseconds until the one after it.
    fn emit(&mut self, noise: &mut Noise, out: &mut Vec<u8>) -> u64;
}

/// How big the pictures of a stream are, and how often they come.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Octets of a picture, on average.
    pub(super) size: u64,
    /// Microseconds from one to the next.
    pub(super) every: u64,
}

impl Pace {
    /// Pictures differ by a third, and each 25th is whole, of twice the size.
    fn picture(self, number: u64, chance: &mut Chance) -> usize {
        let size = self.size * 2 / 3 + chance.below(self.size * 2 / 3);
        (if number.is_multiple_of(25) { size * 2 } else { size }) as usize
    }
}

/// The octet strings of both sides of a TCP connection, as far as they have got.
pub(super) struct Connection {
    /// Client, server.
    ends: [End; 2],
    next: [u32; 2],
    ids: [u16; 2],
}

impl Connection {
    /// As the last frames of an opening leave it.
    pub(super) fn after(frames: &[Frame]) -> Self {
        let first = &frames[0].octets;
        let end = |mac: usize, address: usize, port: usize| End {
            mac: first[mac..mac + 6].try_into().unwrap(),
            address: first[address..address + 4].try_into().unwrap(),
            port: u16::from_be_bytes(first[port..port + 2].try_into().unwrap()),
        };
        let ends = [end(6, IP + 12, TRANSPORT), end(0, IP + 16, TRANSPORT + 2)];
        let mut connection = Self { ends, next: [0; 2], ids: [0; 2] };
        for frame in frames.iter().map(|frame| &frame.octets).filter(|frame| frame[IP + 9] == TCP) {
            let side = usize::from(frame[IP + 12..IP + 16] != ends[CLIENT].address);
            let seq = u32::from_be_bytes(frame[TRANSPORT + 4..TRANSPORT + 8].try_into().unwrap());
            let phantom = u32::from(frame[TRANSPORT + 13] & 3 > 0);
            connection.next[side] = seq.wrapping_add(payload(frame).len() as u32).wrapping_add(phantom);
            connection.ids[side] = u16::from_be_bytes(frame[IP + 4..IP + 6].try_into().unwrap());
        }
        connection
    }

    /// Sends a segment with `count` octets that `fill` appends.
    fn send(
        &mut self,
        side: usize,
        push: bool,
        count: usize,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        let flags = if push { PSH | ACK } else { ACK };
        let place = Place { flags, seq: self.next[side], ack: self.next[1 - side] };
        self.ids[side] = self.ids[side].wrapping_add(1);
        wire::tcp(out, self.ends[side], self.ends[1 - side], self.ids[side], place, fill);
        self.next[side] = self.next[side].wrapping_add(count as u32);
    }
}

/// The payload of a TCP frame, without Ethernet's padding.
pub(super) fn payload(frame: &[u8]) -> &[u8] {
    if frame[IP + 9] != TCP {
        return &[];
    }
    let end = IP + usize::from(u16::from_be_bytes([frame[IP + 2], frame[IP + 3]]));
    &frame[TRANSPORT + usize::from(frame[TRANSPORT + 12] >> 4) * 4..end]
}

/// Messages over TCP; the receiver acknowledges every second segment.
pub(super) struct Messages {
    connection: Connection,
    sender: usize,
    content: Content,
    pace: Pace,
    chance: Chance,
    pictures: u64,
    /// Octets of the message that are still to be sent.
    left: usize,
    /// Segments that are not acknowledged.
    owed: u8,
    /// Microseconds that the message has taken so far.
    spent: u64,
}

impl Messages {
    pub(super) fn new(connection: Connection, sender: usize, kind: Kind, first: u64, pace: Pace) -> Self {
        let chance = Chance::new(u64::from(connection.next[CLIENT]));
        let content = Content::new(kind, first);
        Self { connection, sender, content, pace, chance, pictures: 0, left: 0, owed: 0, spent: 0 }
    }
}

impl Stream for Messages {
    fn emit(&mut self, noise: &mut Noise, out: &mut Vec<u8>) -> u64 {
        if self.owed == 2 || self.left == 0 && self.owed > 0 {
            self.owed = 0;
            let answer = if self.left == 0 { self.content.answer() } else { Vec::new() };
            let push = !answer.is_empty();
            self.connection.send(1 - self.sender, push, answer.len(), out, |out| out.extend(&answer));
        } else {
            if self.left == 0 {
                self.left = self.content.next(self.pace.picture(self.pictures, &mut self.chance));
                self.pictures += 1;
                self.spent = 0;
            }
            let count = self.left.min(SEGMENT);
            self.left -= count;
            self.owed += 1;
            let content = &mut self.content;
            self.connection
                .send(self.sender, self.left == 0, count, out, |out| content.take(noise, out, count));
        }
        self.spent += FRAME_TIME;
        if self.left == 0 && self.owed == 0 {
            self.pace.every.saturating_sub(self.spent).max(1)
        } else {
            FRAME_TIME
        }
    }
}

/// RTP over UDP from the camera, with the reports of both sides.
pub(super) struct Media {
    /// Recorder, camera, at the ports of RTP.
    ends: [End; 2],
    ids: [u16; 2],
    pace: Pace,
    chance: Chance,
    picture: u32,
    sequence: u16,
    size: usize,
    left: usize,
    /// Microseconds since the last reports.
    quiet: u64,
    /// Reports that are still to be sent, next the camera's.
    reports: usize,
    spent: u64,
}

impl Media {
    /// The media of the session that `connection` controls, between these ports of RTP.
    pub(super) fn new(connection: &Connection, ports: [u16; 2], pace: Pace) -> Self {
        let [near, far] = connection.ends;
        Self {
            ends: [near.with_port(ports[0]), far.with_port(ports[1])],
            ids: [0x8000; 2],
            pace,
            chance: Chance::new(u64::from(connection.next[CLIENT])),
            picture: 0,
            sequence: NEXT_RTP,
            size: 0,
            left: 0,
            quiet: 0,
            reports: 0,
            spent: 0,
        }
    }

    fn report(&mut self, out: &mut Vec<u8>) {
        self.reports -= 1;
        let [near, far] = self.ends.map(|end| end.with_port(end.port + 1));
        let (from, to, side) = if self.reports == 1 { (far, near, 1) } else { (near, far, 0) };
        self.ids[side] = self.ids[side].wrapping_add(1);
        let (picture, sequence) = (self.picture, self.sequence);
        wire::udp(out, from, to, self.ids[side], |out| {
            if side == 1 {
                sender_report(out, picture, sequence);
            } else {
                receiver_report(out, sequence);
            }
        });
    }
}

impl Stream for Media {
    fn emit(&mut self, noise: &mut Noise, out: &mut Vec<u8>) -> u64 {
        if self.reports > 0 {
            self.report(out);
        } else {
            if self.left == 0 {
                self.size = self.pace.picture(u64::from(self.picture), &mut self.chance);
                self.left = self.size;
                self.spent = 0;
            }
            let count = self.left.min(RTP_FULL);
            let head = rtp_head(self.picture, self.sequence, self.left == self.size, self.left == count);
            self.left -= count;
            self.sequence = self.sequence.wrapping_add(1);
            self.ids[1] = self.ids[1].wrapping_add(1);
            wire::udp(out, self.ends[1], self.ends[0], self.ids[1], |out| {
                out.extend(head);
                noise.append(out, count);
            });
            if self.left == 0 {
                self.picture += 1;
                self.quiet += self.pace.every;
            }
        }
        if self.left == 0 && self.quiet >= REPORTS {
            self.quiet = 0;
            self.reports = 2;
        }
        self.spent += FRAME_TIME;
        if self.left > 0 || self.reports > 0 {
            return FRAME_TIME;
        }
        self.pace.every.saturating_sub(self.spent).max(1)
    }
}

/// RFC 3550 §6.4.1 and §6.5.
fn sender_report(out: &mut Vec<u8>, picture: u32, sequence: u16) {
    out.extend([0x80, 200, 0, 6]);
    out.extend(SSRC);
    out.extend([0xee, 0x92, 0x3c, 0x80, 0, 0, 0, 0]);
    out.extend((12 + picture).wrapping_mul(TICKS).to_be_bytes());
    out.extend(u32::from(sequence).to_be_bytes());
    out.extend((u32::from(sequence) * RTP_FULL as u32).to_be_bytes());
    out.extend([0x81, 202, 0, 3]);
    out.extend(SSRC);
    out.extend([1, 3, b'f', b'i', b'x', 0, 0, 0]);
}

/// RFC 3550 §6.4.2: no losses.
fn receiver_report(out: &mut Vec<u8>, sequence: u16) {
    let own = [0, 0, 0x9c, 0x40];
    out.extend([0x81, 201, 0, 7]);
    out.extend(own);
    out.extend(SSRC);
    out.extend([0; 4]);
    out.extend(u32::from(sequence).to_be_bytes());
    out.extend([0; 12]);
    out.extend([0x81, 202, 0, 3]);
    out.extend(own);
    out.extend([1, 3, b'f', b'i', b'x', 0, 0, 0]);
}
