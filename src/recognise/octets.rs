//! Reads fields at known places of a head that may still grow.
//!
//! A reader asks for field after field with `?`: a field that is not there yet ends the probe with
//! [`Probe::NeedMore`], one that can no longer come with [`Probe::Refuse`]. As long as fields are
//! read front to back, the answer cannot depend on how the octets were cut into segments.

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;

/// A field, or the answer that its absence or its value forces.
pub(super) type Read<T> = Result<T, Probe>;

/// Octets of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a> {
    octets: &'a [u8],
    /// More octets may follow.
    grows: bool,
    /// The message went on, but its end was not captured.
    cut: bool,
}

impl<'a> Octets<'a> {
    /// The stream of TCP, or the first datagram of UDP, which never grows.
    pub(super) fn of(head: &Head<'a>) -> Self {
        if head.key.transport == Transport::Udp {
            let cut = head.cut && head.datagram_ends.len() < 2;
            return Self { octets: head.first(), grows: false, cut };
        }
        Self { octets: head.octets, grows: !head.finished, cut: head.cut }
    }

    /// A whole message that stands in a buffer.
    pub(super) const fn whole(octets: &'a [u8]) -> Self {
        Self { octets, grows: false, cut: false }
    }

    /// The start of a message in a buffer that is being filled.
    pub(super) const fn growing(octets: &'a [u8]) -> Self {
        Self { octets, grows: true, cut: false }
    }

    /// The octets that are there.
    pub(super) const fn seen(self) -> &'a [u8] {
        self.octets
    }

    /// What stands after the first `count` octets.
    pub(super) fn after(self, count: usize) -> Self {
        Self { octets: self.octets.get(count..).unwrap_or_default(), ..self }
    }

    /// The end of the message was not captured.
    pub(super) const fn is_cut(self) -> bool {
        self.cut
    }

    /// The answer where octets are missing.
    pub(super) const fn missing(self) -> Probe {
        if self.grows { Probe::NeedMore } else { Probe::Refuse }
    }

    /// `count` octets from `at` on.
    pub(super) fn slice(self, at: usize, count: usize) -> Read<&'a [u8]> {
        self.octets.get(at..at.saturating_add(count)).ok_or(self.missing())
    }

    /// `N` octets from `at` on.
    pub(super) fn array<const N: usize>(self, at: usize) -> Read<[u8; N]> {
        self.slice(at, N).and_then(|raw| raw.try_into().map_err(|_| Probe::Refuse))
    }

    /// One octet.
    pub(super) fn u8(self, at: usize) -> Read<u8> {
        self.octets.get(at).copied().ok_or(self.missing())
    }

    /// Two octets in network order.
    pub(super) fn be16(self, at: usize) -> Read<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// Four octets in network order.
    pub(super) fn be32(self, at: usize) -> Read<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Two octets, the low one first.
    pub(super) fn le16(self, at: usize) -> Read<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// Four octets, the low one first.
    pub(super) fn le32(self, at: usize) -> Read<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// These octets must stand at `at`; a first differing octet refuses at once.
    pub(super) fn expect(self, at: usize, wanted: &[u8]) -> Read<()> {
        let there = self.octets.get(at..).unwrap_or_default();
        let there = there.get(..wanted.len()).unwrap_or(there);
        if !wanted.starts_with(there) {
            return Err(Probe::Refuse);
        }
        if there.len() < wanted.len() { Err(self.missing()) } else { Ok(()) }
    }

    /// The same, in any case of ASCII letters.
    pub(super) fn expect_word(self, at: usize, wanted: &[u8]) -> Read<()> {
        let there = self.octets.get(at..).unwrap_or_default();
        let there = there.get(..wanted.len()).unwrap_or(there);
        let same = there.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b));
        require(same)?;
        if there.len() < wanted.len() { Err(self.missing()) } else { Ok(()) }
    }

    /// Which of `words` stands at `at`, in any case of ASCII letters; asks for more while one still may.
    pub(super) fn any_word<'w>(self, at: usize, words: &[&'w [u8]]) -> Read<&'w [u8]> {
        let mut answer = Probe::Refuse;
        for word in words {
            match self.expect_word(at, word) {
                Ok(()) => return Ok(word),
                Err(Probe::NeedMore) => answer = Probe::NeedMore,
                Err(_) => {}
            }
        }
        Err(answer)
    }

    /// The message must be `count` octets long: exactly, or at most that if its end was cut off.
    pub(super) fn ends_at(self, count: usize) -> Read<()> {
        require(if self.cut { self.octets.len() <= count } else { self.octets.len() == count })
    }

    /// The first line without its end, if a line feed comes within `most` octets.
    pub(super) fn line(self, at: usize, most: usize) -> Read<&'a [u8]> {
        let rest = self.octets.get(at..).unwrap_or_default();
        let window = rest.get(..most).unwrap_or(rest);
        match memchr::memchr(b'\n', window) {
            Some(end) => {
                let line = window.get(..end).unwrap_or_default();
                Ok(line.strip_suffix(b"\r").unwrap_or(line))
            }
            None if window.len() == most => Err(Probe::Refuse),
            None => Err(self.missing()),
        }
    }
}

/// Refuses unless it is so.
pub(super) const fn require(so: bool) -> Read<()> {
    if so { Ok(()) } else { Err(Probe::Refuse) }
}

/// A length or an offset from the wire as a length in memory.
pub(super) fn size(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The first of two readings that is not refused.
pub(super) fn either<T>(first: Read<T>, second: impl FnOnce() -> Read<T>) -> Read<T> {
    match first {
        Err(Probe::Refuse) => second(),
        other => other,
    }
}

/// A reading as the answer of a probe.
pub(super) fn answer(read: Read<Recognition>) -> Probe {
    match read {
        Ok(recognition) => Probe::Match(recognition),
        Err(probe) => probe,
    }
}

impl Recognition {
    /// A recognition whose proof is the first `length` octets of the head.
    pub(super) const fn proved(
        service: Service,
        certainty: Certainty,
        sender: Sender,
        length: u16,
        what: &'static str,
    ) -> Self {
        Self { service, certainty, content: None, sender, offset: 0, length, what }
    }

    /// The same with the proof `offset` octets further on.
    pub(super) fn at(self, offset: usize) -> Self {
        Self { offset: u32::try_from(offset).unwrap_or(u32::MAX), ..self }
    }
}
