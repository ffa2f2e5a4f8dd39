//! FTP's control connection, told from SMTP by its greeting or its commands.
//!
//! Source: RFC 959 §4.1, §5.4; RFC 4217 (AUTH TLS). User names and passwords are never kept.

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::ftp_follow::FtpFollower;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::reply::Greeting;
use super::reply::greeting;

/// See the module.
pub(super) struct Ftp;

/// FTP's control port.
const PORT: u16 = 21;
/// Longest line and most lines read of a client.
const LINE_MOST: usize = 512;
/// Most lines read of a client.
const LINES_MOST: usize = 8;

/// Commands that POP3, which also says USER and PASS, does not have.
const OWN: [&[u8]; 14] = [
    b"AUTH TLS",
    b"AUTH SSL",
    b"PORT ",
    b"PASV",
    b"EPSV",
    b"EPRT ",
    b"TYPE ",
    b"SYST",
    b"FEAT",
    b"PBSZ ",
    b"STOR ",
    b"CWD ",
    b"MKD ",
    b"PWD",
];

impl Recogniser for Ftp {
    fn service(&self) -> Service {
        Service::Ftp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        match octets.u8(0) {
            Ok(b'2') => answer(server(octets, head)),
            Ok(_) => answer(client(octets, head)),
            Err(missing) => missing,
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(FtpFollower::default()))
    }
}

fn server(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let certainty = match greeting(octets)? {
        Greeting::Ftp => Certainty::Signature,
        Greeting::Unnamed if head.from_port() == PORT => Certainty::Consistent,
        Greeting::Unnamed | Greeting::Smtp => return Err(Probe::Refuse),
    };
    Ok(Recognition::proved(Service::Ftp, certainty, Sender::Server, 4, "greeting 220 of a file server"))
}

fn client(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let what = "commands of a file client";
    let mut at = 0_usize;
    for _ in 0..LINES_MOST {
        let known = starts_with_any(octets, at, &OWN)?;
        if known {
            return Ok(
                Recognition::proved(Service::Ftp, Certainty::Signature, Sender::Client, 4, what).at(at)
            );
        }
        require(starts_with_any(octets, at, &[b"USER ", b"PASS "])?)?;
        if head.to_port() == PORT {
            return Ok(
                Recognition::proved(Service::Ftp, Certainty::Consistent, Sender::Client, 5, what).at(at)
            );
        }
        octets.line(at, LINE_MOST)?;
        let end = memchr::memchr(b'\n', octets.after(at).seen()).unwrap_or_default();
        at = at.saturating_add(end).saturating_add(1);
    }
    Err(Probe::Refuse)
}

/// Whether one of the words starts at `at`; asks for more while one still may.
fn starts_with_any(octets: Octets<'_>, at: usize, words: &[&[u8]]) -> Read<bool> {
    let mut waiting = false;
    for word in words {
        match octets.expect_word(at, word) {
            Ok(()) => return Ok(true),
            Err(Probe::NeedMore) => waiting = true,
            Err(_) => {}
        }
    }
    if waiting { Err(Probe::NeedMore) } else { Ok(false) }
}
