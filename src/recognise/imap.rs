//! IMAP: the server's untagged greeting and the client's tagged commands. Names and passwords are not
//! kept.
//!
//! Source: RFC 9051 §7.1 (greeting: OK, PREAUTH, BYE), §6.1 and §6.2 (first commands), §2.2.1 (tags),
//! §6.2.1 (STARTTLS).

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
use super::starttls::StartTls;

/// The recogniser of IMAP.
pub(super) struct Imap;

/// IMAP's port without TLS.
const PORT: u16 = 143;
/// Longest greeting read.
const LINE_MOST: usize = 1024;
/// Longest tag read: clients write `a1`, `A0001`, `.`.
const TAG_MOST: usize = 8;
/// Commands that come first.
const COMMANDS: [&[u8]; 5] = [b"CAPABILITY\r\n", b"STARTTLS\r\n", b"LOGIN ", b"AUTHENTICATE ", b"ID "];

impl Recogniser for Imap {
    fn service(&self) -> Service {
        Service::Imap
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(b'*') => answer(server(octets, head.from_port() == PORT)),
            Ok(_) => answer(client(octets, head.to_port() == PORT)),
            Err(missing) => missing,
        }
    }

    /// TLS is seen by its first record: the consent has the client's tag in front.
    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(StartTls::new(b"STARTTLS", b"OK ")))
    }
}

/// `* OK` and a text that names IMAP or lists capabilities, or from its port.
fn server(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    octets.expect(0, b"* ")?;
    let line = octets.line(0, LINE_MOST)?.to_ascii_uppercase();
    let state = line.get(2..).unwrap_or_default();
    require([b"OK ".as_slice(), b"PREAUTH ", b"BYE "].iter().any(|word| state.starts_with(word)))?;
    let named = memchr::memmem::find(&line, b"IMAP").is_some();
    require(named || at_port)?;
    let certainty = if named { Certainty::Signature } else { Certainty::Consistent };
    let what = "greeting of an IMAP server";
    Ok(Recognition::proved(Service::Imap, certainty, Sender::Server, 4, what))
}

/// A short tag with a digit in it, or any on the port, and a command.
fn client(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let mut at = 0_usize;
    let mut digit = false;
    loop {
        let octet = octets.u8(at)?;
        if octet == b' ' {
            break;
        }
        require(at < TAG_MOST && (octet.is_ascii_alphanumeric() || octet == b'.'))?;
        digit |= octet.is_ascii_digit();
        at = at.saturating_add(1);
    }
    require(at > 0 && (digit || at_port))?;
    octets.any_word(at.saturating_add(1), &COMMANDS)?;
    let certainty = if at_port { Certainty::Signature } else { Certainty::Consistent };
    let length = u16::try_from(at.saturating_add(3)).unwrap_or(u16::MAX);
    let what = "tagged command of an IMAP client";
    Ok(Recognition::proved(Service::Imap, certainty, Sender::Client, length, what))
}
