//! gzip as a stream: members, their headers and their checksums.
//!
//! `flate2` does the inflating. The members are walked here and not by its `MultiGzDecoder`,
//! because that gives nothing of the piece in which the data is broken, while a capture is worth
//! reading up to the very octet of the break.

use flate2::Crc;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use std::io;
use std::io::BufRead;

/// The first octets of a member: the magic, and deflate as the method (RFC 1952 §2.3).
pub(super) const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// FLG bits of a member's header (RFC 1952 §2.3.1).
const FHCRC: u8 = 0x02;
const FEXTRA: u8 = 0x04;
const FNAME: u8 = 0x08;
const FCOMMENT: u8 = 0x10;

/// The octets inside a gzip stream of one or more members.
///
/// Memory is constant: one window of deflate, whatever the data claims.
pub(super) struct Gunzip<R> {
    input: R,
    inflate: Decompress,
    checksum: Crc,
    place: Place,
}

/// Where in the stream the next octet stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Before a member.
    Start,
    /// In a member's data.
    Data,
    /// Behind a member's data.
    Trailer,
    /// In data that is not valid; everything before it has been given.
    Broken,
    /// After the end, or after a break.
    Over,
}

impl<R: BufRead> Gunzip<R> {
    /// Reads the gzip stream `input`, which starts with [`GZIP_MAGIC`].
    pub(super) fn new(input: R) -> Self {
        Self { input, inflate: Decompress::new(false), checksum: Crc::new(), place: Place::Start }
    }

    /// The compressed input.
    pub(super) fn get_ref(&self) -> &R {
        &self.input
    }

    /// Fills the start of `out` and gives how many octets; 0 at the end of the last member.
    ///
    /// `out` must have room for deflate's window of 32 KiB if nothing before a break is to be lost.
    ///
    /// # Errors
    /// `UnexpectedEof` if the stream ends early, `InvalidData` if it is corrupt, else what the input
    /// said. All octets before the break have been given by then.
    pub(super) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.place {
                Place::Over => return Ok(0),
                Place::Start => {
                    self.read_header()?;
                    self.place = Place::Data;
                }
                Place::Data => {
                    let given = self.inflate_some(out)?;
                    if given > 0 {
                        return Ok(given);
                    }
                }
                Place::Trailer => self.end_member()?,
                Place::Broken => return Err(corrupt("the deflate data is not valid")),
            }
        }
    }

    /// Inflates what one piece of input gives, and notes what comes after it.
    fn inflate_some(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let input = self.input.fill_buf()?;
        let at_end = input.is_empty();
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, out, FlushDecompress::None);
        let used = difference(self.inflate.total_in(), before_in);
        let given = difference(self.inflate.total_out(), before_out);
        self.input.consume(used);
        self.checksum.update(out.get(..given).unwrap_or_default());
        match status {
            Ok(Status::StreamEnd) => self.place = Place::Trailer,
            Err(_) => self.place = Place::Broken,
            Ok(_) if given > 0 || used > 0 => {}
            Ok(_) if at_end => return Err(io::ErrorKind::UnexpectedEof.into()),
            // It has input and room, and does nothing.
            Ok(_) => self.place = Place::Broken,
        }
        Ok(given)
    }

    /// Checks the trailer (RFC 1952 §2.3.1, CRC32 and ISIZE) and goes on to the next member.
    fn end_member(&mut self) -> io::Result<()> {
        let crc = u32::from_le_bytes([self.octet()?, self.octet()?, self.octet()?, self.octet()?]);
        let size = u32::from_le_bytes([self.octet()?, self.octet()?, self.octet()?, self.octet()?]);
        if crc != self.checksum.sum() || size != self.checksum.amount() {
            return Err(corrupt("the checksum does not match"));
        }
        if self.skip_padding()? {
            self.place = Place::Over;
            return Ok(());
        }
        self.inflate.reset(false);
        self.checksum.reset();
        self.place = Place::Start;
        Ok(())
    }

    /// Reads past zeros, which tapes and block devices leave after the last member; whether the
    /// stream ends there.
    fn skip_padding(&mut self) -> io::Result<bool> {
        loop {
            let input = self.input.fill_buf()?;
            let zeros = input.iter().take_while(|&&octet| octet == 0).count();
            if input.is_empty() {
                return Ok(true);
            }
            let all = zeros == input.len();
            self.input.consume(zeros);
            if !all {
                return Ok(false);
            }
        }
    }

    /// Reads a member's header (RFC 1952 §2.3).
    fn read_header(&mut self) -> io::Result<()> {
        for expected in GZIP_MAGIC {
            if self.octet()? != expected {
                return Err(corrupt("what follows its end is no gzip"));
            }
        }
        let flags = self.octet()?;
        // MTIME, XFL and OS say nothing of the data.
        self.skip(6)?;
        if flags & FEXTRA != 0 {
            let length = u16::from_le_bytes([self.octet()?, self.octet()?]);
            self.skip(length)?;
        }
        for text in [FNAME, FCOMMENT] {
            if flags & text != 0 {
                while self.octet()? != 0 {}
            }
        }
        if flags & FHCRC != 0 {
            self.skip(2)?;
        }
        Ok(())
    }

    fn skip(&mut self, octets: u16) -> io::Result<()> {
        for _ in 0..octets {
            self.octet()?;
        }
        Ok(())
    }

    fn octet(&mut self) -> io::Result<u8> {
        let first = self.input.fill_buf()?.first().copied().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.input.consume(1);
        Ok(first)
    }
}

/// How far a counter of the inflater went in one call.
fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

fn corrupt(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
