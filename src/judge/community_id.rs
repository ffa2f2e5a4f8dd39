//! Community ID v1: a name for a 5-tuple that other tools give the same (Corelight's specification,
//! `community-id-spec`): SHA-1 over seed, both ends in order, protocol and ports, in base64.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Digest;
use sha1::Sha1;

use crate::addr::Addr;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::service::Transport;

/// ICMP request types and their replies (RFC 792, RFC 950, RFC 1256).
const ICMP_PAIRS: [(u16, u16); 5] = [(8, 0), (13, 14), (15, 16), (17, 18), (10, 9)];
/// ICMPv6 request types and their replies (RFC 4443, RFC 4861, RFC 4620, RFC 2710).
const ICMP6_PAIRS: [(u16, u16); 5] = [(128, 129), (133, 134), (135, 136), (139, 140), (130, 131)];

/// The Community ID of a flow that `orig` opened, with seed 0.
pub fn community_id(key: &FlowKey, orig: Side) -> String {
    let (src, dst) = (key.end(orig), key.end(orig.other()));
    let (src_port, dst_port) = match key.transport {
        Transport::Icmp => icmp_ports(dst.1, &ICMP_PAIRS),
        Transport::Icmp6 => icmp_ports(dst.1, &ICMP6_PAIRS),
        _ => (src.1, dst.1),
    };
    of((src.0, src_port), (dst.0, dst_port), key.transport)
}

/// The specification puts an ICMP message's type and that of its counterpart where ports stand.
fn icmp_ports(request: u16, pairs: &[(u16, u16)]) -> (u16, u16) {
    let pair = pairs.iter().find(|(asked, _)| *asked == request);
    pair.copied().unwrap_or((request, 0))
}

fn of(one: (Addr, u16), other: (Addr, u16), transport: Transport) -> String {
    let (low, high) =
        if (octets(one.0), one.1) <= (octets(other.0), other.1) { (one, other) } else { (other, one) };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(octets(low.0));
    hash.update(octets(high.0));
    hash.update([transport.number(), 0]);
    if !matches!(transport, Transport::Ip(_)) {
        hash.update(low.1.to_be_bytes());
        hash.update(high.1.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

fn octets(addr: Addr) -> Vec<u8> {
    match addr.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(src: &str, dst: &str, ports: (u16, u16), transport: Transport) -> String {
        let addr = |text: &str| Addr::from(text.parse::<IpAddr>().unwrap());
        let (key, orig) = FlowKey::canonical((addr(src), ports.0), (addr(dst), ports.1), transport, 0);
        community_id(&key, orig)
    }

    // The expected values are tshark 4.0.17's and PyPI communityid's for the same 5-tuples.
    #[test]
    fn the_identifiers_are_those_of_other_tools() {
        assert_eq!(
            id("128.232.110.120", "66.35.250.204", (34855, 80), Transport::Tcp),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
    }

    #[test]
    fn both_directions_have_one_identifier() {
        let forth = id("10.0.0.1", "10.0.0.2", (1000, 554), Transport::Udp);
        assert_eq!(forth, id("10.0.0.2", "10.0.0.1", (554, 1000), Transport::Udp));
    }
}
