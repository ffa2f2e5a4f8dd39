//! The pcapng format: sections of blocks, each with its own byte order and interfaces.
//!
//! Source: draft-ietf-opsawg-pcapng. Blocks of other kinds than section, interface and packet are
//! passed over unread, decryption secrets among them.

use crate::capture::LinkType;
use crate::capture::blocks::BLOCK_END;
use crate::capture::blocks::bad;
use crate::capture::blocks::check_size;
use crate::capture::blocks::check_trailer;
use crate::capture::blocks::next_option;
use crate::capture::clock::Clock;
use crate::capture::interfaces::Interface;
use crate::capture::interfaces::InterfaceTable;
use crate::capture::interfaces::printable_name;
use crate::capture::layout::ByteOrder;
use crate::capture::layout::Damage;
use crate::capture::layout::MAX_RECORD;
use crate::capture::layout::MAX_SNAP;
use crate::capture::layout::Record;
use crate::capture::layout::Step;
use crate::capture::layout::index;
use crate::capture::pieces::Pieces;
use crate::time::Timestamp;

/// The type of a Section Header Block; the same in both byte orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
/// Block types (draft-ietf-opsawg-pcapng §10.1).
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The byte-order magic of a Section Header Block.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Octets of type and length before a block's body.
const BLOCK_START: u32 = 8;
/// Octets of the fixed fields of each kind of block, from its type to its data or options.
const SECTION_FIXED: u32 = 24;
const INTERFACE_FIXED: u32 = 16;
const SIMPLE_FIXED: u32 = 12;
const PACKET_FIXED: u32 = 28;

/// Options of an Interface Description Block (§4.2).
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_FCSLEN: u16 = 13;
const IF_TSOFFSET: u16 = 14;

/// The most interfaces that one section may describe. Memory: 65 536 × 64 octets, 4 MiB a file.
const MAX_SECTION_INTERFACES: usize = 65_536;

/// A pcapng file from its first section on.
#[derive(Debug)]
pub(super) struct Pcapng {
    file: u16,
    order: ByteOrder,
    interfaces: Vec<SectionInterface>,
    /// The time of the packet before: a simple packet has none of its own.
    last: Timestamp,
}

/// An interface as its section numbers it.
#[derive(Clone, Copy, Debug)]
struct SectionInterface {
    link: LinkType,
    snaplen: u32,
    /// Its number in the run.
    number: u16,
    clock: Clock,
}

/// A packet block's fixed fields.
struct PacketFields {
    interface: u32,
    time: Option<Timestamp>,
    captured: u32,
    wire: u32,
    header: u32,
}

impl Pcapng {
    /// A reader for file `file` of the run, whose first block is still to be read.
    pub(super) fn new(file: u16) -> Self {
        Self { file, order: ByteOrder::Little, interfaces: Vec::new(), last: Timestamp::default() }
    }

    /// Reads one block; a packet stays in the window until it is taken.
    ///
    /// # Errors
    /// A cut block, or a field that cannot be.
    // hot: once per packet
    pub(super) fn next(&mut self, pieces: &mut Pieces, table: &mut InterfaceTable) -> Result<Step, Damage> {
        let at = pieces.offset();
        if !pieces.has(index(BLOCK_START)) {
            return if pieces.window().is_empty() {
                Ok(Step::End)
            } else {
                Err(Damage::Cut { at, inside: "a block header" })
            };
        }
        let kind = self.order.u32(pieces.window(), 0);
        if kind == SECTION {
            self.start_section(pieces)?;
            return Ok(Step::Other);
        }
        let size = self.order.u32(pieces.window(), 4);
        match kind {
            ENHANCED_PACKET | OBSOLETE_PACKET => {
                self.require_block(pieces, size, PACKET_FIXED, "a packet block")?;
                self.packet(pieces, kind, size)
            }
            SIMPLE_PACKET => {
                self.require_block(pieces, size, SIMPLE_FIXED, "a packet block")?;
                self.packet(pieces, kind, size)
            }
            INTERFACE => {
                self.require_block(pieces, size, INTERFACE_FIXED, "an interface block")?;
                self.add_interface(pieces, size, table)?;
                pieces.take(index(size));
                Ok(Step::Other)
            }
            _ => self.pass_block(pieces, size).map(|()| Step::Other),
        }
    }

    /// Starts a section: its byte order counts from its own header on, its interfaces from 0.
    fn start_section(&mut self, pieces: &mut Pieces) -> Result<(), Damage> {
        let at = pieces.offset();
        if !pieces.has(index(SECTION_FIXED)) {
            return Err(Damage::Cut { at, inside: "a section header" });
        }
        let header = pieces.window();
        self.order = match (ByteOrder::Little.u32(header, 8), ByteOrder::Big.u32(header, 8)) {
            (BYTE_ORDER, _) => ByteOrder::Little,
            (_, BYTE_ORDER) => ByteOrder::Big,
            (other, _) => {
                return Err(bad(at, format!("a section header with byte-order magic {other:#010x}")));
            }
        };
        let size = self.order.u32(header, 4);
        let (major, minor) = (self.order.u16(header, 12), self.order.u16(header, 14));
        // Some old programs wrote 1.2 for what is 1.0 (§4.1).
        if !matches!((major, minor), (1, 0 | 2)) {
            return Err(bad(at, format!("version {major}.{minor} of pcapng is not known")));
        }
        check_size(at, size, SECTION_FIXED)?;
        self.interfaces.clear();
        self.pass_block(pieces, size)
    }

    /// Reads past a block without holding its body.
    fn pass_block(&self, pieces: &mut Pieces, size: u32) -> Result<(), Damage> {
        let at = pieces.offset();
        check_size(at, size, BLOCK_START)?;
        if !pieces.skip(u64::from(size.saturating_sub(BLOCK_END))) || !pieces.has(index(BLOCK_END)) {
            return Err(Damage::Cut { at, inside: "a block" });
        }
        check_trailer(at, size, self.order.u32(pieces.window(), 0))?;
        pieces.take(index(BLOCK_END));
        Ok(())
    }

    /// Brings a whole block into the window and checks its two lengths.
    fn require_block(
        &self,
        pieces: &mut Pieces,
        size: u32,
        fixed: u32,
        inside: &'static str,
    ) -> Result<(), Damage> {
        let at = pieces.offset();
        check_size(at, size, fixed)?;
        if !pieces.has(index(size)) {
            return Err(Damage::Cut { at, inside });
        }
        check_trailer(at, size, self.order.u32(pieces.window(), index(size.saturating_sub(BLOCK_END))))
    }

    /// Reads an Interface Description Block (§4.2).
    fn add_interface(
        &mut self,
        pieces: &Pieces,
        size: u32,
        table: &mut InterfaceTable,
    ) -> Result<(), Damage> {
        let at = pieces.offset();
        let body = pieces.window().get(..index(size.saturating_sub(BLOCK_END))).unwrap_or_default();
        if self.interfaces.len() >= MAX_SECTION_INTERFACES {
            return Err(bad(at, format!("more than {MAX_SECTION_INTERFACES} interfaces in one section")));
        }
        let mut described = Interface {
            file: self.file,
            link: LinkType(u32::from(self.order.u16(body, 8))),
            name: None,
            snaplen: self.order.u32(body, 12),
            fcs_octets: None,
        };
        let mut clock = Clock::default();
        let mut options = body.get(index(INTERFACE_FIXED)..).unwrap_or_default();
        while let Some((code, value, rest)) = next_option(self.order, options)
            .map_err(|()| bad(at, "an option of an interface runs past its block".to_owned()))?
        {
            match (code, value) {
                (IF_NAME, name) => described.name = Some(printable_name(name)),
                (IF_TSRESOL, [resolution]) => clock.set_resolution(*resolution),
                (IF_FCSLEN, [octets]) => described.fcs_octets = Some(*octets),
                (IF_TSOFFSET, [_, _, _, _, _, _, _, _]) => clock.set_offset(self.order.i64(value, 0)),
                _ => {}
            }
            options = rest;
        }
        let (link, snaplen) = (described.link, described.snaplen);
        self.interfaces.push(SectionInterface { link, snaplen, number: table.add(described), clock });
        Ok(())
    }

    /// Makes a record of the packet block at the start of the window.
    fn packet(&mut self, pieces: &Pieces, kind: u32, size: u32) -> Result<Step, Damage> {
        let at = pieces.offset();
        let fields = self.packet_fields(pieces.window(), kind);
        let interface = usize::try_from(fields.interface).ok().and_then(|number| self.interfaces.get(number));
        let Some(interface) = interface.copied() else {
            let what =
                format!("a packet of interface {}, which the section does not describe", fields.interface);
            return Err(bad(at, what));
        };
        let room = size.saturating_sub(fields.header).saturating_sub(BLOCK_END);
        let limit = if interface.snaplen == 0 { MAX_RECORD } else { interface.snaplen.max(MAX_SNAP) };
        if fields.captured > room.min(limit) {
            let most = room.min(limit);
            let what = format!(
                "a packet of {} captured octets, where {most} are the most that can be",
                fields.captured
            );
            return Err(bad(at, what));
        }
        self.last = fields.time.unwrap_or(self.last);
        Ok(Step::Packet(Record {
            time: self.last,
            link: interface.link,
            interface: interface.number,
            wire_len: fields.wire.max(fields.captured),
            captured: fields.captured,
            header: fields.header,
            size,
        }))
    }

    /// Reads the fixed fields of an Enhanced (§4.3), Simple (§4.4) or obsolete Packet Block
    /// (appendix A).
    fn packet_fields(&self, block: &[u8], kind: u32) -> PacketFields {
        if kind == SIMPLE_PACKET {
            let wire = self.order.u32(block, 8);
            let snaplen = self.interfaces.first().map_or(0, |interface| interface.snaplen);
            let captured = if snaplen == 0 { wire } else { wire.min(snaplen) };
            return PacketFields { interface: 0, time: None, captured, wire, header: SIMPLE_FIXED };
        }
        let interface = if kind == OBSOLETE_PACKET {
            u32::from(self.order.u16(block, 8))
        } else {
            self.order.u32(block, 8)
        };
        let ticks = (u64::from(self.order.u32(block, 12)) << 32) | u64::from(self.order.u32(block, 16));
        let clock = usize::try_from(interface).ok().and_then(|number| self.interfaces.get(number));
        PacketFields {
            interface,
            time: clock.map(|interface| interface.clock.time(ticks)),
            captured: self.order.u32(block, 20),
            wire: self.order.u32(block, 24),
            header: PACKET_FIXED,
        }
    }
}
