//! Starts and feeds the follower of a watched flow, and goes over to another protocol with it.

use super::Finding;
use super::Following;
use super::Located;
use super::Piece;
use super::Probe;
use super::Recogniser;
use super::Sender;
use super::head::Head;
use super::side::Datagrams;
use super::side::Part;
use super::side::Stage;
use super::watch::Notice;
use super::watch::Watch;
use super::watch::Watching;
use crate::evidence::Evidence;
use crate::flow::Side;
use crate::service::Service;

/// How often a flow may go over to another protocol.
const UPGRADES: u8 = 4;

impl Watch {
    /// Starts the follower of a recogniser and feeds it both heads, the client's first, then `part`,
    /// which brought the recognition. `kept` octets of this side's head came before it.
    pub(super) fn start_following(
        &mut self,
        number: u8,
        sender: Sender,
        part: &Part<'_>,
        kept: usize,
        desk: &mut Watching<'_>,
    ) {
        self.follower = desk.dispatch.recogniser(number).and_then(|recogniser| recogniser.follow());
        if self.follower.is_none() {
            return;
        }
        let upgrades = self.upgrades;
        let first = if sender == Sender::Client { part.side } else { part.side.other() };
        for side in [first, first.other()] {
            let watch = side.of_mut(&mut self.sides);
            let (head, datagrams) = (std::mem::take(&mut watch.head), watch.datagrams.take());
            let (base, packet, from_start) = (watch.base, watch.packet, watch.from_start);
            let missed = head.is_empty() && watch.started;
            let whole = Part { side, octets: &head, offset: base, packet, from_start, cut: false, ..*part };
            if side == part.side {
                self.replay(&whole, datagrams.as_deref(), kept, desk);
                self.follow_on(part, upgrades, desk);
            } else {
                self.replay(&whole, datagrams.as_deref(), head.len(), desk);
                if missed {
                    self.follow_gap(side);
                }
            }
            let watch = side.of_mut(&mut self.sides);
            if watch.head.is_empty() && watch.stage == Stage::Open && upgrades == self.upgrades {
                (watch.head, watch.datagrams) = (head, datagrams);
            } else {
                let mut head = head;
                desk.pool.release(&mut head);
                if let Some(datagrams) = datagrams {
                    desk.pool.release_datagrams(datagrams);
                }
            }
        }
    }

    /// Feeds the follower the first `kept` octets of a head.
    fn replay(
        &mut self,
        whole: &Part<'_>,
        datagrams: Option<&Datagrams>,
        kept: usize,
        desk: &mut Watching<'_>,
    ) {
        let upgrades = self.upgrades;
        let Some(datagrams) = datagrams else {
            let octets = whole.octets.get(..kept).unwrap_or_default();
            if !octets.is_empty() {
                self.follow_on(&Part { octets, ..*whole }, upgrades, desk);
            }
            return;
        };
        for (start, end, packet) in datagrams.spans() {
            let (from, to) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
            if to <= kept
                && let Some(octets) = whole.octets.get(from..to)
            {
                let offset = whole.offset.saturating_add(start);
                self.follow_on(&Part { octets, offset, packet, ..*whole }, upgrades, desk);
            }
        }
    }

    /// Feeds the follower, or, if the flow went over to another protocol meanwhile, shows it.
    fn follow_on(&mut self, part: &Part<'_>, upgrades: u8, desk: &mut Watching<'_>) {
        if self.upgrades == upgrades {
            self.follow(part, desk);
        } else if part.side.of(&self.sides).stage == Stage::Open {
            self.show(part, desk);
        }
    }

    /// Feeds the follower.
    pub(super) fn follow(&mut self, part: &Part<'_>, desk: &mut Watching<'_>) {
        let Some(follower) = &mut self.follower else { return };
        let Part { key, side, octets, offset, packet, .. } = *part;
        let piece = Piece { key, side, octets, offset, packet };
        let mut located = Vec::new();
        if !part.octets.is_empty() && follower.octets(&piece, &mut located) == Following::Done {
            self.follower = None;
        }
        let mut upgrade = None;
        for Located { finding, side, evidence } in located {
            if let Finding::Upgrade(service) = finding {
                upgrade = Some((service, evidence));
            }
            desk.notices.push(Notice::Found(side, finding, evidence));
        }
        if let Some((service, evidence)) = upgrade {
            self.go_over(service, &evidence, part, desk);
        } else if part.cut {
            self.follow_gap(part.side);
        }
        part.side.of_mut(&mut self.sides).note_tail(part.octets);
    }

    /// Octets are missing.
    pub(super) fn follow_gap(&mut self, side: Side) {
        if self.follower.as_mut().is_some_and(|follower| follower.gap(side) == Following::Done) {
            self.follower = None;
        }
    }

    /// The flow goes over to another protocol: both sides begin again, and only that one is asked.
    fn go_over(&mut self, service: Service, evidence: &Evidence, part: &Part<'_>, desk: &mut Watching<'_>) {
        let known = desk.dispatch.of(service);
        let Some((recogniser, number)) = known.filter(|_| self.upgrades < UPGRADES) else { return };
        self.upgrades = self.upgrades.saturating_add(1);
        (self.only, self.named, self.follower) = (Some(number), None, None);
        self.has_content = false;
        // It was recognised once; what cannot be read from here on changes nothing of that.
        self.told_unrecognised = true;
        for side in &mut self.sides {
            side.restart(desk.pool);
            side.fresh = 0;
        }
        let rest = self.rest_of(part, evidence, recogniser);
        if !rest.is_empty() {
            let offset = part.offset.saturating_add(u32::try_from(part.octets.len()).unwrap_or(u32::MAX));
            let offset = offset.saturating_sub(u32::try_from(rest.len()).unwrap_or(u32::MAX));
            self.show(&Part { octets: &rest, offset, from_start: true, ..*part }, desk);
        }
    }

    /// What of `part` (and of the octets just before it) is of the new protocol: it starts where the
    /// evidence stands, if its recogniser does not refuse that, or else behind the evidence.
    fn rest_of(&self, part: &Part<'_>, evidence: &Evidence, recogniser: &dyn Recogniser) -> Vec<u8> {
        let tail = part.side.of(&self.sides).tail();
        let known: Vec<u8> = tail.iter().chain(part.octets).copied().collect();
        let start = part.offset.saturating_sub(u32::try_from(tail.len()).unwrap_or(0));
        let from = |offset: u32| {
            let skipped = offset.checked_sub(start).and_then(|skipped| usize::try_from(skipped).ok());
            skipped.and_then(|skipped| known.get(skipped..)).unwrap_or_default()
        };
        let at = from(evidence.offset);
        let head = Head {
            key: part.key,
            side: part.side,
            octets: at,
            datagram_ends: &[],
            from_start: true,
            finished: false,
            cut: false,
            to_group: false,
        };
        let begins = !at.is_empty() && matches!(recogniser.probe(&head), Probe::Match(_) | Probe::NeedMore);
        let behind = evidence.offset.saturating_add(u32::from(evidence.length));
        if begins { at.to_vec() } else { from(behind.max(part.offset)).to_vec() }
    }
}
