//! IMAP: the server's untagged greeting and the client's tagged commands; on its port, in mid-stream too,
//! any command or response. Names and passwords are not kept.
//!
//! Source: RFC 9051 §7.1 (greeting: OK, PREAUTH, BYE), §6 (commands), §7 (responses), §2.2.1 (tags), §6.2.1
//! (STARTTLS); RFC 3501 §6, §7.

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
use super::octets::either;
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

/// Commands of RFC 3501 §6 and RFC 9051 §6.
const LATER: &str = "CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE \
                     RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE CHECK CLOSE UNSELECT \
                     EXPUNGE SEARCH FETCH STORE COPY MOVE UID ID";
/// Responses without a tag, of RFC 3501 §7 and RFC 9051 §7, that begin with their name.
const UNTAGGED: &str =
    "OK NO BAD PREAUTH BYE CAPABILITY ENABLED LIST LSUB NAMESPACE STATUS SEARCH ESEARCH FLAGS";
/// And those whose name follows a number.
const COUNTED: &str = "EXISTS RECENT EXPUNGE FETCH";
/// Responses to the command with the tag in front of them (RFC 3501 §7.1).
const TAGGED: &str = "OK NO BAD";

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
            Ok(b'*') if head.from_port() == PORT => answer(either(server(octets, true), || untagged(octets))),
            Ok(b'*') => answer(server(octets, false)),
            Ok(_) if head.from_port() == PORT => answer(either(client(octets, false), || tagged(octets))),
            Ok(_) if head.to_port() == PORT => answer(either(client(octets, true), || command(octets))),
            Ok(_) => answer(client(octets, false)),
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
    let (at, digit) = tag(octets)?;
    require(digit || at_port)?;
    octets.any_word(at.saturating_add(1), &COMMANDS)?;
    let certainty = if at_port { Certainty::Signature } else { Certainty::Consistent };
    let length = u16::try_from(at.saturating_add(3)).unwrap_or(u16::MAX);
    let what = "tagged command of an IMAP client";
    Ok(Recognition::proved(Service::Imap, certainty, Sender::Client, length, what))
}

/// Where the tag ends, and whether a digit is in it.
fn tag(octets: Octets<'_>) -> Read<(usize, bool)> {
    let mut at = 0_usize;
    let mut digit = false;
    loop {
        let octet = octets.u8(at)?;
        if octet == b' ' {
            require(at > 0)?;
            return Ok((at, digit));
        }
        require(at < TAG_MOST && (octet.is_ascii_alphanumeric() || octet == b'.'))?;
        digit |= octet.is_ascii_digit();
        at = at.saturating_add(1);
    }
}

/// A command to IMAP's port that may come later.
fn command(octets: Octets<'_>) -> Read<Recognition> {
    let (at, _) = tag(octets)?;
    word(octets, at.saturating_add(1), LATER)?;
    let what = "tagged command to the port of IMAP servers";
    Ok(Recognition::proved(Service::Imap, Certainty::Consistent, Sender::Client, 3, what))
}

/// A response to a command, from IMAP's port.
fn tagged(octets: Octets<'_>) -> Read<Recognition> {
    let (at, _) = tag(octets)?;
    word(octets, at.saturating_add(1), TAGGED)?;
    let what = "tagged response from the port of IMAP servers";
    Ok(Recognition::proved(Service::Imap, Certainty::Consistent, Sender::Server, 3, what))
}

/// `* SEARCH 2 3 6`, `* 23 EXISTS`, from IMAP's port.
fn untagged(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, b"* ")?;
    if octets.u8(2)?.is_ascii_digit() {
        let (digits, _) = tag(octets.after(2))?;
        let number = octets.slice(2, digits)?;
        require(number.iter().all(u8::is_ascii_digit))?;
        word(octets, digits.saturating_add(3), COUNTED)?;
    } else {
        word(octets, 2, UNTAGGED)?;
    }
    let what = "untagged response from the port of IMAP servers";
    Ok(Recognition::proved(Service::Imap, Certainty::Consistent, Sender::Server, 2, what))
}

/// One of `words` at `at`, and a space or the line's end behind it; the whole line must be there.
fn word(octets: Octets<'_>, at: usize, words: &str) -> Read<()> {
    require(octets.u8(at)?.is_ascii_alphabetic())?;
    let line = octets.line(at, LINE_MOST)?;
    let first = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    require(words.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(first)))
}
