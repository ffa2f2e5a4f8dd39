//! The short way of the common packets: Ethernet II with up to two VLAN tags, IPv4 without options or
//! IPv6 without extension headers, TCP or UDP, and every length as it should be.
//!
//! A few reads of fixed size instead of a walk from layer to layer. Whatever is odd, rare or a tunnel
//! is left to the walk, which alone knows what to make of it; what is read here comes out as the walk
//! would give it, to the last count (`tests/decode_ways.rs`), once the segment is completed.

use std::num::NonZeroU8;

use super::checksum;
use super::link;
use super::octets::narrow;
use super::segment::Oddities;
use super::segment::Segment;
use super::segment::Tcp;
use super::segment::VlanStack;
use super::tally::DecodeTally;
use super::tunnel;
use super::unread::Unread;
use crate::addr::Addr;
use crate::addr::Mac;
use crate::capture::Frame;
use crate::capture::LinkType;
use crate::service::Transport;

/// How many VLAN tags are read here.
const MAX_TAGS: usize = 2;
/// Octets of a UDP header (RFC 768).
const UDP_HEADER: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);

/// An Ethernet header and its tags.
struct Link<'a> {
    dst: Mac,
    src: Mac,
    vlans: VlanStack,
    ether_type: [u8; 2],
    rest: &'a [u8],
}

/// An IP header and what it carries.
struct Packet<'a> {
    src: Addr,
    dst: Addr,
    /// Octets of the header.
    header: usize,
    /// Octets of the packet as the header says, those of the header included.
    total: usize,
    id: u16,
    hops: u8,
    protocol: u8,
    is_sum_wrong: bool,
    /// The captured octets behind the header; never more than `wire`.
    rest: &'a [u8],
    /// How many they were on the wire.
    wire: usize,
}

/// A transport header.
struct Ports {
    transport: Transport,
    src: u16,
    dst: u16,
    tcp: Option<Tcp>,
    /// Octets of the header.
    length: NonZeroU8,
}

/// Adds the segment of a frame with these captured octets, and counts it; `None`, and nothing done, if
/// it is the walk's to decode.
///
/// Each shape has a way of its own, and all parts of it are put into one function: what one shape has and
/// another has not (tags, options, sequence numbers) is then known, and the rest stays in registers.
///
/// hot: once per frame
pub(super) fn segment(
    frame: &Frame,
    octets: &[u8],
    tally: &mut DecodeTally,
    out: &mut Vec<Segment>,
) -> Option<()> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let (header, rest) = octets.split_first_chunk::<14>()?;
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, high, low] = *header;
    let (dst, src) = (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5]));
    let link = Link { dst, src, vlans: VlanStack::default(), ether_type: [high, low], rest };
    match link.ether_type {
        [0x08, 0x00] | [0x86, 0xdd] => by_shape(frame, octets, &link, tally, out),
        _ => tagged(frame, octets, link, tally, out),
    }
}

#[inline(never)]
fn tagged(
    frame: &Frame,
    octets: &[u8],
    link: Link<'_>,
    tally: &mut DecodeTally,
    out: &mut Vec<Segment>,
) -> Option<()> {
    by_shape(frame, octets, &without_tags(link)?, tally, out)
}

#[inline(always)]
fn by_shape(
    frame: &Frame,
    octets: &[u8],
    link: &Link<'_>,
    tally: &mut DecodeTally,
    out: &mut Vec<Segment>,
) -> Option<()> {
    let wire = octets.len().max(usize::try_from(frame.wire_len).unwrap_or(usize::MAX));
    let wire = wire.saturating_sub(octets.len().saturating_sub(link.rest.len()));
    match link.ether_type {
        [0x08, 0x00] => above_ip(frame, octets, link, ipv4(link.rest, wire)?, tally, out),
        [0x86, 0xdd] => above_ip(frame, octets, link, ipv6(link.rest, wire)?, tally, out),
        _ => None,
    }
}

#[inline(always)]
fn above_ip(
    frame: &Frame,
    octets: &[u8],
    link: &Link<'_>,
    packet: Packet<'_>,
    tally: &mut DecodeTally,
    out: &mut Vec<Segment>,
) -> Option<()> {
    match packet.protocol {
        6 => {
            let ports = tcp(&packet)?;
            count(frame, tally, link, &packet);
            out.push(assemble(frame, octets, link, &packet, &ports));
        }
        17 => {
            let (packet, ports) = udp(packet)?;
            count(frame, tally, link, &packet);
            out.push(assemble(frame, octets, link, &packet, &ports));
        }
        _ => return None,
    }
    Some(())
}

/// What is behind up to two VLAN tags (IEEE 802.1Q).
#[inline(always)]
fn without_tags(mut link: Link<'_>) -> Option<Link<'_>> {
    for _ in 0..MAX_TAGS {
        let ([0x81 | 0x91 | 0x92, 0x00] | [0x88, 0xa8]) = link.ether_type else { break };
        let ([id_high, id_low, high, low], after) = link.rest.split_first_chunk::<4>()?;
        link.vlans.push(u16::from_be_bytes([*id_high, *id_low]));
        (link.ether_type, link.rest) = ([*high, *low], after);
    }
    Some(link)
}

/// A whole IPv4 packet without options (RFC 791) that fits into what is left of the frame.
#[inline(always)]
fn ipv4(octets: &[u8], wire: usize) -> Option<Packet<'_>> {
    let header = octets.first_chunk::<20>()?;
    let [0x45, _, t0, t1, i0, i1, f0, f1, hops, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header
    else {
        return None;
    };
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    // Neither "more fragments" nor an offset.
    let is_whole = u16::from_be_bytes([f0, f1]) & 0x3fff == 0;
    if !is_whole || total > wire {
        return None;
    }
    Some(Packet {
        src: Addr::v4([s0, s1, s2, s3]),
        dst: Addr::v4([d0, d1, d2, d3]),
        header: 20,
        total,
        id: u16::from_be_bytes([i0, i1]),
        hops,
        protocol,
        is_sum_wrong: !checksum::is_header_right(header),
        rest: octets.get(20..total.min(octets.len()))?,
        wire: total.checked_sub(20)?,
    })
}

/// An IPv6 packet (RFC 8200) that fits into what is left of the frame.
#[inline(always)]
fn ipv6(octets: &[u8], wire: usize) -> Option<Packet<'_>> {
    let (start, _) = octets.split_first_chunk::<8>()?;
    let [first, _, _, _, l0, l1, protocol, hops] = *start;
    let payload = usize::from(u16::from_be_bytes([l0, l1]));
    let total = payload.saturating_add(40);
    // A length of 0 is a jumbogram or an offloading host.
    if first >> 4 != 6 || payload == 0 || total > wire {
        return None;
    }
    let (src, after) = octets.get(8..)?.split_first_chunk::<16>()?;
    Some(Packet {
        src: Addr::v6(*src),
        dst: Addr::v6(*after.first_chunk::<16>()?),
        header: 40,
        total,
        id: 0,
        hops,
        protocol,
        is_sum_wrong: false,
        rest: octets.get(40..total.min(octets.len()))?,
        wire: payload,
    })
}

/// TCP (RFC 9293 §3.1), its options captured.
#[inline(always)]
fn tcp(packet: &Packet<'_>) -> Option<Ports> {
    let header = packet.rest.first_chunk::<20>()?;
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, ..] = *header;
    let length = (offset >> 4).saturating_mul(4);
    if length < 20 || usize::from(length) > packet.rest.len() {
        return None;
    }
    Some(Ports {
        transport: Transport::Tcp,
        src: u16::from_be_bytes([s0, s1]),
        dst: u16::from_be_bytes([d0, d1]),
        tcp: Some(Tcp {
            seq: u32::from_be_bytes([q0, q1, q2, q3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            window: u16::from_be_bytes([w0, w1]),
            flags,
        }),
        length: NonZeroU8::new(length)?,
    })
}

/// UDP (RFC 768) that fits into its packet and is no tunnel; what the packet has behind it is padding.
#[inline(always)]
fn udp(mut packet: Packet<'_>) -> Option<(Packet<'_>, Ports)> {
    let [s0, s1, d0, d1, l0, l1, _, _] = *packet.rest.first_chunk::<8>()?;
    let dst = u16::from_be_bytes([d0, d1]);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length < 8 || length > packet.wire || tunnel::is_port(dst) {
        return None;
    }
    packet.rest = packet.rest.get(..length).unwrap_or(packet.rest);
    packet.wire = length;
    let ports = Ports {
        transport: Transport::Udp,
        src: u16::from_be_bytes([s0, s1]),
        dst,
        tcp: None,
        length: UDP_HEADER,
    };
    Some((packet, ports))
}

#[inline(always)]
fn count(frame: &Frame, tally: &mut DecodeTally, link: &Link<'_>, packet: &Packet<'_>) {
    tally.segments.add_frame(frame);
    if !link.vlans.ids().is_empty() {
        tally.vlan_tagged = tally.vlan_tagged.saturating_add(1);
    }
    if packet.is_sum_wrong {
        tally.bad_checksums.ipv4 = tally.bad_checksums.ipv4.saturating_add(1);
    }
}

#[inline(always)]
fn assemble(frame: &Frame, octets: &[u8], link: &Link<'_>, packet: &Packet<'_>, ports: &Ports) -> Segment {
    let &Packet { src, dst, rest, wire, .. } = packet;
    let length = usize::from(ports.length.get());
    let payload_len = rest.len().saturating_sub(length);
    let payload_wire = wire.saturating_sub(length);
    let link_octets = octets.len().saturating_sub(link.rest.len());
    let before_payload = link_octets.saturating_add(packet.header).saturating_add(length);
    Segment {
        number: frame.number,
        time: frame.time,
        src,
        dst,
        transport: ports.transport,
        src_port: ports.src,
        dst_port: ports.dst,
        tcp: ports.tcp,
        icmp_reply: false,
        src_mac: link::named(link.src),
        dst_mac: link::named(link.dst),
        vlans: link.vlans,
        tunnel: None,
        wire_octets: frame.wire_len,
        ip_octets: narrow(packet.total),
        frames: 1,
        hops: packet.hops,
        payload_wire: narrow(payload_wire),
        payload_start: frame.start.saturating_add(narrow(before_payload)),
        payload_len: narrow(payload_len),
        file: frame.file,
        interface: frame.interface,
        fingerprint: 0,
        unread: Some(Unread { header: ports.length, ip_id: packet.id }),
        oddities: Oddities {
            cut: payload_len < payload_wire,
            bad_checksum: packet.is_sum_wrong,
            overlap_differs: false,
            incomplete: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::segment;
    use crate::capture::Frame;
    use crate::capture::LinkType;
    use crate::decode::DecodeTally;
    use crate::time::Timestamp;

    const IPV4: [u8; 20] = [0x45, 0, 0, 30, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    const UDP: [u8; 10] = [0x13, 0x8c, 0x9c, 0x40, 0, 10, 0, 0, b'h', b'i'];

    fn is_read(tags: &[u8], ether_type: [u8; 2], ip: &[u8], above: &[u8]) -> bool {
        let octets = [&[2; 12], tags, &ether_type, ip, above].concat();
        let length = u32::try_from(octets.len()).unwrap();
        let frame = Frame {
            number: 1,
            time: Timestamp::default(),
            link: LinkType::ETHERNET,
            interface: 0,
            file: 0,
            wire_len: length,
            start: 0,
            captured: length,
        };
        let (mut tally, mut out) = (DecodeTally::default(), Vec::new());
        let found = segment(&frame, &octets, &mut tally, &mut out);
        assert_eq!((tally.segments.frames, out.len() == 1), (u64::from(found.is_some()), found.is_some()));
        assert_eq!(found.is_none(), tally == DecodeTally::default(), "nothing is counted of what is left");
        found.is_some()
    }

    fn with<const N: usize>(mut octets: [u8; N], at: usize, value: u8) -> [u8; N] {
        *octets.get_mut(at).unwrap() = value;
        octets
    }

    #[test]
    fn the_common_shapes_are_read_here() {
        let tag = [0x81, 0x00, 0x00, 0x05];
        assert!(is_read(&[], [0x08, 0x00], &IPV4, &UDP));
        assert!(is_read(&[], [0x08, 0x00], &IPV4, &[&UDP[..], &[0; 18]].concat()), "padded to 60 octets");
        assert!(is_read(&tag, [0x08, 0x00], &IPV4, &UDP));
        assert!(is_read(&[[0x88, 0xa8, 0, 9], tag].concat(), [0x08, 0x00], &IPV4, &UDP));
        let mut ipv6 = [0x20; 40];
        ipv6[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 10, 17, 64]);
        assert!(is_read(&[], [0x86, 0xdd], &ipv6, &UDP));
        let tcp = [0, 80, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
        assert!(is_read(&[], [0x08, 0x00], &with(with(IPV4, 3, 40), 9, 6), &tcp));
    }

    #[test]
    fn what_is_odd_or_wrapped_is_left_to_the_walk() {
        let is_left = |ip: &[u8], above: &[u8]| !is_read(&[], [0x08, 0x00], ip, above);
        assert!(is_left(&with(IPV4, 0, 0x46), &UDP), "options");
        assert!(is_left(&with(IPV4, 0, 0x65), &UDP), "another version");
        assert!(is_left(&with(IPV4, 3, 0), &UDP), "no length: an offloading host");
        assert!(is_left(&with(IPV4, 3, 31), &UDP), "longer than the frame");
        assert!(is_left(&with(IPV4, 3, 27), &UDP), "shorter than what it carries");
        assert!(is_left(&with(IPV4, 6, 0x20), &UDP), "more fragments");
        assert!(is_left(&with(IPV4, 7, 1), &UDP), "a later fragment");
        assert!(is_left(&with(IPV4, 9, 47), &UDP), "GRE");
        assert!(is_left(&IPV4, &with(UDP, 5, 0)), "UDP without a length");
        assert!(is_left(&IPV4, &with(UDP, 5, 11)), "UDP longer than its packet");
        assert!(is_left(&IPV4, &with(with(UDP, 2, 0x12), 3, 0xb5)), "VXLAN's port");
        assert!(is_left(&with(IPV4, 9, 6), &UDP), "TCP cut in its header");
        assert!(!is_read(&[0x81, 0, 0, 5].repeat(3), [0x08, 0x00], &IPV4, &UDP), "three tags");
        assert!(!is_read(&[], [0x88, 0x47], &IPV4, &UDP), "MPLS");
    }
}
