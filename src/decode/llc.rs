//! IEEE 802.2 LLC, and SNAP with what it carries.

use super::Undecoded;
use super::octets::array;
use super::octets::be16;
use super::undecoded::NotConversation;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;

/// Reads an LLC header (IEEE 802.2) and follows IP inside it.
pub(super) fn llc(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let header: [u8; 3] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    match header {
        [0x42, 0x42, _] => Ok(Next::Quiet(NotConversation::Stp)),
        [0xaa, 0xaa, 0x03] => {
            walk.skip(3);
            snap(walk)
        }
        // IP with its own service access point.
        [0x06, 0x06, 0x03] => {
            walk.skip(3);
            Ok(Next::Layer(Layer::Ipv4))
        }
        _ => Ok(Next::Quiet(NotConversation::Llc)),
    }
}

/// SNAP: whose protocol it is, and which (RFC 1042).
fn snap(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    let maker: [u8; 3] = array(walk.rest, 0).ok_or(Undecoded::CutLink)?;
    let protocol = be16(walk.rest, 3).ok_or(Undecoded::CutLink)?;
    walk.skip(5);
    match (maker, protocol) {
        // A length where an EtherType belongs would lead back here for ever.
        ([0, 0, 0] | [0, 0, 0xf8], 0..0x0600) => Err(Undecoded::NetworkType),
        ([0, 0, 0] | [0, 0, 0xf8], ether_type) => Ok(Next::Layer(Layer::EtherType(ether_type))),
        // Cisco: PVST+ is a spanning tree; CDP, VTP, DTP, UDLD and the like are its neighbours.
        ([0, 0, 0x0c], 0x010b) => Ok(Next::Quiet(NotConversation::Stp)),
        ([0, 0, 0x0c], _) => Ok(Next::Quiet(NotConversation::Cdp)),
        _ => Ok(Next::Quiet(NotConversation::Llc)),
    }
}
