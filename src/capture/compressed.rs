//! A capture's octets, whatever they are wrapped in: plain, gzip or zstd, known by their magic.

use crate::capture::gzip::GZIP_MAGIC;
use crate::capture::gzip::Gunzip;
use std::io;
use std::io::BufReader;
use std::io::Read;
use zstd::stream::read::Decoder;

/// The magic of a zstd frame (RFC 8878 §3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd skippable frame has any of sixteen magics, `0x184D2A5?` little-endian (RFC 8878 §3.1.2).
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Octets that are looked at to know what they are.
const MAGIC_OCTETS: u64 = 4;

/// How much of a file is read at once when it is compressed.
const COMPRESSED_PIECE: usize = 256 * 1024;

/// How much of it zstd is given at once: what a call has unpacked before it meets broken data is
/// lost with it, so the calls are kept small.
const ZSTD_FEED: usize = 4 * 1024;

/// The windows that zstd may ask for, as a power of two: 128 MiB, which is also what `zstd -d`
/// grants without being told. It bounds the memory of a hostile file.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Why no more octets can be had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Break {
    /// The input cannot be read.
    Io(String),
    /// The compressed stream ends early.
    CutShort(&'static str),
    /// The compressed stream is not valid.
    Corrupt(String),
}

/// The raw input of a file or pipe, which counts how far it was read.
pub(super) struct Source {
    input: Box<dyn Read + Send>,
    /// Octets that were looked at already and are still to be given.
    ahead: Vec<u8>,
    given: u64,
    failed: Option<String>,
}

impl Source {
    /// Wraps `input`, of which `skipped` octets were passed over already.
    pub(super) fn new(input: Box<dyn Read + Send>, skipped: u64) -> Self {
        Self { input, ahead: Vec::new(), given: skipped, failed: None }
    }

    /// Looks at the first octets without taking them.
    fn look_ahead(&mut self) -> io::Result<&[u8]> {
        let mut ahead = Vec::new();
        self.input.by_ref().take(MAGIC_OCTETS).read_to_end(&mut ahead)?;
        self.ahead = ahead;
        Ok(&self.ahead)
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = if self.ahead.is_empty() {
            match self.input.read(out) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.failed = Some(error.to_string());
                    return Err(error);
                }
                other => other?,
            }
        } else {
            let count = self.ahead.as_slice().read(out)?;
            self.ahead.drain(..count);
            count
        };
        self.given = self.given.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

/// The octets of a capture, unwrapped as they are read, in constant memory.
pub(super) enum Octets {
    /// Not compressed.
    Plain(Source),
    /// One or more gzip members (RFC 1952).
    Gzip(Box<Gunzip<BufReader<Source>>>),
    /// One or more zstd frames (RFC 8878).
    Zstd(Box<Decoder<'static, BufReader<BufReader<Source>>>>),
}

impl Octets {
    /// Looks at the first octets of `source` and unwraps what they announce.
    ///
    /// # Errors
    /// [`Break::Io`] if they cannot be read.
    pub(super) fn new(mut source: Source) -> Result<Self, Break> {
        let head = source.look_ahead().map_err(|error| Break::Io(error.to_string()))?;
        let is_gzip = head.starts_with(&GZIP_MAGIC);
        if !is_gzip && !is_zstd(head) {
            return Ok(Self::Plain(source));
        }
        let input = BufReader::with_capacity(COMPRESSED_PIECE, source);
        if is_gzip {
            return Ok(Self::Gzip(Box::new(Gunzip::new(input))));
        }
        let mut decoder = Decoder::with_buffer(BufReader::with_capacity(ZSTD_FEED, input))
            .map_err(|error| Break::Io(error.to_string()))?;
        decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|error| Break::Io(error.to_string()))?;
        Ok(Self::Zstd(Box::new(decoder)))
    }

    /// Octets that are known to be plain: the rest of a file that was read before.
    pub(super) fn plain(source: Source) -> Self {
        Self::Plain(source)
    }

    /// Whether they come out of a compressed stream.
    pub(super) fn is_compressed(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// Fills the start of `out` and gives how many octets; 0 at the end.
    ///
    /// # Errors
    /// Why there are no more: all octets before the break have been given by then.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, Break> {
        loop {
            let result = match self {
                Self::Plain(source) => source.read(out),
                Self::Gzip(gunzip) => gunzip.read(out),
                Self::Zstd(decoder) => decoder.read(out),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.break_of(&error)),
                Ok(count) => return Ok(count),
            }
        }
    }

    /// How many octets of the input itself were read so far.
    pub(super) fn position(&self) -> u64 {
        self.source().given
    }

    fn source(&self) -> &Source {
        match self {
            Self::Plain(source) => source,
            Self::Gzip(gunzip) => gunzip.get_ref().get_ref(),
            Self::Zstd(decoder) => decoder.get_ref().get_ref().get_ref(),
        }
    }

    /// Tells a failing input from broken data in it.
    fn break_of(&self, error: &io::Error) -> Break {
        if let Some(failed) = &self.source().failed {
            return Break::Io(failed.clone());
        }
        let (stream, format) = match self {
            Self::Plain(_) => return Break::Io(error.to_string()),
            Self::Gzip(_) => ("the gzip stream", "gzip"),
            Self::Zstd(_) => ("the zstd stream", "zstd"),
        };
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Break::CutShort(stream)
        } else {
            Break::Corrupt(format!("the {format} stream is corrupt: {error}"))
        }
    }
}

fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&ZSTD_MAGIC)
        || matches!(head.split_first(), Some((first, rest)) if first & 0xf0 == 0x50 && rest.starts_with(&ZSTD_SKIPPABLE))
}
