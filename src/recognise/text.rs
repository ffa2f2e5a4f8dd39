//! Lines of text protocols, read leniently: LF without CR, odd spaces, names in any case. What a
//! strict parser refuses, cameras write (an old MOBOTIX ends its headers with two LF).

use memchr::memchr;
use memchr::memchr_iter;

use super::Head;
use super::finding::NAME_OCTETS;

/// Empty lines allowed before a start line (RFC 9112 §2.2, RFC 7826 §5), in octets.
const LEADING_OCTETS: usize = 4;
/// Longest method name believed.
const METHOD_OCTETS: usize = 24;

/// The first line of a message of HTTP or RTSP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartLine<'a> {
    /// A request line.
    Request {
        /// The method, as written.
        method: &'a [u8],
        /// The target, as written; it may hold a password.
        target: &'a [u8],
    },
    /// A status line.
    Reply {
        /// The three digits.
        status: u16,
    },
}

/// What the first line of a head says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Opening<'a> {
    /// A start line of this protocol, at this offset, this long.
    Is(StartLine<'a>, usize, usize),
    /// A request that the capture cut before the protocol's name: its method and target so far.
    CutRequest(&'a [u8], &'a [u8]),
    /// It may become one.
    Open,
    /// It cannot be one.
    Not,
    /// It names the protocol and then has no status.
    Broken,
}

/// Reads the first line of `head` as one of the protocol called `name` (`HTTP/`, `RTSP/`).
pub fn opening<'a>(head: &Head<'a>, name: &[u8]) -> Opening<'a> {
    let lead = head.octets.iter().take(LEADING_OCTETS).take_while(|o| matches!(o, b'\r' | b'\n')).count();
    let text = head.octets.get(lead..).unwrap_or_default();
    let end = memchr(b'\n', text);
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default().trim_ascii();
    let whole = end.is_some() || head.finished;
    // `HTTP/1.1 200`: the reason does not matter, so the line's end need not be there.
    let early = line.starts_with(name) && line.len() > name.len().saturating_add(7);
    if (whole || early)
        && let Some(start) = start_line(line, name)
    {
        let reply = matches!(start, StartLine::Reply { .. });
        let length = if reply { name.len().saturating_add(7) } else { line.len() };
        return Opening::Is(start, lead, length);
    }
    if end.is_some() || !may_begin(text, name) {
        let broken = line.starts_with(name) && end.is_some();
        return if broken { Opening::Broken } else { Opening::Not };
    }
    if !head.finished {
        return Opening::Open;
    }
    match split_at_space(text) {
        Some((method, target)) if is_method(method) => Opening::CutRequest(method, target),
        _ => Opening::Not,
    }
}

/// Whether `text`, which has no line end yet, may become a start line.
fn may_begin(text: &[u8], name: &[u8]) -> bool {
    if name.starts_with(text) {
        return true;
    }
    if text.starts_with(name) {
        return text.iter().all(|o| !o.is_ascii_control() || *o == b'\r');
    }
    let method = memchr(b' ', text).map_or(text, |at| text.get(..at).unwrap_or_default());
    is_method(method) && text.iter().all(|o| !o.is_ascii_control() || matches!(o, b'\t' | b'\r'))
}

fn is_method(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.len() <= METHOD_OCTETS
        && word.iter().all(|o| o.is_ascii_uppercase() || matches!(o, b'_' | b'-'))
}

/// Parses a start line of the protocol called `name`: a request is known by how its line ends, since
/// `OPTIONS` and `DESCRIBE` are methods of several protocols.
pub fn start_line<'a>(line: &'a [u8], name: &[u8]) -> Option<StartLine<'a>> {
    if let Some(rest) = line.strip_prefix(name) {
        let (version, status) = split_at_space(rest)?;
        let digits = status.get(..3)?;
        let ends = status.get(3).is_none_or(|o| *o == b' ' || *o == b'\t');
        let status = u16::try_from(number(digits)?).ok()?;
        let sane = is_version(version) && ends && digits.iter().all(u8::is_ascii_digit);
        return (sane && (100..=999).contains(&status)).then_some(StartLine::Reply { status });
    }
    let (method, rest) = split_at_space(line)?;
    let at = memchr::memrchr(b' ', rest)?;
    let (target, version) = rest.split_at_checked(at)?;
    let version = version.get(1..)?.strip_prefix(name)?;
    let clean = line.iter().all(|o| !o.is_ascii_control() || *o == b'\t');
    (is_method(method) && is_version(version) && clean)
        .then_some(StartLine::Request { method, target: target.trim_ascii() })
}

/// Splits at the first run of spaces.
fn split_at_space(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr(b' ', text)?;
    let (first, rest) = text.split_at_checked(at)?;
    Some((first, rest.trim_ascii_start()))
}

fn is_version(text: &[u8]) -> bool {
    matches!(text, [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// Name and value of a header line.
pub fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    let name = name.trim_ascii_end();
    let sane = !name.is_empty() && !name.iter().any(|o| o.is_ascii_whitespace());
    sane.then(|| (name, value.get(1..).unwrap_or_default().trim_ascii()))
}

/// The decimal number that `text` starts with.
pub fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|o| o.is_ascii_digit()).take(19);
    let mut any = None;
    for digit in digits {
        let value = u64::from(digit.saturating_sub(b'0'));
        any = Some(any.unwrap_or(0_u64).saturating_mul(10).saturating_add(value));
    }
    any
}

/// Whether `text` starts with `word`, letters in any case.
pub fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether `word` stands anywhere in `text`, letters in any case. `word` is one of our constants.
pub fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word))
}

/// A host name or address literal in lower case, if every character is one that such names have. User
/// and password before an `@` are dropped, so is the port.
pub fn host_name(authority: &[u8]) -> Option<String> {
    let host = memchr::memrchr(b'@', authority)
        .map_or(authority, |at| authority.get(at.saturating_add(1)..).unwrap_or_default());
    let host = match host.strip_prefix(b"[") {
        Some(literal) => literal.get(..memchr(b']', literal)?)?,
        None => memchr(b':', host).map_or(host, |at| host.get(..at).unwrap_or_default()),
    };
    let host = host.strip_suffix(b".").unwrap_or(host);
    let sane = |o: &u8| o.is_ascii_alphanumeric() || matches!(o, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || host.len() > NAME_OCTETS || !host.iter().all(sane) {
        return None;
    }
    str::from_utf8(host).ok().map(str::to_ascii_lowercase)
}

/// Where the header block ends in `octets`: behind its first empty line.
pub fn block_end(octets: &[u8]) -> Option<usize> {
    let mut start = 0_usize;
    for at in memchr_iter(b'\n', octets) {
        let line = octets.get(start..at).unwrap_or_default();
        let next = at.saturating_add(1);
        if start > LEADING_OCTETS && line.trim_ascii().is_empty() {
            return Some(next);
        }
        start = next;
    }
    None
}

/// The start line inside a line that media may precede, where octets were missing.
pub fn recovered<'a>(line: &'a [u8], name: &[u8]) -> &'a [u8] {
    if start_line(line, name).is_some() {
        return line;
    }
    let Some(name) = memchr::memmem::find(line, name) else { return line };
    let before = line.get(..name).unwrap_or_default();
    if before.last().is_some_and(|octet| *octet == b' ') {
        // A request: its method is the last word of capitals before the address.
        let words = before.trim_ascii_end();
        let Some(space) = memchr::memrchr(b' ', words) else { return line };
        let method = words.get(..space).unwrap_or_default();
        let capitals = method.iter().rev().take_while(|o| o.is_ascii_uppercase() || **o == b'_').count();
        return line.get(method.len().saturating_sub(capitals)..).unwrap_or_default();
    }
    line.get(name..).unwrap_or_default()
}

/// The first message of the protocol called `name` inside octets that begin in the middle of
/// something: a start line with a header line or the block's end behind it. Gives it, where it stands
/// and how long it is; `Err` with whether more octets may show one.
pub fn within<'a>(head: &Head<'a>, name: &[u8]) -> Result<(StartLine<'a>, usize, usize), bool> {
    let mut start = 0_usize;
    let mut ends = memchr_iter(b'\n', head.octets).peekable();
    while let Some(end) = ends.next() {
        let line = head.octets.get(start..end).unwrap_or_default();
        start = end.saturating_add(1);
        let message = recovered(line, name);
        let Some(found) = start_line(message.trim_ascii(), name) else { continue };
        let Some(next) = ends.peek() else { return Err(!head.finished) };
        let next = head.octets.get(start..*next).unwrap_or_default().trim_ascii();
        if next.is_empty() || header(next).is_some() {
            let at = end.saturating_sub(message.len());
            return Ok((found, at, message.trim_ascii().len()));
        }
    }
    Err(!head.finished)
}

#[cfg(test)]
mod tests {
    use super::StartLine;
    use super::host_name;
    use super::start_line;

    #[test]
    fn the_end_of_the_line_tells_the_protocol() {
        let rtsp = b"OPTIONS * RTSP/1.0".as_slice();
        assert!(start_line(rtsp, b"RTSP/").is_some() && start_line(rtsp, b"HTTP/").is_none());
        let odd = start_line(b"GET /a file.jpg HTTP/1.0", b"HTTP/");
        assert_eq!(odd, Some(StartLine::Request { method: b"GET", target: b"/a file.jpg" }));
        assert_eq!(start_line(b"HTTP/1.0 200", b"HTTP/"), Some(StartLine::Reply { status: 200 }));
        assert_eq!(start_line(b"HTTP/1.0 200 Okay", b"HTTP/"), Some(StartLine::Reply { status: 200 }));
        assert_eq!(start_line(b"HTTP/1.0 2000", b"HTTP/"), None);
    }

    #[test]
    fn a_host_keeps_no_user_and_no_password() {
        assert_eq!(host_name(b"admin:meinsm@Cam-17.Example.:8080").as_deref(), Some("cam-17.example"));
        assert_eq!(host_name(b"[fe80::1]:80").as_deref(), Some("fe80::1"));
        assert_eq!(host_name(b"a b"), None);
        assert_eq!(host_name(b""), None);
    }
}
