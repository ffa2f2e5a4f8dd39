//! What the inventory says of an address.

use std::sync::Arc;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::service::Certainty;

/// Who an address is, as far as it is known now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostView {
    /// The address.
    pub addr: Addr,
    /// Its MAC, where visible and its own (not a router's).
    pub mac: Option<Mac>,
    /// The maker that the MAC names.
    pub vendor: Option<&'static str>,
    /// The label: the first role that the site names.
    pub label: Role,
    /// All its roles; `unknown` alone if there are none.
    pub roles: RoleSet,
    /// What the operator calls it.
    pub name: Option<Arc<str>>,
    /// Why it has them: a place in the site file, or what it did.
    pub why: Arc<str>,
    /// How it got them.
    pub standing: Standing,
    /// It translates addresses: behind it are others.
    pub nat: bool,
}

/// How an address got its roles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The site file says so.
    Declared,
    /// By what it does; only `signature` may judge.
    Inferred(Certainty),
    /// By the address itself: internet, or a group.
    Address,
    /// Nobody named it.
    Unlisted,
}
