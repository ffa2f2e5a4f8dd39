//! WS-Discovery: SOAP in datagrams, to the group and back, and what ONVIF devices say in it.
//!
//! Source: WS-Discovery 2005/04 and OASIS WS-Discovery 1.1 §4, §5, §6; ONVIF Core §7 (types, scopes).

use super::Certainty;
use super::Content;
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
use super::finding::DeviceKind;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use crate::evidence::Evidence;

/// The recogniser of WS-Discovery.
pub(super) struct WsDiscovery;

/// Looks for what a device says of itself. Keeps nothing.
#[derive(Debug)]
struct Scopes;

const PORT: u16 = 3702;

/// Namespaces of the two versions.
const NAMESPACES: [&[u8]; 2] =
    [b"schemas.xmlsoap.org/ws/2005/04/discovery", b"docs.oasis-open.org/ws-dd/ns/discovery/2009/01"];

/// Ends of the action, longer ones first, who sends such a message and our words. Who says hello or
/// bye opens the flow.
const ACTIONS: [(&[u8], Sender, &str); 6] = [
    (b"/ProbeMatches", Sender::Server, "ProbeMatches"),
    (b"/ResolveMatches", Sender::Server, "ResolveMatches"),
    (b"/Probe", Sender::Client, "Probe"),
    (b"/Resolve", Sender::Client, "Resolve"),
    (b"/Hello", Sender::Client, "Hello"),
    (b"/Bye", Sender::Client, "Bye"),
];

impl Recogniser for WsDiscovery {
    fn service(&self) -> Service {
        Service::WsDiscovery
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        // Of a byte order mark, blanks, or at once.
        matches!(first, 0xef | b'<') || first.is_ascii_whitespace()
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&[PORT]);
        answer(message(Octets::of(head), at_port))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(Scopes))
    }
}

fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let text = octets.seen();
    let text = text.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(text).trim_ascii_start();
    require(text.starts_with(b"<"))?;
    let namespace = NAMESPACES.iter().any(|name| memchr::memmem::find(text, name).is_some());
    let envelope = memchr::memmem::find(text, b"Envelope").is_some();
    require(namespace || (at_port && (envelope || octets.is_cut())))?;
    let certainty = if namespace { Certainty::Signature } else { Certainty::Consistent };
    let (sender, what) = action(text).unwrap_or((Sender::Either, "WS-Discovery namespace"));
    let onvif = memchr::memmem::find(text, b"onvif.org").is_some();
    let length = u16::try_from(octets.seen().len()).unwrap_or(u16::MAX);
    let found = Recognition::proved(Service::WsDiscovery, certainty, sender, length, what);
    Ok(Recognition { content: onvif.then_some(Content::Onvif), ..found })
}

/// The action of the SOAP header: a namespace of WS-Discovery and its end.
fn action(text: &[u8]) -> Option<(Sender, &'static str)> {
    NAMESPACES.iter().find_map(|namespace| {
        memchr::memmem::find_iter(text, namespace).find_map(|at| {
            let rest = text.get(at.saturating_add(namespace.len())..)?;
            ACTIONS.iter().find(|(end, ..)| rest.starts_with(end)).map(|(_, sender, what)| (*sender, *what))
        })
    })
}

impl Follower for Scopes {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let tells = action(piece.octets).is_some_and(|(_, what)| matches!(what, "ProbeMatches" | "Hello"));
        let transmitter = memchr::memmem::find(piece.octets, b"NetworkVideoTransmitter");
        let scope = || memchr::memmem::find(piece.octets, b"onvif://www.onvif.org/");
        let Some(at) = transmitter.or_else(scope).filter(|_| tells) else { return Following::More };
        let what = "ONVIF type or scope in a device's own message";
        let offset = piece.offset.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        let evidence = Evidence { packet: piece.packet, offset, length: 22, what };
        let finding = Finding::DeviceKind(DeviceKind::OnvifCamera);
        findings.push(Located { finding, side: piece.side, evidence });
        Following::Done
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}
