//! One input of the run: where its octets come from, and the packet that is next in it.

use crate::capture::CaptureProblem;
use crate::capture::compressed::Break;
use crate::capture::compressed::Octets;
use crate::capture::compressed::Source;
use crate::capture::interfaces::InterfaceTable;
use crate::capture::layout::Record;
use crate::capture::layout::index;
use crate::capture::savefile::Savefile;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// Where an input's octets come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// A file, a pipe or a device with a name.
    Path(PathBuf),
    /// Standard input, or another stream that cannot be opened again.
    Stream,
}

/// An input and its next packet.
pub(super) struct Input {
    origin: Origin,
    savefile: Savefile,
    /// The next packet; it stays in the file's window until it is taken.
    head: Option<Record>,
    /// Nobody looked yet whether there is a next packet.
    is_head_due: bool,
    /// Octets of the input itself, if it is a regular file.
    size: Option<u64>,
    compressed: bool,
}

impl Input {
    /// Opens the input as file number `file` of the run, up to its first packet.
    ///
    /// # Errors
    /// What is wrong with it, if it gives no packet at all.
    pub(super) fn open(
        origin: Origin,
        file: u16,
        table: &mut InterfaceTable,
    ) -> Result<Self, CaptureProblem> {
        let handle = match &origin {
            Origin::Path(path) => File::open(path),
            // A handle of its own: the process's buffered one would copy everything once more.
            Origin::Stream => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        };
        let handle = handle.map_err(|error| CaptureProblem::Io(error.to_string()))?;
        let size = handle.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Self::from_reader(origin, Box::new(handle), size, file, table)
    }

    /// The same for octets that are open already; `size` is theirs, if it is known.
    pub(super) fn from_reader(
        origin: Origin,
        reader: Box<dyn Read + Send>,
        size: Option<u64>,
        file: u16,
        table: &mut InterfaceTable,
    ) -> Result<Self, CaptureProblem> {
        let octets = Octets::new(Source::new(reader, 0)).map_err(problem_of)?;
        let compressed = octets.is_compressed();
        let mut savefile = Savefile::open(octets, file, table)?;
        let head = savefile.next(table)?;
        Ok(Self { origin, savefile, head, is_head_due: false, size, compressed })
    }

    /// The next packet, if there is one.
    pub(super) fn head(&self) -> Option<&Record> {
        self.head.as_ref()
    }

    /// The captured octets of the next packet.
    pub(super) fn head_octets(&self) -> &[u8] {
        self.head.as_ref().map_or(&[], |record| self.savefile.octets_of(record))
    }

    /// Whether its octets can be handed over where they were read to. Out of a compressed stream they come
    /// in portions of their own size, and what pcapng has between its packets may be of any size.
    pub(super) fn can_lend(&self) -> bool {
        !self.compressed && self.savefile.is_classic()
    }

    /// From here on the octets of packets that are taken stay in memory, until [`Input::lend`].
    pub(super) fn hold(&mut self) {
        self.savefile.pieces_mut().hold();
    }

    /// Takes packets while `each` does, up to the end of the window if `enough` octets are taken by then. `each`
    /// is given a packet and where its captured octets will stand in what [`Input::lend`] hands over.
    ///
    /// # Errors
    /// Why it cannot be read on; there is no next packet then.
    // hot: loops once per packet
    pub(super) fn take_while(
        &mut self,
        table: &mut InterfaceTable,
        enough: usize,
        mut each: impl FnMut(&Record, usize) -> bool,
    ) -> Result<(), CaptureProblem> {
        while let Some(record) = self.head {
            let (mut goes_on, mut taken) = (true, false);
            self.savefile.take_while(|record, at| {
                goes_on = each(record, at.saturating_add(index(record.header)));
                taken |= goes_on;
                goes_on
            });
            if taken {
                self.head = None;
                if goes_on && self.savefile.pieces().at() >= enough {
                    // The next packet is looked for when the memory was lent: then it is read with a whole piece.
                    self.is_head_due = true;
                    break;
                }
                self.head = self.savefile.next(table)?;
            } else if goes_on {
                // One that only the long way reads.
                let at = self.savefile.pieces().at().saturating_add(index(record.header));
                goes_on = each(&record, at);
                if goes_on {
                    self.advance(table)?;
                }
            }
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Hands everything since [`Input::hold`] over to `arena`, goes on in its memory, and looks for the next packet
    /// if nobody did.
    ///
    /// # Errors
    /// Why it cannot be read on; there is no next packet then.
    pub(super) fn lend(
        &mut self,
        arena: &mut Vec<u8>,
        table: &mut InterfaceTable,
    ) -> Result<(), CaptureProblem> {
        self.savefile.pieces_mut().lend(arena);
        if std::mem::take(&mut self.is_head_due) {
            self.head = self.savefile.next(table)?;
        }
        Ok(())
    }

    /// Takes the next packet and looks for the one after it.
    ///
    /// # Errors
    /// Why it cannot be read on; there is no next packet then.
    // hot: once per packet
    pub(super) fn advance(&mut self, table: &mut InterfaceTable) -> Result<(), CaptureProblem> {
        if let Some(record) = self.head.take() {
            self.savefile.take(&record);
        }
        self.head = self.savefile.next(table)?;
        Ok(())
    }

    /// Octets of the input itself, if it is a regular file.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many octets of the input itself were read so far.
    pub(super) fn position(&self) -> u64 {
        self.savefile.pieces().position()
    }

    /// Whether it can be closed and opened again where it stands.
    pub(super) fn can_pause(&self) -> bool {
        self.size.is_some() && matches!(self.origin, Origin::Path(_))
    }

    /// Whether the file is held open.
    pub(super) fn is_open(&self) -> bool {
        self.savefile.pieces().is_open()
    }

    /// Closes the file and frees its memory; [`Input::resume`] goes on with it.
    pub(super) fn pause(&mut self) {
        self.savefile.pieces_mut().close();
    }

    /// Opens the file again where it was closed. A compressed one is unpacked anew up to there.
    ///
    /// # Errors
    /// Why its next packet cannot be had any more; there is none then.
    pub(super) fn resume(&mut self) -> Result<(), CaptureProblem> {
        if self.is_open() {
            return Ok(());
        }
        self.reopen();
        match self.head {
            Some(record) if !self.savefile.holds(&record) => {
                self.head = None;
                Err(self.savefile.problem())
            }
            _ => Ok(()),
        }
    }

    fn reopen(&mut self) {
        let offset = self.savefile.pieces().offset();
        let seek_to = if self.compressed { 0 } else { offset };
        match self.reopen_at(seek_to) {
            Ok(octets) if self.compressed => {
                // If it became shorter, the next packet is not whole, and that is told.
                self.savefile.pieces_mut().reopen_from_start(octets);
            }
            Ok(octets) => self.savefile.pieces_mut().reopen(octets),
            Err(why) => self.savefile.pieces_mut().fail(why),
        }
    }

    fn reopen_at(&self, offset: u64) -> Result<Octets, Break> {
        let Origin::Path(path) = &self.origin else {
            return Err(Break::Io("a stream cannot be opened again".to_owned()));
        };
        let opened = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            Ok(file)
        });
        let source = Source::new(Box::new(opened.map_err(|error| Break::Io(error.to_string()))?), offset);
        if self.compressed { Octets::new(source) } else { Ok(Octets::plain(source)) }
    }
}

/// A break before the first octet.
fn problem_of(why: Break) -> CaptureProblem {
    match why {
        Break::Io(why) => CaptureProblem::Io(why),
        Break::CutShort(inside) => CaptureProblem::Truncated { at: 0, inside, packets: 0 },
        Break::Corrupt(what) => CaptureProblem::Damaged { at: 0, what, packets: 0 },
    }
}
