//! TCP, UDP, SCTP and ICMP headers, and what carries no ports.

use etherparse::TcpHeader;
use etherparse::TcpHeaderSlice;
use etherparse::UdpHeader;
use etherparse::UdpHeaderSlice;
use etherparse::err::tcp;

use super::Undecoded;
use super::checksum;
use super::icmp;
use super::icmp::Meaning;
use super::icmp_error;
use super::neighbour;
use super::octets::array;
use super::octets::be8;
use super::octets::be16;
use super::octets::narrow;
use super::segment::Tcp;
use super::tunnel;
use super::undecoded::NotConversation;
use super::walk::Next;
use super::walk::Shape;
use super::walk::Summed;
use super::walk::Walk;
use crate::service::Transport;

/// Octets of an ICMP header with identifier and sequence number, and of SCTP's without verification.
const ICMP_HEADER: usize = 8;
/// Octets of SCTP's common header (RFC 9260 §3.1).
const SCTP_HEADER: usize = 12;

/// TCP (RFC 9293 §3.1). Options that the snap length cut do not stop it: the ports are known.
///
/// hot: once per frame
pub(super) fn tcp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let mut fixed: [u8; TcpHeader::MIN_LEN];
    let header = match TcpHeaderSlice::from_slice(octets) {
        Ok(header) => header,
        Err(tcp::HeaderSliceError::Content(_)) => return Err(Undecoded::BadTransport),
        Err(tcp::HeaderSliceError::Len(_)) => {
            fixed = array(octets, 0).ok_or(Undecoded::CutTransport)?;
            // Five words: the header without the options that are not there.
            fixed.iter_mut().skip(12).take(1).for_each(|octet| *octet = 0x50);
            TcpHeaderSlice::from_slice(&fixed).map_err(|_| Undecoded::BadTransport)?
        }
    };
    let length = usize::from(be8(octets, 12).unwrap_or(0) >> 4).saturating_mul(4);
    if length > walk.wire {
        let partly = walk.context.oddities.incomplete;
        return Err(if partly { Undecoded::CutTransport } else { Undecoded::BadTransport });
    }
    let start = checksum::pseudo_header(walk.context.src, walk.context.dst, 6, narrow(walk.wire));
    walk.verify(Summed::Tcp, start);
    walk.skip(length);
    let shape = Shape {
        transport: Transport::Tcp,
        src_port: header.source_port(),
        dst_port: header.destination_port(),
        tcp: Some(Tcp {
            seq: header.sequence_number(),
            ack: header.acknowledgment_number(),
            window: header.window_size(),
            flags: be8(octets, 13).unwrap_or(0),
        }),
        icmp_reply: false,
        octets,
        sum: 16..18,
    };
    Ok(walk.segment(&shape))
}

/// UDP (RFC 768). A length of 0 means to the end of the packet (RFC 2675, offloading hosts); one
/// that is longer than the packet is read as far as the packet goes.
pub(super) fn udp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header = UdpHeaderSlice::from_slice(walk.rest).map_err(|_| Undecoded::CutTransport)?;
    match usize::from(header.length()) {
        0 => {}
        length if length < UdpHeader::LEN => return Err(Undecoded::BadTransport),
        length if walk.context.oddities.incomplete => walk.limit(length),
        length => walk.limit(length.min(walk.wire)),
    }
    let octets = walk.rest;
    if header.checksum() != 0 {
        let start = checksum::pseudo_header(walk.context.src, walk.context.dst, 17, narrow(walk.wire));
        walk.verify(Summed::Udp, start);
    }
    walk.skip(UdpHeader::LEN);
    if let Some(inside) = tunnel::over_udp(walk, header.destination_port()) {
        return inside;
    }
    let shape = Shape {
        transport: Transport::Udp,
        src_port: header.source_port(),
        dst_port: header.destination_port(),
        tcp: None,
        icmp_reply: false,
        octets,
        sum: 6..8,
    };
    Ok(walk.segment(&shape))
}

/// SCTP: ports only (RFC 9260 §3.1).
pub(super) fn sctp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let header: [u8; SCTP_HEADER] = array(octets, 0).ok_or(Undecoded::CutTransport)?;
    walk.skip(SCTP_HEADER);
    let shape = Shape {
        transport: Transport::Sctp,
        src_port: be16(&header, 0).unwrap_or(0),
        dst_port: be16(&header, 2).unwrap_or(0),
        tcp: None,
        icmp_reply: false,
        octets,
        sum: 8..12,
    };
    Ok(walk.segment(&shape))
}

/// A protocol whose header is not read: everything after IP is its payload.
pub(super) fn other(walk: &mut Walk<'_>, protocol: u8) -> Result<Next, Undecoded> {
    let shape = Shape {
        transport: Transport::Ip(protocol),
        src_port: 0,
        dst_port: 0,
        tcp: None,
        icmp_reply: false,
        octets: walk.rest,
        sum: 0..0,
    };
    Ok(walk.segment(&shape))
}

/// ICMP and ICMPv6: questions and answers are segments, the rest is control of the network.
pub(super) fn icmp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let header: [u8; ICMP_HEADER] = array(octets, 0).ok_or(Undecoded::CutTransport)?;
    let [kind, code, _, _, _, _, _, _] = header;
    let is_v6 = walk.context.is_v6;
    let (transport, start) = if is_v6 {
        let start = checksum::pseudo_header(walk.context.src, walk.context.dst, 58, narrow(walk.wire));
        (Transport::Icmp6, start)
    } else {
        (Transport::Icmp, 0)
    };
    let is_right = walk.verify(Summed::Icmp, start);
    let meaning = if is_v6 { icmp::v6(kind) } else { icmp::v4(kind) };
    match meaning {
        Meaning::Error => {
            icmp_error::read(walk, kind, code);
            Ok(Next::Quiet(NotConversation::IcmpError))
        }
        Meaning::Neighbour => {
            if is_right && code == 0 {
                neighbour::discovery(walk, kind);
            }
            Ok(Next::Quiet(NotConversation::NeighbourDiscovery))
        }
        Meaning::Listener => Ok(Next::Quiet(NotConversation::Mld)),
        Meaning::Exchange(exchange) => {
            let (src_port, dst_port) = exchange.ports(be16(&header, 4).unwrap_or(0));
            walk.skip(ICMP_HEADER);
            let shape = Shape {
                transport,
                src_port,
                dst_port,
                tcp: None,
                icmp_reply: exchange.is_reply,
                octets,
                sum: 2..4,
            };
            Ok(walk.segment(&shape))
        }
    }
}
