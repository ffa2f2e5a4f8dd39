//! NetBIOS names in first-level encoding: a length of 32, then 32 letters from A to P, which nothing
//! else writes.
//!
//! Source: RFC 1001 §14.1.

use super::octets::Octets;
use super::octets::Read;
use super::octets::require;

/// A NetBIOS name without scope at `at`: its length, its letters, the root label.
pub(super) fn netbios_name(octets: Octets<'_>, at: usize) -> Read<()> {
    octets.expect(at, &[32])?;
    let letters = at.saturating_add(1);
    let there = octets.after(letters).seen();
    require(there.iter().take(32).all(|letter| (b'A'..=b'P').contains(letter)))?;
    octets.slice(letters, 32)?;
    octets.expect(letters.saturating_add(32), &[0])
}
