//! Frames of Ethernet, IPv4, TCP and UDP with right lengths and checksums, fast enough for gigabytes.
//!
//! The fixtures' writer builds conversations; this builds their long continuations and the small datagrams,
//! into one buffer that is used again for each frame.

pub(super) const ACK: u8 = 16;
pub(super) const PSH: u8 = 8;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Ethernet and IPv4 header.
pub(super) const IP: usize = 14;
pub(super) const TRANSPORT: usize = 34;
/// The shortest frame of Ethernet without its check sequence.
pub(super) const SHORTEST: usize = 60;

/// One end of a conversation, as frames have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) mac: [u8; 6],
    pub(super) address: [u8; 4],
    pub(super) port: u16,
}

impl End {
    /// An end whose MAC follows from its address, as in the fixtures.
    pub(super) fn new(address: u32, port: u16) -> Self {
        let [a, b, c, d] = address.to_be_bytes();
        Self { mac: [2, 0, a, b, c, d], address: [a, b, c, d], port }
    }

    pub(super) fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }
}

/// Where a TCP segment stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
}

/// Writes a UDP datagram into `out`; `fill` appends its payload.
pub(super) fn udp(out: &mut Vec<u8>, from: End, to: End, id: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    begin(out, from, to);
    out.extend([0; 4]);
    fill(out);
    let length = (out.len() - TRANSPORT) as u16;
    out[TRANSPORT + 4..TRANSPORT + 6].copy_from_slice(&length.to_be_bytes());
    finish(out, UDP, id, 6);
}

/// Writes a TCP segment into `out`; `fill` appends its payload.
pub(super) fn tcp(
    out: &mut Vec<u8>,
    from: End,
    to: End,
    id: u16,
    place: Place,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    begin(out, from, to);
    out.extend(place.seq.to_be_bytes());
    out.extend(place.ack.to_be_bytes());
    // Header of 20 octets, the window that the fixtures' hosts offer, checksum and urgent pointer to come.
    out.extend([0x50, place.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    fill(out);
    finish(out, TCP, id, 16);
}

/// Everything up to the ports.
fn begin(out: &mut Vec<u8>, from: End, to: End) {
    out.clear();
    out.extend(to.mac);
    out.extend(from.mac);
    out.extend([8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0]);
    out.extend(from.address);
    out.extend(to.address);
    out.extend(from.port.to_be_bytes());
    out.extend(to.port.to_be_bytes());
}

/// Lengths and checksums, and the padding of short frames.
fn finish(out: &mut Vec<u8>, protocol: u8, id: u16, place: usize) {
    let length = (out.len() - IP) as u16;
    out[IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
    out[IP + 4..IP + 6].copy_from_slice(&id.to_be_bytes());
    // TCP says "don't fragment", as hosts do.
    out[IP + 6] = if protocol == TCP { 0x40 } else { 0 };
    out[IP + 9] = protocol;
    seal_ip(&mut out[IP..TRANSPORT]);
    seal_transport(out, protocol, place);
    if out.len() < SHORTEST {
        out.resize(SHORTEST, 0);
    }
}

/// Writes the checksum of an IPv4 header without options.
pub(super) fn seal_ip(header: &mut [u8]) {
    header[10..12].fill(0);
    let sum = checksum(header, 0);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Writes the transport's checksum over the frame's pseudo header and payload, at `place` of its header.
fn seal_transport(frame: &mut [u8], protocol: u8, place: usize) {
    let pseudo = checksum_part(&frame[IP + 12..TRANSPORT]);
    let length = (frame.len() - TRANSPORT) as u64;
    let sum = match checksum(&frame[TRANSPORT..], pseudo + u64::from(protocol) + length) {
        0 if protocol == UDP => 0xffff,
        sum => sum,
    };
    frame[TRANSPORT + place..TRANSPORT + place + 2].copy_from_slice(&sum.to_be_bytes());
}

/// The internet checksum (RFC 1071) over `octets`, with what was summed before.
pub(super) fn checksum(octets: &[u8], before: u64) -> u16 {
    let mut sum = before + checksum_part(octets);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The sum of the big endian 16-bit words, not folded to 16 bits. Words of 32 bits have the same sum (RFC
/// 1071 §2), and are twice as fast.
pub(super) fn checksum_part(octets: &[u8]) -> u64 {
    let mut words = octets.chunks_exact(4);
    let mut sum: u64 =
        words.by_ref().map(|word| u64::from(u32::from_be_bytes(word.try_into().unwrap()))).sum();
    let mut last = [0; 4];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_be_bytes(last));
    sum
}
