//! What is known of a packet from the layers outside of where the walk is.

use super::segment::Oddities;
use super::segment::Tunnel;
use super::segment::VlanStack;
use crate::addr::Addr;
use crate::addr::Mac;
use crate::capture::Frame;
use crate::time::Timestamp;

/// Gathered from the outside in; small and without borrow, so that a fragment can wait with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) number: u64,
    pub(super) time: Timestamp,
    pub(super) file: u16,
    pub(super) interface: u16,
    /// Frames that brought it, and their octets on the wire.
    pub(super) frames: u16,
    pub(super) wire_octets: u32,
    pub(super) src_mac: Option<Mac>,
    pub(super) dst_mac: Option<Mac>,
    pub(super) vlans: VlanStack,
    /// The tags in `vlans` are of an Ethernet frame further out.
    pub(super) outer_vlans: bool,
    /// Whether the frame was counted as tagged.
    pub(super) tagged: bool,
    /// Tags, labels and PPPoE headers so far.
    pub(super) tags: u8,
    pub(super) tunnel: Option<Tunnel>,
    /// Tunnels so far.
    pub(super) tunnels: u8,
    /// IPv6 extension headers of the innermost packet so far.
    pub(super) extensions: u8,
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) is_v6: bool,
    /// Identification of IPv4, or of an IPv6 fragment header; else 0.
    pub(super) ip_id: u32,
    pub(super) ip_octets: u32,
    pub(super) hops: u8,
    pub(super) protocol: u8,
    /// No transport checksum can be verified: joined from fragments, or a source route is under way.
    pub(super) unverifiable: bool,
    pub(super) oddities: Oddities,
}

impl Context {
    /// Nothing but what the capture knows of `frame`.
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            number: frame.number,
            time: frame.time,
            file: frame.file,
            interface: frame.interface,
            frames: 1,
            wire_octets: frame.wire_len,
            src_mac: None,
            dst_mac: None,
            vlans: VlanStack::default(),
            outer_vlans: false,
            tagged: false,
            tags: 0,
            tunnel: None,
            tunnels: 0,
            extensions: 0,
            src: Addr::v6([0; 16]),
            dst: Addr::v6([0; 16]),
            is_v6: false,
            ip_id: 0,
            ip_octets: 0,
            hops: 0,
            protocol: 0,
            unverifiable: false,
            oddities: Oddities::default(),
        }
    }
}
