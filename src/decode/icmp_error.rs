//! The packet that an ICMP error quotes. It is always cut, so it is read as far as it goes.

use super::icmp;
use super::icmp::Meaning;
use super::octets::array;
use super::octets::be8;
use super::octets::be16;
use super::segment::IcmpError;
use super::walk::Walk;
use crate::addr::Addr;
use crate::service::Transport;

/// Where the quoted packet starts.
const QUOTE: usize = 8;

/// How many extension headers of a quoted IPv6 packet are followed.
const MAX_EXTENSIONS: usize = 8;

/// The quoted 5-tuple.
struct Quote {
    src: Addr,
    dst: Addr,
    transport: Transport,
    src_port: u16,
    dst_port: u16,
}

/// Puts out the error with the 5-tuple that it quotes, if that can be read.
pub(super) fn read(walk: &mut Walk<'_>, kind: u8, code: u8) {
    let octets = walk.rest.get(QUOTE..).unwrap_or_default();
    let (quote, refused) = if walk.context.is_v6 {
        (quoted_v6(octets), kind == 1)
    } else {
        // Code 4 asks for smaller packets only (RFC 1191 §4).
        (quoted_v4(octets), kind == 3 && code != 4)
    };
    let Some(quote) = quote else { return };
    walk.out.errors.push(IcmpError {
        number: walk.context.number,
        time: walk.context.time,
        from: walk.context.src,
        src: quote.src,
        dst: quote.dst,
        transport: quote.transport,
        src_port: quote.src_port,
        dst_port: quote.dst_port,
        refused,
    });
}

fn quoted_v4(octets: &[u8]) -> Option<Quote> {
    let first = be8(octets, 0)?;
    let header = usize::from(first & 0x0f).saturating_mul(4);
    // A later fragment has no ports to be known by.
    if first >> 4 != 4 || header < 20 || be16(octets, 6)? & 0x1fff != 0 {
        return None;
    }
    let (src, dst) = (Addr::v4(array(octets, 12)?), Addr::v4(array(octets, 16)?));
    quoted_payload(src, dst, be8(octets, 9)?, octets.get(header..)?, false)
}

fn quoted_v6(octets: &[u8]) -> Option<Quote> {
    if be8(octets, 0)? >> 4 != 6 {
        return None;
    }
    let (src, dst) = (Addr::v6(array(octets, 8)?), Addr::v6(array(octets, 24)?));
    let mut protocol = be8(octets, 6)?;
    let mut rest = octets.get(40..)?;
    for _ in 0..MAX_EXTENSIONS {
        let length = match protocol {
            0 | 43 | 60 | 135 | 139 | 140 => usize::from(be8(rest, 1)?).saturating_add(1).saturating_mul(8),
            51 => usize::from(be8(rest, 1)?).saturating_add(2).saturating_mul(4),
            44 if be16(rest, 2)? & 0xfff8 == 0 => 8,
            44 => return None,
            _ => return quoted_payload(src, dst, protocol, rest, true),
        };
        protocol = be8(rest, 0)?;
        rest = rest.get(length..)?;
    }
    None
}

fn quoted_payload(src: Addr, dst: Addr, protocol: u8, payload: &[u8], is_v6: bool) -> Option<Quote> {
    let (transport, (src_port, dst_port)) = match protocol {
        6 | 17 | 132 => (Transport::from_number(protocol), (be16(payload, 0)?, be16(payload, 2)?)),
        1 if !is_v6 => (Transport::Icmp, exchange(icmp::v4(be8(payload, 0)?), payload)?),
        58 if is_v6 => (Transport::Icmp6, exchange(icmp::v6(be8(payload, 0)?), payload)?),
        other => (Transport::Ip(other), (0, 0)),
    };
    Some(Quote { src, dst, transport, src_port, dst_port })
}

fn exchange(meaning: Meaning, payload: &[u8]) -> Option<(u16, u16)> {
    match meaning {
        Meaning::Exchange(exchange) => Some(exchange.ports(be16(payload, 4)?)),
        _ => None,
    }
}
