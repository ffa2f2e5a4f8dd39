//! IP packets in pieces, and with headers between IP and what it carries.

use super::coats::packet;
use crate::workloads::wire;
use crate::workloads::wire::IP;

/// Octets of IP payload in each fragment, a multiple of eight.
const PIECE: usize = 512;
const V4: usize = 20;
const V6: usize = 40;
const FRAGMENT: u8 = 44;

/// The fragments of an IPv4 packet (RFC 791 §3.2); one that is short stays whole.
pub(super) fn fragments4(frame: &[u8], id: u16) -> Vec<Vec<u8>> {
    let body = &packet(frame)[V4..];
    let parts = body.chunks(PIECE).enumerate();
    parts
        .map(|(index, part)| {
            let mut out = frame[..IP + V4].to_vec();
            let more = (index + 1) * PIECE < body.len();
            let place = (index * PIECE / 8) as u16 | u16::from(more) << 13;
            out[IP + 2..IP + 4].copy_from_slice(&((V4 + part.len()) as u16).to_be_bytes());
            out[IP + 4..IP + 6].copy_from_slice(&id.to_be_bytes());
            out[IP + 6..IP + 8].copy_from_slice(&place.to_be_bytes());
            wire::seal_ip(&mut out[IP..]);
            out.extend(part);
            padded(out)
        })
        .collect()
}

/// The fragments of an IPv6 packet (RFC 8200 §4.5).
pub(super) fn fragments6(frame: &[u8], id: u16) -> Vec<Vec<u8>> {
    let body = &packet(frame)[V6..];
    let parts = body.chunks(PIECE).enumerate();
    parts
        .map(|(index, part)| {
            let mut header = vec![frame[IP + 6], 0];
            let more = (index + 1) * PIECE < body.len();
            header.extend(((index * PIECE) as u16 | u16::from(more)).to_be_bytes());
            header.extend([0x5a, 0]);
            header.extend(id.to_be_bytes());
            with_header(frame, FRAGMENT, &header, part)
        })
        .collect()
}

/// Hop-by-hop options and destination options, padding alone (RFC 8200 §4.2).
pub(super) fn extended(frame: &[u8]) -> Vec<u8> {
    const HOP_BY_HOP: u8 = 0;
    const DESTINATION: u8 = 60;
    let body = &packet(frame)[V6..];
    let header = [&[DESTINATION, 0, 1, 4, 0, 0, 0, 0][..], &[frame[IP + 6], 0, 1, 4, 0, 0, 0, 0]].concat();
    with_header(frame, HOP_BY_HOP, &header, body)
}

/// The frame with these headers, the first of the kind `next`, before this part of its payload.
fn with_header(frame: &[u8], next: u8, header: &[u8], part: &[u8]) -> Vec<u8> {
    let mut out = frame[..IP + V6].to_vec();
    out[IP + 4..IP + 6].copy_from_slice(&((header.len() + part.len()) as u16).to_be_bytes());
    out[IP + 6] = next;
    out.extend(header);
    out.extend(part);
    padded(out)
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.len() < wire::SHORTEST {
        frame.resize(wire::SHORTEST, 0);
    }
    frame
}
