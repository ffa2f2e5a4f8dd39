//! SMTP, told from FTP, which greets with the same code.
//!
//! Source: RFC 5321 §3.1 (greeting), §4.1.1.1 (EHLO, HELO); RFC 3207 (STARTTLS).

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
use super::reply::Greeting;
use super::reply::greeting;
use super::starttls::StartTls;

/// The recogniser of SMTP.
pub(super) struct Smtp;

/// SMTP and message submission.
const PORTS: [u16; 3] = [25, 587, 2525];

/// What only a client writes at the start of a line.
const COMMANDS: [&[u8]; 3] = [b"EHLO ", b"HELO ", b"MAIL FROM:"];

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
            Ok(b'2') => answer(server(octets, head)),
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
