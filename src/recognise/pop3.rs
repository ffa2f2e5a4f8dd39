//! POP3: greeting `+OK` and the commands that FTP, which also says USER and PASS, does not have; on its
//! port, in mid-stream too, any command or reply. Names and passwords are not kept.
//!
//! Source: RFC 1939 §3 (replies), §4 (greeting), §9 (commands), §7 (APOP, UIDL, TOP), RFC 2449 (CAPA), RFC
//! 2595 §4 (STLS).

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
use super::reply::LINE_MOST;
use super::reply::verb_line;
use super::starttls::StartTls;

/// The recogniser of POP3.
pub(super) struct Pop3;

/// POP3's port without TLS.
const PORT: u16 = 110;
/// What only a POP3 client writes first.
const OWN: [&[u8]; 3] = [b"CAPA\r\n", b"APOP ", b"STLS\r\n"];
/// What FTP and others write too, so that the port must tell.
const SHARED: [&[u8]; 2] = [b"USER ", b"AUTH"];

/// Commands of RFC 1939 §9, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4 and RFC 6856 §2, §3.
const COMMANDS: &str = "USER PASS APOP QUIT STAT LIST RETR DELE NOOP RSET TOP UIDL CAPA STLS AUTH LANG UTF8";

impl Recogniser for Pop3 {
    fn service(&self) -> Service {
        Service::Pop3
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(b'+') => answer(server(octets, head.from_port() == PORT)),
            Ok(b'-') if head.from_port() == PORT => answer(refusal(octets)),
            Ok(_) if head.to_port() == PORT => answer(either(client(octets, true), || command(octets))),
            Ok(_) => answer(client(octets, false)),
            Err(missing) => missing,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(StartTls::new(b"STLS", b"+OK")))
    }
}

/// The greeting: its text names the protocol, or it comes from the port. (Redis answers `+OK` too.)
fn server(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    octets.expect(0, b"+OK")?;
    let line = octets.line(0, LINE_MOST)?;
    let named = memchr::memmem::find(&line.to_ascii_uppercase(), b"POP").is_some();
    require(named || at_port)?;
    let certainty = if named { Certainty::Signature } else { Certainty::Consistent };
    let what = "greeting of a POP3 server";
    Ok(Recognition::proved(Service::Pop3, certainty, Sender::Server, 3, what))
}

fn client(octets: Octets<'_>, at_port: bool) -> Read<Recognition> {
    let own = octets.any_word(0, &OWN).map(|_| Certainty::Signature);
    let certainty = either(own, || {
        require(at_port)?;
        octets.any_word(0, &SHARED).map(|_| Certainty::Consistent)
    })?;
    let what = "command of a POP3 client";
    Ok(Recognition::proved(Service::Pop3, certainty, Sender::Client, 4, what))
}

/// `-ERR` and a line, from POP3's port.
fn refusal(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, b"-ERR")?;
    require(matches!(octets.u8(4)?, b' ' | b'\r' | b'\n'))?;
    octets.line(0, LINE_MOST)?;
    let what = "reply from the port of POP3 servers";
    Ok(Recognition::proved(Service::Pop3, Certainty::Consistent, Sender::Server, 4, what))
}

/// A command to POP3's port: each has three letters at least, and a space or the line's end behind it.
fn command(octets: Octets<'_>) -> Read<Recognition> {
    verb_line(octets, 3, COMMANDS)?;
    let what = "command to the port of POP3 servers";
    Ok(Recognition::proved(Service::Pop3, Certainty::Consistent, Sender::Client, 3, what))
}
