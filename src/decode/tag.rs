//! Headers between Ethernet and IP: VLAN tags, MPLS labels, PPPoE and PPP.

use etherparse::SingleVlanHeaderSlice;

use super::Undecoded;
use super::link;
use super::octets::array;
use super::octets::be8;
use super::octets::be16;
use super::segment::VlanStack;
use super::undecoded::NotConversation;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;

/// One 802.1Q or 802.1ad tag. More tags than the stack holds are followed but not kept.
pub(super) fn vlan(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    walk.count_tag()?;
    let header = SingleVlanHeaderSlice::from_slice(walk.rest).map_err(|_| Undecoded::CutLink)?;
    let (id, next) = (header.vlan_identifier().value(), header.ether_type().0);
    let context = &mut walk.context;
    if context.outer_vlans {
        context.vlans = VlanStack::default();
        context.outer_vlans = false;
    }
    context.vlans.push(id);
    if !context.tagged {
        context.tagged = true;
        walk.tally.vlan_tagged = walk.tally.vlan_tagged.saturating_add(1);
    }
    walk.skip(4);
    Ok(Next::Layer(Layer::EtherType(next)))
}

/// One MPLS label (RFC 3032); after the last one, what the first octets look like (RFC 4928 §3).
pub(super) fn mpls(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    walk.count_tag()?;
    let [_, _, low, _]: [u8; 4] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    walk.skip(4);
    if low & 1 == 0 {
        return Ok(Next::Layer(Layer::Mpls));
    }
    let octets = walk.rest;
    match be8(octets, 0).ok_or(Undecoded::CutLink)? >> 4 {
        4 if !is_ethernet(octets) || is_ipv4(octets, walk.wire) => Ok(Next::Layer(Layer::Ipv4)),
        6 if !is_ethernet(octets) || is_ipv6(octets, walk.wire) => Ok(Next::Layer(Layer::Ipv6)),
        // A pseudowire's control word (RFC 4385 §3) before an Ethernet frame.
        0 if octets.get(4..).is_some_and(is_ethernet) => {
            walk.skip(4);
            Ok(Next::Layer(Layer::Ethernet))
        }
        _ if is_ethernet(octets) => Ok(Next::Layer(Layer::Ethernet)),
        _ if octets.len() < 18 && !walk.is_whole() => Err(Undecoded::CutLink),
        _ => Err(Undecoded::NetworkType),
    }
}

/// Whether an Ethernet frame with an EtherType that we know may start here.
pub(super) fn is_ethernet(octets: &[u8]) -> bool {
    be16(octets, 12).is_some_and(link::is_known)
}

fn is_ipv4(octets: &[u8], wire: usize) -> bool {
    be8(octets, 0).is_some_and(|first| first & 0x0f >= 5)
        && be16(octets, 2).is_some_and(|total| total >= 20 && usize::from(total) <= wire)
}

fn is_ipv6(octets: &[u8], wire: usize) -> bool {
    be16(octets, 4).is_some_and(|payload| usize::from(payload).saturating_add(40) <= wire)
}

/// A PPPoE session packet (RFC 2516 §4); a discovery packet or an unknown code is control.
pub(super) fn pppoe(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    walk.count_tag()?;
    let [version, code, _, _]: [u8; 4] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    let length = usize::from(be16(walk.rest, 4).ok_or(Undecoded::CutLink)?);
    if version != 0x11 || code != 0 {
        return Ok(Next::Quiet(NotConversation::PppControl));
    }
    walk.skip(6);
    walk.limit(length.min(walk.wire));
    Ok(Next::Layer(Layer::Ppp))
}

/// PPP with or without address and control fields, protocol in one or two octets (RFC 1661 §2,
/// §6.5); on a serial line also Cisco's framing.
pub(super) fn ppp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let start: [u8; 2] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    match start {
        [0xff, 0x03] => walk.skip(2),
        [0x0f | 0x8f, 0x00] => return cisco_hdlc(walk),
        _ => {}
    }
    let first = be8(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    let protocol = if first & 1 == 1 {
        walk.skip(1);
        u16::from(first)
    } else {
        let protocol = be16(walk.rest, 0).ok_or(Undecoded::CutLink)?;
        walk.skip(2);
        protocol
    };
    match protocol {
        0x0021 => Ok(Next::Layer(Layer::Ipv4)),
        0x0057 => Ok(Next::Layer(Layer::Ipv6)),
        0x0281 | 0x0283 => Ok(Next::Layer(Layer::Mpls)),
        // Network control, link quality, authentication, link control (RFC 1661 §2).
        0x8000.. => Ok(Next::Quiet(NotConversation::PppControl)),
        _ => Err(Undecoded::NetworkType),
    }
}

/// Cisco HDLC: address, control, EtherType; 0x8035 is its keep-alive here (LINKTYPE_C_HDLC).
pub(super) fn cisco_hdlc(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let ether_type = be16(walk.rest, 2).ok_or(Undecoded::CutLink)?;
    walk.skip(4);
    match ether_type {
        0x8035 => Ok(Next::Quiet(NotConversation::PppControl)),
        ether_type => link::numbered(ether_type),
    }
}
