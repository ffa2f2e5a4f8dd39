//! Where a body of HTTP ends (RFC 9112 §6), so that the next message is found behind it.

use httparse::Status;
use httparse::parse_chunk_size;

/// What comes behind a header block.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Body {
    /// Nothing: the next message follows.
    #[default]
    None,
    /// This many octets more.
    Length(u64),
    /// Chunks: the line with the size of the next one follows.
    ChunkSize,
    /// This many octets of a chunk more.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Lines until an empty one.
    Trailers,
    /// Everything until the connection ends.
    Open,
}

impl Body {
    /// Whether its next octets are read as a line.
    pub fn is_line(self) -> bool {
        matches!(self, Self::ChunkSize | Self::ChunkEnd | Self::Trailers)
    }

    /// How many octets of content come next, at most.
    pub fn room(self) -> u64 {
        match self {
            Self::Length(left) | Self::Chunk(left) => left,
            Self::Open => u64::MAX,
            _ => 0,
        }
    }

    /// After this many octets of content.
    pub fn after(self, taken: usize) -> Self {
        let taken = u64::try_from(taken).unwrap_or(u64::MAX);
        match self {
            Self::Length(left) if left <= taken => Self::None,
            Self::Length(left) => Self::Length(left.saturating_sub(taken)),
            Self::Chunk(left) if left <= taken => Self::ChunkEnd,
            Self::Chunk(left) => Self::Chunk(left.saturating_sub(taken)),
            other => other,
        }
    }

    /// After a line of its framing; `None` if the line breaks it.
    pub fn after_line(self, mut line: Vec<u8>) -> Option<Self> {
        match self {
            Self::ChunkSize => {
                line.extend_from_slice(b"\r\n");
                match parse_chunk_size(&line) {
                    Ok(Status::Complete((_, 0))) => Some(Self::Trailers),
                    Ok(Status::Complete((_, size))) => Some(Self::Chunk(size)),
                    _ => None,
                }
            }
            Self::ChunkEnd => line.is_empty().then_some(Self::ChunkSize),
            Self::Trailers if line.is_empty() => Some(Self::None),
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Body;

    #[test]
    fn chunks_end_where_rfc_9112_says() {
        let mut body = Body::ChunkSize;
        body = body.after_line(b"1A;name=value".to_vec()).unwrap();
        assert_eq!(body, Body::Chunk(26));
        body = body.after(20).after(6);
        assert_eq!(body, Body::ChunkEnd);
        body = body.after_line(Vec::new()).unwrap().after_line(b"0".to_vec()).unwrap();
        assert_eq!(body.after_line(b"A: b".to_vec()).unwrap().after_line(Vec::new()), Some(Body::None));
        assert_eq!(Body::ChunkSize.after_line(b"not hex".to_vec()), None);
    }
}
