//! Headers that a firewall or a host writes before a logged packet in place of a link's: NFLOG, pflog,
//! enc, IPNET; and that of IP over InfiniBand.

use super::Undecoded;
use super::link;
use super::octets::array;
use super::octets::be8;
use super::octets::be16;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;
use crate::addr::Mac;

/// NFLOG's attributes that are read: the sender's hardware address, and the packet.
const HARDWARE_ADDRESS: u16 = 8;
const PAYLOAD: u16 = 9;

/// Least octets of a pflog header, those of its first form (`tcpdump`, `print-pflog.c`).
const PFLOG_LEAST: u8 = 45;

/// Linux's netfilter log: family, version, group, then attributes of length and type, each filled to
/// four octets (LINKTYPE_NFLOG).
pub(super) fn nflog(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let family = be8(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    walk.skip(4);
    // Lengths and types are in the writer's byte order; no type is so large that its high octet is used.
    let is_little = be8(walk.rest, 3).ok_or(Undecoded::CutLink)? == 0;
    // Each attribute takes four octets or more, so this ends with the frame.
    loop {
        let [a, b, c, d]: [u8; 4] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
        let number = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
        let length = usize::from(number([a, b]));
        // The two high bits of a type are flags (`NLA_TYPE_MASK`).
        let kind = number([c, d]) & 0x3fff;
        if length < 4 {
            return Err(Undecoded::NetworkType);
        }
        if kind == PAYLOAD {
            walk.skip(4);
            walk.limit(length.saturating_sub(4).min(walk.wire));
            break;
        }
        if kind == HARDWARE_ADDRESS && be16(walk.rest, 4) == Some(6) {
            walk.context.src_mac = array(walk.rest, 8).map(Mac).and_then(link::named);
        }
        walk.skip(length.next_multiple_of(4));
    }
    match family {
        2 => Ok(Next::Layer(Layer::Ipv4)),
        10 => Ok(Next::Layer(Layer::Ipv6)),
        _ => Err(Undecoded::NetworkType),
    }
}

/// The log of the packet filter of the BSDs: its own length, the address family, what was decided; filled
/// to four octets (LINKTYPE_PFLOG).
pub(super) fn pflog(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let [length, family]: [u8; 2] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    if length < PFLOG_LEAST {
        return Err(Undecoded::NetworkType);
    }
    walk.skip(usize::from(length).next_multiple_of(4));
    link::family(family)
}

/// What a BSD's `enc` interface shows of IPsec from inside: family as in BSD loopback, index, flags
/// (LINKTYPE_ENC).
pub(super) fn enc(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let next = link::loopback(walk)?;
    walk.skip(8);
    Ok(next)
}

/// Solaris' observability of IP: version, address family, hook, length, interfaces, zones
/// (LINKTYPE_IPNET).
pub(super) fn ipnet(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let family = be8(walk.rest, 1).ok_or(Undecoded::CutLink)?;
    walk.skip(24);
    match family {
        2 => Ok(Next::Layer(Layer::Ipv4)),
        26 => Ok(Next::Layer(Layer::Ipv6)),
        _ => Err(Undecoded::NetworkType),
    }
}

/// IP over InfiniBand: 40 octets of pseudo-header with the link addresses of 20 octets, then EtherType
/// and two reserved octets (LINKTYPE_IPOIB, RFC 4391 §6).
pub(super) fn infiniband(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let ether_type = be16(walk.rest, 40).ok_or(Undecoded::CutLink)?;
    walk.skip(44);
    link::numbered(ether_type)
}
