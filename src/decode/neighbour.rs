//! Hosts that are seen by their link address: ARP and IPv6 neighbour discovery.

use etherparse::ArpPacketSlice;

use super::Undecoded;
use super::octets::array;
use super::octets::be8;
use super::segment::Sighting;
use super::undecoded::NotConversation;
use super::walk::Next;
use super::walk::Walk;
use crate::addr::Addr;
use crate::addr::Mac;

/// Option types of neighbour discovery (RFC 4861 §4.6.1).
const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u8 = 2;

/// ARP over Ethernet with IPv4 (RFC 826): who asks or answers is seen. A probe of an address
/// that is not taken yet (sender 0.0.0.0, RFC 5227) claims nothing.
pub(super) fn arp(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let packet = ArpPacketSlice::from_slice(walk.rest).map_err(|_| Undecoded::CutNetwork)?;
    let is_ethernet = packet.hw_addr_type().0 == 1 && packet.proto_addr_type().0 == 0x0800;
    let hardware = array(packet.sender_hw_addr(), 0).filter(|_| packet.hw_addr_size() == 6);
    let address = array(packet.sender_protocol_addr(), 0).filter(|_| packet.proto_addr_size() == 4);
    if let (true, 1 | 2, Some(mac), Some(address)) =
        (is_ethernet, packet.operation().0, hardware, address.filter(|address| *address != [0; 4]))
    {
        sight(walk, Addr::v4(address), Mac(mac));
    }
    Ok(Next::Quiet(NotConversation::Arp))
}

/// The sighting in a message of neighbour discovery (RFC 4861 §4) with code 0 and a right
/// checksum. The message starts at its ICMPv6 header. A hop limit other than 255 has crossed a
/// router and proves nothing (§6.1, §7.1).
pub(super) fn discovery(walk: &mut Walk<'_>, kind: u8) {
    let octets = walk.rest;
    if walk.context.hops != 255 {
        return;
    }
    let source = walk.context.src;
    let (address, options, wanted) = match kind {
        133 => (Some(source), 8, SOURCE_LINK_ADDRESS),
        134 => (Some(source), 16, SOURCE_LINK_ADDRESS),
        135 => (Some(source), 24, SOURCE_LINK_ADDRESS),
        136 => (array(octets, 8).map(Addr::v6), 24, TARGET_LINK_ADDRESS),
        _ => return,
    };
    let mac = link_address(octets.get(options..).unwrap_or_default(), wanted);
    if let (Some(address), Some(mac)) = (address.filter(|address| address.bits() != 0), mac) {
        sight(walk, address, mac);
    }
}

/// The Ethernet address in the first option of type `wanted`. Lengths count 8 octets, 0 is invalid.
fn link_address(mut options: &[u8], wanted: u8) -> Option<Mac> {
    loop {
        let (kind, length) = (be8(options, 0)?, be8(options, 1)?);
        if length == 0 {
            return None;
        }
        if kind == wanted && length == 1 {
            return array(options, 2).map(Mac);
        }
        options = options.get(usize::from(length).saturating_mul(8)..)?;
    }
}

fn sight(walk: &mut Walk<'_>, addr: Addr, mac: Mac) {
    if mac.is_group() || mac == Mac::default() || addr.is_group() {
        return;
    }
    let (number, time) = (walk.context.number, walk.context.time);
    walk.out.sightings.push(Sighting { number, time, addr, mac });
}
