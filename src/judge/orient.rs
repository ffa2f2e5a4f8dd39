//! Who opened a flow, as far as the policy can tell where packets and octets do not.

use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::judge::Judge;
use crate::judge::flow_state::FlowState;
use crate::judge::memory::Memory;
use crate::judge::ruling::ends;
use crate::judge::seats::Seat;
use crate::policy::case::End;
use crate::policy::decide::SYSTEM_PORTS;
use crate::service::Transport;

/// Who is taken to have opened a flow, how we know, and the service port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Orientation {
    /// The initiator's side.
    pub orig: Side,
    /// How we know.
    pub initiation: Initiation,
    /// The responder's port; `None` where both ends' ports are ephemeral and the initiator is unknown.
    pub port: Option<u16>,
}

impl Judge {
    /// Orients a flow. Where nothing in it shows who opened it, the rules in force for this pair of hosts
    /// do, if exactly one end's port is the responder's of one of them.
    pub(super) fn orient(&mut self, state: &FlowState, seats: &[Seat; 2]) -> Orientation {
        if let Some(orig) = state.initiator {
            return Orientation { orig, initiation: state.initiation, port: service_port(state, orig) };
        }
        let addrs = [state.key.a, state.key.b];
        let numbers = self.remember_ends(addrs, seats);
        let [a, b] = [Side::A, Side::B].map(|side| self.serves(side, state, seats, numbers));
        if a != b {
            let orig = if a { Side::B } else { Side::A };
            return Orientation { orig, initiation: Initiation::Assumed, port: service_port(state, orig) };
        }
        let ends = ends(&self.policy, &self.inventory, &self.memory, (addrs, seats, numbers));
        let ends = ends.each_ref().map(|end| &**end);
        let is_service = |side: Side| {
            let port = state.key.end(side).1;
            port < SYSTEM_PORTS || self.is_known_port(&ends, side, state)
        };
        let (orig, port) = match (is_service(Side::A), is_service(Side::B)) {
            (true, false) => (Side::B, Some(state.key.a_port)),
            (_, true) => (Side::A, Some(state.key.b_port)),
            // Clients do not pick the very port that the other end has.
            (false, false) if state.key.a_port == state.key.b_port => (Side::A, Some(state.key.b_port)),
            (false, false) => (Side::A, None),
        };
        let port = port.filter(|_| has_ports(state.key.transport));
        Orientation { orig, initiation: Initiation::Unknown, port }
    }

    /// Whether a rule in force lets the other end open the port of this side; `numbers` are those of the ends'
    /// kinds, where they are known.
    fn serves(
        &mut self,
        side: Side,
        state: &FlowState,
        seats: &[Seat; 2],
        numbers: Option<[u32; 2]>,
    ) -> bool {
        let (transport, (_, port)) = (state.key.transport, state.key.end(side));
        let Self { policy, inventory, memory, .. } = self;
        let serves = |memory: &Memory| {
            let ends = ends(policy, inventory, memory, ([state.key.a, state.key.b], seats, numbers));
            let ends = ends.each_ref().map(|end| &**end);
            let pair = (*side.other().of(&ends), *side.of(&ends));
            policy.serves(inventory, pair, transport, port, state.first_seen)
        };
        match numbers.filter(|_| !memory.expires()) {
            Some(numbers) => {
                let pair = [*side.other().of(&numbers), *side.of(&numbers)];
                memory.serves(pair, transport, port, serves)
            }
            None => serves(memory),
        }
    }

    /// Whether some rule in force for these hosts knows the port of this side, whoever opens it.
    fn is_known_port(&self, ends: &[&End; 2], side: Side, state: &FlowState) -> bool {
        let [a, b] = ends;
        let service = (state.key.transport, state.key.end(side).1);
        let host = side.of(ends);
        self.policy.knows_port(&self.inventory, a.packs | b.packs, host, service, state.first_seen)
    }
}

/// The responder's port. Transports without ports have none; ICMP's is the type of the request.
fn service_port(state: &FlowState, orig: Side) -> Option<u16> {
    has_ports(state.key.transport).then(|| state.key.end(orig.other()).1)
}

const fn has_ports(transport: Transport) -> bool {
    !matches!(transport, Transport::Ip(_))
}
