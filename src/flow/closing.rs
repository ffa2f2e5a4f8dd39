//! What is told of a flow: its counts while it goes on, and everything at its end.

use crate::flow::FlowFacts;
use crate::flow::Side;
use crate::flow::facts::ConnState;
use crate::flow::facts::Few;
use crate::flow::facts::History;
use crate::flow::facts::SideTally;
use crate::flow::record::Flow;
use crate::flow::record::GAP;
use crate::flow::record::MIDSTREAM;
use crate::flow::record::OVERLAP_DIFFERS;
use crate::flow::sent::Beyond;
use crate::service::Transport;

impl<A> Flow<A> {
    /// What was counted so far.
    pub(super) fn tallies(&self) -> [SideTally; 2] {
        let rare = self.rare.as_deref();
        [Side::A, Side::B].map(|side| {
            let sent = side.of(&self.sent);
            let beyond = rare.and_then(|rare| rare.beyond.as_deref());
            let beyond = beyond.map_or_else(Beyond::default, |beyond| *side.of(beyond));
            let (duplicate_packets, duplicate_octets) = rare.map_or((0, 0), |rare| *side.of(&rare.copies));
            SideTally {
                packets: beyond.packets.saturating_add(u64::from(sent.packets)),
                wire_octets: beyond.wire_octets.saturating_add(u64::from(sent.wire_octets)),
                ip_octets: beyond.ip_octets.saturating_add(u64::from(sent.ip_octets)),
                payload_octets: beyond.payload_octets.saturating_add(u64::from(sent.payload_octets)),
                duplicate_packets,
                duplicate_octets,
            }
        })
    }

    /// Takes the flow apart, at its end.
    pub(super) fn into_facts(mut self, evicted: bool) -> (A, FlowFacts) {
        let (history, tallies) = (self.history(), self.tallies());
        let state = self.state(&history);
        let first = self.first_stack();
        let (vlans, files) = self.rare.as_mut().map(|rare| rare.places()).unwrap_or_default();
        let facts = FlowFacts {
            number: self.number,
            uid: self.uid,
            key: self.key,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            initiator: self.initiator(),
            initiation: self.opener.initiation(),
            first: self.first(),
            midstream: self.marks.has(MIDSTREAM),
            tallies,
            state,
            history,
            outcome: self.outcome,
            vlans: Few::new(first, vlans),
            tunnel: self.tunnel,
            files: Few::new(self.file, files).sorted(),
            overlap_differs: self.marks.has(OVERLAP_DIFFERS),
            gap: self.marks.has(GAP),
            evicted,
        };
        (self.attached, facts)
    }

    fn state(&self, history: &History) -> ConnState {
        let sent = |side: Side| side.of(&self.sent).packets > 0;
        match self.key.transport {
            Transport::Tcp => {
                let silent = self.sent.iter().all(|sent| sent.payload_octets == 0);
                self.tcp.state(self.orientation(), silent, history)
            }
            Transport::Icmp | Transport::Icmp6 => ConnState::Oth,
            _ if self.is_answered() => ConnState::Sf,
            _ if sent(self.orientation()) => ConnState::S0,
            _ => ConnState::Shr,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::addr::Addr;
    use crate::decode::Segment;
    use crate::decode::segment::Oddities;
    use crate::decode::segment::VlanStack;
    use crate::flow::FlowKey;
    use crate::flow::Side;
    use crate::flow::facts::History;
    use crate::flow::opening::Before;
    use crate::flow::opening::opening_of;
    use crate::flow::record::Flow;
    use crate::service::Transport;
    use crate::time::Timestamp;

    fn stack(ids: &[u16]) -> VlanStack {
        let mut stack = VlanStack::default();
        assert!(ids.iter().all(|id| stack.push(*id)));
        stack
    }

    fn segment(ids: &[u16], file: u16, wire_octets: u32) -> Segment {
        Segment {
            number: 1,
            time: Timestamp::default(),
            src: Addr::v4([10, 0, 0, 1]),
            dst: Addr::v4([10, 0, 0, 2]),
            transport: Transport::Udp,
            src_port: 1,
            dst_port: 2,
            tcp: None,
            icmp_reply: false,
            src_mac: None,
            dst_mac: None,
            vlans: stack(ids),
            tunnel: None,
            wire_octets,
            ip_octets: 30,
            frames: 1,
            hops: 64,
            payload_wire: 2,
            payload_start: 0,
            payload_len: 2,
            file,
            interface: 0,
            fingerprint: 0,
            unread: None,
            oddities: Oddities::default(),
        }
    }

    fn flow(segment: &Segment) -> Flow<()> {
        let (key, side) = FlowKey::of(segment, false);
        Flow::new(segment, &opening_of(segment, key, side, Before::Unknown), 0, ())
    }

    #[test]
    fn a_flow_tells_all_places_whichever_were_first_and_counts_beyond_its_own_room() {
        let stacks: [&[u16]; 5] = [&[1, 2, 3], &[], &[5], &[6, 7], &[8]];
        for turn in 0..stacks.len() {
            let mut turned = stacks;
            turned.rotate_left(turn);
            let seen = || turned.iter().chain(&turned).zip([2, 0, 1, 1, 0].into_iter().cycle());
            let mut flow = seen().next().map(|(ids, file)| flow(&segment(ids, file, 0))).unwrap();
            seen().for_each(|(ids, file)| flow.count(Side::A, &segment(ids, file, u32::MAX)));
            flow.count_copy(Side::A, &segment(turned[0], 7, 99));
            let ((), facts) = flow.into_facts(false);
            let first: Vec<VlanStack> = turned.iter().take(4).map(|ids| stack(ids)).collect();
            assert_eq!((&facts.vlans[..], &facts.files[..]), (&first[..], &[0, 1, 2, 7][..]));
            let [a, b] = facts.tallies;
            assert_eq!((a.packets, a.wire_octets, a.ip_octets), (10, 42_949_672_950, 300));
            assert_eq!((a.payload_octets, a.duplicate_packets, a.duplicate_octets), (20, 1, 99));
            assert_eq!(b, Default::default());
        }
    }

    #[test]
    fn sixteen_letters_are_told_and_turn_when_the_other_side_opened_the_flow() {
        let mut flow = flow(&segment(&[], 0, 0));
        let mut history = History::default();
        for letter in *b"SHADFRGTC" {
            flow.letter(Side::A, letter);
            history.add(letter);
            flow.letter(Side::B, letter);
            history.add(letter.to_ascii_lowercase());
            flow.letter(Side::A, letter);
            assert_eq!(flow.history(), history);
        }
        assert_eq!(history.as_str(), "SsHhAaDdFfRrGgTt");
        flow.set_history(&history.flipped());
        assert_eq!(flow.history().as_str(), "sShHaAdDfFrRgGtT");
        let ((), facts) = flow.into_facts(true);
        assert_eq!(facts.history, history.flipped());
    }
}
