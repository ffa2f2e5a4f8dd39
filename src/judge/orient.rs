//! Who opened a flow, as far as the policy can tell where packets and octets do not.

use crate::flow::Side;
use crate::flow::facts::Initiation;
use crate::inventory::HostView;
use crate::inventory::Inventory;
use crate::inventory::role::RoleSet;
use crate::judge::flow_state::FlowState;
use crate::policy::force::Policy;
use crate::policy::rule::Ports;
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

/// Below this, ports are assigned to services by IANA and no system picks them for clients
/// (RFC 6335 §6; Linux starts at 32768, older Windows at 1025).
const SYSTEM_PORTS: u16 = 1024;

/// Orients a flow.
pub fn orient(policy: &Policy, inventory: &Inventory, state: &FlowState) -> Orientation {
    if let Some(orig) = state.initiator {
        return Orientation { orig, initiation: state.initiation, port: service_port(state, orig) };
    }
    let ends = [inventory.host(state.key.a), inventory.host(state.key.b)];
    let may_respond = |side: Side| {
        let (responder, initiator) = (side.of(&ends), side.other().of(&ends));
        let port = state.key.end(side).1;
        policy.rules().any(|rule| serves(inventory, rule, initiator, responder, state.key.transport, port))
    };
    let (a, b) = (may_respond(Side::A), may_respond(Side::B));
    if a != b {
        let orig = if a { Side::B } else { Side::A };
        return Orientation { orig, initiation: Initiation::Assumed, port: service_port(state, orig) };
    }
    let by_port = |side: Side| {
        let port = state.key.end(side).1;
        port < SYSTEM_PORTS || is_known_port(inventory, policy, side.of(&ends), state.key.transport, port)
    };
    let (orig, port) = match (by_port(Side::A), by_port(Side::B)) {
        (true, false) => (Side::B, Some(state.key.a_port)),
        (false, true) => (Side::A, Some(state.key.b_port)),
        _ => (Side::A, None),
    };
    Orientation { orig, initiation: Initiation::Unknown, port }
}

/// The responder's port. Transports without ports have none; ICMP's is the type of the request.
fn service_port(state: &FlowState, orig: Side) -> Option<u16> {
    let port = state.key.end(orig.other()).1;
    match state.key.transport {
        Transport::Ip(_) => None,
        _ => Some(port),
    }
}

/// Whether a rule lets these roles talk so that `port` is the responder's.
fn serves(
    inventory: &Inventory,
    rule: &Rule,
    initiator: &HostView,
    responder: &HostView,
    transport: Transport,
    port: u16,
) -> bool {
    rule.from.meets(initiator.roles)
        && rule.to.meets(responder.roles)
        && rule.transports.contains(&transport)
        && has_port(inventory, rule, responder, rule.to, port)
}

/// Whether some rule knows the port at a host of these roles.
fn is_known_port(
    inventory: &Inventory,
    policy: &Policy,
    host: &HostView,
    transport: Transport,
    port: u16,
) -> bool {
    policy.rules().any(|rule| {
        rule.to.meets(host.roles)
            && rule.transports.contains(&transport)
            && has_port(inventory, rule, host, rule.to, port)
    })
}

fn has_port(inventory: &Inventory, rule: &Rule, host: &HostView, roles: RoleSet, port: u16) -> bool {
    match &rule.ports {
        Ports::Any => false,
        Ports::Named => inventory.named_ports(&rule.id).is_some_and(|ports| ports.has(port)),
        Ports::Set(ports) => inventory.ports_for(ports, host.addr, roles).has(port),
    }
}
