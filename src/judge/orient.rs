//! Who opened a flow, as far as the policy can tell where packets and octets do not.

use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::judge::Judge;
use crate::judge::flow_state::FlowState;
use crate::policy::case::End;
use crate::policy::decide::SYSTEM_PORTS;
use crate::policy::fit;
use crate::policy::rule::Rule;
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
    pub(super) fn orient(&self, state: &FlowState) -> Orientation {
        if let Some(orig) = state.initiator {
            return Orientation { orig, initiation: state.initiation, port: service_port(state, orig) };
        }
        let ends = [state.key.a, state.key.b].map(|addr| self.end(&self.inventory.host(addr)));
        let rules = self.rules_between(&ends, state);
        let serves = |side: Side| {
            let pair = (side.other().of(&ends), side.of(&ends));
            let port = state.key.end(side).1;
            let transport = state.key.transport;
            rules.iter().any(|rule| fit::serves(&self.inventory, rule, pair, transport, port))
        };
        let (a, b) = (serves(Side::A), serves(Side::B));
        if a != b {
            let orig = if a { Side::B } else { Side::A };
            return Orientation { orig, initiation: Initiation::Assumed, port: service_port(state, orig) };
        }
        let is_service = |side: Side| {
            let port = state.key.end(side).1;
            port < SYSTEM_PORTS || self.is_known_port(&rules, side.of(&ends), state.key.transport, port)
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

    /// The rules and exceptions in force for conversations of these two hosts.
    fn rules_between(&self, [a, b]: &[End; 2], state: &FlowState) -> Vec<&Rule> {
        let holds = |rule: &&Rule| {
            let expires = rule.exception.as_ref().and_then(|exception| exception.expires);
            expires.is_none_or(|expires| state.first_seen < expires)
        };
        let exceptions = self.policy.exceptions().iter().filter(holds);
        let packs = self.policy.rules_in(a.packs | b.packs);
        packs.chain(self.policy.site_rules()).chain(exceptions).collect()
    }

    /// Whether some rule knows the port at a host of these roles.
    fn is_known_port(&self, rules: &[&Rule], host: &End, transport: Transport, port: u16) -> bool {
        rules.iter().any(|rule| {
            rule.to.meets(host.roles)
                && rule.transports.contains(&transport)
                && fit::ports_at(&self.inventory, rule, host, rule.to).is_some_and(|ports| ports.has(port))
        })
    }
}

/// The responder's port. Transports without ports have none; ICMP's is the type of the request.
fn service_port(state: &FlowState, orig: Side) -> Option<u16> {
    has_ports(state.key.transport).then(|| state.key.end(orig.other()).1)
}

const fn has_ports(transport: Transport) -> bool {
    !matches!(transport, Transport::Ip(_))
}
