//! Reads the tags and lengths of BER (X.690 §8.1), for SNMP, LDAP and Kerberos.

use super::octets::Octets;
use super::octets::Read;
use super::octets::require;
use super::octets::size;

/// Where an element's contents stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// Identifier octet; tags of more than one octet are not read.
    pub(super) tag: u8,
    /// Start of the contents.
    pub(super) at: usize,
    /// Octets of the contents.
    pub(super) length: usize,
}

impl Element {
    /// Position after the element.
    pub(super) fn end(self) -> usize {
        self.at.saturating_add(self.length)
    }
}

/// Reads an element's head at `at`: a definite length of at most four octets.
pub(super) fn element(octets: Octets<'_>, at: usize) -> Read<Element> {
    let tag = octets.u8(at)?;
    let first = octets.u8(at.saturating_add(1))?;
    let at = at.saturating_add(2);
    let length = match first {
        0..=0x7f => return Ok(Element { tag, at, length: usize::from(first) }),
        0x81 => u32::from(octets.u8(at)?),
        0x82 => u32::from(octets.be16(at)?),
        0x83 => octets.slice(at, 3)?.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet)),
        0x84 => octets.be32(at)?,
        _ => return require(false).map(|()| Element { tag, at, length: 0 }),
    };
    Ok(Element { tag, at: at.saturating_add(usize::from(first & 0x7f)), length: size(length) })
}

/// The same, of a tag that is demanded.
pub(super) fn tagged(octets: Octets<'_>, at: usize, tag: u8) -> Read<Element> {
    octets.expect(at, &[tag])?;
    element(octets, at)
}

/// A non-negative INTEGER of one to four octets, or another primitive of that form.
pub(super) fn integer(octets: Octets<'_>, at: usize, tag: u8) -> Read<(u32, usize)> {
    let element = tagged(octets, at, tag)?;
    require((1..=5).contains(&element.length))?;
    let raw = octets.slice(element.at, element.length)?;
    let value = raw.iter().fold(0_u32, |sum, octet| (sum << 8) | u32::from(*octet));
    Ok((value, element.end()))
}
