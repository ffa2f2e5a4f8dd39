//! SMTP, told from FTP, which greets with the same code; on its own ports, in mid-stream too, by any
//! command or reply.
//!
//! Source: RFC 5321 §3.1 (greeting), §4.1.1 (commands), §4.2.3 (replies); RFC 3207 (STARTTLS). What is
//! mailed is never looked at.

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
use super::reply::Greeting;
use super::reply::coded_line;
use super::reply::greeting;
use super::reply::verb_line;
use super::starttls::StartTls;

/// The recogniser of SMTP.
pub(super) struct Smtp;

/// SMTP and message submission.
const PORTS: [u16; 3] = [25, 587, 2525];

/// Ports that SMTP in clear has from IANA: only there its commands and replies alone name it.
const OWN_PORTS: [u16; 2] = [25, 587];

/// What only a client writes at the start of a line.
const COMMANDS: [&[u8]; 3] = [b"EHLO ", b"HELO ", b"MAIL FROM:"];

/// Commands of RFC 5321 §4.1.1, RFC 3030 §2 (BDAT), RFC 3207 and RFC 1985. Not AUTH, which FTP says too.
const VERBS: &str = "EHLO HELO MAIL RCPT DATA RSET VRFY EXPN HELP NOOP QUIT STARTTLS BDAT ETRN";

/// Replies of RFC 5321 §4.2.3, RFC 4954 §6 (authentication), RFC 3207 §4, RFC 7504; 220 is the greeting.
const REPLIES: &str = "211 214 221 235 250 251 252 334 354 421 432 450 451 452 454 455 500 501 502 503 504 \
                       521 530 534 535 538 550 551 552 553 554 555 556";

impl Recogniser for Smtp {
    fn service(&self) -> Service {
        Service::Smtp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(b'2') if OWN_PORTS.contains(&head.from_port()) => {
                answer(either(server(octets, head), || reply(octets)))
            }
            Ok(b'2') => answer(server(octets, head)),
            Ok(b'0'..=b'9') if OWN_PORTS.contains(&head.from_port()) => answer(reply(octets)),
            Ok(_) if OWN_PORTS.contains(&head.to_port()) => {
                answer(either(client(octets), || command(octets)))
            }
            Ok(_) => answer(client(octets)),
            Err(missing) => missing,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(StartTls::new(b"STARTTLS", b"220")))
    }
}

fn server(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let certainty = match greeting(octets)? {
        Greeting::Smtp => Certainty::Signature,
        Greeting::Unnamed if PORTS.contains(&head.from_port()) => Certainty::Consistent,
        Greeting::Unnamed | Greeting::Ftp => return Err(Probe::Refuse),
    };
    Ok(Recognition::proved(Service::Smtp, certainty, Sender::Server, 4, "greeting 220 of a mail server"))
}

fn client(octets: Octets<'_>) -> Read<Recognition> {
    let command = octets.any_word(0, &COMMANDS)?;
    let length = u16::try_from(command.len()).unwrap_or(u16::MAX);
    let what = "command of a mail client";
    Ok(Recognition::proved(Service::Smtp, Certainty::Signature, Sender::Client, length, what))
}

/// A reply from an own port: a code, and a line or the first of several.
fn reply(octets: Octets<'_>) -> Read<Recognition> {
    coded_line(octets, REPLIES)?;
    let what = "reply from the port of mail servers";
    Ok(Recognition::proved(Service::Smtp, Certainty::Consistent, Sender::Server, 4, what))
}

/// A command to an own port: each has four letters at least, and a space or the line's end behind it.
fn command(octets: Octets<'_>) -> Read<Recognition> {
    verb_line(octets, 4, VERBS)?;
    let what = "command to the port of mail servers";
    Ok(Recognition::proved(Service::Smtp, Certainty::Consistent, Sender::Client, 4, what))
}
