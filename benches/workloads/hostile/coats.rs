//! What a frame is wrapped in on its way: tags, and the tunnels that mirrors send through.

use crate::workloads::wire;
use crate::workloads::wire::End;
use crate::workloads::wire::IP;

/// How long the MAC addresses are.
const MACS: usize = 12;
const GRE: u8 = 47;
/// Ends of all tunnels: 10.99.0.1 and 10.99.0.2.
const TUNNEL: [u32; 2] = [0x0a63_0001, 0x0a63_0002];
const VXLAN: u16 = 4789;

/// Puts tags between the addresses and the type, outermost first (IEEE 802.1Q, 802.1ad).
pub(super) fn tagged(frame: &[u8], tags: &[[u8; 4]]) -> Vec<u8> {
    let mut out = frame[..MACS].to_vec();
    out.extend(tags.as_flattened());
    out.extend(&frame[MACS..]);
    out
}

/// The IP packet of a frame inside GRE (RFC 2784).
pub(super) fn gre(frame: &[u8], id: u16) -> Vec<u8> {
    let mut inside = vec![0, 0, frame[MACS], frame[MACS + 1]];
    inside.extend(packet(frame));
    outer(id, &inside)
}

/// A frame inside ERSPAN type II (draft-foschiano-erspan-03 §4.2).
pub(super) fn erspan2(frame: &[u8], id: u16) -> Vec<u8> {
    let mut inside = vec![0x10, 0, 0x88, 0xbe, 0, 0];
    inside.extend(id.to_be_bytes());
    // Version 1 and VLAN 20, session 7, port index.
    inside.extend([0x10, 20, 0, 7, 0, 0, 0, 1]);
    inside.extend(frame);
    outer(id, &inside)
}

/// A frame inside ERSPAN type III (draft-foschiano-erspan-03 §4.3).
pub(super) fn erspan3(frame: &[u8], id: u16) -> Vec<u8> {
    let mut inside = vec![0x10, 0, 0x22, 0xeb, 0, 0];
    inside.extend(id.to_be_bytes());
    // Version 2 and VLAN 20, session 7, time, no group tag, no subheader.
    inside.extend([0x20, 20, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0]);
    inside.extend(frame);
    outer(id, &inside)
}

/// A frame inside VXLAN (RFC 7348 §5).
pub(super) fn vxlan(frame: &[u8], id: u16) -> Vec<u8> {
    let [near, far] = TUNNEL.map(|address| End::new(address, VXLAN));
    let mut out = Vec::new();
    wire::udp(&mut out, near.with_port(0xc000 | (id % 64)), far, id, |out| {
        out.extend([8, 0, 0, 0, 0, 0, 42, 0]);
        out.extend(frame);
    });
    out
}

/// The IP packet of a frame, without Ethernet's padding.
pub(super) fn packet(frame: &[u8]) -> &[u8] {
    let length = |place: usize| usize::from(u16::from_be_bytes([frame[place], frame[place + 1]]));
    let end = if frame[IP] >> 4 == 4 { length(IP + 2) } else { 40 + length(IP + 4) };
    &frame[IP..IP + end]
}

/// GRE over IPv4 over Ethernet.
fn outer(id: u16, inside: &[u8]) -> Vec<u8> {
    let [near, far] = TUNNEL.map(|address| End::new(address, 0));
    let mut out = [far.mac, near.mac].concat();
    out.extend([8, 0, 0x45, 0]);
    out.extend((20 + inside.len() as u16).to_be_bytes());
    out.extend(id.to_be_bytes());
    out.extend([0, 0, 64, GRE, 0, 0]);
    out.extend(near.address);
    out.extend(far.address);
    wire::seal_ip(&mut out[IP..]);
    out.extend(inside);
    out
}
