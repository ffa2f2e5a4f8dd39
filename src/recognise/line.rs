//! Collects the lines of a text protocol across segments.

use memchr::memchr;

/// Octets kept of one line; the rest of a longer one is read over.
pub const LINE_OCTETS: usize = 2048;

/// Collects one line at a time across pieces; never holds more than [`LINE_OCTETS`].
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
    start: Option<u32>,
}

impl LineReader {
    /// Takes octets up to the end of the line that is being read. `offset` is the position of the
    /// first of them. Gives how many were taken and whether the line is whole.
    pub fn take(&mut self, octets: &[u8], offset: u32) -> (usize, bool) {
        self.start.get_or_insert(offset);
        let end = memchr(b'\n', octets);
        let used = end.map_or(octets.len(), |at| at.saturating_add(1));
        let room = LINE_OCTETS.saturating_sub(self.line.len());
        self.line.extend_from_slice(octets.get(..used.min(room)).unwrap_or_default());
        (used, end.is_some())
    }

    /// Gives the line without its end and where it starts, and begins the next one.
    pub fn finish(&mut self) -> (Vec<u8>, u32) {
        let mut line = std::mem::take(&mut self.line);
        line.truncate(line.trim_ascii_end().len());
        (line, self.start.take().unwrap_or(0))
    }

    /// Forgets what was collected.
    pub fn clear(&mut self) {
        self.line = Vec::new();
        self.start = None;
    }

    /// What was collected so far.
    pub fn so_far(&self) -> &[u8] {
        &self.line
    }
}

#[cfg(test)]
mod tests {
    use super::LineReader;
    use crate::recognise::text::header;

    #[test]
    fn a_line_may_come_octet_by_octet_and_is_capped() {
        let mut reader = LineReader::default();
        for (at, octet) in b"Cseq : 4\r\n".iter().enumerate() {
            let (used, whole) = reader.take(&[*octet], u32::try_from(at).unwrap().saturating_add(7));
            assert_eq!((used, whole), (1, *octet == b'\n'));
        }
        let (line, start) = reader.finish();
        assert_eq!((header(&line), start), (Some((b"Cseq".as_slice(), b"4".as_slice())), 7));
        for _ in 0..100 {
            reader.take(&[b'x'; 100], 0);
        }
        assert_eq!(reader.so_far().len(), super::LINE_OCTETS);
    }
}
