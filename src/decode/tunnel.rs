//! What remote mirroring and overlays wrap frames in: GRE, ERSPAN, VXLAN, GENEVE.

use super::Undecoded;
use super::octets::array;
use super::octets::be16;
use super::segment::Tunnel;
use super::tag;
use super::undecoded::NotConversation;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Of version 1 only (RFC 2637 §4.1).
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;
const ERSPAN_I_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const PPP: u16 = 0x880b;

/// GRE (RFC 2784, RFC 2890), and version 1 of PPTP (RFC 2637). The source routes of RFC 1701 are not read.
pub(super) fn gre(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let flags = be16(octets, 0).ok_or(Undecoded::CutNetwork)?;
    let protocol = be16(octets, 2).ok_or(Undecoded::CutNetwork)?;
    let version = flags & VERSION;
    let words = [(CHECKSUM, 0), (KEY, 0), (SEQUENCE, 0), (ACKNOWLEDGMENT, 1)]
        .into_iter()
        .filter(|(flag, since)| flags & flag != 0 && version >= *since)
        .count();
    let length = words.saturating_mul(4).saturating_add(4);
    if flags & ROUTING != 0 || version > 1 || (version == 1 && protocol != PPP) || length > walk.wire {
        return Err(Undecoded::Tunnel);
    }
    if length > octets.len() {
        return Err(Undecoded::CutNetwork);
    }
    walk.skip(length);
    // A keep-alive (protocol 0), or PPTP's bare acknowledgment.
    if walk.wire == 0 && (protocol == 0 || version == 1) {
        return Ok(Next::Quiet(NotConversation::TunnelKeepalive));
    }
    match protocol {
        0x0800 => walk.enter(Tunnel::Gre, Layer::Ipv4),
        0x86dd => walk.enter(Tunnel::Gre, Layer::Ipv6),
        ETHERNET => walk.enter(Tunnel::Gre, Layer::Ethernet),
        0x8847 | 0x8848 => walk.enter(Tunnel::Gre, Layer::Mpls),
        PPP => walk.enter(Tunnel::Gre, Layer::Ppp),
        ERSPAN_I_II if flags & SEQUENCE == 0 => walk.enter(Tunnel::Erspan, Layer::Ethernet),
        ERSPAN_I_II => erspan_ii(walk),
        ERSPAN_III => erspan_iii(walk),
        _ => Err(Undecoded::Tunnel),
    }
}

/// ERSPAN type II: eight octets of version 1, then the frame (draft-foschiano-erspan §4.2).
fn erspan_ii(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let [first, ..]: [u8; 8] = array(walk.rest, 0).ok_or(Undecoded::CutNetwork)?;
    if first >> 4 != 1 {
        return Err(Undecoded::Tunnel);
    }
    walk.skip(8);
    walk.enter(Tunnel::Erspan, Layer::Ethernet)
}

/// ERSPAN type III: twelve octets of version 2, eight more with the O bit, then a frame or an IP
/// packet (draft-foschiano-erspan §4.3).
fn erspan_iii(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header: [u8; 12] = array(walk.rest, 0).ok_or(Undecoded::CutNetwork)?;
    let [first, .., high, low] = header;
    if first >> 4 != 2 {
        return Err(Undecoded::Tunnel);
    }
    let length = if low & 1 == 1 { 20 } else { 12 };
    if walk.rest.len() < length {
        return Err(Undecoded::CutNetwork);
    }
    walk.skip(length);
    // The frame type, five bits: 0 Ethernet, 2 IP.
    match (high >> 2) & 0x1f {
        0 => walk.enter(Tunnel::Erspan, Layer::Ethernet),
        2 => walk.enter(Tunnel::Erspan, Layer::Ip),
        _ => Err(Undecoded::Tunnel),
    }
}

/// Whether a datagram to this UDP port may be a tunnel.
pub(super) fn is_port(port: u16) -> bool {
    matches!(port, 4789 | 4790 | 6081 | 8472)
}

/// A tunnel over UDP to `port`, one of [`is_port`], its header next; `None` if it is not, so that it stays a datagram.
///
/// It must look like one, not only have its port: whoever wants to hide from an audit may use the
/// port too. Once it does, what cannot be decoded inside is counted by its cause.
pub(super) fn over_udp(walk: &mut Walk<'_>, port: u16) -> Option<Result<Next, Undecoded>> {
    match port {
        // 4790 is the variant with a protocol, 8472 what Linux used before the assignment.
        4789 | 4790 | 8472 => vxlan(walk),
        6081 => geneve(walk),
        _ => None,
    }
}

/// VXLAN (RFC 7348 §5): the I bit set, reserved bits zero, an Ethernet frame inside. Also with a
/// group policy (draft-smith-vxlan-group-policy) or a protocol (draft-ietf-nvo3-vxlan-gpe).
fn vxlan(walk: &mut Walk<'_>) -> Option<Result<Next, Undecoded>> {
    let octets = walk.rest;
    let [flags, second, third, fourth, _, _, _, reserved]: [u8; 8] = array(octets, 0)?;
    let layer = match (flags, second, third, fourth) {
        (0x08, 0, 0, 0) | (0x0c, 0, 0, 3) => Layer::Ethernet,
        // Of the policy's own bits, "don't learn" and "applied" are defined.
        (0x88, second, _, _) if second & !0x48 == 0 => Layer::Ethernet,
        (0x0c, 0, 0, 1) => Layer::Ipv4,
        (0x0c, 0, 0, 2) => Layer::Ipv6,
        _ => return None,
    };
    let inside = octets.get(8..)?;
    let is_strange = matches!(layer, Layer::Ethernet) && inside.len() >= 14 && !tag::is_ethernet(inside);
    if reserved != 0 || is_strange {
        return None;
    }
    walk.skip(8);
    Some(inside_of(walk, Tunnel::Vxlan, layer))
}

/// GENEVE (RFC 8926 §3.4): version 0, reserved bits zero, Ethernet or IP inside. Options are skipped.
fn geneve(walk: &mut Walk<'_>) -> Option<Result<Next, Undecoded>> {
    let octets = walk.rest;
    let [first, flags, high, low, _, _, _, reserved]: [u8; 8] = array(octets, 0)?;
    let length = usize::from(first & 0x3f).saturating_mul(4).saturating_add(8);
    if first >> 6 != 0 || flags & 0x3f != 0 || reserved != 0 || length > walk.wire {
        return None;
    }
    let inside = match u16::from_be_bytes([high, low]) {
        ETHERNET => Layer::Ethernet,
        0x0800 => Layer::Ipv4,
        0x86dd => Layer::Ipv6,
        _ => return None,
    };
    if length > octets.len() {
        return Some(Err(Undecoded::CutNetwork));
    }
    walk.skip(length);
    Some(inside_of(walk, Tunnel::Geneve, inside))
}

/// Enters, unless there is nothing inside.
fn inside_of(walk: &mut Walk<'_>, kind: Tunnel, inside: Layer) -> Result<Next, Undecoded> {
    if walk.wire == 0 {
        return Ok(Next::Quiet(NotConversation::TunnelKeepalive));
    }
    walk.enter(kind, inside)
}
