//! The site as its operator declared it, compiled: which addresses are whose, in which zone, with
//! which ports and packs. Lookups here are pure.

use std::sync::Arc;

use ipnet::IpNet;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::policy::rule::PackId;
use crate::policy::rule::PortSet;
use crate::policy::rule::Rule;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// The operator's site file, all of it.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// What the operator calls it.
    pub name: Arc<str>,
    /// Networks that belong to the monitored site. Nothing else is judged.
    pub monitored: Vec<IpNet>,
    /// Zones: parts of it with packs in force.
    pub zones: Vec<Zone>,
    /// Roles, as declared.
    pub assignments: Vec<Assignment>,
    /// Port numbers changed for every host of a role.
    pub role_ports: Vec<PortChange>,
    /// Ports that the site names for a rule with `ports = "named"`: rule id and ports.
    pub named_ports: Vec<(Arc<str>, PortSet)>,
    /// Host names that the site names for a rule with `peers = "named"`: rule id and names.
    pub named_peers: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// Features switched on.
    pub features: Vec<Arc<str>>,
    /// The site's own rules.
    pub allow: Vec<Rule>,
    /// Exceptions: rules with owner, reason and expiry.
    pub exceptions: Vec<Rule>,
    /// Severities that the site changes.
    pub severities: Vec<(Reason, Severity)>,
    /// SHA-256 of the certificates of the site's own authorities; empty: any issuer will do.
    pub authorities: Vec<[u8; 32]>,
    /// Roles whose self-signed certificates the site accepts.
    pub self_signed: RoleSet,
    /// Flows are keyed by VLAN, because address ranges overlap between VLANs.
    pub key_by_vlan: bool,
}

/// A part of the site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: Arc<str>,
    /// Its networks.
    pub networks: Vec<IpNet>,
    /// Packs in force for conversations of its hosts.
    pub packs: Vec<PackId>,
    /// `dmz` or another kind that a rule may ask for.
    pub kind: Option<Arc<str>>,
}

/// Who a declaration is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whom {
    /// These addresses, all of one host.
    Host(Vec<Addr>),
    /// Every host of these networks.
    Network(Vec<IpNet>),
    /// Whoever has these MAC addresses.
    Mac(Vec<Mac>),
    /// Whoever's MAC begins so.
    VendorPrefix(Vec<[u8; 3]>),
}

/// One declaration of roles.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// Who.
    pub whom: Whom,
    /// Their roles, the first of them the label.
    pub roles: Vec<Role>,
    /// What the operator calls them.
    pub name: Option<Arc<str>>,
    /// Port numbers changed for these hosts.
    pub ports: Vec<PortChange>,
    /// The host translates addresses: behind it are others.
    pub nat: bool,
    /// Where it stands in the site file: `site.toml:12`.
    pub place: Arc<str>,
}

/// `default` is replaced by `ports`, for a role or for the hosts of an assignment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortChange {
    /// The role that it is for; `None` in a host's own declaration.
    pub role: Option<Role>,
    /// The vendor's number.
    pub default: u16,
    /// What is used instead.
    pub ports: PortSet,
}
