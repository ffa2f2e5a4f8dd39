//! FTP's control connection, told from SMTP by its greeting or its commands; on its port, in mid-stream
//! too, by any command or reply.
//!
//! Source: RFC 959 §4.1, §4.2.2 (replies), §5.3 (commands), §5.4; RFC 4217 (AUTH TLS). User names and
//! passwords are never kept.

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
use super::octets::either;
use super::octets::require;
use super::reply::Greeting;
use super::reply::LINE_MOST;
use super::reply::coded_line;
use super::reply::greeting;
use super::reply::verb_line;

/// See the module.
pub(super) struct Ftp;

/// FTP's control port.
const PORT: u16 = 21;
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

/// What other protocols say too, so that only the port tells: the commands of RFC 959 §5.3.1, RFC 2228,
/// RFC 2389, RFC 2640, RFC 3659 and RFC 7151, and the `X` forms of RFC 1123 §4.1.3.1.
const COMMANDS: &str = "USER PASS ACCT CWD CDUP SMNT QUIT REIN PORT PASV TYPE STRU MODE RETR STOR STOU APPE \
                        ALLO REST RNFR RNTO ABOR DELE RMD MKD PWD LIST NLST SITE SYST STAT HELP NOOP AUTH \
                        ADAT PROT PBSZ CCC MIC CONF ENC FEAT OPTS EPRT EPSV LANG MDTM SIZE MLST MLSD HOST \
                        XCUP XCWD XMKD XPWD XRMD";

/// Replies of RFC 959 §4.2.2, RFC 2228 §5, RFC 2428 and RFC 1639 §4; 220 is the greeting.
const REPLIES: &str = "110 120 125 150 200 202 211 212 213 214 215 221 225 226 227 228 229 230 232 234 235 \
                       250 257 331 332 334 335 336 350 421 425 426 431 450 451 452 500 501 502 503 504 521 \
                       522 530 532 533 534 535 536 537 550 551 552 553";

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
            Ok(b'2') if head.from_port() == PORT => answer(either(server(octets, head), || reply(octets))),
            Ok(b'2') => answer(server(octets, head)),
            Ok(b'0'..=b'9') if head.from_port() == PORT => answer(reply(octets)),
            Ok(_) if head.to_port() == PORT => answer(either(client(octets, head), || command(octets))),
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

/// A reply from FTP's port: a code, and a line or the first of several.
fn reply(octets: Octets<'_>) -> Read<Recognition> {
    coded_line(octets, REPLIES)?;
    let what = "reply from the port of file servers";
    Ok(Recognition::proved(Service::Ftp, Certainty::Consistent, Sender::Server, 4, what))
}

/// A command to FTP's port: each has three letters at least, and a space or the line's end behind it.
fn command(octets: Octets<'_>) -> Read<Recognition> {
    verb_line(octets, 3, COMMANDS)?;
    let what = "command to the port of file servers";
    Ok(Recognition::proved(Service::Ftp, Certainty::Consistent, Sender::Client, 3, what))
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
