//! The rules in force: shipped or given packs, the site's own rules, features, strictness.

use std::sync::Arc;

use crate::inventory::site::Site;
use crate::policy::rule::Assertion;
use crate::policy::rule::Pack;
use crate::policy::rule::PackId;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::recognise::registry::RECOGNISERS;
use crate::service::Service;

/// Everything that a verdict is made with; immutable, replaced as a whole at a reload.
#[derive(Debug)]
pub struct Policy {
    packs: Vec<Pack>,
    site: Option<Arc<Site>>,
    features: Vec<Arc<str>>,
    strict: bool,
    hash: u64,
    recognisable: Vec<Service>,
}

impl Policy {
    /// The policy of these packs and this site. `strict` turns advice on encryption into violations;
    /// `hash` identifies the texts that it was made from.
    ///
    /// At most 64 packs are used; more is a lint error of the rim.
    pub fn new(packs: Vec<Pack>, site: Option<Arc<Site>>, strict: bool, hash: u64) -> Self {
        let features = site.as_ref().map(|site| site.features.clone()).unwrap_or_default();
        let recognisable = RECOGNISERS.iter().map(|recogniser| recogniser.service()).collect();
        Self { packs, site, features, strict, hash, recognisable }
    }

    /// The packs, in order.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// The site, if there is a site file.
    pub fn site(&self) -> Option<&Arc<Site>> {
        self.site.as_ref()
    }

    /// Identifies the texts that the policy was made from.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether advice on encryption is a violation.
    pub fn strict(&self) -> bool {
        self.strict
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.packs.iter().all(|pack| pack.rules.is_empty()) && self.site_rules().is_empty()
    }

    /// The site's own rules.
    pub fn site_rules(&self) -> &[Rule] {
        self.site.as_ref().map_or(&[], |site| &site.allow)
    }

    /// The site's exceptions.
    pub fn exceptions(&self) -> &[Rule] {
        self.site.as_ref().map_or(&[], |site| &site.exceptions)
    }

    /// The bits of the packs with these names.
    pub fn bits_of<'a>(&self, names: impl Iterator<Item = &'a PackId> + Clone) -> u64 {
        let bits =
            self.packs.iter().enumerate().filter(|(_, pack)| names.clone().any(|name| *name == pack.id));
        bits.fold(0, |bits, (index, _)| bits | bit(index))
    }

    /// The bits of the packs that are in force everywhere; without a site, of all packs.
    pub fn bits_everywhere(&self) -> u64 {
        let everywhere = |pack: &Pack| pack.everywhere || self.site.is_none();
        let bits = self.packs.iter().enumerate().filter(|(_, pack)| everywhere(pack));
        bits.fold(0, |bits, (index, _)| bits | bit(index))
    }

    /// The packs of `bits`, in order.
    pub fn packs_in(&self, bits: u64) -> impl Iterator<Item = &Pack> {
        self.packs.iter().enumerate().filter(move |(index, _)| bits & bit(*index) != 0).map(|(_, pack)| pack)
    }

    /// The pack rules of `bits`, in order.
    pub fn rules_in(&self, bits: u64) -> impl Iterator<Item = &Rule> {
        self.packs_in(bits).flat_map(|pack| pack.rules.iter())
    }

    /// The assertions of `bits`, in order.
    pub fn assertions_in(&self, bits: u64) -> impl Iterator<Item = &Assertion> {
        self.packs_in(bits).flat_map(|pack| pack.assertions.iter())
    }

    /// Every rule and exception, in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let packs = self.packs.iter().flat_map(|pack| pack.rules.iter());
        packs.chain(self.site_rules()).chain(self.exceptions())
    }

    /// The rule with this identifier.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules().find(|rule| rule.id == *id)
    }

    /// The assertion with this identifier.
    pub fn assertion(&self, id: &RuleId) -> Option<&Assertion> {
        self.packs.iter().flat_map(|pack| pack.assertions.iter()).find(|assertion| assertion.id == *id)
    }

    /// Whether `rule` is off because the site did not switch its feature on.
    pub fn is_off(&self, rule: &Rule) -> bool {
        let lifted = rule.feature.as_ref().is_some_and(|feature| self.features.contains(feature));
        rule.is(Status::OffByDefault) && !lifted
    }

    /// Whether a verdict may depend on the time: an exception expires.
    pub fn expires(&self) -> bool {
        let expires =
            |rule: &Rule| rule.exception.as_ref().is_some_and(|exception| exception.expires.is_some());
        self.exceptions().iter().any(expires)
    }

    /// Whether a verdict may depend on which host of a kind it is: a rule names hosts, or the site changes
    /// ports.
    pub fn tells_hosts_apart(&self) -> bool {
        let names_hosts = |rule: &Rule| !rule.from_hosts.is_empty() || !rule.to_hosts.is_empty();
        let changes_ports = |site: &Site| {
            !site.role_ports.is_empty()
                || site.assignments.iter().any(|assignment| !assignment.ports.is_empty())
        };
        self.rules().any(names_hosts) || self.site.as_ref().is_some_and(|site| changes_ports(site))
    }

    /// Whether octets of `service` can be recognised at all.
    pub fn can_recognise(&self, service: Service) -> bool {
        self.recognisable.contains(&service)
    }
}

fn bit(index: usize) -> u64 {
    1_u64.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0)
}
