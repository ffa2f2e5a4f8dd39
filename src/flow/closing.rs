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
