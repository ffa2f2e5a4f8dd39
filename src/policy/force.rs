//! The rules in force: shipped or given packs, the site's own rules, features, strictness.

use std::ops::Range;
use std::sync::Arc;

use crate::inventory::Inventory;
use crate::inventory::site::Site;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::fit;
use crate::policy::index::Index;
use crate::policy::index::Meeting;
use crate::policy::index::Numbered;
use crate::policy::rule::Assertion;
use crate::policy::rule::Pack;
use crate::policy::rule::PackId;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::recognise::registry::RECOGNISERS;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

/// Everything that a verdict is made with; immutable, replaced as a whole at a reload.
#[derive(Debug)]
pub struct Policy {
    packs: Vec<Pack>,
    site: Option<Arc<Site>>,
    features: Vec<Arc<str>>,
    strict: bool,
    hash: u64,
    recognisable: Vec<Service>,
    index: Index,
    expires: bool,
    tells_hosts_apart: bool,
}

/// Rules that may fit a case, in the order of the policy. Whatever is not among them does not fit.
#[derive(Debug)]
pub struct Candidates<'p> {
    /// Exceptions of the site.
    pub exceptions: Vec<&'p Rule>,
    /// The site's own rules.
    pub own: Vec<&'p Rule>,
    /// Rules of the packs in force.
    pub of_packs: Vec<&'p Rule>,
}

impl Policy {
    /// The policy of these packs and this site. `strict` turns advice on encryption into violations;
    /// `hash` identifies the texts that it was made from.
    ///
    /// At most 64 packs are used; more is a lint error of the rim.
    pub fn new(packs: Vec<Pack>, site: Option<Arc<Site>>, strict: bool, hash: u64) -> Self {
        let features = site.as_ref().map(|site| site.features.clone()).unwrap_or_default();
        let recognisable = RECOGNISERS.iter().map(|recogniser| recogniser.service()).collect();
        let mut policy = Self {
            packs,
            site,
            features,
            strict,
            hash,
            recognisable,
            index: Index::default(),
            expires: false,
            tells_hosts_apart: false,
        };
        policy.index = Index::of(&policy.numbered(), policy.site.as_deref());
        policy.expires = policy.has_expiry();
        policy.tells_hosts_apart = policy.names_hosts();
        policy
    }

    fn numbered(&self) -> Vec<Numbered<'_>> {
        let packs = self.packs.iter().enumerate();
        let of_packs =
            packs.flat_map(|(index, pack)| pack.rules.iter().map(move |rule| (Some(bit(index)), rule)));
        let own = self.site_rules().iter().chain(self.exceptions()).map(|rule| (None, rule));
        let rules = (0..).zip(of_packs.chain(own));
        rules.map(|(number, (pack, rule))| Numbered { number, pack, rule }).collect()
    }

    /// The rule with this number.
    fn at(&self, number: u32) -> Option<&Rule> {
        let mut index = usize::try_from(number).ok()?;
        let lists = self.packs.iter().map(|pack| pack.rules.as_slice());
        for list in lists.chain([self.site_rules(), self.exceptions()]) {
            match index.checked_sub(list.len()) {
                Some(beyond) => index = beyond,
                None => return list.get(index),
            }
        }
        None
    }

    /// The rules that may fit `case`, of those in force for its ends.
    pub fn candidates(&self, case: &Case<'_>) -> Candidates<'_> {
        let Case { orig, resp, transport, port, .. } = *case;
        let meeting = Meeting { orig, resp, transport, port };
        let fitting = self.index.fitting(orig.packs | resp.packs, &meeting);
        let mut numbers: Vec<u32> = fitting.map(|entry| entry.rule).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let own = self.packs.iter().map(|pack| pack.rules.len()).sum();
        let exceptions = self.site_rules().len().saturating_add(own);
        let (own, exceptions) = (numbers_below(&numbers, own), numbers_below(&numbers, exceptions));
        let rules = |range: Range<usize>| {
            let numbers = numbers.get(range).unwrap_or_default();
            numbers.iter().filter_map(|number| self.at(*number)).collect()
        };
        Candidates {
            exceptions: rules(exceptions..numbers.len()),
            own: rules(own..exceptions),
            of_packs: rules(0..own),
        }
    }

    /// Rules in force for the ends of `case` and of the site, in order, so that every other one is of the same
    /// kind as an earlier one among them and fits the case in the same fields: ten thousand rules that differ
    /// in ports alone are two, one with the case's port and one without. Exceptions are left out.
    pub fn telling(&self, inventory: &Inventory, case: &Case<'_>) -> Vec<&Rule> {
        let fits = |number: u32| self.at(number).is_some_and(|rule| fit::fits_port(inventory, rule, case));
        let numbers = self.index.telling(case.orig.packs | case.resp.packs, case, fits);
        numbers.iter().filter_map(|number| self.at(*number)).collect()
    }

    /// The first rule for announced media of each pair of roles, of the packs of `bits` and of the site, in
    /// order.
    pub fn announcing(&self, bits: u64) -> impl Iterator<Item = &Rule> {
        self.index.announcing(bits).filter_map(|number| self.at(number))
    }

    /// Whether a rule or exception in force at `time` lets `from` open `port` of `to`; see [`fit::serves`].
    pub fn serves(
        &self,
        inventory: &Inventory,
        (from, to): (&End, &End),
        transport: Transport,
        port: u16,
        time: Timestamp,
    ) -> bool {
        let meeting = Meeting { orig: from, resp: to, transport, port: Some(port) };
        let serves =
            |rule: &Rule| is_in_time(rule, time) && fit::serves(inventory, rule, (from, to), transport, port);
        let mut fitting = self.index.fitting(from.packs | to.packs, &meeting);
        fitting.any(|entry| entry.is_sure || self.at(entry.rule).is_some_and(serves))
    }

    /// Whether a rule or exception in force at `time`, of the packs of `bits` or of the site, knows `port` of a
    /// host like `host`, whoever opens it.
    pub fn knows_port(
        &self,
        inventory: &Inventory,
        bits: u64,
        host: &End,
        (transport, port): (Transport, u16),
        time: Timestamp,
    ) -> bool {
        self.index.knowing(bits, transport, port).filter_map(|number| self.at(number)).any(|rule| {
            rule.to.meets(host.roles)
                && is_in_time(rule, time)
                && fit::ports_at(inventory, rule, host, rule.to).is_some_and(|ports| ports.has(port))
        })
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
        self.at(self.index.number(id)?)
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
        self.expires
    }

    fn has_expiry(&self) -> bool {
        let expires =
            |rule: &Rule| rule.exception.as_ref().is_some_and(|exception| exception.expires.is_some());
        self.exceptions().iter().any(expires)
    }

    /// Whether a verdict may depend on which host of a kind it is: a rule names hosts, or the site changes
    /// ports.
    pub fn tells_hosts_apart(&self) -> bool {
        self.tells_hosts_apart
    }

    fn names_hosts(&self) -> bool {
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

/// How many of these ascending numbers are below `bound`.
fn numbers_below(numbers: &[u32], bound: usize) -> usize {
    numbers.partition_point(|number| usize::try_from(*number).is_ok_and(|number| number < bound))
}

/// Whether a rule holds at `time`; only exceptions end.
fn is_in_time(rule: &Rule, time: Timestamp) -> bool {
    let expires = rule.exception.as_ref().and_then(|exception| exception.expires);
    expires.is_none_or(|expires| time < expires)
}

fn bit(index: usize) -> u64 {
    1_u64.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0)
}
