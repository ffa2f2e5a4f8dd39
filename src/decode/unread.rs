//! What the short way leaves to whoever takes a segment: its checksum and its fingerprint.
//!
//! Both are read out of the packet's octets and need nothing else. In a run one thread decodes for all, so
//! the workers find them out, each for its own packets.

use std::num::NonZeroU8;

use super::checksum;
use super::fingerprint::Print;
use super::fingerprint::fingerprint;
use super::segment::Segment;
use super::tally::BadChecksums;
use crate::capture::part;
use crate::service::Transport;

/// What is needed to read the rest: of TCP without cut options, or of UDP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unread {
    /// Octets of the transport header, which stands before the payload.
    pub(super) header: NonZeroU8,
    /// IPv4's identification, else 0.
    pub(super) ip_id: u16,
}

/// The transport header's octets around its checksum.
struct Around {
    /// Up to sixteen octets before it, the first one lowest.
    head: u128,
    /// Where it ends.
    tail: usize,
    /// Whether the sender wrote one.
    is_summed: bool,
}

/// What is read out of a packet's octets, beside its headers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Read {
    /// [`Segment::fingerprint`].
    pub fingerprint: u64,
    /// [`Oddities::bad_checksum`](super::segment::Oddities::bad_checksum).
    pub bad_checksum: bool,
}

impl Read {
    /// What a segment says of itself; if nothing is left to be read, that is all.
    #[inline]
    pub const fn of(segment: &Segment) -> Self {
        Self { fingerprint: segment.fingerprint, bad_checksum: segment.oddities.bad_checksum }
    }
}

impl Segment {
    /// Its fingerprint, and whether its checksum is wrong: what decoding found out, or left open to be found
    /// out here. A wrong one that is found here is counted in `bad`. `arena` is the octets of the batch that
    /// the segment points into.
    ///
    /// hot: once per packet
    #[inline]
    pub fn read(&self, arena: &[u8], bad: &mut BadChecksums) -> Read {
        let known = Read::of(self);
        let Some(Unread { header, ip_id }) = self.unread else { return known };
        let header = u32::from(header.get());
        let start = self.payload_start.saturating_sub(header);
        let captured = header.saturating_add(self.payload_len);
        let wire = header.saturating_add(self.payload_wire);
        let octets = part(arena, start, captured);
        let protocol = self.transport.number();
        let (around, count) = match self.transport {
            Transport::Tcp => (around_tcp(octets), &mut bad.tcp),
            _ => (around_udp(octets), &mut bad.udp),
        };
        let Some(Around { head, tail, is_summed }) = around else { return known };
        let is_wrong = is_summed && captured >= wire && {
            let start = checksum::pseudo_header(self.src, self.dst, protocol, wire);
            !checksum::is_right(octets, start)
        };
        if is_wrong {
            *count = count.saturating_add(1);
        }
        let fingerprint = fingerprint(&Print {
            src: self.src,
            dst: self.dst,
            ip_octets: self.ip_octets,
            ip_id: u32::from(ip_id),
            protocol,
            head,
            tail: octets.get(tail..).unwrap_or_default(),
        });
        Read { fingerprint, bad_checksum: known.bad_checksum || is_wrong }
    }

    /// Takes in what was read, so that nothing is left open.
    pub fn complete(&mut self, read: Read) {
        (self.fingerprint, self.oddities.bad_checksum) = (read.fingerprint, read.bad_checksum);
        self.unread = None;
    }
}

#[inline]
fn around_tcp(octets: &[u8]) -> Option<Around> {
    let head = u128::from_le_bytes(*octets.first_chunk()?);
    Some(Around { head, tail: 18, is_summed: true })
}

#[inline]
fn around_udp(octets: &[u8]) -> Option<Around> {
    let header = u64::from_le_bytes(*octets.first_chunk()?);
    let (head, sum) = (header & (u64::MAX >> 16), header >> 48);
    Some(Around { head: u128::from(head), tail: 8, is_summed: sum != 0 })
}
