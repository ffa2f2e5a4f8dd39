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

/// A non-negative INTEGER below 2^32, or another primitive of that form; the highest values have a zero
/// octet in front of their four (X.690 §8.3).
pub(super) fn integer(octets: Octets<'_>, at: usize, tag: u8) -> Read<(u32, usize)> {
    let element = tagged(octets, at, tag)?;
    require((1..=5).contains(&element.length))?;
    let raw = octets.slice(element.at, element.length)?;
    require(raw.len() < 5 || raw.first() == Some(&0))?;
    let value = raw.iter().fold(0_u32, |sum, octet| (sum << 8) | u32::from(*octet));
    Ok((value, element.end()))
}

#[cfg(test)]
mod tests {
    use super::Octets;
    use super::integer;

    #[test]
    fn the_highest_values_have_a_zero_octet_in_front() {
        let read = |octets: &[u8]| integer(Octets::whole(octets), 0, 2).ok();
        assert_eq!(read(&[2, 1, 3]), Some((3, 3)));
        assert_eq!(read(&[2, 5, 0, 0xff, 0xff, 0xff, 0xff]), Some((u32::MAX, 7)));
        assert_eq!(read(&[2, 5, 1, 0, 0, 0, 3]), None);
        assert_eq!(read(&[2, 6, 0, 0, 0, 0, 0, 3]), None);
    }
}
