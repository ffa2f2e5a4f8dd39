//! LDAP over TCP and UDP. Names and passwords of a bind are not kept.
//!
//! Source: RFC 4511 §4.1.1 (message), §4.2 (bind), §4.5.1 (search), §4.1.9 (result), §4.14 (StartTLS).

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::ber::Element;
use super::ber::element;
use super::ber::integer;
use super::ber::tagged;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::tls_after::TlsAfter;

/// The recogniser of LDAP.
pub(super) struct Ldap;

/// LDAP and Active Directory's global catalogue.
const PORTS: [u16; 2] = [389, 3268];

impl Recogniser for Ldap {
    fn service(&self) -> Service {
        Service::Ldap
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0x30
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let at_port = head.is_at(&PORTS);
        answer(message(Octets::of(head), at_port))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TlsAfter::new(in_clear)))
    }
}

/// Most messages before StartTLS: clients ask for the root entry first.
const BEFORE_TLS: usize = 8;

/// The first extended request or its answer is StartTLS, if TLS follows it.
fn in_clear(octets: Octets<'_>) -> Read<usize> {
    let mut at = 0_usize;
    for _ in 0..BEFORE_TLS {
        let whole = tagged(octets, at, 0x30)?;
        let (_, next) = integer(octets, whole.at, 0x02)?;
        at = whole.end();
        if matches!(octets.u8(next)?, 0x77 | 0x78) {
            return Ok(at);
        }
    }
    Err(Probe::Refuse)
}

fn message(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let whole = tagged(octets, 0, 0x30)?;
    require(whole.length >= 5)?;
    let (_, next) = integer(octets, whole.at, 0x02)?;
    let operation = element(octets, next)?;
    require(operation.end() <= whole.end())?;
    let (sender, exact) = operation_sender(octets, operation)?;
    require(exact || at_port)?;
    let certainty = if exact { Certainty::Signature } else { Certainty::Consistent };
    let length = u16::try_from(operation.at).unwrap_or(u16::MAX);
    let what = "LDAP message and operation";
    Ok(Recognition::proved(Service::Ldap, certainty, sender, length, what))
}

/// Who sends the operation, and whether its own first fields were read and fit.
fn operation_sender(octets: Octets<'_>, operation: Element) -> Read<(Sender, bool)> {
    match operation.tag {
        // Bind: version 2 or 3, then a name.
        0x60 => {
            let (version, next) = integer(octets, operation.at, 0x02)?;
            require(matches!(version, 2 | 3))?;
            octets.expect(next, &[0x04])?;
            Ok((Sender::Client, true))
        }
        // Search: base, scope, dereferencing.
        0x63 => {
            let base = tagged(octets, operation.at, 0x04)?;
            let (scope, next) = integer(octets, base.end(), 0x0a)?;
            let (aliases, _) = integer(octets, next, 0x0a)?;
            require(scope <= 3 && aliases <= 3)?;
            Ok((Sender::Client, true))
        }
        // Results: a code, the matched name, a message.
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => {
            let (code, next) = integer(octets, operation.at, 0x0a)?;
            let matched = tagged(octets, next, 0x04)?;
            octets.expect(matched.end(), &[0x04])?;
            require(code <= 4096)?;
            Ok((Sender::Server, true))
        }
        0x77 => {
            // Extended request: its object identifier in text.
            octets.expect(operation.at, &[0x80])?;
            let name = element(octets, operation.at)?;
            require(octets.u8(name.at)?.is_ascii_digit())?;
            Ok((Sender::Client, true))
        }
        0x42 | 0x4a | 0x50 | 0x66 | 0x68 | 0x6c | 0x6e => Ok((Sender::Client, false)),
        0x64 | 0x73 | 0x79 => Ok((Sender::Server, false)),
        _ => Err(Probe::Refuse),
    }
}
