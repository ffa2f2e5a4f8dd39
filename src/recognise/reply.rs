//! Lines as SMTP, FTP and POP3 write them: the greeting `220` (RFC 5321 §4.2, RFC 959 §4.2), replies with a
//! code, and commands that begin with a verb.

use super::Probe;
use super::octets::Octets;
use super::octets::Read;
use super::octets::require;

/// Whose greeting it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Greeting {
    /// A mail server: its text says so, or what it answered next.
    Smtp,
    /// A file server.
    Ftp,
    /// The greeting does not say.
    Unnamed,
}

/// Longest line read (RFC 5321 §4.5.3.1.4, §4.5.3.1.5 and RFC 2449 §4 allow 512 octets).
pub(super) const LINE_MOST: usize = 512;
/// Most lines of a greeting.
const LINES_MOST: usize = 16;

/// Reads a greeting of one or more lines, each `220 text` or `220-text`.
///
/// A greeting that names neither is told by the code of the next answer, where it is there.
pub(super) fn greeting(octets: Octets<'_>) -> Read<Greeting> {
    let mut at = 0_usize;
    for _ in 0..LINES_MOST {
        octets.expect(at, b"220")?;
        let mark = octets.u8(at.saturating_add(3))?;
        require(matches!(mark, b' ' | b'-' | b'\r' | b'\n'))?;
        let line = octets.line(at, LINE_MOST)?;
        require(line.iter().all(|octet| *octet >= b' ' || *octet == b'\t'))?;
        if let Some(named) = named(line) {
            return Ok(named);
        }
        let ended = memchr::memchr(b'\n', octets.after(at).seen()).unwrap_or(line.len());
        at = at.saturating_add(ended).saturating_add(1);
        if mark != b'-' {
            return second_answer(octets, at);
        }
    }
    Err(Probe::Refuse)
}

/// The word in a line that names the protocol.
fn named(line: &[u8]) -> Option<Greeting> {
    let upper = line.to_ascii_uppercase();
    let has = |word: &[u8]| memchr::memmem::find(&upper, word).is_some();
    match () {
        () if has(b"SMTP") => Some(Greeting::Smtp),
        () if has(b"FTP") => Some(Greeting::Ftp),
        () => None,
    }
}

/// Only FTP answers 331, 530, 234 or 230; only SMTP answers 250 to the first command. Waits for the
/// code, because the answer must not depend on where a segment ends.
fn second_answer(octets: Octets<'_>, at: usize) -> Read<Greeting> {
    match octets.array::<3>(at).as_ref() {
        Ok(b"250") => Ok(Greeting::Smtp),
        Ok(b"331" | b"530" | b"234" | b"230" | b"215" | b"211") => Ok(Greeting::Ftp),
        Err(Probe::NeedMore) => Err(Probe::NeedMore),
        _ => Ok(Greeting::Unnamed),
    }
}

/// A reply with one of the codes in `known`, which spaces part: a line, or the first of several.
pub(super) fn coded_line(octets: Octets<'_>, known: &str) -> Read<()> {
    let code = octets.array::<3>(0)?;
    require(known.split(' ').any(|known| known.as_bytes() == code))?;
    require(matches!(octets.u8(3)?, b' ' | b'-'))?;
    octets.line(0, LINE_MOST).map(|_| ())
}

/// A line that begins with one of the verbs in `known`, which spaces part and which have `least` letters or
/// more; behind it is a space or the line's end.
pub(super) fn verb_line(octets: Octets<'_>, least: usize, known: &str) -> Read<()> {
    for at in 0..least {
        require(octets.u8(at)?.is_ascii_alphabetic())?;
    }
    let line = octets.line(0, LINE_MOST)?;
    let verb = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    require(known.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(verb)))
}
