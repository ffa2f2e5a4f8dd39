//! Walks a DNS message, for every protocol that uses its format: DNS, mDNS, LLMNR.
//!
//! Source: RFC 1035 §4.1 (message, names, compression), RFC 6762 §18 (the top bit of a class).

use super::octets::Octets;
use super::octets::Read;
use super::octets::require;

/// Octets of the header.
pub(super) const HEADER: usize = 12;
/// Longest name (RFC 1035 §2.3.4).
const NAME_MOST: usize = 255;
/// Most pointers followed in one name. A legal name rarely has more than two.
const POINTERS_MOST: usize = 16;
/// Most records of a message that are walked.
const RECORDS_MOST: u16 = 256;

/// Type A.
pub(super) const A: u16 = 1;
/// Type CNAME.
pub(super) const CNAME: u16 = 5;
/// Type AAAA (RFC 3596).
pub(super) const AAAA: u16 = 28;

/// The fixed header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Flags and codes, as on the wire.
    pub(super) flags: u16,
    /// Questions, answers, authorities, additionals.
    pub(super) counts: [u16; 4],
}

/// Question or record: where its parts stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Start of its name.
    pub(super) name: usize,
    /// TYPE.
    pub(super) kind: u16,
    /// CLASS without the top bit.
    pub(super) class: u16,
    /// Start of RDATA; for a question, its end.
    pub(super) data: usize,
    /// Octets of RDATA.
    pub(super) length: usize,
}

impl Header {
    /// Reads it.
    pub(super) fn read(message: Octets<'_>) -> Read<Self> {
        let flags = message.be16(2)?;
        let counts = [message.be16(4)?, message.be16(6)?, message.be16(8)?, message.be16(10)?];
        Ok(Self { flags, counts })
    }

    /// QR: it is an answer.
    pub(super) const fn answers(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// OPCODE.
    pub(super) const fn opcode(self) -> u16 {
        (self.flags >> 11) & 0xf
    }

    /// RCODE.
    pub(super) const fn rcode(self) -> u16 {
        self.flags & 0xf
    }

    /// All records after the questions.
    pub(super) fn records(self) -> u16 {
        let [_, answers, authorities, additionals] = self.counts;
        answers.saturating_add(authorities).saturating_add(additionals)
    }
}

/// Walks the whole message: every name, type, class and length must fit, and nothing may follow.
///
/// A message whose end was not captured is walked as far as it goes, but its first question must have
/// begun.
pub(super) fn walk(message: Octets<'_>, header: Header) -> Read<()> {
    let [questions, ..] = header.counts;
    require(questions.saturating_add(header.records()) <= RECORDS_MOST)?;
    let mut at = HEADER;
    for number in 0..questions {
        match question(message, at) {
            Ok(question) => at = question.data,
            Err(_) if message.is_cut() && (number > 0 || breaks_off(message, at)) => return Ok(()),
            Err(probe) => return Err(probe),
        }
    }
    for _ in 0..header.records() {
        match record(message, at) {
            Ok(record) => at = record.data.saturating_add(record.length),
            Err(_) if message.is_cut() && questions > 0 => return Ok(()),
            Err(probe) => return Err(probe),
        }
    }
    message.ends_at(at)
}

/// Whether the octets end inside the question at `at`, after a label of its name has begun. Nothing
/// stands before it that a pointer could mean.
fn breaks_off(message: Octets<'_>, at: usize) -> bool {
    let mut next = at;
    // Each label takes two octets or more, so this ends within the longest name.
    while next.saturating_sub(at) < NAME_MOST {
        match message.u8(next) {
            Ok(0) => return message.slice(next, 5).is_err(),
            Ok(length @ 1..=63) => next = next.saturating_add(1).saturating_add(usize::from(length)),
            Ok(_) => return false,
            Err(_) => return next > at,
        }
    }
    false
}

/// A question at `at`: its class must be IN, CH, HS, NONE or ANY. Its type may be one that is not known
/// (RFC 3597 §3).
pub(super) fn question(message: Octets<'_>, at: usize) -> Read<Record> {
    let end = skip_name(message, at)?;
    let kind = message.be16(end)?;
    let class = message.be16(end.saturating_add(2))? & 0x7fff;
    require(kind != 0 && matches!(class, 1 | 3 | 4 | 254 | 255))?;
    Ok(Record { name: at, kind, class, data: end.saturating_add(4), length: 0 })
}

/// A record at `at`. Its type is of no account for where it ends; clients exist that pad with type 0.
pub(super) fn record(message: Octets<'_>, at: usize) -> Read<Record> {
    let end = skip_name(message, at)?;
    let kind = message.be16(end)?;
    let class = message.be16(end.saturating_add(2))? & 0x7fff;
    let length = usize::from(message.be16(end.saturating_add(8))?);
    let data = end.saturating_add(10);
    message.slice(data, length)?;
    Ok(Record { name: at, kind, class, data, length })
}

/// The end of the name at `at`, which may end in a pointer backwards.
fn skip_name(message: Octets<'_>, at: usize) -> Read<usize> {
    let mut next = at;
    // Each label takes two octets or more, so this ends within the longest name.
    while next.saturating_sub(at) < NAME_MOST {
        let length = message.u8(next)?;
        match length {
            0 => return Ok(next.saturating_add(1)),
            1..=63 => next = next.saturating_add(1).saturating_add(usize::from(length)),
            0xc0.. => {
                let target = usize::from(message.be16(next)? & 0x3fff);
                require((HEADER..next).contains(&target))?;
                return Ok(next.saturating_add(2));
            }
            _ => return require(false).map(|()| next),
        }
    }
    require(false).map(|()| next)
}

/// The name at `at` in lower case, labels joined by dots; octets that no host name has become `?`.
/// Pointers must go strictly backwards, so that a loop is impossible.
pub(super) fn name(message: Octets<'_>, at: usize) -> Option<String> {
    let mut name = String::new();
    let mut next = at;
    let mut lowest = at;
    let mut pointers = 0_usize;
    while name.len() <= NAME_MOST {
        let length = message.u8(next).ok()?;
        match length {
            0 => return (!name.is_empty()).then_some(name),
            1..=63 => {
                let label = message.slice(next.saturating_add(1), usize::from(length)).ok()?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(label.iter().map(|octet| printable(*octet)));
                next = next.saturating_add(1).saturating_add(usize::from(length));
            }
            0xc0.. => {
                let target = usize::from(message.be16(next).ok()? & 0x3fff);
                pointers = pointers.saturating_add(1);
                if target >= lowest || pointers > POINTERS_MOST {
                    return None;
                }
                lowest = target;
                next = target;
            }
            _ => return None,
        }
    }
    None
}

/// A character that may be printed.
fn printable(octet: u8) -> char {
    match octet {
        b'!'..=b'~' => char::from(octet.to_ascii_lowercase()),
        b' ' => ' ',
        _ => '?',
    }
}
