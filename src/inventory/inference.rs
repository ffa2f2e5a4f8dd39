//! Roles from what hosts do, for a run without a site file and for the draft of one.
//!
//! Observations become claims by the table of [`crate::inventory::signs`]; claims are sums, so that
//! their order does not matter. [`Inference::settle`] draws the conclusions.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::role::roles_named;
use crate::inventory::signs::Act;
use crate::inventory::signs::By;
use crate::inventory::signs::SIGNS;
use crate::inventory::signs::Sign;
use crate::inventory::vendors::Vendor;
use crate::recognise::finding::DeviceKind;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;

/// Hosts that are watched; later ones beyond it get no role. Memory: 65 536 × about 300 B, 20 MiB.
pub const MAX_OBSERVED_HOSTS: usize = 65_536;

/// What one end of one flow was seen to do. Hand in each fact once per flow, best at the flow's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Observation {
    /// Who.
    pub host: Addr,
    /// The other end.
    pub peer: Addr,
    /// On which side it was.
    pub act: Act,
    /// How we know. Below `inferred` the side proves nothing.
    pub initiation: Initiation,
    /// The service port: the responder's.
    pub port: u16,
    /// What was spoken, and how sure that is.
    pub service: Option<(Service, Certainty)>,
    /// What is known inside it, and how sure that is.
    pub content: Option<(Content, Certainty)>,
    /// What the host said of itself.
    pub device: Option<DeviceKind>,
}

/// A conclusion about a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Conclusion {
    /// The surest role; of several the first of the list of roles.
    pub(crate) label: Role,
    /// All roles that are as sure as the label.
    pub(crate) roles: RoleSet,
    pub(crate) certainty: Certainty,
    /// Why, for the label.
    pub(crate) why: Arc<str>,
    /// Every role that anything speaks for, surest first.
    pub(crate) all: Vec<(Role, Certainty, String)>,
}

/// Claims of all hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inference {
    /// By host: claims by the number of their sign. Bounded by the table.
    claims: HashMap<Addr, BTreeMap<usize, Claim>, FixedState>,
    settled: HashMap<Addr, Conclusion, FixedState>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    certainty: Certainty,
    flows: u64,
    /// The lowest port and peer, so that the sentence does not depend on the order.
    example: (u16, Addr),
}

impl Inference {
    pub(crate) fn observe(&mut self, seen: &Observation) {
        let is_full = self.claims.len() >= MAX_OBSERVED_HOSTS;
        let claims = match self.claims.get_mut(&seen.host) {
            Some(claims) => claims,
            None if is_full => return,
            None => self.claims.entry(seen.host).or_default(),
        };
        // Of most flows of a flood nothing is known that a sign could be about.
        if seen.service.is_none() && seen.content.is_none() && seen.device.is_none() {
            return;
        }
        for (index, sign) in SIGNS.iter().enumerate() {
            let Some(certainty) = proof(sign, seen) else { continue };
            let example = (seen.port, seen.peer);
            let claim = claims.entry(index).or_insert(Claim { certainty, flows: 0, example });
            claim.certainty = claim.certainty.max(certainty);
            claim.flows = claim.flows.saturating_add(1);
            claim.example = claim.example.min(example);
        }
    }

    /// Forgets what `addr` did: another device has it now.
    pub(crate) fn forget(&mut self, addr: Addr) {
        self.claims.remove(&addr);
        self.settled.remove(&addr);
    }

    /// Draws the conclusions; `vendor` tells the maker of a host's device.
    pub(crate) fn settle(&mut self, vendor: impl Fn(Addr) -> Option<&'static Vendor>) {
        self.settled = self
            .claims
            .iter()
            .filter_map(|(addr, claims)| Some((*addr, conclude(claims, vendor(*addr))?)))
            .collect();
    }

    /// Whether anything was concluded yet.
    pub(crate) fn has_conclusions(&self) -> bool {
        !self.settled.is_empty()
    }

    pub(crate) fn conclusion(&self, addr: Addr) -> Option<&Conclusion> {
        self.settled.get(&addr)
    }

    /// Every host that was observed, with or without a role, ascending.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = Addr> {
        let mut hosts: Vec<Addr> = self.claims.keys().copied().collect();
        hosts.sort_unstable();
        hosts.into_iter()
    }
}

/// How sure `sign` makes its role, given what was seen; `None` if it does not apply.
fn proof(sign: &Sign, seen: &Observation) -> Option<Certainty> {
    if !sign.ports.is_empty() && !sign.ports.contains(&seen.port) {
        return None;
    }
    let (act, seen_certainty) = match sign.by {
        By::Says(device) => return (seen.device == Some(device)).then_some(sign.at_most),
        By::Carrier(act, service) => (act, seen.service.filter(|(spoken, _)| *spoken == service)?.1),
        By::Inside(act, content) => (act, seen.content.filter(|(inside, _)| *inside == content)?.1),
    };
    if act != seen.act {
        return None;
    }
    // Who answered is a guess as long as it is not known who asked.
    let known_side = if seen.initiation >= Initiation::Inferred { sign.at_most } else { Certainty::PortOnly };
    Some(sign.at_most.min(seen_certainty).min(known_side))
}

type Grounds = BTreeMap<Role, (Certainty, String)>;

fn conclude(claims: &BTreeMap<usize, Claim>, vendor: Option<&'static Vendor>) -> Option<Conclusion> {
    let mut grounds = Grounds::new();
    for (index, claim) in claims {
        if let Some(sign) = SIGNS.get(*index) {
            add(&mut grounds, sign.role, claim.certainty, sentence(sign, claim));
        }
    }
    weigh_vendor(&mut grounds, claims, vendor);
    weigh_together(&mut grounds, claims);
    let mut all: Vec<(Role, Certainty, String)> =
        grounds.into_iter().map(|(role, (certainty, why))| (role, certainty, why)).collect();
    all.sort_by_key(|(role, certainty, _)| (std::cmp::Reverse(*certainty), *role));
    let (label, certainty, why) = all.first()?.clone();
    let roles: BTreeSet<Role> =
        all.iter().filter(|(_, other, _)| *other == certainty).map(|(role, ..)| *role).collect();
    let roles = RoleSet::of(&roles.into_iter().collect::<Vec<Role>>());
    Some(Conclusion { label, roles, certainty, why: Arc::from(why), all })
}

fn add(grounds: &mut Grounds, role: Role, certainty: Certainty, why: String) {
    match grounds.get_mut(&role) {
        Some((held, _)) if *held >= certainty => {}
        _ => {
            grounds.insert(role, (certainty, why));
        }
    }
}

fn sentence(sign: &Sign, claim: &Claim) -> String {
    let (port, peer) = claim.example;
    let flows = if claim.flows == 1 { "1 flow".to_owned() } else { format!("{} flows", claim.flows) };
    match sign.by {
        By::Says(_) => format!("says that it is {} ({flows})", sign.what),
        By::Carrier(Act::Server, _) | By::Inside(Act::Server, _) => {
            format!("answered {} on port {port} to {peer} ({flows})", sign.what)
        }
        By::Carrier(Act::Client, _) | By::Inside(Act::Client, _) => {
            format!("asked {peer} for {} on port {port} ({flows})", sign.what)
        }
    }
}

fn weigh_vendor(grounds: &mut Grounds, claims: &BTreeMap<usize, Claim>, vendor: Option<&'static Vendor>) {
    let Some(vendor) = vendor else { return };
    let why = format!("its MAC is one of {}", vendor.name);
    if vendor.name == "MOBOTIX" {
        add(grounds, Role::MobotixCamera, Certainty::Consistent, why);
    } else if vendor.video_only {
        let serves = did(claims, By::Carrier(Act::Server, Service::Rtsp));
        let certainty = if serves { Certainty::Consistent } else { Certainty::Heuristic };
        let why = if serves { format!("{why}, and it answered RTSP") } else { why };
        add(grounds, Role::Camera, certainty, why);
    }
}

/// What several signs mean together.
fn weigh_together(grounds: &mut Grounds, claims: &BTreeMap<usize, Claim>) {
    let surest = |grounds: &Grounds, role: Role| grounds.get(&role).map(|(certainty, _)| *certainty);
    if surest(grounds, Role::MobotixCamera) >= surest(grounds, Role::Camera) {
        grounds.remove(&Role::Camera);
    }
    // Servers of XProtect read from recorders and cameras for their own purposes.
    let servers = roles_named("any-xprotect-server").unwrap_or_default();
    let is_server = grounds.iter().any(|(role, (certainty, _))| {
        servers.has(*role) && *role != Role::SqlServer && *certainty >= Certainty::Consistent
    });
    if is_server {
        for role in [Role::SmartClient, Role::Mxmc, Role::MobileClient] {
            grounds.remove(&role);
        }
    }
    let relays = did(claims, By::Carrier(Act::Server, Service::Rtsp))
        && did(claims, By::Carrier(Act::Client, Service::Rtsp));
    if relays && !is_server {
        for role in [Role::Camera, Role::RecordingServer] {
            if surest(grounds, role) <= Some(Certainty::Heuristic) {
                grounds.remove(&role);
            }
        }
        let why = "answered RTSP and asked others for it".to_owned();
        add(grounds, Role::Nvr, Certainty::Heuristic, why);
    }
}

fn did(claims: &BTreeMap<usize, Claim>, by: By) -> bool {
    claims.keys().any(|index| SIGNS.get(*index).is_some_and(|sign| sign.by == by))
}

#[cfg(test)]
mod tests;
