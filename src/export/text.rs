//! Text that goes out: numbers as they are written in JSON, names that came from the wire.

use std::borrow::Cow;

use serde::Serialize;
use serde::Serializer;
use serde_json::value::RawValue;

use crate::time::Span;
use crate::time::Timestamp;

/// Longest text from the wire that is printed.
const TEXT_OCTETS: usize = 253;

/// A JSON number with nine decimals, made from integer nanoseconds so that nothing is rounded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seconds(i128);

impl From<Timestamp> for Seconds {
    fn from(time: Timestamp) -> Self {
        Self(i128::from(time.nanos()))
    }
}

impl From<Span> for Seconds {
    fn from(span: Span) -> Self {
        Self(i128::from(span.nanos()))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        RawValue::from_string(text).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// An identifier of 64 bits in 16 hexadecimal digits.
pub fn hex(id: u64) -> String {
    format!("{id:016x}")
}

/// Text from the wire or from a file, made harmless: as [`plain`], and not longer than 253 octets.
pub fn harmless(text: &str) -> String {
    let mut clean = String::new();
    for character in plain(text).chars() {
        if clean.len().saturating_add(character.len_utf8()) > TEXT_OCTETS {
            break;
        }
        clean.push(character);
    }
    clean
}

/// A text with names in it that we did not choose (files, hosts), without what would steer a terminal:
/// no control, direction or invisible characters.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| if steers(character) { '\u{fffd}' } else { character }).collect())
}

fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_not_rounded() {
        let seconds = Seconds::from(Timestamp::from_parts(1_700_000_000, 123_456_789));
        assert_eq!(serde_json::to_string(&seconds).unwrap(), "1700000000.123456789");
        let before = Seconds::from(Timestamp::from_nanos(-1));
        assert_eq!(serde_json::to_string(&before).unwrap(), "-0.000000001");
    }

    #[test]
    fn text_that_would_steer_a_terminal_is_made_harmless() {
        assert_eq!(harmless("a\u{1b}[31mb\u{202e}c\n"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
        assert_eq!(harmless(&"x".repeat(1000)).len(), 253);
    }
}
