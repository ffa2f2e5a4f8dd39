//! Series that exist before anything is counted under them.

use std::collections::BTreeSet;

use crate::export::metric_table::SERIES_CAP;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::ledger::severity_of;
use crate::policy::force::Policy;
use crate::policy::rule::Check;
use crate::policy::rule::RuleId;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// Labels of a violation's series: rule, reason, severity, label of the initiator and of the responder.
pub(super) type ViolationLabels = [String; 5];

/// Series that exist at 0 before the first violation, so that `increase()` sees it: for every pair of
/// roles that were seen or that the site has, what an unruled conversation of them would be counted under.
pub(super) fn expected_series(
    seen: impl Iterator<Item = Role>,
    policy: &Policy,
) -> BTreeSet<ViolationLabels> {
    let mut roles: BTreeSet<Role> = seen.collect();
    roles.extend(
        policy.site().iter().flat_map(|site| site.assignments.iter()).filter_map(|a| a.roles.first()),
    );
    roles.extend([Role::Unknown, Role::Internet]);
    let mut series = BTreeSet::new();
    for orig in &roles {
        for resp in &roles {
            let (reason, rule) = unruled(policy, *orig, *resp);
            let set = RoleSet::of(&[*orig]);
            let changed = policy.site().and_then(|site| {
                site.severities.iter().find(|(changed, _)| *changed == reason).map(|(_, severity)| *severity)
            });
            let severity: Severity = changed.unwrap_or_else(|| severity_of(reason, set));
            for severity in [severity, severity.lowered()] {
                let words = [reason.as_str(), severity.as_str(), orig.as_str(), resp.as_str()];
                let [reason, severity, orig, resp] = words.map(str::to_owned);
                series.insert([rule.clone(), reason, severity, orig, resp]);
                if series.len() >= SERIES_CAP {
                    return series;
                }
            }
        }
    }
    series
}

fn unruled(policy: &Policy, orig: Role, resp: Role) -> (Reason, String) {
    let mut all = policy.packs().iter().flat_map(|pack| pack.assertions.iter());
    let set = |role| RoleSet::of(&[role]);
    if orig == Role::Internet || resp == Role::Internet {
        let assertion = all.find(|assertion| assertion.check == Check::NoInternet);
        return (Reason::Internet, assertion.map(|assertion| assertion.id.to_string()).unwrap_or_default());
    }
    let isolates = all.find(|assertion| match &assertion.check {
        Check::OnlyPeers { subjects, peers } => {
            (subjects.meets(set(orig)) && !peers.meets(set(resp)))
                || (subjects.meets(set(resp)) && !peers.meets(set(orig)))
        }
        _ => false,
    });
    match isolates {
        Some(assertion) => (Reason::Isolation, assertion.id.to_string()),
        None => (Reason::NoRule, String::new()),
    }
}

/// Every rule and assertion that a violation can name.
pub(super) fn all_rules(policy: &Policy) -> impl Iterator<Item = &RuleId> {
    let assertions = policy.packs().iter().flat_map(|pack| pack.assertions.iter());
    policy.rules().map(|rule| &rule.id).chain(assertions.map(|assertion| &assertion.id))
}
