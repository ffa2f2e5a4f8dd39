//! Joins handshake messages that are spread over TLS records and over segments.
//!
//! Source: RFC 5246 §6.2, §7.4, RFC 8446 §5.1 (fragments), RFC 5246 appendix E.2 (SSL 2.0).

use super::Following;
use super::tls::ALERT;
use super::tls::HANDSHAKE;
use super::tls::RECORD_HEADER;
use super::tls::record;

/// Longest handshake message kept; a longer one ends the reading of its side.
pub const MESSAGE_OCTETS: usize = 16 * 1024;
/// Handshake octets read of one side before giving up.
const HANDSHAKE_OCTETS: usize = 64 * 1024;
/// Octets of a handshake message's own header.
const MESSAGE_HEADER: usize = 4;
/// Octets before a message of SSL 2.0.
const SSL2_HEADER: u32 = 2;

/// One side's reader. Holds at most one record header and [`MESSAGE_OCTETS`].
#[derive(Default)]
pub struct HandshakeReader {
    header: Vec<u8>,
    /// Octets that the current record still has, and its type.
    left: usize,
    kind: u8,
    message: Vec<u8>,
    message_at: u32,
    total: usize,
    done: bool,
    begun: bool,
}

/// A whole handshake message.
pub struct Message<'a> {
    /// Its type (RFC 8446 §4), or of SSL 2.0 the type that says the same: 1 or 2.
    pub kind: u8,
    /// What follows its header.
    pub octets: &'a [u8],
    /// Where its first octet stands in what this side sent; of SSL 2.0 where the version stands.
    pub offset: u32,
}

impl HandshakeReader {
    /// Whether this side has nothing more to tell.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Ends the reading and frees what was kept.
    pub fn stop(&mut self) {
        *self = Self { done: true, ..Self::default() };
    }

    /// Takes octets, the first of which stands at `offset`, and hands over each message that became
    /// whole, until the receiver wants no more.
    pub fn feed(&mut self, octets: &[u8], offset: u32, mut take: impl FnMut(&Message<'_>) -> Following) {
        let mut rest = octets;
        let mut at = offset;
        while !self.done && !rest.is_empty() {
            let wanted =
                if self.left == 0 { RECORD_HEADER.saturating_sub(self.header.len()) } else { self.left };
            let Some((part, after)) = rest.split_at_checked(wanted.min(rest.len())) else { return };
            rest = after;
            if self.left == 0 {
                let start = at.saturating_sub(u32::try_from(self.header.len()).unwrap_or(0));
                self.header.extend_from_slice(part);
                self.begin(start);
            } else {
                self.left = self.left.saturating_sub(part.len());
                self.body(part, at, &mut take);
            }
            at = at.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        }
    }

    /// Reads the record header, which stands at `start`, once it is whole.
    fn begin(&mut self, start: u32) {
        if self.header.len() < RECORD_HEADER {
            return;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        match record(&self.header) {
            // A warning may come between; all else ends what can be read.
            Some(Some(record)) if matches!(record.kind, HANDSHAKE | ALERT) => {
                (self.kind, self.left) = (record.kind, record.length);
                self.header.clear();
            }
            None if first => self.begin_ssl2(start),
            _ => self.stop(),
        }
    }

    /// A hello of SSL 2.0 has a header of two octets; it is handed over with the version in front as
    /// in later hellos: its type, then what follows.
    fn begin_ssl2(&mut self, start: u32) {
        let [high, low, kind, first, second] = *self.header.as_slice() else {
            return self.stop();
        };
        let length = usize::from(u16::from_be_bytes([high & 0x7f, low]));
        if high & 0x80 == 0 || !matches!(kind, 1 | 4) || length < 9 {
            return self.stop();
        }
        // The message is complete with its fixed part; only the version in it is wanted.
        self.kind = 0;
        self.left = length.saturating_sub(3);
        self.message = vec![kind, first, second];
        self.message_at = start.saturating_add(SSL2_HEADER);
        self.header.clear();
    }

    fn body(&mut self, part: &[u8], at: u32, take: &mut impl FnMut(&Message<'_>) -> Following) {
        if self.kind == ALERT {
            return;
        }
        if self.message.is_empty() {
            self.message_at = at;
        }
        self.total = self.total.saturating_add(part.len());
        let before = self.message.len();
        self.message.extend_from_slice(part);
        if self.kind == 0 {
            self.ssl2(take);
            return;
        }
        let mut from = 0_usize;
        while let Some(end) = message_end(&self.message, from) {
            let (Some(kind), Some(octets)) =
                (self.message.get(from).copied(), self.message.get(from.saturating_add(MESSAGE_HEADER)..end))
            else {
                break;
            };
            if take(&Message { kind, octets, offset: self.message_at }) == Following::Done {
                return self.stop();
            }
            let within = u32::try_from(end.saturating_sub(before)).unwrap_or(u32::MAX);
            (from, self.message_at) = (end, at.saturating_add(within));
        }
        self.message.drain(..from);
        let too_long = message_end(&self.message, 0).is_some_and(|end| end > MESSAGE_OCTETS);
        if too_long || self.total > HANDSHAKE_OCTETS {
            self.stop();
        }
    }

    /// Hands an SSL 2.0 hello over once its version is there: octets 1-2 of a client's, 3-4 of a
    /// server's message.
    fn ssl2(&mut self, take: &mut impl FnMut(&Message<'_>) -> Following) {
        let (kind, place, version) = match self.message.as_slice() {
            [1, major, minor, ..] => (1, 1, [*major, *minor]),
            [4, _, _, major, minor, ..] => (2, 3, [*major, *minor]),
            _ => return,
        };
        take(&Message { kind, octets: &version, offset: self.message_at.saturating_add(place) });
        self.stop();
    }
}

/// Where the message that starts at `from` ends, as its header says.
fn message_end(octets: &[u8], from: usize) -> Option<usize> {
    let [_, a, b, c, ..] = octets.get(from..)? else { return None };
    let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    Some(from.saturating_add(length).saturating_add(MESSAGE_HEADER))
}

#[cfg(test)]
mod tests {
    use super::Following;
    use super::HandshakeReader;

    /// Type and place of each message, in pieces of `size` octets from place 100 on.
    fn places(stream: &[u8], size: usize) -> Vec<(u8, u32)> {
        let (mut reader, mut places, mut at) = (HandshakeReader::default(), Vec::new(), 100_u32);
        for part in stream.chunks(size) {
            reader.feed(part, at, |message| {
                places.push((message.kind, message.offset));
                Following::More
            });
            at = at.saturating_add(u32::try_from(part.len()).unwrap());
        }
        places
    }

    #[test]
    fn each_message_stands_where_its_first_octet_does_however_the_stream_is_cut() {
        // RFC 5246 §7.4: two messages in one record, the third begins there and ends in the next.
        let first = b"\x16\x03\x03\0\x10\x02\0\0\x02aa\x0b\0\0\x01b\x0c\0\0\x04c";
        let stream = [first.as_slice(), b"\x16\x03\x03\0\x07ccc\x0e\0\0\0"].concat();
        for size in 1..=stream.len() {
            assert_eq!(
                places(&stream, size),
                [(2, 105), (11, 111), (12, 116), (14, 129)],
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn a_hello_of_ssl_2_stands_where_its_version_does() {
        // RFC 5246 appendix E.2; the server's message has two octets before its version.
        let client = b"\x80\x0c\x01\x03\x01\0\x03\0\0\0\x10\x01\x02\x03";
        let server = b"\x80\x0b\x04\0\x01\0\x02\0\0\0\0\0\x10";
        for size in 1..=client.len() {
            assert_eq!(places(client, size), [(1, 103)], "pieces of {size}");
            assert_eq!(places(server, size), [(2, 105)], "pieces of {size}");
        }
    }
}
