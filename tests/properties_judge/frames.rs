//! Savefiles taken apart and put together again, with the changes that a worse capture would make.

/// One frame of a classic savefile with times in microseconds or nanoseconds.
#[derive(Clone)]
pub(crate) struct Frame {
    seconds: u32,
    fraction: u32,
    wire: u32,
    pub(crate) octets: Vec<u8>,
}

/// A savefile: its header, its frames.
#[derive(Clone)]
pub(crate) struct Savefile {
    header: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
}

fn number(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

impl Savefile {
    /// Reads a little-endian classic savefile; the fixtures are such.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let magic = number(octets, 0);
        if magic != 0xa1b2_c3d4 && magic != 0xa1b2_3c4d {
            return None;
        }
        let (header, mut rest) = octets.split_at(24);
        let mut frames = Vec::new();
        while rest.len() >= 16 {
            let captured = number(rest, 8) as usize;
            frames.push(Frame {
                seconds: number(rest, 0),
                fraction: number(rest, 4),
                wire: number(rest, 12),
                octets: rest[16..16 + captured].to_vec(),
            });
            rest = &rest[16 + captured..];
        }
        Some(Self { header: header.to_vec(), frames })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut octets = self.header.clone();
        for frame in &self.frames {
            octets.extend(frame.seconds.to_le_bytes());
            octets.extend(frame.fraction.to_le_bytes());
            octets.extend((frame.octets.len() as u32).to_le_bytes());
            octets.extend(frame.wire.to_le_bytes());
            octets.extend(&frame.octets);
        }
        octets
    }

    /// At most `snap` octets of each frame.
    pub(crate) fn cut(mut self, snap: usize) -> Self {
        self.frames.iter_mut().for_each(|frame| frame.octets.truncate(snap));
        self
    }

    /// Only frames that `keep` says yes to.
    pub(crate) fn only(mut self, keep: impl Fn(usize, &Frame) -> bool) -> Self {
        let mut index = 0;
        self.frames.retain(|frame| {
            index += 1;
            keep(index - 1, frame)
        });
        self
    }

    /// Every frame twice, as a mirror of two ports of a router gives it: tagged, one hop on.
    pub(crate) fn doubled(&self) -> Self {
        let frames = self.frames.iter().flat_map(|frame| [frame.clone(), frame.one_hop_on()]).collect();
        Self { header: self.header.clone(), frames }
    }

    /// Neighbours of different host pairs that came at nearly the same time exchange their places; the
    /// times stay in order.
    pub(crate) fn shuffled(mut self) -> Self {
        let mut at = 0;
        while at + 1 < self.frames.len() {
            if self.frames[at].is_stranger(&self.frames[at + 1]) {
                let times: Vec<(u32, u32)> =
                    self.frames[at..at + 2].iter().map(|frame| (frame.seconds, frame.fraction)).collect();
                self.frames.swap(at, at + 1);
                for (frame, time) in self.frames[at..].iter_mut().zip(times) {
                    (frame.seconds, frame.fraction) = time;
                }
                at += 1;
            }
            at += 1;
        }
        self
    }
}

impl Frame {
    /// Where the IP header begins, and its version.
    fn network(&self) -> Option<(usize, u8)> {
        let (mut at, octets) = (12, &self.octets);
        while matches!(octets.get(at..at + 2)?, [0x81, 0] | [0x88, 0xa8]) {
            at += 4;
        }
        match octets.get(at..at + 2)? {
            [8, 0] => Some((at + 2, 4)),
            [0x86, 0xdd] => Some((at + 2, 6)),
            _ => None,
        }
    }

    fn is_stranger(&self, next: &Self) -> bool {
        let together = self.seconds == next.seconds && next.fraction.abs_diff(self.fraction) < 1000;
        together && self.pair() != next.pair()
    }

    fn one_hop_on(&self) -> Self {
        let mut copy = self.clone();
        // Twenty microseconds or nanoseconds later: the tick does not matter, the order does.
        copy.fraction = (copy.fraction + 20).min(999_999_999);
        match copy.network() {
            Some((at, 4)) if copy.octets.len() >= at + 20 => {
                copy.octets[at + 8] = copy.octets[at + 8].saturating_sub(1);
                let sum = header_sum(&copy.octets[at..at + 20]);
                copy.octets[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
            }
            Some((at, 6)) if copy.octets.len() >= at + 8 => {
                copy.octets[at + 7] = copy.octets[at + 7].saturating_sub(1);
            }
            _ => return copy,
        }
        copy.octets.splice(12..12, [0x81, 0, 0x0f, 0xa0]);
        copy.wire += 4;
        copy
    }

    /// Both addresses, lower first, and which of them sent it.
    pub(crate) fn pair(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (from, to) = self.ends()?;
        Some(if from <= to { (from, to) } else { (to, from) })
    }

    /// Source and destination address.
    pub(crate) fn ends(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (at, version) = self.network()?;
        let (first, size) = if version == 4 { (at + 12, 4) } else { (at + 8, 16) };
        let from = self.octets.get(first..first + size)?.to_vec();
        Some((from, self.octets.get(first + size..first + 2 * size)?.to_vec()))
    }
}

/// A savefile of these frames, a millisecond apart.
pub(crate) fn savefile(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut octets = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0].to_vec();
    octets.extend([0; 8]);
    octets.extend(65_535_u32.to_le_bytes());
    octets.extend(1_u32.to_le_bytes());
    for (index, frame) in (0_u32..).zip(frames) {
        let length = (frame.len() as u32).to_le_bytes();
        octets.extend((1_700_000_000 + index / 1000).to_le_bytes());
        octets.extend((index % 1000 * 1000).to_le_bytes());
        octets.extend([length, length].concat());
        octets.extend(frame);
    }
    octets
}

/// A SYN, with its checksum (RFC 9293 section 3.1).
pub(crate) fn tcp_syn(from: [u8; 4], to: [u8; 4], from_port: u16, to_port: u16) -> Vec<u8> {
    let mut header = [from_port.to_be_bytes(), to_port.to_be_bytes()].concat();
    header.extend([0, 0, 3, 232, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0]);
    let pseudo = [&from[..], &to, &[0, 6, 0, 20], &header].concat();
    let sum = !fold(pseudo.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum());
    header[16..18].copy_from_slice(&sum.to_be_bytes());
    header
}

/// The checksum of an IPv4 header without options (RFC 1071); what stands in its place does not count.
pub(crate) fn header_sum(header: &[u8]) -> u16 {
    let words = header.chunks(2).enumerate().filter(|(index, _)| *index != 5);
    !fold(words.map(|(_, word)| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum())
}

fn fold(sum: u32) -> u16 {
    let folded = (sum & 0xffff) + (sum >> 16);
    ((folded & 0xffff) + (folded >> 16)) as u16
}
