//! The distinct 5-tuples of a conversation: exact, and small for the many that have one only.

use std::collections::HashSet;

use crate::flow::FlowKey;
use crate::flow::Side;

/// 5-tuples kept over all conversations, 16 octets each: 64 MiB. Beyond it every opening counts as a
/// 5-tuple of its own, so that `flows` may be too high and never too low.
pub const TUPLE_CAP: usize = 4_194_304;

/// The initiator's port, the responder's and the VLAN: with the conversation's key the 5-tuple.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Ports(u16, u16, u16);

/// 5-tuples of one conversation.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "most conversations have one 5-tuple; a set in place is 40 octets more"
)]
pub struct Tuples {
    one: Option<Ports>,
    more: Option<Box<HashSet<Ports, foldhash::fast::FixedState>>>,
    media: Option<Box<HashSet<FlowKey, foldhash::fast::FixedState>>>,
    uncounted: u64,
}

impl Tuples {
    /// How many there are, media flows among them.
    pub fn count(&self) -> u64 {
        let kept = usize::from(self.one.is_some())
            .saturating_add(self.more.as_ref().map_or(0, |more| more.len()))
            .saturating_add(self.media.as_ref().map_or(0, |media| media.len()));
        u64::try_from(kept).unwrap_or(u64::MAX).saturating_add(self.uncounted)
    }

    /// Notes the 5-tuple of an opening by `orig`; `room` is what all conversations have left.
    pub fn open(&mut self, key: &FlowKey, orig: Side, room: &mut usize) {
        let ports = Ports(key.end(orig).1, key.end(orig.other()).1, key.vlan);
        if self.one.is_none() && self.more.is_none() {
            self.one = Some(ports);
        } else if self.one != Some(ports) && !self.more.as_ref().is_some_and(|more| more.contains(&ports)) {
            match room.checked_sub(1) {
                Some(rest) => {
                    *room = rest;
                    self.more.get_or_insert_default().insert(ports);
                }
                None => self.uncounted = self.uncounted.saturating_add(1),
            }
        }
    }

    /// Notes the 5-tuple of a media flow, or of an answer that is tied to a question.
    pub fn relate(&mut self, key: &FlowKey, room: &mut usize) {
        if self.media.as_ref().is_some_and(|media| media.contains(key)) {
            return;
        }
        match room.checked_sub(1) {
            Some(rest) => {
                *room = rest;
                self.media.get_or_insert_default().insert(*key);
            }
            None => self.uncounted = self.uncounted.saturating_add(1),
        }
    }

    /// Forgets the 5-tuple of a flow that turned out to be of another conversation.
    pub fn leave(&mut self, key: &FlowKey, orig: Side, room: &mut usize) {
        let ports = Ports(key.end(orig).1, key.end(orig.other()).1, key.vlan);
        if self.one == Some(ports) {
            self.one = None;
        } else if let Some(more) = &mut self.more
            && more.remove(&ports)
        {
            *room = room.saturating_add(1);
        }
    }

    /// Gives the media flows away, to the conversation that the session went to.
    pub fn hand_over(&mut self, to: &mut Self) {
        let Some(media) = self.media.take() else {
            return;
        };
        match &mut to.media {
            Some(held) => held.extend(*media),
            None => to.media = Some(media),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Addr;
    use crate::service::Transport;

    fn key(port: u16) -> FlowKey {
        let (a, b) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        FlowKey { a, b, a_port: port, b_port: 554, transport: Transport::Tcp, vlan: 0 }
    }

    #[test]
    fn a_5_tuple_counts_once_however_often_it_is_opened() {
        let (mut tuples, mut room) = (Tuples::default(), 10);
        for port in [50_001, 50_001, 50_002, 50_001, 50_002] {
            tuples.open(&key(port), Side::A, &mut room);
        }
        tuples.relate(&key(40_000), &mut room);
        tuples.relate(&key(40_000), &mut room);
        assert_eq!((tuples.count(), room), (3, 8));
        tuples.leave(&key(50_001), Side::A, &mut room);
        assert_eq!(tuples.count(), 2);
    }

    #[test]
    fn without_room_every_opening_counts() {
        let (mut tuples, mut room) = (Tuples::default(), 1);
        for port in 1..=4 {
            tuples.open(&key(port), Side::A, &mut room);
        }
        assert_eq!((tuples.count(), room), (4, 0));
    }
}
