//! How a flow finds its conversation, and moves where later evidence says so.

use crate::addr::Addr;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::flow::key::FlowNumber;
use crate::inventory::Act;
use crate::inventory::Observation;
use crate::inventory::Standing;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::Judge;
use crate::judge::conversation::Conversation;
use crate::judge::conversation::ConversationKey;
use crate::judge::conversations::ConversationIndex;
use crate::judge::conversations::KeyHash;
use crate::judge::flow_state::FlowState;
use crate::judge::live::Grounds;
use crate::judge::live::Joined;
use crate::judge::orient::Orientation;
use crate::judge::related::Expected;
use crate::judge::seats::Seat;
use crate::service::Transport;

impl Judge {
    /// Lets a flow join its conversation, which it has not yet. Gives the seats of both ends, `[A, B]`, too where
    /// it looked for them and there is no room for a conversation.
    pub(super) fn settle(&mut self, state: &FlowState) -> (Joined, Option<[Seat; 2]>) {
        let (key, grounds) = (state.key, Grounds::of(state));
        let (conversation, orientation, related, seats) = match self.related_to(state) {
            Some((index, orientation)) => (Some(index), orientation, true, None),
            None => {
                let seats = self.seats_of(&key);
                let orientation = self.orient(state, &seats);
                match self.join(state, orientation, seats) {
                    Ok(index) => (Some(index), orientation, false, None),
                    Err(seats) => (None, orientation, false, Some(seats)),
                }
            }
        };
        self.observe(state, orientation);
        match conversation {
            Some(index) if related => self.conversations.relate(index, &key),
            Some(index) => self.conversations.open(index, &key, orientation.orig),
            None => {}
        }
        let counted = [0; 3];
        let mut joined =
            Joined { conversation, orientation, related, counted, carried: 0, clear: false, grounds };
        self.hand_on(state, &mut joined);
        (joined, seats)
    }

    /// Who sits at both ends of a flow now, `[A, B]`.
    pub(super) fn seats_of(&mut self, key: &FlowKey) -> [Seat; 2] {
        [key.a, key.b].map(|addr| self.seats.seat_of(&self.inventory, addr))
    }

    /// The conversation that this flow's verdict is shared with: media with its session, a unicast
    /// answer with the question.
    fn related_to(&self, state: &FlowState) -> Option<(ConversationIndex, Orientation)> {
        let mut announced = self.related.announced(&state.key, state.first_seen);
        // Where both ends announce, as in a call, either announcement may be an older one's.
        if let Some((side, expected)) =
            announced.find(|(side, expected)| self.fits(&state.key, *side, expected))
        {
            let index = self.home_of(expected.session)?;
            let orig = if state.key.end(side).0 == expected.receiver { side } else { side.other() };
            return Some((index, Orientation { orig, initiation: Initiation::Inferred, port: None }));
        }
        if state.key.transport != Transport::Udp {
            return None;
        }
        let (asker, question) = self.related.answers(&state.key, state.first_seen)?;
        // A group of the local network does not reach the internet, and nobody there answers it.
        if self.inventory.is_internet(state.key.end(asker.other()).0) {
            return None;
        }
        let index = self.home_of(question)?;
        let port = Some(state.key.end(asker.other()).1);
        Some((index, Orientation { orig: asker, initiation: Initiation::Inferred, port }))
    }

    /// Whether the ends of a flow, of which `side` has an announced port, are those of the media.
    ///
    /// A session may name anybody as the receiver or the source of its media: only who is of the same kind as
    /// its ends shares its verdict, or else one with a recorder would allow a stream to the internet.
    fn fits(&self, key: &FlowKey, side: Side, expected: &Expected) -> bool {
        let (here, other) = (key.end(side).0, key.end(side.other()).0);
        let (to, from) = if here == expected.receiver { (here, other) } else { (other, here) };
        let is_group = self.inventory.is_group(expected.receiver);
        let is_ours = is_group || self.stands_for(expected.receiver, expected.client);
        let arrives =
            self.stands_for(to, expected.receiver) || is_group && self.stands_for(to, expected.client);
        is_ours && arrives && self.stands_for(from, expected.server)
    }

    /// Whether `addr` may do what was announced for `part`: the same host, or one with a role of it. That
    /// both are on the internet makes two hosts nothing to each other.
    fn stands_for(&self, addr: Addr, part: Addr) -> bool {
        let meets = || {
            let roles = self.inventory.host(part).roles.without(RoleSet::of(&[Role::Internet]));
            self.inventory.host(addr).roles.meets(roles)
        };
        addr == part || !self.inventory.is_group(part) && (self.inventory.same_host(addr, part) || meets())
    }

    fn home_of(&self, flow: FlowNumber) -> Option<ConversationIndex> {
        let home = self.flows.home_of(flow).unwrap_or_else(|| self.related.home_of(flow));
        home.map(|index| self.conversations.resolve(index))
    }

    /// The conversation that a flow between these ends belongs to, a new one if need be; the seats again if
    /// there is no room for it.
    fn join(
        &mut self,
        state: &FlowState,
        orientation: Orientation,
        seats: [Seat; 2],
    ) -> Result<ConversationIndex, [Seat; 2]> {
        let (orig, resp) = (orientation.orig.of(&seats), orientation.orig.other().of(&seats));
        let key = self.conversation_key(state, orientation, (orig, resp));
        let hash = KeyHash::of(&key);
        if let Some(index) = self.conversations.find(&key, hash) {
            return Ok(index);
        }
        let declared = orig.kind().standing() == Standing::Declared;
        let Some(room) = self.conversations.room_for(key.orig, declared) else { return Err(seats) };
        let [a, b] = seats;
        let ends = if orientation.orig == Side::A { (a, b) } else { (b, a) };
        Ok(self.conversations.add(room, hash, Conversation::new(&key, ends, state, orientation.orig)))
    }

    /// The key of the conversation that a flow between these ends belongs to.
    pub(super) fn conversation_key(
        &self,
        state: &FlowState,
        orientation: Orientation,
        (orig, resp): (&Seat, &Seat),
    ) -> ConversationKey {
        let (orig, resp) = (orig.kind().roles, resp.kind().roles);
        // Declared roles belong to the moment; inferred ones to the end of the run.
        let roles = if self.policy.site().is_some() { Some((orig, resp)) } else { None };
        ConversationKey {
            orig: state.key.end(orientation.orig).0,
            resp: state.key.end(orientation.orig.other()).0,
            transport: state.key.transport,
            port: orientation.port,
            service: state.service.map(|(service, ..)| service),
            vlan: state.key.vlan,
            roles,
            called: state.called().filter(|_| resp.has(Role::Internet)),
        }
    }

    /// Hands a joined flow's facts and counts on; moves it if it turned out to be another's.
    pub(super) fn absorb(&mut self, state: &FlowState, joined: &mut Joined) {
        self.reconsider(state, joined);
        self.hand_on(state, joined);
    }

    pub(super) fn hand_on(&mut self, state: &FlowState, joined: &mut Joined) {
        let Some(home) = joined.conversation.map(|index| self.conversations.resolve(index)) else { return };
        let Some(conversation) = self.conversations.get_mut(home) else { return };
        if let Some(watch) = &mut self.watch {
            let (service, [_, octets, _]) = (state.service.map(|(service, ..)| service), state.counts);
            let (orig, resp) = (conversation.orig.kind().role, conversation.resp.kind().role);
            watch.counts.carried(service, orig, resp, octets.saturating_sub(joined.carried));
            joined.carried = joined.carried.max(octets);
            watch.changed.push(home);
        }
        conversation.count_up(state.counts, joined.counted);
        joined.counted = state.counts;
        if joined.related {
            conversation.last_seen = conversation.last_seen.max(state.last_seen);
            return;
        }
        let clear = state.is_clear();
        if clear != joined.clear {
            let less = conversation.clear_flows.saturating_sub(u32::from(joined.clear));
            conversation.clear_flows = less.saturating_add(u32::from(clear));
            joined.clear = clear;
        }
        conversation.absorb(state, joined.orientation.orig, joined.orientation.initiation);
    }

    /// Moves a joined flow to another conversation where later evidence changed its key: the initiator
    /// turned out to be the other end, a service was recognised late, or a name was called late.
    fn reconsider(&mut self, state: &FlowState, joined: &mut Joined) {
        if !joined.related && joined.grounds != Grounds::of(state) {
            self.move_on(state, joined);
        }
    }

    /// Looks for the conversation that a joined flow belongs to now, and moves it there.
    pub(super) fn move_on(&mut self, state: &FlowState, joined: &mut Joined) {
        if joined.related {
            return;
        }
        let (key, grounds) = (state.key, Grounds::of(state));
        let seats = self.seats_of(&key);
        let orientation = self.orient(state, &seats);
        let conversation = self.join(state, orientation, seats).ok();
        let mut moved = Joined { conversation, orientation, grounds, ..*joined };
        if conversation != joined.conversation {
            (moved.counted, moved.clear) = ([0; 3], false);
            if let Some(old) = joined.conversation {
                self.conversations.leave(old, &key, joined.orientation.orig, joined.counted);
                if let Some(watch) = &mut self.watch {
                    watch.changed.push(old);
                }
                if let Some(conversation) = self.conversations.get_mut(old) {
                    conversation.clear_flows =
                        conversation.clear_flows.saturating_sub(u32::from(joined.clear));
                }
            }
            if let Some(new) = conversation {
                self.conversations.open(new, &key, orientation.orig);
            }
            if let (Some(old), Some(new)) = (joined.conversation, conversation) {
                self.conversations.follow(old, new);
            }
        }
        *joined = moved;
    }

    /// Tells the inventory what a settled flow shows of its ends.
    fn observe(&mut self, state: &FlowState, orientation: Orientation) {
        let service = state.service.map(|(service, certainty, _)| (service, certainty));
        let port = orientation.port.unwrap_or(state.key.end(orientation.orig.other()).1);
        let observations = [(orientation.orig, Act::Client), (orientation.orig.other(), Act::Server)];
        let observations = observations.map(|(side, act)| Observation {
            host: state.key.end(side).0,
            peer: state.key.end(side.other()).0,
            act,
            initiation: orientation.initiation,
            port,
            service,
            content: state.content,
            device: *side.of(&state.devices),
        });
        observations.iter().for_each(|observation| self.inventory.observe(observation));
    }
}

impl Grounds {
    fn of(state: &FlowState) -> Self {
        Self {
            initiator: state.initiator,
            initiation: state.initiation,
            service: state.service.map(|(service, ..)| service),
            called: state.called(),
        }
    }
}
