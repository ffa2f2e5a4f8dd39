//! One capture file: its format, known by its first octets, and its packets one after the other.

use crate::capture::CaptureProblem;
use crate::capture::classic::Classic;
use crate::capture::classic::ClassicInterface;
use crate::capture::classic::is_classic;
use crate::capture::compressed::Break;
use crate::capture::compressed::Octets;
use crate::capture::interfaces::Interface;
use crate::capture::interfaces::InterfaceTable;
use crate::capture::layout::Damage;
use crate::capture::layout::Record;
use crate::capture::layout::Step;
use crate::capture::layout::index;
use crate::capture::pcapng::Pcapng;
use crate::capture::pcapng::SECTION;
use crate::capture::pieces::Pieces;

/// How many of the first octets a file that is no capture is described by.
const SHOWN_OCTETS: usize = 8;

/// A capture file that is being read.
pub(super) struct Savefile {
    pieces: Pieces,
    format: Format,
    /// Packets that were taken.
    packets: u64,
}

enum Format {
    Classic(Classic),
    Pcapng(Pcapng),
}

impl Savefile {
    /// Reads the header of file `file` of the run.
    ///
    /// # Errors
    /// What is wrong with it, if it holds not even a header.
    pub(super) fn open(
        octets: Octets,
        file: u16,
        table: &mut InterfaceTable,
    ) -> Result<Self, CaptureProblem> {
        let mut pieces = Pieces::new(octets);
        pieces.has(SHOWN_OCTETS);
        let head = pieces.window();
        let format = if head.starts_with(&SECTION.to_be_bytes()) {
            Format::Pcapng(Pcapng::new(file))
        } else if is_classic(head) {
            let register = |from: ClassicInterface| {
                let ClassicInterface { link, snaplen, fcs_octets } = from;
                table.add(Interface { file, link, name: None, snaplen, fcs_octets })
            };
            match Classic::open(&mut pieces, register) {
                Ok(classic) => Format::Classic(classic),
                Err(damage) => return Err(problem_of(&pieces, Some(damage), 0)),
            }
        } else {
            return Err(no_capture(&pieces));
        };
        Ok(Self { pieces, format, packets: 0 })
    }

    /// Looks at the next packet; `None` at the end.
    ///
    /// # Errors
    /// Why it cannot be read on; a file without any packet is an error at its end.
    // hot: once per packet
    pub(super) fn next(&mut self, table: &mut InterfaceTable) -> Result<Option<Record>, CaptureProblem> {
        loop {
            let step = match &mut self.format {
                Format::Classic(classic) => classic.next(&mut self.pieces),
                Format::Pcapng(pcapng) => pcapng.next(&mut self.pieces, table),
            };
            match step {
                Ok(Step::Packet(record)) => return Ok(Some(record)),
                Ok(Step::Other) => {}
                Ok(Step::End) if self.pieces.broken().is_some() => {
                    return Err(problem_of(&self.pieces, None, self.packets));
                }
                Ok(Step::End) if self.packets == 0 => return Err(CaptureProblem::Empty),
                Ok(Step::End) => return Ok(None),
                Err(damage) => return Err(problem_of(&self.pieces, Some(damage), self.packets)),
            }
        }
    }

    /// The captured octets of `record`, which [`Savefile::next`] gave last.
    // hot: once per packet
    pub(super) fn octets_of(&self, record: &Record) -> &[u8] {
        let start = index(record.header);
        let end = start.saturating_add(index(record.captured));
        self.pieces.window().get(start..end).unwrap_or_default()
    }

    /// Moves past `record`.
    // hot: once per packet
    pub(super) fn take(&mut self, record: &Record) {
        self.pieces.take(index(record.size));
        self.packets = self.packets.saturating_add(1);
    }

    /// Moves past as many packets as are whole in the window, of a pcap file, while `each` takes them: it is
    /// given a packet and where its record starts in what [`Pieces::lend`] hands over.
    pub(super) fn take_while(&mut self, mut each: impl FnMut(&Record, usize) -> bool) {
        let Format::Classic(classic) = &self.format else { return };
        let (window, start) = (self.pieces.window(), self.pieces.at());
        let (mut at, mut packets) = (0_usize, 0_u64);
        while let Some(record) = window.get(at..).and_then(|octets| classic.whole_record(octets)) {
            if !each(&record, start.wrapping_add(at)) {
                break;
            }
            at = at.wrapping_add(index(record.size));
            packets = packets.wrapping_add(1);
        }
        self.pieces.take(at);
        self.packets = self.packets.saturating_add(packets);
    }

    /// Whether `record` is (again) whole in the window; after the file was opened anew it may have
    /// become shorter.
    pub(super) fn holds(&mut self, record: &Record) -> bool {
        self.pieces.has(index(record.size))
    }

    /// Why `record` is not whole any more.
    pub(super) fn problem(&self) -> CaptureProblem {
        let damage = Damage::Cut { at: self.pieces.offset(), inside: "a packet record" };
        problem_of(&self.pieces, Some(damage), self.packets)
    }

    /// Whether it is pcap, which has nothing between its packets.
    pub(super) fn is_classic(&self) -> bool {
        matches!(self.format, Format::Classic(_))
    }

    /// The window on its octets.
    pub(super) fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The window on its octets, to close and reopen the input.
    pub(super) fn pieces_mut(&mut self) -> &mut Pieces {
        &mut self.pieces
    }
}

/// What to tell the operator: the break of the stream itself comes first, because a record that is
/// cut is only its consequence.
fn problem_of(pieces: &Pieces, damage: Option<Damage>, packets: u64) -> CaptureProblem {
    let end = pieces.offset().saturating_add(u64::try_from(pieces.window().len()).unwrap_or(0));
    match (pieces.broken(), damage) {
        (_, Some(Damage::Bad { at, what })) => CaptureProblem::Damaged { at, what, packets },
        (Some(Break::Io(why)), _) => {
            CaptureProblem::Io(format!("{why}, after octet {end}: all {packets} packets before it were read"))
        }
        (Some(Break::CutShort(inside)), _) => CaptureProblem::Truncated { at: end, inside, packets },
        (Some(Break::Corrupt(what)), _) => CaptureProblem::Damaged { at: end, what: what.clone(), packets },
        (None, Some(Damage::Cut { at, inside })) => CaptureProblem::Truncated { at, inside, packets },
        (None, None) => CaptureProblem::Empty,
    }
}

/// Describes octets that are no capture by the first of them.
fn no_capture(pieces: &Pieces) -> CaptureProblem {
    let head = pieces.window();
    if pieces.broken().is_some() {
        return problem_of(pieces, None, 0);
    }
    if head.is_empty() {
        return CaptureProblem::Empty;
    }
    let shown: Vec<String> = head.iter().take(SHOWN_OCTETS).map(|octet| format!("{octet:02x}")).collect();
    CaptureProblem::NotACapture(shown.join(" "))
}
