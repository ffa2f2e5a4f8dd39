//! PostgreSQL's frontend/backend protocol, which shares 5432 with cameras' events.
//!
//! Source: PostgreSQL documentation, "Message Formats" (StartupMessage, SSLRequest, GSSENCRequest,
//! CancelRequest, Authentication…, ErrorResponse, ParameterStatus). The user's name is not kept.

use super::Certainty;
use super::Follower;
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
use super::tls_after::TlsAfter;

/// The recogniser of PostgreSQL.
pub(super) struct Postgresql;

/// PostgreSQL's port.
const PORT: u16 = 5432;

impl Recogniser for Postgresql {
    fn service(&self) -> Service {
        Service::Postgresql
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 0 | b'S' | b'N' | b'R' | b'E')
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(0) => answer(client(octets)),
            Ok(b'S' | b'N') => answer(consent(octets, head)),
            Ok(b'R' | b'E') => answer(server(octets)),
            Ok(_) => Probe::Refuse,
            Err(missing) => missing,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TlsAfter::new(in_clear)))
    }
}

/// Octets that a side writes before TLS: an SSLRequest, or the one-letter consent.
fn in_clear(octets: Octets<'_>) -> Read<usize> {
    if octets.u8(0)? == b'S' {
        return Ok(1);
    }
    octets.expect(0, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])?;
    Ok(8)
}

fn client(octets: Octets<'_>) -> Read<Recognition> {
    let length = octets.be32(0)?;
    require((8..=10_000).contains(&length))?;
    let proved = |length, what| {
        Ok(Recognition::proved(Service::Postgresql, Certainty::Signature, Sender::Client, length, what))
    };
    match (octets.be16(4)?, octets.be16(6)?) {
        (1234, 5679) if length == 8 => proved(8, "SSLRequest"),
        (1234, 5680) if length == 8 => proved(8, "GSSENCRequest"),
        (1234, 5678) if length >= 16 => proved(8, "CancelRequest"),
        (3, minor) if minor <= 16 && length > 9 => {
            parameter(octets)?;
            proved(9, "StartupMessage")
        }
        _ => Err(Probe::Refuse),
    }
}

/// The first parameter's name: lower case letters, digits, `_` or `.`, ended by NUL.
fn parameter(octets: Octets<'_>) -> Read<()> {
    let name = octets.after(8).seen();
    let fits = |octet: &&u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'.');
    let length = name.iter().take_while(fits).count();
    require(length <= 63)?;
    let end = octets.u8(8_usize.saturating_add(length))?;
    require(length > 0 && end == 0)
}

/// The answer to an SSLRequest is one letter; what follows must be TLS or the server's first message.
fn consent(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let letter = octets.u8(0)?;
    let at_port = head.from_port() == PORT;
    let rest = octets.after(1);
    if at_port && octets.seen().len() == 1 && octets.missing() == Probe::Refuse {
        let what = "answer to SSLRequest on PostgreSQL's port";
        return Ok(Recognition::proved(Service::Postgresql, Certainty::Consistent, Sender::Server, 1, what));
    }
    if letter == b'N' {
        return server(rest).map(|found| found.at(1));
    }
    rest.expect(0, &[0x16, 3])?;
    require(at_port)?;
    let what = "consent to TLS and its first record";
    Ok(Recognition::proved(Service::Postgresql, Certainty::Consistent, Sender::Server, 4, what))
}

/// An Authentication message or an ErrorResponse.
fn server(octets: Octets<'_>) -> Read<Recognition> {
    let kind = octets.u8(0)?;
    let length = octets.be32(1)?;
    require((8..=10_000).contains(&length))?;
    let what = if kind == b'R' {
        let code = octets.be32(5)?;
        let fits = matches!((code, length), (0 | 2 | 7 | 9, 8) | (3, 8) | (5, 12) | (8 | 10..=12, _));
        require(fits)?;
        "Authentication message"
    } else {
        require(kind == b'E')?;
        octets.expect(5, b"S")?;
        let severity = octets.array::<5>(6)?;
        require(matches!(&severity, b"FATAL" | b"ERROR" | b"PANIC"))?;
        octets.expect(11, &[0])?;
        "ErrorResponse"
    };
    Ok(Recognition::proved(Service::Postgresql, Certainty::Signature, Sender::Server, 9, what))
}
