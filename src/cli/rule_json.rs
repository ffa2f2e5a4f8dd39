//! Rules and assertions as JSON: one array, rules first.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Expect;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;

/// An entry of the array.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Entry<'r> {
    /// A rule.
    Allow(Box<AllowJson<'r>>),
    /// An assertion.
    Assert(AssertJson<'r>),
}

/// A rule as JSON.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the fields are those of Rule")]
pub struct AllowJson<'r> {
    pub kind: &'static str,
    pub id: &'r str,
    pub pack: &'r str,
    pub from: Vec<Role>,
    pub to: Vec<Role>,
    pub transport: Vec<String>,
    pub ports: String,
    pub both_ways: bool,
    pub services: Vec<&'static str>,
    pub contents: Vec<&'static str>,
    pub tls: &'static str,
    pub status: Vec<&'static str>,
    pub feature: Option<&'r str>,
    pub peers: Vec<&'r str>,
    pub to_zone_kind: Option<&'r str>,
    pub purpose: &'r str,
    pub source: &'r str,
    pub controls: Vec<&'r str>,
    pub note: Option<&'r str>,
    pub advice: Option<&'r str>,
}

/// An assertion as JSON.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the fields are those of Assertion")]
pub struct AssertJson<'r> {
    pub kind: &'static str,
    pub id: &'r str,
    pub pack: &'r str,
    pub check: &'static str,
    pub sentence: &'r str,
    pub except: BTreeSet<&'r str>,
    pub source: &'r str,
    pub controls: Vec<&'r str>,
}

/// The array: these rules, then these assertions.
pub fn json_of<'r>(rules: &[&'r Rule], assertions: impl Iterator<Item = &'r Assertion>) -> Vec<Entry<'r>> {
    let rules = rules.iter().map(|rule| Entry::Allow(Box::new(allow(rule))));
    rules.chain(assertions.map(|assertion| Entry::Assert(assert(assertion)))).collect()
}

/// The name of a check, as a pack writes it.
pub fn check_name(check: &Check) -> &'static str {
    match check {
        Check::OnlyPeers { .. } => "only-peers",
        Check::OnlyFrom { .. } => "only-from",
        Check::NoInternet => "no-internet",
        Check::Encrypt => "encrypt",
        Check::TlsAtLeast(_) => "tls-at-least",
        Check::ValidCertificates { .. } => "valid-certificates",
        Check::TunnelEncrypts => "tunnel-encrypts",
        Check::LocalOnlyPorts => "local-only-ports",
        Check::ObsoletePorts => "obsolete-ports",
        Check::KnownDevices => "known-devices",
        Check::Authenticated => "authenticated",
    }
}

fn allow(rule: &Rule) -> AllowJson<'_> {
    AllowJson {
        kind: "allow",
        id: &rule.id.0,
        pack: &rule.pack.0,
        from: roles(rule.from),
        to: roles(rule.to),
        transport: rule.transports.iter().map(ToString::to_string).collect(),
        ports: match &rule.ports {
            Ports::Set(set) => set.to_string(),
            Ports::Named => "named".to_owned(),
            Ports::Any => "any".to_owned(),
        },
        both_ways: rule.both_ways,
        services: match &rule.expect {
            Expect::PortOnly => vec!["port-only"],
            Expect::Services(services) => services.iter().map(|service| service.as_str()).collect(),
        },
        contents: rule.contents.iter().map(|content| content.as_str()).collect(),
        tls: rule.tls.as_str(),
        status: rule.status.iter().map(|status| status.as_str()).collect(),
        feature: rule.feature.as_deref(),
        peers: if rule.peers_named { vec!["named"] } else { rule.peers.iter().map(|peer| &**peer).collect() },
        to_zone_kind: rule.to_zone_kind.as_deref(),
        purpose: &rule.purpose,
        source: &rule.source,
        controls: rule.controls.iter().map(|control| &**control).collect(),
        note: rule.note.as_deref(),
        advice: rule.advice.as_deref(),
    }
}

fn assert(assertion: &Assertion) -> AssertJson<'_> {
    AssertJson {
        kind: "assert",
        id: &assertion.id.0,
        pack: &assertion.pack.0,
        check: check_name(&assertion.check),
        sentence: &assertion.sentence,
        except: assertion.except.iter().map(|id| &*id.0).collect(),
        source: &assertion.source,
        controls: assertion.controls.iter().map(|control| &**control).collect(),
    }
}

fn roles(set: RoleSet) -> Vec<Role> {
    set.iter().collect()
}
