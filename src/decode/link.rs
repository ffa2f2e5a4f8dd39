//! Link types, and the link headers of Ethernet, Linux cooked, BSD loopback, raw IP; and what an EtherType
//! leads to.

use etherparse::Ethernet2Header;
use etherparse::Ethernet2HeaderSlice;

use super::Undecoded;
use super::logged;
use super::neighbour;
use super::octets::array;
use super::octets::be8;
use super::octets::be16;
use super::tag;
use super::undecoded::NotConversation;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;
use crate::addr::Mac;
use crate::capture::LinkType;

/// EtherTypes below this are lengths of an IEEE 802.3 frame (IEEE 802.3 §3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// The longest payload that a length field may say.
const MAX_LENGTH: u16 = 1500;

/// Opens a frame by its link type (<https://www.tcpdump.org/linktypes.html>).
pub(super) fn first(walk: &mut Walk<'_>, link: LinkType) -> Result<Next, Undecoded> {
    match link.0 {
        1 => Ok(Next::Layer(Layer::Ethernet)),
        12 | 14 | 101 => Ok(Next::Layer(Layer::Ip)),
        228 => Ok(Next::Layer(Layer::Ipv4)),
        229 => Ok(Next::Layer(Layer::Ipv6)),
        113 => linux_cooked(walk),
        276 => linux_cooked_v2(walk),
        0 | 108 => loopback(walk),
        9 | 50 => Ok(Next::Layer(Layer::Ppp)),
        51 => tag::pppoe(walk),
        104 => tag::cisco_hdlc(walk),
        109 => logged::enc(walk),
        117 => logged::pflog(walk),
        // PPP and Cisco HDLC with a direction in place of the address or before it.
        166 => {
            walk.skip(2);
            Ok(Next::Layer(Layer::Ppp))
        }
        204 => {
            walk.skip(1);
            Ok(Next::Layer(Layer::Ppp))
        }
        205 => {
            walk.skip(1);
            tag::cisco_hdlc(walk)
        }
        219 => Ok(Next::Layer(Layer::Mpls)),
        226 => logged::ipnet(walk),
        239 => logged::nflog(walk),
        242 => logged::infiniband(walk),
        _ => Err(Undecoded::LinkType),
    }
}

/// Ethernet II or IEEE 802.3. Its addresses replace those of a frame outside; its tags do too, once it has one.
pub(super) fn ethernet(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header = Ethernet2HeaderSlice::from_slice(walk.rest).map_err(|_| Undecoded::CutLink)?;
    let next = header.ether_type().0;
    walk.context.src_mac = named(Mac(header.source()));
    walk.context.dst_mac = named(Mac(header.destination()));
    walk.context.outer_vlans = true;
    walk.skip(Ethernet2Header::LEN);
    Ok(Next::Layer(Layer::EtherType(next)))
}

/// What an EtherType leads to; the octets after it are next.
pub(super) fn ether_type(walk: &mut Walk<'_>, ether_type: u16) -> Result<Next, Undecoded> {
    match ether_type {
        0x0800 => Ok(Next::Layer(Layer::Ipv4)),
        0x86dd => Ok(Next::Layer(Layer::Ipv6)),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => tag::vlan(walk),
        0x0806 => neighbour::arp(walk),
        0x8847 | 0x8848 => Ok(Next::Layer(Layer::Mpls)),
        0x8864 => tag::pppoe(walk),
        0x880b => Ok(Next::Layer(Layer::Ppp)),
        0x6558 => Ok(Next::Layer(Layer::Ethernet)),
        length if length <= MAX_LENGTH => {
            walk.limit(usize::from(length).min(walk.wire));
            Ok(Next::Layer(Layer::Llc))
        }
        other => quiet(other).map(Next::Quiet).ok_or(Undecoded::NetworkType),
    }
}

/// Whether we would follow or name what stands after an Ethernet header with this type: the
/// test by which the inside of a pseudowire or of VXLAN is believed to be Ethernet.
pub(super) fn is_known(ether_type: u16) -> bool {
    let followed =
        [0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x9200, 0x0806, 0x8847, 0x8848, 0x8864, 0x880b, 0x6558];
    ether_type <= MAX_LENGTH || followed.contains(&ether_type) || quiet(ether_type).is_some()
}

/// EtherTypes of frames that are no conversation (IEEE 802 numbers).
fn quiet(ether_type: u16) -> Option<NotConversation> {
    Some(match ether_type {
        0x8035 => NotConversation::Arp,
        0x88cc => NotConversation::Lldp,
        // 802.1X, and its pre-authentication on wireless.
        0x888e | 0x88c7 => NotConversation::Eapol,
        0x2000 => NotConversation::Cdp,
        0x8809 => NotConversation::SlowProtocols,
        0x8863 => NotConversation::PppControl,
        // Pause; loopback test; fault management; PTP; MRP, MVRP, MMRP; Realtek's loop test; 1905.1.
        0x8808 | 0x9000 | 0x8902 | 0x88f7 | 0x88e3 | 0x88f5 | 0x88f6 | 0x8899 | 0x893a => {
            NotConversation::EthernetControl
        }
        _ => return None,
    })
}

/// Linux cooked v1: packet type, ARPHRD type, address length, address, protocol (LINKTYPE_LINUX_SLL).
fn linux_cooked(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let protocol = be16(octets, 14).ok_or(Undecoded::CutLink)?;
    if be16(octets, 4) == Some(6) {
        walk.context.src_mac = array(octets, 6).map(Mac).and_then(named);
    }
    walk.skip(16);
    cooked(protocol)
}

/// Linux cooked v2: protocol, reserved, interface, ARPHRD type, packet type, address (LINKTYPE_LINUX_SLL2).
fn linux_cooked_v2(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets = walk.rest;
    let address: [u8; 8] = array(octets, 12).ok_or(Undecoded::CutLink)?;
    let protocol = be16(octets, 0).ok_or(Undecoded::CutLink)?;
    if be8(octets, 11) == Some(6) {
        walk.context.src_mac = array(&address, 0).map(Mac).and_then(named);
    }
    walk.skip(20);
    cooked(protocol)
}

/// The protocol field of Linux cooked: an EtherType, or a small number for frames without one.
fn cooked(protocol: u16) -> Result<Next, Undecoded> {
    match protocol {
        // Novell's raw 802.3, which has no LLC.
        1 => Ok(Next::Quiet(NotConversation::Llc)),
        4 => Ok(Next::Layer(Layer::Llc)),
        ether_type => numbered(ether_type),
    }
}

/// What an EtherType leads to where no length can stand in its place.
pub(super) fn numbered(ether_type: u16) -> Result<Next, Undecoded> {
    match ether_type {
        0..FIRST_ETHER_TYPE => Err(Undecoded::NetworkType),
        _ => Ok(Next::Layer(Layer::EtherType(ether_type))),
    }
}

/// BSD loopback: the address family in four octets, in the writer's or in network byte order
/// (LINKTYPE_NULL, LINKTYPE_LOOP).
pub(super) fn loopback(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let octets: [u8; 4] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    walk.skip(4);
    match octets {
        [0, 0, 0, low] | [low, 0, 0, 0] => family(low),
        _ => Err(Undecoded::NetworkType),
    }
}

/// What an address family of BSD leads to. AF_INET6 is 24, 28 or 30 by the BSD, 10 on Linux.
pub(super) fn family(family: u8) -> Result<Next, Undecoded> {
    match family {
        2 => Ok(Next::Layer(Layer::Ipv4)),
        10 | 24 | 28 | 30 => Ok(Next::Layer(Layer::Ipv6)),
        _ => Err(Undecoded::NetworkType),
    }
}

/// A MAC that names a station: loopback devices and cooked headers write zeros where there is none.
pub(super) fn named(mac: Mac) -> Option<Mac> {
    (mac != Mac::default()).then_some(mac)
}
