//! What a side sent, in half the memory: what goes beyond 32 bits is kept elsewhere.

use crate::decode::Segment;

/// What stays in a count of which the rest went [`Beyond`]: more than anybody compares it with.
const LEFT: u32 = 1 << 30;

/// What a side sent, copies of a mirror left out, less what went [`Beyond`]. A count that is above 0 stays so.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sent {
    /// Packets, each fragment counted.
    pub(super) packets: u32,
    /// Octets of their frames on the wire.
    pub(super) wire_octets: u32,
    /// Octets of their innermost IP packets.
    pub(super) ip_octets: u32,
    /// Octets of payload.
    pub(super) payload_octets: u32,
}

/// What does not fit into the counts of [`Sent`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Beyond {
    pub(super) packets: u64,
    pub(super) wire_octets: u64,
    pub(super) ip_octets: u64,
    pub(super) payload_octets: u64,
}

impl Sent {
    /// That one packet was.
    #[inline]
    pub(super) fn of(segment: &Segment) -> Self {
        Self {
            packets: u32::from(segment.frames),
            wire_octets: segment.wire_octets,
            ip_octets: segment.ip_octets,
            payload_octets: segment.payload_wire,
        }
    }

    /// The sum, if all of it fits.
    #[inline]
    pub(super) fn plus(self, more: Self) -> Option<Self> {
        Some(Self {
            packets: self.packets.checked_add(more.packets)?,
            wire_octets: self.wire_octets.checked_add(more.wire_octets)?,
            ip_octets: self.ip_octets.checked_add(more.ip_octets)?,
            payload_octets: self.payload_octets.checked_add(more.payload_octets)?,
        })
    }
}

impl Beyond {
    /// Adds `more` to `sent`; what does not fit goes here.
    pub(super) fn add(&mut self, sent: &mut Sent, more: Sent) {
        carry(&mut self.packets, &mut sent.packets, more.packets);
        carry(&mut self.wire_octets, &mut sent.wire_octets, more.wire_octets);
        carry(&mut self.ip_octets, &mut sent.ip_octets, more.ip_octets);
        carry(&mut self.payload_octets, &mut sent.payload_octets, more.payload_octets);
    }
}

fn carry(beyond: &mut u64, count: &mut u32, more: u32) {
    let sum = u64::from(*count).saturating_add(u64::from(more));
    *count = u32::try_from(sum).unwrap_or(LEFT);
    *beyond = beyond.saturating_add(sum.saturating_sub(u64::from(*count)));
}

#[cfg(test)]
mod tests {
    use super::Beyond;
    use super::Sent;

    #[test]
    fn what_goes_beyond_is_not_lost() {
        let more = Sent { packets: 1, wire_octets: u32::MAX, ip_octets: 3 << 30, payload_octets: 0 };
        let (mut sent, mut beyond) = (Sent::default(), Beyond::default());
        for count in 1..=1000_u64 {
            match sent.plus(more) {
                Some(sum) => sent = sum,
                None => beyond.add(&mut sent, more),
            }
            let sum = |count: u32, beyond: u64| u64::from(count).checked_add(beyond);
            let wire = u64::from(u32::MAX).checked_mul(count);
            assert_eq!(sum(sent.packets, beyond.packets), Some(count));
            assert_eq!(sum(sent.wire_octets, beyond.wire_octets), wire);
            assert_eq!(sum(sent.ip_octets, beyond.ip_octets), (3_u64 << 30).checked_mul(count));
            assert_eq!(sum(sent.payload_octets, beyond.payload_octets), Some(0));
            assert!(sent.packets >= 16 || count < 16);
            assert!(sent.wire_octets > 0 && sent.ip_octets > 0);
        }
    }
}
