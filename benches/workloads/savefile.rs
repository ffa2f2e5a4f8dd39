//! Savefiles: the workload is written into one, and the fixtures' writer hands its conversations over in one.

use std::io;
use std::io::Write;

/// Length of the file's header, and of the header of each packet.
const FILE: usize = 24;
const RECORD: usize = 16;

/// A packet of a savefile in memory.
pub(super) struct Frame {
    /// Microseconds since 1970.
    pub(super) at: u64,
    pub(super) octets: Vec<u8>,
}

/// The packets of a savefile that the fixtures' writer made.
pub(super) fn frames(file: &[u8]) -> Vec<Frame> {
    let number = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().unwrap());
    let mut frames = Vec::new();
    let mut place = FILE;
    while place < file.len() {
        let at = u64::from(number(place)) * 1_000_000 + u64::from(number(place + 4));
        let end = place + RECORD + number(place + 8) as usize;
        frames.push(Frame { at, octets: file[place + RECORD..end].to_vec() });
        place = end;
    }
    frames
}

/// Writes a pcap file, Ethernet, microseconds, and counts what it writes.
pub(super) struct Savefile<'a> {
    out: &'a mut dyn Write,
    /// Packets so far.
    pub(super) packets: u64,
    /// Octets of their frames.
    pub(super) octets: u64,
    /// Time of the first and of the last packet, in microseconds since 1970.
    pub(super) span: (u64, u64),
}

impl<'a> Savefile<'a> {
    pub(super) fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        let mut head = [0; FILE];
        head[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        // Version 2.4, snap length, Ethernet.
        head[4..8].copy_from_slice(&[2, 0, 4, 0]);
        head[16..20].copy_from_slice(&262_144_u32.to_le_bytes());
        head[20..].copy_from_slice(&1_u32.to_le_bytes());
        out.write_all(&head)?;
        Ok(Self { out, packets: 0, octets: 0, span: (0, 0) })
    }

    /// Appends a frame.
    pub(super) fn write(&mut self, at: u64, frame: &[u8]) -> io::Result<()> {
        let length = (frame.len() as u32).to_le_bytes();
        let mut head = [0; RECORD];
        head[..4].copy_from_slice(&((at / 1_000_000) as u32).to_le_bytes());
        head[4..8].copy_from_slice(&((at % 1_000_000) as u32).to_le_bytes());
        head[8..12].copy_from_slice(&length);
        head[12..].copy_from_slice(&length);
        self.out.write_all(&head)?;
        self.out.write_all(frame)?;
        if self.packets == 0 {
            self.span.0 = at;
        }
        self.span.1 = at;
        self.packets += 1;
        self.octets += frame.len() as u64;
        Ok(())
    }
}
