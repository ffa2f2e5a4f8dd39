//! Raw frames between any two addresses, and their sender.

use pcap::Active;
use pcap::Capture;
use std::net::IpAddr;

/// How a frame carries its packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Tcp,
    Udp(u16),
    FirstFragment,
    LaterFragment,
}

/// An Ethernet frame from one address to the other, with these VLAN tags, and with `number` as its last octets.
pub(crate) fn frame(from: IpAddr, to: IpAddr, shape: Shape, tags: &[u16], number: u64) -> Vec<u8> {
    let mut octets = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for tag in tags {
        octets.extend(tag.to_be_bytes());
        octets.extend(100_u16.to_be_bytes());
    }
    let mut payload = segment(shape, from.is_ipv6());
    payload.extend(number.to_be_bytes());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let (protocol, fragment) = match shape {
                Shape::Tcp => (6, 0),
                Shape::Udp(_) => (17, 0),
                Shape::FirstFragment => (17, 0x2000_u16),
                Shape::LaterFragment => (17, 0x2010),
            };
            octets.extend([0x08, 0x00]);
            let header = octets.len();
            octets.extend([0x45, 0]);
            octets.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
            octets.extend([0, 1]);
            octets.extend(fragment.to_be_bytes());
            octets.extend([64, protocol, 0, 0]);
            octets.extend(from.octets());
            octets.extend(to.octets());
            let sum = checksum(&octets[header..]);
            octets[header + 10..header + 12].copy_from_slice(&sum.to_be_bytes());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let next = match shape {
                Shape::Tcp => 6,
                Shape::Udp(_) => 17,
                Shape::FirstFragment | Shape::LaterFragment => 44,
            };
            octets.extend([0x86, 0xDD, 0x60, 0, 0, 0]);
            octets.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            octets.extend([next, 64]);
            octets.extend(from.octets());
            octets.extend(to.octets());
        }
        other => panic!("{other:?}"),
    }
    octets.extend(payload);
    octets
}

/// The checksum of an IPv4 header (RFC 1071); bridges drop packets that have a wrong one.
fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    !(((sum & 0xFFFF) + (sum >> 16)) as u16)
}

/// What is behind the IP header, without its payload.
fn segment(shape: Shape, is_ipv6: bool) -> Vec<u8> {
    let mut octets = match shape {
        Shape::FirstFragment if is_ipv6 => vec![17, 0, 0, 1, 0, 0, 0, 9],
        Shape::LaterFragment if is_ipv6 => vec![17, 0, 0, 0x80, 0, 0, 0, 9],
        _ => Vec::new(),
    };
    match shape {
        Shape::Tcp => {
            octets.extend([0x1D, 0x8B, 0xC0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0])
        }
        Shape::Udp(port) => {
            octets.extend(port.to_be_bytes());
            octets.extend([0x1D, 0x8B, 0, 16, 0, 0]);
        }
        Shape::FirstFragment => octets.extend([0x1D, 0x8B, 0xC0, 1, 0, 16, 0, 0]),
        Shape::LaterFragment => {}
    }
    octets
}

/// The number that a frame ends with.
pub(crate) fn number(octets: &[u8]) -> u64 {
    u64::from_be_bytes(*octets.last_chunk().unwrap())
}

/// Sends raw frames from an interface.
pub(crate) struct Sender(Capture<Active>);

impl Sender {
    pub(crate) fn new(interface: &str) -> Self {
        Self(Capture::from_device(interface).unwrap().buffer_size(1 << 20).open().unwrap())
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        self.0.sendpacket(frame).unwrap();
    }
}
