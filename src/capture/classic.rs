//! The pcap format: a file header, then records of a header and one packet each.
//!
//! Source: draft-ietf-opsawg-pcap; for the old and modified variants libpcap's `sf-pcap.c` and
//! Wireshark's `wiretap/libpcap.c`.

use crate::capture::LinkType;
use crate::capture::layout::ByteOrder;
use crate::capture::layout::Damage;
use crate::capture::layout::MAX_RECORD;
use crate::capture::layout::MAX_SNAP;
use crate::capture::layout::Record;
use crate::capture::layout::Step;
use crate::capture::layout::index;
use crate::capture::pieces::Pieces;
use crate::time::NANOS_PER_SECOND;
use crate::time::Timestamp;

/// The file header's octets: magic, version, two unused fields, snap length, link type.
const FILE_HEADER: usize = 24;
/// A record header's octets: seconds, fraction, captured length, length on the wire.
const RECORD_HEADER: u32 = 16;
/// The modified variant adds interface index, protocol, packet type and padding.
const MODIFIED_RECORD_HEADER: u32 = 24;

/// A kind of pcap that its magic tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Variant {
    magic: u32,
    nanos_per_fraction: i64,
    record_header: u32,
    /// Octets between the file header and the first record.
    extra: usize,
}

const VARIANTS: [Variant; 5] = [
    // Microseconds, as everybody writes it.
    Variant { magic: 0xa1b2_c3d4, nanos_per_fraction: 1_000, record_header: RECORD_HEADER, extra: 0 },
    // Nanoseconds.
    Variant { magic: 0xa1b2_3c4d, nanos_per_fraction: 1, record_header: RECORD_HEADER, extra: 0 },
    // Alexey Kuznetzov's modified libpcap of old Linux distributions.
    Variant {
        magic: 0xa1b2_cd34,
        nanos_per_fraction: 1_000,
        record_header: MODIFIED_RECORD_HEADER,
        extra: 0,
    },
    // Ixia's lcap from hardware (nanoseconds) and software: a total size follows the file header.
    Variant { magic: 0x1c00_01ac, nanos_per_fraction: 1, record_header: RECORD_HEADER, extra: 4 },
    Variant { magic: 0x1c00_01ab, nanos_per_fraction: 1_000, record_header: RECORD_HEADER, extra: 4 },
];

/// Which of the two length fields of a record comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lengths {
    /// Captured, then on the wire: since version 2.3.
    CapturedFirst,
    /// On the wire, then captured: before 2.3, and DG/UX's tcpdump, which says version 543.0.
    WireFirst,
    /// Version 2.3 was written in both orders; the smaller one is the captured length.
    SmallerIsCaptured,
}

/// A pcap file after its header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Classic {
    order: ByteOrder,
    link: LinkType,
    /// The number of its one interface in the run.
    interface: u16,
    nanos_per_fraction: i64,
    record_header: u32,
    lengths: Lengths,
    /// No packet may have more captured octets than this.
    limit: u32,
}

/// What the file header says of its one interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ClassicInterface {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) fcs_octets: Option<u8>,
}

/// Whether `head` starts with a magic of pcap.
pub(super) fn is_classic(head: &[u8]) -> bool {
    variant_of(head).is_some()
}

fn variant_of(head: &[u8]) -> Option<(Variant, ByteOrder)> {
    let magic = head.first_chunk::<4>()?;
    [ByteOrder::Little, ByteOrder::Big].into_iter().find_map(|order| {
        let variant = VARIANTS.iter().find(|variant| variant.magic == order.u32(magic, 0))?;
        Some((*variant, order))
    })
}

impl Classic {
    /// Reads the file header; `register` gives its interface a number.
    ///
    /// # Errors
    /// A cut header, a version or a link type field that cannot be.
    pub(super) fn open(
        pieces: &mut Pieces,
        register: impl FnOnce(ClassicInterface) -> u16,
    ) -> Result<Self, Damage> {
        let cut = Damage::Cut { at: 0, inside: "the file header" };
        let (variant, order) = variant_of(pieces.window()).ok_or(cut.clone())?;
        if !pieces.has(FILE_HEADER.saturating_add(variant.extra)) {
            return Err(cut);
        }
        let header = pieces.window();
        let lengths = lengths_of(order.u16(header, 4), order.u16(header, 6))?;
        let snaplen = order.u32(header, 16);
        let link_field = order.u32(header, 20);
        // libpcap and Wireshark refuse these ten bits: they once meant another kind of number.
        if link_field & 0x03ff_0000 != 0 {
            let what = format!("the reserved bits of link type {link_field:#010x} are set");
            return Err(Damage::Bad { at: 0, what });
        }
        let link = LinkType(link_field & 0xffff);
        // Bit 26 says that the top four bits count the frame check sequence in units of 16 bits.
        let fcs_units = u8::try_from(link_field >> 28).unwrap_or(0);
        let fcs_octets = (link_field & 0x0400_0000 != 0).then_some(fcs_units.saturating_mul(2));
        pieces.take(FILE_HEADER.saturating_add(variant.extra));
        Ok(Self {
            order,
            link,
            interface: register(ClassicInterface { link, snaplen, fcs_octets }),
            nanos_per_fraction: variant.nanos_per_fraction,
            record_header: variant.record_header,
            lengths,
            limit: limit_of(snaplen),
        })
    }

    /// Looks at the next record.
    ///
    /// # Errors
    /// A cut record, or a captured length that cannot be.
    // hot: once per packet
    pub(super) fn next(&self, pieces: &mut Pieces) -> Result<Step, Damage> {
        let at = pieces.offset();
        if !pieces.has(index(self.record_header)) {
            return if pieces.window().is_empty() {
                Ok(Step::End)
            } else {
                Err(Damage::Cut { at, inside: "a record header" })
            };
        }
        let header = pieces.window();
        let seconds = self.order.u32(header, 0);
        let fraction = self.order.u32(header, 4);
        let (captured, wire) = self.lengths(self.order.u32(header, 8), self.order.u32(header, 12));
        if captured > self.limit {
            let what = format!(
                "a packet of {captured} captured octets, where {} are the most that can be",
                self.limit
            );
            return Err(Damage::Bad { at, what });
        }
        let size = self.record_header.saturating_add(captured);
        if !pieces.has(index(size)) {
            return Err(Damage::Cut { at, inside: "a packet record" });
        }
        Ok(Step::Packet(self.record(seconds, fraction, captured, wire)))
    }

    /// The record at the start of `octets`, if it is whole there and as every writer of today writes it: what
    /// [`Classic::next`] would give, without a look at the stream.
    // hot: once per packet
    #[inline]
    pub(super) fn whole_record(&self, octets: &[u8]) -> Option<Record> {
        let (header, _) = octets.split_first_chunk::<16>()?;
        let (fields, _) = header.as_chunks::<4>();
        let [seconds, fraction, captured, wire] = <[[u8; 4]; 4]>::try_from(fields).ok()?.map(|field| {
            let number = u32::from_le_bytes(field);
            if self.order == ByteOrder::Little { number } else { number.swap_bytes() }
        });
        let size = self.record_header.saturating_add(captured);
        let is_common = self.lengths == Lengths::CapturedFirst && captured <= self.limit;
        if !is_common || octets.len() < index(size) {
            return None;
        }
        Some(self.record(seconds, fraction, captured, wire))
    }

    /// The record with these fields.
    #[inline]
    fn record(&self, seconds: u32, fraction: u32, captured: u32, wire: u32) -> Record {
        // Numbers of 32 bits: neither product nor sum leaves 64.
        let nanos = i64::from(seconds)
            .wrapping_mul(NANOS_PER_SECOND)
            .wrapping_add(i64::from(fraction).wrapping_mul(self.nanos_per_fraction));
        Record {
            time: Timestamp::from_nanos(nanos),
            link: self.link,
            interface: self.interface,
            wire_len: wire.max(captured),
            captured,
            header: self.record_header,
            size: self.record_header.saturating_add(captured),
        }
    }

    /// The captured length and that on the wire, of a record's two length fields.
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }
}

/// The order of the length fields that a version has.
fn lengths_of(major: u16, minor: u16) -> Result<Lengths, Damage> {
    match (major, minor) {
        (2, 0..=2) | (543, 0) => Ok(Lengths::WireFirst),
        (2, 3) => Ok(Lengths::SmallerIsCaptured),
        // 2.4 is what there is. A later minor version is read like it, as Wireshark does.
        (2, _) => Ok(Lengths::CapturedFirst),
        _ => Err(Damage::Bad { at: 0, what: format!("version {major}.{minor} of pcap is not known") }),
    }
}

/// The most captured octets that a packet of the file may have. Files with packets beyond their
/// snap length exist, so it only counts when it is above libpcap's own maximum; 0 and the values
/// that libpcap takes for negative mean that there is none.
fn limit_of(snaplen: u32) -> u32 {
    if snaplen > i32::MAX.unsigned_abs() {
        return MAX_SNAP;
    }
    snaplen.clamp(MAX_SNAP, MAX_RECORD.saturating_sub(MODIFIED_RECORD_HEADER))
}
