//! DHCP and BOOTP, and who was given which address.
//!
//! Source: RFC 2131 §2 (message), RFC 2132 §9.6 (message type), RFC 951 (BOOTP).

use super::Certainty;
use super::Finding;
use super::Follower;
use super::Following;
use super::Head;
use super::Located;
use super::Piece;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Side;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use crate::addr::Addr;
use crate::addr::Mac;
use crate::evidence::Evidence;

/// See the module.
pub(super) struct Dhcp;

/// Reads the leases that a server gives. Keeps nothing.
#[derive(Debug)]
struct Leases;

/// Where the options start, with their cookie.
const COOKIE_AT: usize = 236;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Ports of server and client.
const PORTS: [u16; 2] = [67, 68];
/// Option "message type", and its value ACK.
const MESSAGE_TYPE: u8 = 53;
const ACK: u8 = 5;

impl Recogniser for Dhcp {
    fn service(&self) -> Service {
        Service::Dhcp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 1 | 2)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = PORTS.contains(&head.from_port()) && PORTS.contains(&head.to_port());
        let found = message(Octets::of(head), at_port);
        // What a server sends to all hosts has no receiver that could have opened the flow.
        answer(found.map(|found| match head.to_group {
            true if found.sender == Sender::Server => Recognition { sender: Sender::Either, ..found },
            _ => found,
        }))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(Leases))
    }
}

fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let sender = match octets.u8(0)? {
        1 => Sender::Client,
        2 => Sender::Server,
        _ => return Err(Probe::Refuse),
    };
    require(octets.u8(1)? != 0 && octets.u8(2)? <= 16 && octets.u8(3)? <= 16)?;
    match octets.expect(COOKIE_AT, &COOKIE) {
        Ok(()) => {
            let what = "DHCP message with its cookie";
            let found = Recognition::proved(Service::Dhcp, Certainty::Signature, sender, 4, what);
            Ok(found.at(COOKIE_AT))
        }
        Err(_) if at_port && (octets.is_cut() || octets.seen().len() >= 300) => {
            let what = "BOOTP message on its ports";
            Ok(Recognition::proved(Service::Dhcp, Certainty::Consistent, sender, 4, what))
        }
        Err(probe) => Err(probe),
    }
}

impl Follower for Leases {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let octets = Octets::whole(piece.octets);
        if let Some((addr, mac)) = lease(octets) {
            let what = "address given by an ACK";
            let offset = piece.offset.saturating_add(16);
            let evidence = Evidence { packet: piece.packet, offset, length: 4, what };
            findings.push(Located { finding: Finding::Lease { addr, mac }, side: piece.side, evidence });
        }
        Following::More
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}

/// `yiaddr` and `chaddr` of an ACK to an Ethernet host.
fn lease(octets: Octets<'_>) -> Option<(Addr, Mac)> {
    octets.expect(0, &[2, 1, 6]).ok()?;
    octets.expect(COOKIE_AT, &COOKIE).ok()?;
    let given = octets.array::<4>(16).ok()?;
    if given == [0; 4] || option(octets, MESSAGE_TYPE)? != [ACK] {
        return None;
    }
    Some((Addr::v4(given), Mac(octets.array(28).ok()?)))
}

/// The data of an option.
fn option(octets: Octets<'_>, wanted: u8) -> Option<&[u8]> {
    let mut at = COOKIE_AT.saturating_add(4);
    // Each step takes at least one octet, so this ends with the message.
    loop {
        let code = octets.u8(at).ok()?;
        at = at.saturating_add(1);
        match code {
            0 => continue,
            255 => return None,
            _ => {}
        }
        let length = usize::from(octets.u8(at).ok()?);
        let data = octets.slice(at.saturating_add(1), length).ok()?;
        if code == wanted {
            return Some(data);
        }
        at = at.saturating_add(1).saturating_add(length);
    }
}
