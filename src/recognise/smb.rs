//! SMB 1, 2 and 3 over Direct TCP (445) or a NetBIOS session (139), on any port, plain, encrypted or
//! compressed.
//!
//! Source: [MS-SMB2] §2.1 (Direct TCP), §2.2.1 (header), §2.2.41 (encrypted, `fd`), §2.2.42
//! (compressed, `fc`); [MS-CIFS] §2.2.3.1 (SMB 1); RFC 1002 §4.3 (NetBIOS session service).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::netbios_name::netbios_name;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::smb_follow::SmbFollower;

/// A stream that starts with an SMB message or a NetBIOS session.
pub(super) struct Smb;

/// A stream that was there before we looked: an SMB message begins somewhere in its head. Asked
/// late, because it waits for the whole head.
pub(super) struct SmbMidstream;

/// What stands in each message, behind its frame and one octet.
pub(super) static SMB_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"SMB"));
/// Port of the NetBIOS session service.
const NETBIOS_SESSION: u16 = 139;
/// Octets of the frame before each message (RFC 1002 §4.3.1).
pub(super) const FRAME: usize = 4;

impl Recogniser for Smb {
    fn service(&self) -> Service {
        Service::Smb
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        matches!(first, 0x00 | 0x81..=0x83 | 0x85)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        let mut at = 0_usize;
        // Keep-alives may come first; each takes four octets, so this ends with the head.
        loop {
            match octets.array::<FRAME>(at) {
                Ok([0x85 | 0x00, 0, 0, 0]) => at = at.saturating_add(FRAME),
                Ok([0x00, ..]) => return answer(message(octets.after(at)).map(|r| r.at(at))),
                Ok([0x81, ..]) => return answer(session_request(octets.after(at)).map(|r| r.at(at))),
                Ok([0x82 | 0x83, ..]) => return answer(session_answer(octets.after(at), head)),
                Ok(_) => return Probe::Refuse,
                Err(missing) => return if may_open(octets, at) { missing } else { Probe::Refuse },
            }
        }
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(SmbFollower::default()))
    }
}

impl Recogniser for SmbMidstream {
    fn service(&self) -> Service {
        Service::Smb
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start {
            return Probe::Refuse;
        }
        let octets = Octets::of(head);
        for found in SMB_FINDER.find_iter(octets.seen()) {
            let Some(at) = found.checked_sub(FRAME.saturating_add(1)) else { continue };
            match message(octets.after(at)) {
                Ok(recognition) => return Probe::Match(recognition.at(at)),
                Err(Probe::NeedMore) => return Probe::NeedMore,
                Err(_) => {}
            }
        }
        octets.missing()
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(SmbFollower::default()))
    }
}

/// Whether the few octets from `at` on may begin a frame.
fn may_open(octets: Octets<'_>, at: usize) -> bool {
    let rest = octets.after(at).seen();
    match rest {
        [] | [0x00, ..] => true,
        [0x81..=0x83 | 0x85, length @ ..] => length.iter().take(2).all(|octet| *octet == 0),
        _ => false,
    }
}

/// A frame with an SMB message in it.
pub(super) fn message(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0])?;
    let length = octets.be32(0)?;
    let kind = octets.u8(4)?;
    require(matches!(kind, 0xfc..=0xff))?;
    octets.expect(5, b"SMB")?;
    let least = match kind {
        0xfe => 64,
        0xfd => 52,
        0xfc => 16,
        _ => 32,
    };
    require(length >= least)?;
    let (sender, what) = match kind {
        0xff => (smb1_sender(octets)?, "SMB 1 header"),
        0xfe => (smb2_sender(octets)?, "SMB 2 header"),
        0xfd => (Sender::Either, "SMB 3 encrypted header"),
        _ => (Sender::Either, "SMB 3 compressed header"),
    };
    Ok(Recognition::proved(Service::Smb, Certainty::Signature, sender, 8, what))
}

/// SMB_FLAGS_REPLY, bit 7 of the flags ([MS-CIFS] §2.2.3.1).
fn smb1_sender(octets: Octets<'_>) -> Read<Sender> {
    match octets.u8(4_usize.saturating_add(9)) {
        Ok(flags) if flags & 0x80 != 0 => Ok(Sender::Server),
        Ok(_) => Ok(Sender::Client),
        other => unread(other),
    }
}

/// SMB2_FLAGS_SERVER_TO_REDIR, bit 0 of the flags ([MS-SMB2] §2.2.1.2). An oplock or lease break
/// is a response in this sense too: only a server sends it.
fn smb2_sender(octets: Octets<'_>) -> Read<Sender> {
    match octets.le16(8) {
        Ok(64) => {}
        Ok(_) => return Err(Probe::Malformed),
        other => return unread(other),
    }
    match octets.le32(20) {
        Ok(flags) if flags & 1 != 0 => Ok(Sender::Server),
        Ok(_) => Ok(Sender::Client),
        other => unread(other),
    }
}

/// The magic alone is proof enough where the head ends before the flags.
fn unread<T>(field: Read<T>) -> Read<Sender> {
    match field {
        Err(Probe::NeedMore) => Err(Probe::NeedMore),
        _ => Ok(Sender::Either),
    }
}

/// SESSION REQUEST: both names in first-level encoding (RFC 1002 §4.3.2).
fn session_request(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0x81, 0, 0, 68])?;
    netbios_name(octets, 4)?;
    netbios_name(octets, 38)?;
    let what = "NetBIOS session request";
    Ok(Recognition::proved(Service::Smb, Certainty::Signature, Sender::Client, 72, what))
}

/// POSITIVE or NEGATIVE SESSION RESPONSE (RFC 1002 §4.3.3, §4.3.4). So short that the port must
/// support it, or the message after it.
fn session_answer(octets: Octets<'_>, head: &Head<'_>) -> Read<Recognition> {
    let what = "NetBIOS session response";
    let certainty = Certainty::Consistent;
    if octets.u8(0)? == 0x83 {
        octets.expect(0, &[0x83, 0, 0, 1])?;
        require(octets.u8(4)? >= 0x80 && head.from_port() == NETBIOS_SESSION)?;
        return Ok(Recognition::proved(Service::Smb, certainty, Sender::Server, 5, what));
    }
    octets.expect(0, &[0x82, 0, 0, 0])?;
    if head.from_port() == NETBIOS_SESSION {
        return Ok(Recognition::proved(Service::Smb, certainty, Sender::Server, 4, what));
    }
    message(octets.after(FRAME)).map(|found| found.at(FRAME))
}
