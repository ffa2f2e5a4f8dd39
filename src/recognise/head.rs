//! The head of one side of a flow: what recognisers look at.

use crate::flow::FlowKey;
use crate::flow::Side;

/// Most octets of one side that recognisers are shown.
pub const HEAD_OCTETS: usize = 4096;
/// Most datagrams of one side that recognisers are shown.
pub const HEAD_DATAGRAMS: usize = 8;

/// The first octets of one side, in order and without gaps, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The flow's 5-tuple.
    pub key: &'a FlowKey,
    /// Whose octets these are.
    pub side: Side,
    /// TCP: the stream so far. UDP: the datagrams so far, one after the other.
    pub octets: &'a [u8],
    /// UDP: where each datagram ends in `octets`, ascending. Empty for TCP.
    pub datagram_ends: &'a [u32],
    /// TCP: `octets` starts with the first octet that this side sent after its SYN.
    pub from_start: bool,
    /// The head will not grow: [`HEAD_OCTETS`] are there, the flow ended, or a gap or cut came.
    pub finished: bool,
    /// The last octets were cut off by the snap length, or a gap follows.
    pub cut: bool,
    /// The receiver is a multicast or broadcast address.
    pub to_group: bool,
}

impl<'a> Head<'a> {
    /// Port of the sender.
    pub fn from_port(&self) -> u16 {
        self.key.end(self.side).1
    }

    /// Port of the receiver.
    pub fn to_port(&self) -> u16 {
        self.key.end(self.side.other()).1
    }

    /// Whether either end has one of these ports.
    pub fn is_at(&self, ports: &[u16]) -> bool {
        ports.contains(&self.from_port()) || ports.contains(&self.to_port())
    }

    /// The datagrams in order; for TCP one item, the stream.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (octets, ends) = (self.octets, self.datagram_ends);
        let stream = if ends.is_empty() { Some(octets) } else { None };
        let mut start = 0_usize;
        let datagrams = ends.iter().map(move |end| {
            let end = usize::try_from(*end).unwrap_or(usize::MAX);
            let datagram = octets.get(start..end).unwrap_or_default();
            start = end;
            datagram
        });
        stream.into_iter().chain(datagrams)
    }

    /// The first datagram, or the stream.
    pub fn first(&self) -> &'a [u8] {
        self.datagrams().next().unwrap_or_default()
    }
}
