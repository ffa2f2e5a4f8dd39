//! The distinct 5-tuples of a conversation: exact, and small for the many that have one only.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::flow::FlowKey;

/// 5-tuples kept over all conversations, 16 octets each: 64 MiB. Beyond it every opening counts as a
/// 5-tuple of its own, so that `flows` may be too high and never too low.
pub const TUPLE_CAP: usize = 4_194_304;

/// 5-tuples of one conversation but the first, which most have alone.
#[derive(Clone, Debug, Default)]
pub struct Tuples {
    /// The initiator's port and the responder's: with the conversation's key the 5-tuple.
    openings: HashSet<(u16, u16), FixedState>,
    media: HashSet<FlowKey, FixedState>,
    uncounted: u64,
    has_openings: bool,
}

impl Tuples {
    /// How many there are, media flows among them.
    pub fn count(&self) -> u64 {
        u64::try_from(self.kept()).unwrap_or(u64::MAX).saturating_add(self.uncounted)
    }

    /// How many are kept.
    pub fn kept(&self) -> usize {
        self.openings.len().saturating_add(self.media.len())
    }

    /// Whether an opening was noted here once.
    pub fn has_openings(&self) -> bool {
        self.has_openings
    }

    /// Notes the ports of an opening; `room` is what all conversations have left.
    pub fn open(&mut self, ports: (u16, u16), room: &mut usize) {
        if self.openings.contains(&ports) {
            return;
        }
        match room.checked_sub(1) {
            Some(rest) => {
                *room = rest;
                self.has_openings = true;
                self.openings.insert(ports);
            }
            None => self.uncounted = self.uncounted.saturating_add(1),
        }
    }

    /// Notes the 5-tuple of a media flow, or of an answer that is tied to a question.
    pub fn relate(&mut self, key: &FlowKey, room: &mut usize) {
        if self.media.contains(key) {
            return;
        }
        match room.checked_sub(1) {
            Some(rest) => {
                *room = rest;
                self.media.insert(*key);
            }
            None => self.uncounted = self.uncounted.saturating_add(1),
        }
    }

    /// Forgets the ports of a flow that turned out to be of another conversation.
    pub fn leave(&mut self, ports: (u16, u16), room: &mut usize) {
        if self.openings.remove(&ports) {
            *room = room.saturating_add(1);
        }
    }

    /// Gives the media flows away, to the conversation that the session went to.
    pub fn hand_over(&mut self, to: &mut Self) {
        to.media.extend(self.media.drain());
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
            tuples.open((port, 554), &mut room);
        }
        tuples.relate(&key(40_000), &mut room);
        tuples.relate(&key(40_000), &mut room);
        assert_eq!((tuples.count(), room), (3, 7));
        tuples.leave((50_001, 554), &mut room);
        assert_eq!((tuples.count(), room), (2, 8));
    }

    #[test]
    fn without_room_every_opening_counts() {
        let (mut tuples, mut room) = (Tuples::default(), 1);
        for port in 1..=4 {
            tuples.open((port, 554), &mut room);
        }
        assert_eq!((tuples.count(), room), (4, 0));
    }
}
