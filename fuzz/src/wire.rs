//! Packets as the pipeline target sends them, and the savefile that holds them. Shares no code with
//! the decoder.

use std::net::Ipv4Addr;

/// A TCP or UDP end.
pub type End = (Ipv4Addr, u16);

/// An Ethernet frame with an IPv4 packet, in the VLAN that is given.
pub fn ethernet(from: End, to: End, protocol: u8, body: &[u8], vlan: Option<u16>) -> Vec<u8> {
    let mut frame = mac(to.0);
    frame.extend(mac(from.0));
    if let Some(vlan) = vlan {
        frame.extend([0x81, 0x00]);
        frame.extend((vlan & 0x0fff).to_be_bytes());
    }
    frame.extend([0x08, 0x00]);
    let total = u16::try_from(20 + body.len()).unwrap();
    let mut header = vec![0x45, 0];
    header.extend(total.to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    header.extend(from.0.octets());
    header.extend(to.0.octets());
    let sum = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
    header[10..12].copy_from_slice(&folded.to_be_bytes());
    frame.extend(header);
    frame.extend(body);
    frame
}

fn mac(host: Ipv4Addr) -> Vec<u8> {
    let octets = host.octets();
    if octets[0] >= 224 {
        return vec![0x01, 0, 0x5e, octets[1] & 0x7f, octets[2], octets[3]];
    }
    [&[0x02, 0][..], &octets].concat()
}

/// A TCP segment; its checksum is left out, as an offloading host does.
pub fn tcp(from: End, to: End, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    body.extend(seq.to_be_bytes());
    body.extend(ack.to_be_bytes());
    body.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    body.extend(payload);
    body
}

/// A UDP datagram without a checksum.
pub fn udp(from: End, to: End, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    body.extend(payload);
    body
}

/// A savefile of Ethernet frames.
#[derive(Debug)]
pub struct Savefile(pub Vec<u8>);

impl Default for Savefile {
    fn default() -> Self {
        let mut octets = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        octets.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
        Self(octets)
    }
}

impl Savefile {
    /// Adds a frame of which `captured` octets are kept, milliseconds after the start.
    pub fn add(&mut self, millis: u32, frame: &[u8], captured: usize) {
        let kept = &frame[..captured.min(frame.len())];
        let (seconds, micros) = (1_700_000_000 + millis / 1000, millis % 1000 * 1000);
        let lengths = [u32::try_from(kept.len()).unwrap(), u32::try_from(frame.len()).unwrap()];
        for field in [seconds, micros, lengths[0], lengths[1]] {
            self.0.extend(field.to_le_bytes());
        }
        self.0.extend(kept);
    }
}
