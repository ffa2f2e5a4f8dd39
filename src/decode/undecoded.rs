//! Why a frame gave no segment. Counted by cause, never logged per frame.

use crate::service::words;
use serde::Serialize;
use std::fmt;

words! {
    /// Why a frame could not be decoded. A label value of a metric each.
    Undecoded {
        /// The link type has no reader here.
        LinkType = "link-type",
        /// The frame ends inside a link header, a tag or a label.
        CutLink = "cut-link-header",
        /// The frame ends inside an IP, ARP or tunnel header.
        CutNetwork = "cut-ip-header",
        /// The frame ends inside a TCP, UDP or ICMP header.
        CutTransport = "cut-transport-header",
        /// An IP header that contradicts itself.
        BadNetwork = "bad-ip-header",
        /// A TCP, UDP or ICMP header that contradicts itself.
        BadTransport = "bad-transport-header",
        /// An EtherType, address family or PPP protocol with no reader here.
        NetworkType = "unknown-ethertype",
        /// More VLAN tags or MPLS labels than we follow.
        TagDepth = "too-many-tags",
        /// More tunnels in tunnels than we follow.
        TunnelDepth = "too-many-tunnels",
        /// More IPv6 extension headers than we follow.
        ExtensionDepth = "too-many-extension-headers",
        /// A tunnel header that contradicts itself, or carries what we have no reader for.
        Tunnel = "bad-tunnel-header",
        /// A fragment whose first part was not seen within the time that it may take, so that its
        /// ports are unknown.
        FragmentUnattributed = "fragment-unattributed",
        /// A fragment that was given up because the table of fragments is full.
        FragmentEvicted = "fragment-evicted",
        /// The frame is empty.
        Empty = "empty-frame",
        /// A stage gave up on this packet; a defect of ours, counted and kept away from the rest.
        Abandoned = "abandoned",
    }
}

words! {
    /// A decoded frame that is no conversation between hosts.
    NotConversation {
        /// Address resolution (RFC 826), also reverse.
        Arp = "arp",
        /// Router and neighbour discovery, redirects (RFC 4861).
        NeighbourDiscovery = "nd",
        /// Multicast listener discovery (RFC 2710, RFC 3810).
        Mld = "mld",
        /// IGMP (RFC 3376).
        Igmp = "igmp",
        /// An ICMP error about another packet.
        IcmpError = "icmp-error",
        /// LLDP (IEEE 802.1AB).
        Lldp = "lldp",
        /// Spanning tree (IEEE 802.1D).
        Stp = "stp",
        /// 802.1X (EAP over LAN).
        Eapol = "eapol",
        /// Cisco discovery and its neighbours in SNAP.
        Cdp = "cdp",
        /// Slow protocols: LACP, OAM.
        SlowProtocols = "slow-protocols",
        /// PPPoE discovery and PPP control protocols.
        PppControl = "ppp-control",
        /// Ethernet pause, loopback test, and other control frames.
        EthernetControl = "ethernet-control",
        /// Other IEEE 802.3 frames with LLC.
        Llc = "llc",
        /// Routing and redundancy between routers: OSPF, VRRP, PIM, EIGRP.
        Routing = "routing",
        /// The outer packet of a tunnel carried nothing (GRE keep-alive, VXLAN empty).
        TunnelKeepalive = "tunnel-keepalive",
    }
}
