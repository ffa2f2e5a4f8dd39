//! The walk through the layers of one packet: a loop, never a recursion, that only goes forward.

use std::ops::Range;

use super::Undecoded;
use super::checksum;
use super::context::Context;
use super::decoder::Decoded;
use super::extension;
use super::fingerprint::Print;
use super::fingerprint::fingerprint;
use super::fragments::Fragment;
use super::link;
use super::llc;
use super::network;
use super::octets::narrow;
use super::segment::Segment;
use super::segment::Tcp;
use super::segment::Tunnel;
use super::tag;
use super::tally::DecodeTally;
use super::transport;
use super::tunnel;
use super::undecoded::NotConversation;
use crate::capture::LinkType;
use crate::service::Transport;

/// How many tunnels in tunnels are followed (Zeek's default; Suricata's 16 layers are about as deep).
const MAX_TUNNELS: u8 = 4;

/// How many VLAN tags, MPLS labels and PPPoE headers are followed in one frame.
const MAX_TAGS: u8 = 16;

/// What stands at the walk's position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    Link(LinkType),
    Ethernet,
    EtherType(u16),
    Llc,
    Mpls,
    Ppp,
    Ip,
    Ipv4,
    Ipv6,
    Payload(u8),
    Gre,
}

/// What a layer leads to. Small, because it is handed from layer to layer: a fragment's own facts
/// stay in the walk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Layer(Layer),
    Fragment,
    Quiet(NotConversation),
    /// The segment was put out.
    Segment,
}

/// Where a walk starts: octets of the arena, and how many they were on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) captured: usize,
    pub(super) wire: usize,
    pub(super) layer: Layer,
    pub(super) context: Context,
}

/// A position in one packet.
pub(super) struct Walk<'a> {
    /// The captured octets from here to the end of the layer outside; never more than `wire`.
    pub(super) rest: &'a [u8],
    /// How many they were on the wire.
    pub(super) wire: usize,
    /// Where `rest` starts in the arena.
    at: usize,
    pub(super) context: Context,
    /// What the walk ended at, if it is a fragment.
    pub(super) fragment: Option<Fragment>,
    pub(super) tally: &'a mut DecodeTally,
    pub(super) out: &'a mut Decoded,
}

/// Which counter a wrong checksum goes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Summed {
    Tcp,
    Udp,
    Icmp,
}

/// What the transport layer knows of a segment; its payload is where the walk is.
pub(super) struct Shape<'h> {
    pub(super) transport: Transport,
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
    pub(super) tcp: Option<Tcp>,
    pub(super) icmp_reply: bool,
    /// The captured octets from the transport header on.
    pub(super) octets: &'h [u8],
    /// Where its checksum stands.
    pub(super) sum: Range<usize>,
}

impl<'a> Walk<'a> {
    /// A walk that starts at `place` of `arena`.
    pub(super) fn new(
        arena: &'a [u8],
        place: &Place,
        tally: &'a mut DecodeTally,
        out: &'a mut Decoded,
    ) -> Self {
        let end = place.start.saturating_add(place.captured.min(place.wire));
        let rest = arena.get(place.start..end).unwrap_or_default();
        Self { rest, wire: place.wire, at: place.start, context: place.context, fragment: None, tally, out }
    }

    /// Goes from layer to layer to the end. Each layer consumes octets, or leads to one that does.
    ///
    /// hot: once per frame
    pub(super) fn run(&mut self, mut layer: Layer) -> Result<Next, Undecoded> {
        loop {
            match self.step(layer)? {
                Next::Layer(next) => layer = next,
                end => return Ok(end),
            }
        }
    }

    /// Counts the packet by what it ended with.
    pub(super) fn count(&mut self, end: Result<Next, Undecoded>) {
        match end {
            Ok(Next::Segment) => self.tally.segments.add(&self.context),
            Ok(Next::Quiet(kind)) => self.tally.not_conversation(kind, &self.context),
            Err(cause) => self.tally.undecoded(cause, &self.context),
            // The walk goes on after a layer, and a fragment waits: neither is an end.
            Ok(Next::Layer(_) | Next::Fragment) => {}
        }
    }

    fn step(&mut self, layer: Layer) -> Result<Next, Undecoded> {
        match layer {
            Layer::Link(link) => link::first(self, link),
            Layer::Ethernet => link::ethernet(self),
            Layer::EtherType(ether_type) => link::ether_type(self, ether_type),
            Layer::Llc => llc::llc(self),
            Layer::Mpls => tag::mpls(self),
            Layer::Ppp => tag::ppp(self),
            Layer::Ip => network::ip(self),
            Layer::Ipv4 => network::ipv4(self),
            Layer::Ipv6 => network::ipv6(self),
            Layer::Payload(protocol) => self.payload(protocol),
            Layer::Gre => tunnel::gre(self),
        }
    }

    /// The layer above IP.
    fn payload(&mut self, protocol: u8) -> Result<Next, Undecoded> {
        self.context.protocol = protocol;
        let is_v6 = self.context.is_v6;
        match protocol {
            6 => transport::tcp(self),
            17 => transport::udp(self),
            1 if !is_v6 => transport::icmp(self),
            58 if is_v6 => transport::icmp(self),
            132 => transport::sctp(self),
            4 => self.enter(Tunnel::IpInIp, Layer::Ipv4),
            41 => self.enter(Tunnel::IpInIp, Layer::Ipv6),
            47 => Ok(Next::Layer(Layer::Gre)),
            51 => extension::authentication(self),
            0 | 43 | 60 | 135 | 139 | 140 if is_v6 => extension::skip(self, protocol),
            44 if is_v6 => extension::fragment(self),
            2 if !is_v6 => Ok(Next::Quiet(NotConversation::Igmp)),
            88 | 89 | 103 | 112 => Ok(Next::Quiet(NotConversation::Routing)),
            other => transport::other(self, other),
        }
    }

    /// Goes past `octets` octets of header.
    pub(super) fn skip(&mut self, octets: usize) {
        let captured = octets.min(self.rest.len());
        self.rest = self.rest.get(captured..).unwrap_or_default();
        self.at = self.at.saturating_add(captured);
        self.wire = self.wire.saturating_sub(octets);
    }

    /// Ends the layer `octets` octets from here, as its header says: what follows is padding.
    pub(super) fn limit(&mut self, octets: usize) {
        self.rest = self.rest.get(..octets).unwrap_or(self.rest);
        self.wire = octets;
    }

    /// Where in the arena the captured octets from here stand.
    pub(super) fn span(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.rest.len())
    }

    /// Whether everything from here to the end of the layer outside was captured.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.len() >= self.wire
    }

    /// Opens a tunnel whose inside starts here.
    pub(super) fn enter(&mut self, kind: Tunnel, inside: Layer) -> Result<Next, Undecoded> {
        if self.context.tunnels >= MAX_TUNNELS {
            return Err(Undecoded::TunnelDepth);
        }
        self.context.tunnels = self.context.tunnels.saturating_add(1);
        self.context.tunnel = Some(kind);
        // A wrong checksum of the tunnel says nothing of the packet inside.
        self.context.oddities.bad_checksum = false;
        self.tally.tunnel(kind);
        Ok(Next::Layer(inside))
    }

    /// Counts a tag or label.
    pub(super) fn count_tag(&mut self) -> Result<(), Undecoded> {
        if self.context.tags >= MAX_TAGS {
            return Err(Undecoded::TagDepth);
        }
        self.context.tags = self.context.tags.saturating_add(1);
        Ok(())
    }

    /// Verifies a transport checksum over everything from here, if all of it is there.
    /// False says that it is wrong, true that it is right or cannot be known.
    pub(super) fn verify(&mut self, summed: Summed, start: u64) -> bool {
        if self.context.unverifiable || !self.is_whole() || checksum::is_right(self.rest, start) {
            return true;
        }
        let bad = &mut self.tally.bad_checksums;
        let count = match summed {
            Summed::Tcp => &mut bad.tcp,
            Summed::Udp => &mut bad.udp,
            Summed::Icmp => &mut bad.icmp,
        };
        *count = count.saturating_add(1);
        self.context.oddities.bad_checksum = true;
        false
    }

    /// Puts out a segment whose payload starts here.
    pub(super) fn segment(&mut self, shape: &Shape<'_>) -> Next {
        let context = &self.context;
        let mut oddities = context.oddities;
        oddities.cut = !self.is_whole();
        self.out.segments.push(Segment {
            number: context.number,
            time: context.time,
            src: context.src,
            dst: context.dst,
            transport: shape.transport,
            src_port: shape.src_port,
            dst_port: shape.dst_port,
            tcp: shape.tcp,
            icmp_reply: shape.icmp_reply,
            src_mac: context.src_mac,
            dst_mac: context.dst_mac,
            vlans: context.vlans,
            tunnel: context.tunnel,
            wire_octets: context.wire_octets,
            ip_octets: context.ip_octets,
            frames: context.frames,
            hops: context.hops,
            payload_wire: narrow(self.wire),
            payload_start: narrow(self.at),
            payload_len: narrow(self.rest.len()),
            file: context.file,
            interface: context.interface,
            fingerprint: self.fingerprint(shape),
            unread: None,
            oddities,
        });
        Next::Segment
    }

    /// Hash of the segment.
    fn fingerprint(&self, shape: &Shape<'_>) -> u64 {
        let context = &self.context;
        let Range { start, end } = shape.sum;
        let head = shape.octets.get(..start).unwrap_or_default();
        fingerprint(&Print {
            src: context.src,
            dst: context.dst,
            ip_octets: context.ip_octets,
            ip_id: context.ip_id,
            protocol: context.protocol,
            head: head.iter().rev().fold(0, |word, octet| word << 8 | u128::from(*octet)),
            tail: shape.octets.get(end..).unwrap_or_default(),
        })
    }
}
