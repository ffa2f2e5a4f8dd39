//! A message as RFC 5424 wants it: header, structured data, text. What goes into it is made harmless, and
//! the whole has at most 2,048 octets.

use crate::export::text::harmless;
use crate::export::text::plain;
use crate::time::NANOS_PER_SECOND;
use crate::time::Timestamp;
use crate::time::civil;
use crate::verdict::Severity;

/// Longest message in octets: what every receiver should take (RFC 5424 §6.1).
pub const MESSAGE_CAP: usize = 2_048;

/// Most octets of structured data, so that some text always follows.
const DATA_CAP: usize = 1_400;

/// The name of our structured data. camsentry has no enterprise number of its own, and a name without one
/// would have to be registered (RFC 5424 §6.3.2). 32473 belongs to nobody and never will (RFC 5612), so
/// that it can be mistaken for nobody else's.
pub const DATA_ID: &str = "camsentry@32473";

/// `local0`: messages of the network's own, not of this computer's log-ins (RFC 5424 §6.2.1).
const FACILITY: u8 = 16;

/// Replaces what is cut off.
const CUT: &str = "…";

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// When it happened.
    pub time: Timestamp,
    /// The sensor's host name.
    pub host: &'a str,
    /// The process.
    pub process: u32,
    /// The kind of message, a word of ours: `opened`.
    pub kind: &'a str,
    /// Names of ours and what they are: `id`, `reason`, `rule`, `orig`, `resp`. One that is too long for the
    /// message is left out, with those behind it.
    pub data: &'a [(&'a str, &'a str)],
    /// One sentence.
    pub text: &'a str,
}

impl Message<'_> {
    /// The message in the form of RFC 5424 §6, without a frame.
    pub fn line(&self) -> String {
        let mut line = format!(
            "<{}>1 {} {} camsentry {} {} ",
            u16::from(FACILITY).saturating_mul(8).saturating_add(priority(self.severity)),
            moment(self.time),
            printable(self.host, 255),
            self.process,
            printable(self.kind, 32),
        );
        line.push_str(&structured(self.data));
        let text = plain(self.text);
        if !text.is_empty() {
            line.push(' ');
            // Text that is not ASCII is UTF-8 and says so (RFC 5424 §6.4); ASCII needs no mark, and many
            // receivers show one as rubbish.
            if !text.is_ascii() {
                line.push('\u{feff}');
            }
            push_cut(&mut line, &text);
        }
        line
    }
}

/// The severity in syslog's numbers: informational, notice, warning, error, critical (RFC 5424 §6.2.1).
const fn priority(severity: Severity) -> u16 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

/// `2026-11-22T17:00:00.123456Z` (RFC 5424 §6.2.3: at most six digits of a second). A year that has not four
/// digits cannot be written: `-`.
fn moment(time: Timestamp) -> String {
    let seconds = time.nanos().div_euclid(NANOS_PER_SECOND);
    let micros = time.nanos().rem_euclid(NANOS_PER_SECOND) / 1_000;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    if !(0..=9_999).contains(&year) {
        return "-".to_owned();
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// A header's field: printable ASCII without spaces, at most `most` of them; `-` if there are none.
fn printable(field: &str, most: usize) -> String {
    let kept: String = field.chars().filter(char::is_ascii_graphic).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

fn structured(data: &[(&str, &str)]) -> String {
    if data.is_empty() {
        return "-".to_owned();
    }
    let mut element = format!("[{DATA_ID}");
    for (name, value) in data {
        let before = element.len();
        let name: String = printable(name, 32).chars().filter(|c| !matches!(c, '=' | ']' | '"')).collect();
        element.push_str(&format!(" {name}=\"{}\"", escaped(&harmless(value))));
        if element.len() >= DATA_CAP {
            element.truncate(before);
            break;
        }
    }
    element.push(']');
    element
}

/// A value's text (RFC 5424 §6.3.3: `"`, `\` and `]` are escaped).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// Appends as much of `text` as the longest message has room for.
fn push_cut(line: &mut String, text: &str) {
    let room = MESSAGE_CAP.saturating_sub(line.len());
    if text.len() <= room {
        line.push_str(text);
        return;
    }
    // The sign for the cut is not ASCII either.
    let mark = if text.is_ascii() { "..." } else { CUT };
    let end = text.floor_char_boundary(room.saturating_sub(mark.len()));
    line.push_str(text.get(..end).unwrap_or_default());
    line.push_str(mark);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(data: &'a [(&'a str, &'a str)], text: &'a str) -> Message<'a> {
        let time = Timestamp::from_parts(1_065_910_455, 3_000_000);
        Message { severity: Severity::High, time, host: "sensor1", process: 7, kind: "opened", data, text }
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        // The moment is that of RFC 5424 §6.2.3.1, example 1 brought to UTC: 2003-10-11T22:14:15.003Z.
        assert_eq!(
            message(&[("id", "0f"), ("reason", "internet")], "It happened.").line(),
            "<131>1 2003-10-11T22:14:15.003000Z sensor1 camsentry 7 opened \
             [camsentry@32473 id=\"0f\" reason=\"internet\"] It happened."
        );
        assert!(message(&[], "").line().ends_with(" opened -"));
    }

    #[test]
    fn what_would_end_a_value_is_escaped() {
        let line = message(&[("rule", r#"a"b\c]d"#)], "x").line();
        assert!(line.contains(r#" rule="a\"b\\c\]d"]"#), "{line}");
    }

    #[test]
    fn text_is_marked_as_utf_8_only_where_it_is_not_ascii() {
        assert!(message(&[], "Kamera").line().ends_with(" - Kamera"));
        assert!(message(&[], "Câmera").line().ends_with(" - \u{feff}Câmera"));
    }

    #[test]
    fn line_ends_and_controls_do_not_get_out() {
        let line = message(&[("name", "a\nb\0c")], "one\r\ntwo\u{1b}[31m").line();
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }

    #[test]
    fn a_header_field_is_printable_ascii_or_a_hyphen() {
        let named = |host| Message { host, ..message(&[], "x") }.line();
        assert!(named("").contains("Z - camsentry"));
        assert!(named("sen sor\n1ü").contains("Z sensor1 camsentry"));
        assert!(named(&"h".repeat(1_000)).contains(&format!(" {} ", "h".repeat(255))));
    }

    #[test]
    fn a_message_is_never_longer_than_every_receiver_takes() {
        let long = "ü".repeat(5_000);
        let quotes = "\"".repeat(300);
        let many: Vec<(&str, &str)> = (0..20).map(|_| ("host", quotes.as_str())).collect();
        for data in [&many[..], &[]] {
            for text in [long.as_str(), &"x".repeat(5_000)] {
                let line = Message { host: &"h".repeat(300), ..message(data, text) }.line();
                assert!(line.len() <= MESSAGE_CAP && line.len() > MESSAGE_CAP - 8, "{}", line.len());
                assert!(line.ends_with('…') || line.ends_with("x..."));
            }
        }
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        // `date -u -d @951868799` and its neighbours: a leap day that is a century's.
        assert_eq!(moment(Timestamp::from_parts(951_868_799, 999_999_999)), "2000-02-29T23:59:59.999999Z");
        assert_eq!(moment(Timestamp::from_parts(951_868_800, 0)), "2000-03-01T00:00:00.000000Z");
        assert_eq!(moment(Timestamp::from_nanos(-1)), "1969-12-31T23:59:59.999999Z");
    }
}
