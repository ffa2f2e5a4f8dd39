//! DCE/RPC: version 5 over TCP, version 4 over UDP, both byte orders.
//!
//! Source: C706 (DCE 1.1: RPC) §12.5 (datagrams), §12.6 (connections); [MS-RPCE] §2.2.

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// The recogniser of DCE/RPC.
pub(super) struct Dcerpc;

/// Octets of a datagram's header.
const DATAGRAM_HEADER: usize = 80;

impl Recogniser for Dcerpc {
    fn service(&self) -> Service {
        Service::Dcerpc
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, transport: Transport) -> bool {
        first == if transport == Transport::Udp { 4 } else { 5 }
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        if head.key.transport == Transport::Udp {
            return answer(datagram(octets));
        }
        answer(connection(octets))
    }
}

fn connection(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[5])?;
    require(octets.u8(1)? <= 1)?;
    let sender = match octets.u8(2)? {
        // Request, bind, alter context, auth3, cancel, orphaned.
        0 | 11 | 14 | 16 | 18 | 19 => Sender::Client,
        // Response, fault, bind ack and nak, alter context response, shutdown.
        2 | 3 | 12 | 13 | 15 | 17 => Sender::Server,
        _ => return Err(Probe::Refuse),
    };
    octets.u8(3)?;
    let little = little_endian(octets, 4)?;
    octets.expect(6, &[0, 0])?;
    let (length, verifier) =
        if little { (octets.le16(8)?, octets.le16(10)?) } else { (octets.be16(8)?, octets.be16(10)?) };
    require(length >= 16 && verifier < length)?;
    let what = "DCE/RPC header of a connection";
    Ok(Recognition::proved(Service::Dcerpc, Certainty::Signature, sender, 12, what))
}

/// Data representation: integers in either order, characters in ASCII, floats IEEE.
fn little_endian(octets: Octets<'_>, at: usize) -> Read<bool> {
    let order = octets.u8(at)?;
    require(matches!(order, 0x00 | 0x10) && octets.u8(at.saturating_add(1))? == 0)?;
    Ok(order == 0x10)
}

fn datagram(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[4])?;
    let kind = octets.u8(1)?;
    require(kind <= 10 && octets.u8(2)? & 0x81 == 0 && octets.u8(3)? & 0xfd == 0)?;
    let little = little_endian(octets, 4)?;
    octets.expect(6, &[0])?;
    let length = if little { octets.le16(74)? } else { octets.be16(74)? };
    octets.ends_at(DATAGRAM_HEADER.saturating_add(usize::from(length)))?;
    let sender = match kind {
        // Request, ping, ack, cancel.
        0 | 1 | 7 | 8 => Sender::Client,
        // Either end acknowledges the fragments of the other (fack).
        9 => Sender::Either,
        _ => Sender::Server,
    };
    let what = "DCE/RPC header of a datagram";
    Ok(Recognition::proved(Service::Dcerpc, Certainty::Consistent, sender, 80, what))
}
