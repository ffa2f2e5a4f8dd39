//! What later stages need of one packet (or of one datagram joined from its fragments).

use super::unread::Unread;
use crate::addr::Addr;
use crate::addr::Mac;
use crate::service::Transport;
use crate::time::Timestamp;

/// One transport segment or datagram, innermost of its tunnels.
///
/// Small and owned: it crosses the thread border, while the payload stays in the batch's arena
/// at `payload_start..payload_start + payload_len`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Number of the (last) frame that it came in, from 1 and unique in the run.
    pub number: u64,
    /// Capture time of that frame.
    pub time: Timestamp,
    /// Sender.
    pub src: Addr,
    /// Receiver.
    pub dst: Addr,
    /// What carries it.
    pub transport: Transport,
    /// Source port. For ICMP: of a request its identifier (0 if it has none), of a reply the type
    /// of the request, so that both directions have one flow key. Else 0.
    pub src_port: u16,
    /// Destination port. For ICMP: of a request its type, of a reply the identifier; the end that
    /// answers is thus always the one with the type for a port. Else 0.
    pub dst_port: u16,
    /// TCP's own fields, if it is TCP.
    pub tcp: Option<Tcp>,
    /// Of ICMP: whether this answers a request (echo reply, …), so that the sender is the responder.
    pub icmp_reply: bool,
    /// Innermost Ethernet source, if the link has one.
    pub src_mac: Option<Mac>,
    /// Innermost Ethernet destination, if the link has one.
    pub dst_mac: Option<Mac>,
    /// VLAN tags of the innermost Ethernet frame that has any, outer first.
    pub vlans: VlanStack,
    /// What it was wrapped in, innermost last.
    pub tunnel: Option<Tunnel>,
    /// Octets of all frames that it came in, on the wire, tunnel headers included.
    pub wire_octets: u32,
    /// Octets of the innermost IP packet as its header says, headers included.
    pub ip_octets: u32,
    /// How many frames it came in: 1, or the number of fragments joined.
    pub frames: u16,
    /// IPv4 time to live or IPv6 hop limit.
    pub hops: u8,
    /// Octets of payload that the sender sent, by the headers.
    pub payload_wire: u32,
    /// Where the captured payload starts in the batch's arena.
    pub payload_start: u32,
    /// How many octets of payload were captured.
    pub payload_len: u32,
    /// Source file of the run, from 0.
    pub file: u16,
    /// Source interface of the run, from 0.
    pub interface: u16,
    /// Hash over the innermost IP packet that is the same for a mirror's second copy of it and
    /// different for a retransmission of a host that counts its IPv4 identification up. It leaves
    /// out hop limit, IPv4 and transport checksums and everything below IP. 0 as long as it is not read.
    pub fingerprint: u64,
    /// What [`Segment::read`] is to find out.
    pub unread: Option<Unread>,
    /// What is odd about it.
    pub oddities: Oddities,
}

/// TCP header fields in host order (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Window, not scaled.
    pub window: u16,
    /// Control bits as on the wire: FIN 0x01, SYN 0x02, RST 0x04, PSH 0x08, ACK 0x10, URG 0x20.
    pub flags: u8,
}

impl Tcp {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// PSH.
    pub const PSH: u8 = 0x08;
    /// ACK.
    pub const ACK: u8 = 0x10;
    /// URG.
    pub const URG: u8 = 0x20;

    /// Whether all bits of `flags` are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

/// Up to four VLAN identifiers, outer first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VlanStack {
    ids: [u16; 4],
    len: u8,
}

impl VlanStack {
    /// Adds an inner tag; false if four are there already.
    pub fn push(&mut self, id: u16) -> bool {
        match self.ids.get_mut(usize::from(self.len)) {
            Some(slot) => {
                *slot = id & 0x0fff;
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }

    /// The identifiers, outer first.
    pub fn ids(&self) -> &[u16] {
        self.ids.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Oddities of a segment; none of them stops it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Oddities {
    /// Not all of the payload was captured: the snap length cut it, or fragments are missing.
    pub cut: bool,
    /// An IPv4, TCP, UDP or ICMP checksum of the innermost packet is wrong (often an offloading host).
    pub bad_checksum: bool,
    /// Fragments of it overlap and differ: somebody tries to be read in two ways.
    pub overlap_differs: bool,
    /// Joined from less than all its fragments; the payload is the contiguous start.
    pub incomplete: bool,
}

/// What a packet was wrapped in.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Tunnel {
    /// GRE (RFC 2784) with IP or Ethernet inside.
    Gre,
    /// ERSPAN type I, II or III.
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// IP in IP (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
}

impl Tunnel {
    /// Its word in records and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::IpInIp => "ip-in-ip",
        }
    }
}

/// An ICMP error and the packet that it complains of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IcmpError {
    /// Number of the frame.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Who sent the error.
    pub from: Addr,
    /// Sender of the packet that met the error.
    pub src: Addr,
    /// Receiver of that packet.
    pub dst: Addr,
    /// Its transport.
    pub transport: Transport,
    /// Its source port.
    pub src_port: u16,
    /// Its destination port.
    pub dst_port: u16,
    /// Whether it says that the port or host does not want it (destination unreachable).
    pub refused: bool,
}

/// A host seen by its link address: ARP, IPv6 neighbour discovery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// Number of the frame.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// The IP address that is claimed.
    pub addr: Addr,
    /// The MAC that claims it.
    pub mac: Mac,
}
