//! Sees .NET Message Framing go over to TLS.
//!
//! Source: [MC-NMF] §2.2.3 (records: version 0, mode 1, via 2, known encoding 3, extensible encoding 4,
//! upgrade request 9 `application/ssl-tls`, upgrade response 10).

use super::Probe;
use super::octets::Octets;
use super::octets::Read;
use super::octets::require;

/// Most records before the upgrade.
const RECORDS_MOST: usize = 16;

/// How many octets of a side stand before TLS: the records up to the upgrade.
pub(super) fn in_clear(octets: Octets<'_>) -> Read<usize> {
    let mut at = 0_usize;
    for _ in 0..RECORDS_MOST {
        let next = at.saturating_add(1);
        match octets.u8(at)? {
            0 => at = next.saturating_add(2),
            1 | 3 => at = next.saturating_add(1),
            2 | 4 => {
                let (length, text) = length(octets, next)?;
                at = text.saturating_add(length);
            }
            9 => {
                let (length, text) = length(octets, next)?;
                require(octets.slice(text, length)? == b"application/ssl-tls")?;
                return Ok(text.saturating_add(length));
            }
            10 => return Ok(next),
            _ => return Err(Probe::Refuse),
        }
    }
    Err(Probe::Refuse)
}

/// A length in seven bits per octet, the low ones first, of one or two octets, and where it ends.
pub(super) fn length(octets: Octets<'_>, at: usize) -> Read<(usize, usize)> {
    let first = usize::from(octets.u8(at)?);
    if first < 0x80 {
        return Ok((first, at.saturating_add(1)));
    }
    let second = usize::from(octets.u8(at.saturating_add(1))?);
    require(second < 0x80)?;
    Ok((second << 7 | (first & 0x7f), at.saturating_add(2)))
}
