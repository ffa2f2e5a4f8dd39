//! DTLS 1.0 to 1.3 by its plain records: the hellos, and records that fill their datagram.
//!
//! Source: RFC 4347 §4.1 (DTLS 1.0), RFC 6347 §4.1 and §4.2.2 (DTLS 1.2: record and handshake header),
//! RFC 9147 §4 (DTLS 1.3: its hellos are plain records of 1.2; its encrypted records have a header of
//! as little as two octets, which proves nothing and names no flow). OpenSSL wrote the version as `01 00`
//! before RFC 4347 was read aright (its `DTLS1_BAD_VER`, option `SSL_OP_CISCO_ANYCONNECT`), and Cisco's
//! AnyConnect kept that: the layout is the same.

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::dtls_follow::DtlsFollower;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;

/// See the module.
pub(super) struct Dtls;

/// Octets of a record header: type, version, epoch, sequence number, length.
pub(super) const RECORD_HEADER: usize = 13;
/// Octets of a handshake header: type, length, message number, fragment's offset and length.
pub(super) const HANDSHAKE_HEADER: usize = 12;
/// Content type of handshake messages.
pub(super) const HANDSHAKE: u8 = 22;
/// Longest record: 2^14 octets and what encryption adds.
const RECORD_MOST: usize = 0x4800;
/// Most records of one datagram that are walked.
const RECORDS_MOST: usize = 32;

/// A record's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Record {
    /// Content type.
    pub(super) kind: u8,
    /// 0 before encryption.
    pub(super) epoch: u16,
    /// Octets after the header.
    pub(super) length: usize,
    /// The version is the one written before RFC 4347.
    early: bool,
}

/// The version written before RFC 4347.
const EARLY: [u8; 2] = [1, 0];

impl Recogniser for Dtls {
    fn service(&self) -> Service {
        Service::Dtls
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        (20..=25).contains(&first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(datagram(Octets::of(head)))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(DtlsFollower::default()))
    }
}

/// Reads a record header. Versions `fe ff`, `fe fd` and `01 00`; types 20 to 23, heartbeat 24, and 25 of
/// RFC 9146. Since `01 00` is so plain, its records must also be fewer than 2^32 in an epoch, and of the
/// types of its time.
pub(super) fn record(octets: Octets<'_>) -> Read<Record> {
    let kind = octets.u8(0)?;
    require((20..=25).contains(&kind))?;
    let version = octets.array::<2>(1)?;
    let early = version == EARLY;
    require(early || matches!(version, [0xfe, 0xff | 0xfd]))?;
    let epoch = octets.be16(3)?;
    require(!early || (kind <= 23 && octets.be16(5)? == 0))?;
    let length = usize::from(octets.be16(11)?);
    require((1..=RECORD_MOST).contains(&length))?;
    // Nothing but hellos, alerts and a change of ciphers stands before encryption.
    require(epoch > 0 || (20..=22).contains(&kind))?;
    Ok(Record { kind, epoch, length, early })
}

/// A datagram is filled by records; behind a plain one may stand an encrypted one of DTLS 1.3.
fn datagram(octets: Octets<'_>) -> Read<Recognition> {
    let first = record(octets)?;
    let mut at = 0_usize;
    for _ in 0..RECORDS_MOST {
        let rest = octets.after(at);
        if rest.seen().is_empty() || (at > 0 && matches!(rest.seen().first(), Some(0x20..=0x3f))) {
            break;
        }
        let record = record(rest)?;
        require(record.early == first.early)?;
        at = at.saturating_add(RECORD_HEADER).saturating_add(record.length);
        require(octets.is_cut() || octets.seen().len() >= at)?;
    }
    let (sender, certainty, what) = match hello(octets, first) {
        Some(Sender::Client) => (Sender::Client, Certainty::Signature, "ClientHello of DTLS"),
        Some(sender) => (sender, Certainty::Signature, "ServerHello of DTLS"),
        None => (Sender::Either, Certainty::Consistent, "records of DTLS that fill the datagram"),
    };
    Ok(Recognition::proved(Service::Dtls, certainty, sender, 25, what))
}

/// Who sent the hello, if the record starts one: its fragment must lie inside the message and fill the
/// record, unless another message follows in it.
fn hello(octets: Octets<'_>, record: Record) -> Option<Sender> {
    if record.kind != HANDSHAKE || record.epoch != 0 {
        return None;
    }
    let header = octets.after(RECORD_HEADER);
    let long = |at: usize| {
        let [a, b, c] = header.array::<3>(at).ok()?;
        usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()
    };
    let (whole, from, length) = (long(1)?, long(6)?, long(9)?);
    let inside = from.saturating_add(length) <= whole;
    let fits = length.saturating_add(HANDSHAKE_HEADER) <= record.length;
    // Every hello says its version first, but only in its first fragment.
    let says = from > 0 || !record.early || header.array::<2>(HANDSHAKE_HEADER) == Ok(EARLY);
    match header.u8(0).ok()? {
        _ if !inside || !fits || !says => None,
        1 => Some(Sender::Client),
        // HelloVerifyRequest is a server's too.
        2 | 3 => Some(Sender::Server),
        _ => None,
    }
}
