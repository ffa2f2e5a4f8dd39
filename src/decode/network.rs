//! IPv4 and IPv6 headers.

use etherparse::Ipv4HeaderSlice;
use etherparse::Ipv6Header;
use etherparse::Ipv6HeaderSlice;
use etherparse::err::ipv4;
use etherparse::err::ipv6;

use super::Undecoded;
use super::checksum;
use super::fragments::Fragment;
use super::octets::be8;
use super::octets::narrow;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;
use crate::addr::Addr;

/// Either version, by the first four bits: raw IP.
pub(super) fn ip(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    match be8(walk.rest, 0).ok_or(Undecoded::CutNetwork)? >> 4 {
        4 => Ok(Next::Layer(Layer::Ipv4)),
        6 => Ok(Next::Layer(Layer::Ipv6)),
        _ => Err(Undecoded::BadNetwork),
    }
}

/// IPv4 (RFC 791). A total length of 0 is what a host with segmentation offload hands to its
/// capture: the packet then reaches to the end of the frame.
pub(super) fn ipv4(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header = Ipv4HeaderSlice::from_slice(walk.rest).map_err(|error| match error {
        ipv4::HeaderSliceError::Len(_) => Undecoded::CutNetwork,
        ipv4::HeaderSliceError::Content(_) => Undecoded::BadNetwork,
    })?;
    let length = header.slice().len();
    let total = match usize::from(header.total_len()) {
        0 => walk.wire,
        total if total < length => return Err(Undecoded::BadNetwork),
        total => total,
    };
    let context = &mut walk.context;
    context.src = Addr::v4(header.source());
    context.dst = Addr::v4(header.destination());
    context.is_v6 = false;
    context.ip_id = u32::from(header.identification());
    context.ip_octets = narrow(total);
    context.hops = header.ttl();
    context.extensions = 0;
    context.unverifiable = false;
    if !checksum::is_right(header.slice(), 0) {
        context.oddities.bad_checksum = true;
        walk.tally.bad_checksums.ipv4 = walk.tally.bad_checksums.ipv4.saturating_add(1);
    }
    walk.limit(total);
    walk.skip(length);
    let protocol = header.protocol().0;
    let (offset, more) = (header.fragments_offset().byte_offset(), header.more_fragments());
    if offset == 0 && !more {
        return Ok(Next::Layer(Layer::Payload(protocol)));
    }
    Fragment::end(walk, u32::from(header.identification()), usize::from(offset), more, protocol)
}

/// IPv6 (RFC 8200). A payload length of 0 means to the end of the frame: a jumbogram (RFC 2675)
/// or segmentation offload.
pub(super) fn ipv6(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header = Ipv6HeaderSlice::from_slice(walk.rest).map_err(|error| match error {
        ipv6::HeaderSliceError::Len(_) => Undecoded::CutNetwork,
        ipv6::HeaderSliceError::Content(_) => Undecoded::BadNetwork,
    })?;
    let next = header.next_header().0;
    let total = match usize::from(header.payload_length()) {
        // 59 is "no next header": nothing follows, and the rest of the frame is padding.
        0 if next != 59 => walk.wire,
        payload => payload.saturating_add(Ipv6Header::LEN),
    };
    let context = &mut walk.context;
    context.src = Addr::v6(header.source());
    context.dst = Addr::v6(header.destination());
    context.is_v6 = true;
    context.ip_id = 0;
    context.ip_octets = narrow(total);
    context.hops = header.hop_limit();
    context.extensions = 0;
    context.unverifiable = false;
    walk.limit(total);
    walk.skip(Ipv6Header::LEN);
    Ok(Next::Layer(Layer::Payload(next)))
}
