//! What the first packet of a flow tells of who opened it.

use crate::decode::Segment;
use crate::decode::segment::Tcp;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::service::Transport;

/// What was known before the first packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    /// Nothing.
    Unknown,
    /// The capture was watched without a break for longer than the flow may be silent.
    Silence,
    /// The receiver's SYN, which looked like one of the connection that used these ports before.
    Syn,
}

/// What the first packet says. The order of packets alone proves nothing.
pub(super) fn opening_of(segment: &Segment, key: FlowKey, side: Side, before: Before) -> Opening {
    let (initiator, initiation) = initiator_of(segment, side, before);
    let midstream = match segment.tcp {
        Some(tcp) => !tcp.has(Tcp::SYN),
        None => initiator != Some(side),
    };
    let mac_of_receiver = segment.dst_mac.filter(|mac| !mac.is_group());
    let macs = match side {
        Side::A => [segment.src_mac, mac_of_receiver],
        Side::B => [mac_of_receiver, segment.src_mac],
    };
    Opening {
        key,
        initiator,
        initiation,
        midstream,
        macs,
        vlans: segment.vlans,
        tunnel: segment.tunnel,
        first: side,
    }
}

fn initiator_of(segment: &Segment, side: Side, before: Before) -> (Option<Side>, Initiation) {
    let (sender, receiver) = (Some(side), Some(side.other()));
    if let Some(tcp) = segment.tcp {
        return match (tcp.has(Tcp::SYN), tcp.has(Tcp::ACK)) {
            _ if tcp.has(Tcp::RST) => (None, Initiation::Unknown),
            (true, false) => (sender, Initiation::Observed),
            (true, true) if before == Before::Syn => (receiver, Initiation::Observed),
            (true, true) => (receiver, Initiation::Inferred),
            (false, _) => (None, Initiation::Unknown),
        };
    }
    let asks = matches!(segment.transport, Transport::Icmp | Transport::Icmp6);
    match before {
        _ if segment.icmp_reply => (receiver, Initiation::Inferred),
        Before::Silence => (sender, Initiation::Observed),
        // A group never answers in its own name, and an ICMP request asks.
        _ if asks || segment.dst.is_group() => (sender, Initiation::Inferred),
        _ => (None, Initiation::Unknown),
    }
}
