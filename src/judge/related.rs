//! Flows that belong to another one: media to the session that announced it, unicast answers to the
//! question that went to a group.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::addr::Addr;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::key::FlowNumber;
use crate::judge::conversations::ConversationIndex;
use crate::recognise::finding::MediaAnnouncement;
use crate::service::Transport;
use crate::time::Span;
use crate::time::Timestamp;

/// Announced ports kept; the oldest go first. About 150 octets each.
const MEDIA_CAP: usize = 65_536;
/// Most ports that one announcement may name.
const MEDIA_PORTS: u16 = 64;
/// How long after the end of a session its media may still arrive (RFC 2326 §12.37: sessions time out
/// after 60 s by default).
const MEDIA_GRACE: Span = Span::from_secs(60);
/// Questions kept; the oldest go first.
const QUESTION_CAP: usize = 65_536;
/// Ended flows that announced or asked something; the oldest go first.
const HOME_CAP: usize = 65_536;
/// How long an answer may take. WS-Discovery waits less than 6 s (MATCH_TIMEOUT), SSDP at most 120 s
/// by its MX header, usually 1 to 5.
const ANSWER_WITHIN: Span = Span::from_secs(15);
/// Group services that are answered by unicast: NBNS, SSDP, WS-Discovery, mDNS, LLMNR.
const QUESTION_PORTS: [u16; 5] = [137, 1900, 3702, 5353, 5355];

/// Media that a session announced.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The session's flow.
    pub session: FlowNumber,
    /// The end of the session that serves the media.
    pub server: Addr,
    /// The other end of the session.
    pub client: Addr,
    /// The media's receiver: the client, a group, or whom the session names.
    pub receiver: Addr,
    /// When the session told that they end.
    ended: Option<Timestamp>,
}

/// A flow that announced or asked something, after its end.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    home: Option<ConversationIndex>,
    /// When it ended, and its media with it.
    ended: Option<Timestamp>,
}

/// What was announced and asked lately. Bounded.
#[derive(Debug, Default)]
pub struct Related {
    media: HashMap<(Addr, u16, Transport), Expected, foldhash::fast::FixedState>,
    media_order: VecDeque<(Addr, u16, Transport)>,
    questions: HashMap<(Addr, u16, u16), (Timestamp, FlowNumber), foldhash::fast::FixedState>,
    question_order: VecDeque<(Addr, u16, u16)>,
    past: HashMap<FlowNumber, Past, foldhash::fast::FixedState>,
    past_order: VecDeque<FlowNumber>,
}

impl Related {
    /// Notes the conversation of a flow that is over, and that others may still refer to; `ended`: its
    /// media will end soon, too.
    pub fn ended(&mut self, flow: FlowNumber, conversation: ConversationIndex, ended: Option<Timestamp>) {
        let past = self.past_of(flow);
        past.home = Some(conversation);
        past.ended = ended.or(past.ended);
    }

    /// Conversations have other places now; those without are forgotten.
    pub(super) fn renumber(&mut self, places: &[Option<ConversationIndex>]) {
        for past in self.past.values_mut() {
            past.home = past.home.and_then(|home| home.now_at(places));
        }
    }

    fn past_of(&mut self, flow: FlowNumber) -> &mut Past {
        if !self.past.contains_key(&flow) {
            self.past_order.push_back(flow);
        }
        while self.past_order.len() > HOME_CAP {
            if let Some(oldest) = self.past_order.pop_front() {
                self.past.remove(&oldest);
            }
        }
        self.past.entry(flow).or_default()
    }

    /// The conversation of a flow that ended, if it is still known.
    pub fn home_of(&self, flow: FlowNumber) -> Option<ConversationIndex> {
        self.past.get(&flow)?.home
    }

    /// Notes an announcement of `session`, whose media the host `server` sends on behalf of `client`; or
    /// that what was announced so ends. Other calls of the same flow go on.
    pub fn announce(
        &mut self,
        session: FlowNumber,
        (server, client): (Addr, Addr),
        media: &MediaAnnouncement,
        now: Timestamp,
    ) {
        let expected = Expected { session, server, client, receiver: media.receiver, ended: None };
        let sender = media.sender.unwrap_or(server);
        let ranges = [
            (media.receiver, media.receiver_port, media.receiver_last),
            (sender, media.sender_port, media.sender_last),
        ];
        for (addr, first, last) in ranges {
            for port in first..=last.min(first.saturating_add(MEDIA_PORTS)) {
                let key = (addr, port, media.transport);
                if media.ended {
                    self.end(key, session, now);
                } else {
                    self.expect(key, expected);
                }
            }
        }
    }

    /// Media of `session` at this port end now.
    fn end(&mut self, key: (Addr, u16, Transport), session: FlowNumber, now: Timestamp) {
        if let Some(expected) = self.media.get_mut(&key).filter(|expected| expected.session == session) {
            expected.ended = Some(now);
        }
    }

    fn expect(&mut self, key: (Addr, u16, Transport), expected: Expected) {
        if key.1 == 0 {
            return;
        }
        if self.media.insert(key, expected).is_none() {
            self.media_order.push_back(key);
        }
        while self.media_order.len() > MEDIA_CAP {
            if let Some(oldest) = self.media_order.pop_front() {
                self.media.remove(&oldest);
            }
        }
    }

    /// The announcements that the ends of the flow fit, each with its end. Whether the other end may be
    /// the session's other end is the caller's to say.
    pub fn announced(
        &self,
        key: &FlowKey,
        first_seen: Timestamp,
    ) -> impl Iterator<Item = (Side, Expected)> + use<'_> {
        let key = *key;
        [Side::A, Side::B].into_iter().filter_map(move |side| {
            let (addr, port) = key.end(side);
            let expected = self.media.get(&(addr, port, key.transport))?;
            let session = self.past.get(&expected.session).and_then(|past| past.ended);
            let over = |ended: Timestamp| first_seen > ended.plus(MEDIA_GRACE);
            let ended = [session, expected.ended].into_iter().flatten().any(over);
            (!ended).then_some((side, *expected))
        })
    }

    /// Notes a datagram to a group, which others may answer by unicast.
    pub fn asked(&mut self, flow: FlowNumber, asker: (Addr, u16), group_port: u16, now: Timestamp) {
        if !QUESTION_PORTS.contains(&group_port) {
            return;
        }
        let key = (asker.0, asker.1, group_port);
        if self.questions.insert(key, (now, flow)).is_none() {
            self.question_order.push_back(key);
        }
        while self.question_order.len() > QUESTION_CAP {
            if let Some(oldest) = self.question_order.pop_front() {
                self.questions.remove(&oldest);
            }
        }
    }

    /// The question that this flow answers, if it does: one end is the asker's, the other sends from
    /// the service's port. Gives the asker's side and the question's flow.
    pub fn answers(&self, key: &FlowKey, first_seen: Timestamp) -> Option<(Side, FlowNumber)> {
        [Side::A, Side::B].into_iter().find_map(|asker| {
            let (addr, port) = key.end(asker);
            let (_, service) = key.end(asker.other());
            let (asked, flow) = self.questions.get(&(addr, port, service))?;
            (first_seen.since(*asked) <= ANSWER_WITHIN).then_some((asker, *flow))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FlowNumber;
    use super::MediaAnnouncement;
    use super::Related;
    use crate::addr::Addr;
    use crate::flow::FlowKey;
    use crate::service::Transport;
    use crate::time::Timestamp;

    const CAMERA: Addr = Addr::v4([10, 20, 1, 5]);
    const EXCHANGE: Addr = Addr::v4([10, 30, 0, 8]);

    fn wanted(port: u16, ended: bool) -> MediaAnnouncement {
        MediaAnnouncement {
            transport: Transport::Udp,
            receiver: CAMERA,
            receiver_port: port,
            receiver_last: port.saturating_add(1),
            sender: None,
            sender_port: 0,
            sender_last: 0,
            ended,
        }
    }

    fn is_announced(related: &Related, port: u16, second: i64) -> bool {
        let key = FlowKey::canonical((EXCHANGE, 50_000), (CAMERA, port), Transport::Udp, 0).0;
        related.announced(&key, Timestamp::from_parts(second, 0)).next().is_some()
    }

    #[test]
    fn the_end_of_one_call_ends_no_other_of_its_flow() {
        let (mut related, flow, ends) = (Related::default(), FlowNumber(1), (EXCHANGE, CAMERA));
        let at = |second| Timestamp::from_parts(second, 0);
        related.announce(flow, ends, &wanted(4000, false), at(0));
        related.announce(flow, ends, &wanted(4002, false), at(1));
        related.announce(flow, ends, &wanted(4000, true), at(10));
        assert!(is_announced(&related, 4001, 60), "its last packets may still come");
        assert!(!is_announced(&related, 4001, 100));
        assert!(is_announced(&related, 4003, 100));
        // The same ports again in a new call, and then the flow itself ends.
        related.announce(flow, ends, &wanted(4000, false), at(200));
        assert!(is_announced(&related, 4001, 300));
        related.announce(FlowNumber(2), ends, &wanted(4002, true), at(300));
        assert!(is_announced(&related, 4003, 400), "another flow ends nothing of this one");
    }
}
