//! Why nothing allows a conversation: every reason that holds, the first of them the reason, and the
//! nearest rule with the field that did not fit.

use crate::flow::facts::Initiation;
use crate::inventory::Inventory;
use crate::inventory::role::Role;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Objection;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::fit::Fit;
use crate::policy::fit::Speech;
use crate::policy::fit::expects;
use crate::policy::fit::ports_at;
use crate::policy::force::Policy;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::service::Certainty;
use crate::verdict::Field;
use crate::verdict::Reason;
use crate::verdict::Withheld;

/// The ruling on a case that nothing allows. `broken` are the assertions that it breaks, `fits` the rules
/// that tell why ([`Policy::telling`]), in order.
pub fn violation(
    policy: &Policy,
    inventory: &Inventory,
    case: &Case<'_>,
    broken: &[&Assertion],
    fits: &[(&Rule, Fit)],
    (objections, expired): (Vec<Objection>, Option<RuleId>),
) -> Ruling {
    let holding = holding(policy, inventory, case, broken, fits);
    let known = case.initiation >= Initiation::Inferred;
    let is_directional = |(reason, _): &(Reason, _)| *reason == Reason::WrongDirection;
    if !known && broken.is_empty() && holding.iter().any(is_directional) {
        let rule = holding.iter().find(|held| is_directional(held)).and_then(|(_, rule)| rule.clone());
        return Ruling::Withheld { why: Withheld::InitiatorUnknown, rule, objections };
    }
    let mut holding = holding.into_iter().filter(|held| known || !is_directional(held));
    let (reason, rule) = holding.next().unwrap_or((Reason::NoRule, None));
    // What a host was seen to do is the least that it is: without a site, another role of it may well
    // be what allows this.
    if policy.site().is_none() && !matches!(reason, Reason::Internet | Reason::Isolation) {
        return Ruling::Withheld { why: Withheld::RoleUnknown, rule, objections };
    }
    let also = holding.map(|(reason, _)| reason).filter(|reason| *reason != Reason::NoRule).collect();
    let rule = rule.or_else(|| broken.first().map(|assertion| assertion.id.clone()));
    Ruling::Violation { reason, also, rule, nearest: nearest(case, fits), expired, objections }
}

/// The reasons that hold, in order of precedence, each with the rule or assertion that makes it hold.
fn holding(
    policy: &Policy,
    inventory: &Inventory,
    case: &Case<'_>,
    broken: &[&Assertion],
    fits: &[(&Rule, Fit)],
) -> Vec<(Reason, Option<RuleId>)> {
    let mut holding = Vec::new();
    let by = |wanted: fn(&Check) -> bool| broken.iter().find(|a| wanted(&a.check)).map(|a| a.id.clone());
    let on_internet = case.orig.roles.has(Role::Internet) || case.resp.roles.has(Role::Internet);
    if on_internet {
        holding.push((Reason::Internet, by(|check| *check == Check::NoInternet)));
    }
    if let Some(id) = by(|check| matches!(check, Check::OnlyPeers { .. })) {
        holding.push((Reason::Isolation, Some(id)));
    }
    let mut first = |reason: Reason, matches: &dyn Fn(&Rule, &Fit) -> bool| {
        if let Some((rule, _)) = fits.iter().find(|(rule, fit)| matches(rule, fit)) {
            holding.push((reason, Some(rule.id.clone())));
        }
    };
    first(Reason::LocalOnly, &|rule, fit| is_local_only(rule, fit, case));
    first(Reason::Obsolete, &|rule, fit| {
        fit.is_structural() && fit.speech != Speech::Wrong && rule.is(Status::Obsolete)
    });
    first(Reason::OffByDefault, &|rule, fit| {
        fit.is_structural() && fit.speech != Speech::Wrong && policy.is_off(rule)
    });
    let other_way = |fit: &Fit| fit.structure == [Field::Direction] && !fit.status && fit.is_spoken();
    first(Reason::WrongDirection, &|_, fit| other_way(fit));
    first(Reason::WrongService, &|rule, fit| {
        fit.is_structural()
            && fit.speech == Speech::Wrong
            && rule.contents.is_empty()
            && !rule.is(Status::LocalOnly)
    });
    let another_port = |rule: &Rule, fit: &Fit| is_another_port(policy, rule, fit, case);
    if !is_port_of_responder(inventory, case, fits) {
        first(Reason::WrongPort, &another_port);
    }
    if let Some(id) = unknown_device(policy, case) {
        holding.push((Reason::UnknownDevice, id));
    }
    if holding.is_empty() {
        let only_from = by(|check| matches!(check, Check::OnlyFrom { .. }));
        holding.push((Reason::NoRule, only_from));
    }
    holding
}

/// Whether a rule keeps this port of the responder for its own computer. Who asks does not matter.
fn is_local_only(rule: &Rule, fit: &Fit, case: &Case<'_>) -> bool {
    let blamed = |field: &Field| !matches!(field, Field::From | Field::Direction);
    rule.is(Status::LocalOnly) && rule.to.meets(case.resp.roles) && !fit.structure.iter().any(blamed)
}

/// Whether the rule would allow what is spoken at another port of the responder. Carriers that every
/// product uses say nothing of a service, and shape alone accuses nobody.
fn is_another_port(policy: &Policy, rule: &Rule, fit: &Fit, case: &Case<'_>) -> bool {
    let Spoken::Known(service, certainty) = case.spoken else {
        return false;
    };
    fit.structure == [Field::Port]
        && !fit.status
        && !policy.is_off(rule)
        && certainty >= Certainty::Consistent
        && expects(rule, service)
        && fit.is_spoken()
}

/// Whether the port is one that some rule knows at this responder: then it is that service that was
/// asked for, and no other one that strayed there.
fn is_port_of_responder(inventory: &Inventory, case: &Case<'_>, fits: &[(&Rule, Fit)]) -> bool {
    fits.iter().any(|(rule, fit)| {
        rule.to.meets(case.resp.roles)
            && !fit.structure.contains(&Field::Transport)
            && !fit.structure.contains(&Field::Port)
            && ports_at(inventory, rule, case.resp, rule.to).is_some()
    })
}

/// Whether an end is a host of the site that nobody named, and the assertion that forbids it.
fn unknown_device(policy: &Policy, case: &Case<'_>) -> Option<Option<RuleId>> {
    policy.site()?;
    let is_unknown = |end: &End| end.monitored && end.roles.has(Role::Unknown);
    let unknown = [case.orig, case.resp].into_iter().find(|end| is_unknown(end))?;
    let assertion =
        policy.assertions_in(unknown.packs).find(|assertion| assertion.check == Check::KnownDevices);
    Some(assertion.map(|assertion| assertion.id.clone()))
}

/// The rule with the fewest fields that failed. Among equals one that fails in a role or a status is
/// nearer than one of another port, then the one that names fewer responders, then the earlier one.
fn nearest(case: &Case<'_>, fits: &[(&Rule, Fit)]) -> Option<(RuleId, Field)> {
    let mut best: Option<(Key, &Rule, Field)> = None;
    for (rule, fit) in fits {
        if rule.is(Status::LocalOnly) && !is_local_only(rule, fit, case) {
            continue;
        }
        let failed = fit.failed();
        // That a feature is off says little of a rule that would not fit with it on.
        let blames = |field: &Field| failed.len() == 1 || *field != Field::Status;
        let Some(field) = failed.iter().copied().filter(blames).min_by_key(|field| weight(*field)) else {
            continue;
        };
        // A rule for any port of another transport is about something else.
        if failed.contains(&Field::Transport) && rule.ports == Ports::Any {
            continue;
        }
        // Two fields off is still a hint; more tells the operator nothing.
        if failed.len() > 2
            || (failed.len() == 2 && !rule.to.meets(case.resp.roles) && !rule.from.meets(case.orig.roles))
        {
            continue;
        }
        let key = (failed.len(), weight(field), !is_spoken(rule, case), rule.to.iter().count());
        if best.as_ref().is_none_or(|(held, ..)| key < *held) {
            best = Some((key, rule, field));
        }
    }
    best.map(|(_, rule, field)| (rule.id.clone(), field))
}

type Key = (usize, u8, bool, usize);

/// Whether the rule names what is spoken, and does not only bear it.
fn is_spoken(rule: &Rule, case: &Case<'_>) -> bool {
    matches!(case.spoken, Spoken::Known(service, _) if expects(rule, service))
}

fn weight(field: Field) -> u8 {
    match field {
        Field::Status => 0,
        Field::Service => 1,
        Field::Direction => 2,
        Field::Zone => 3,
        Field::Peer => 4,
        Field::From => 5,
        Field::To => 6,
        Field::Port => 7,
        Field::Transport => 8,
    }
}
