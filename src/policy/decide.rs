//! The order of decision (`policy.md` §3): scope, exceptions, site rules, assertions, pack rules, and
//! else a violation with the first reason that holds. Pure: case in, ruling out.

use std::sync::Arc;

use crate::inventory::Inventory;
use crate::inventory::role::Role;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Objection;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::fit::Fit;
use crate::policy::fit::Peer;
use crate::policy::fit::Speech;
use crate::policy::fit::expects;
use crate::policy::fit::fit;
use crate::policy::force::Candidates;
use crate::policy::force::Policy;
use crate::policy::hygiene;
use crate::policy::reasons;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;
use crate::verdict::Withheld;

#[cfg(test)]
mod full_walk;

/// Below this, ports are assigned to services by IANA and no system picks them for clients
/// (RFC 6335 §6; Linux starts at 32768, older Windows at 1025).
pub const SYSTEM_PORTS: u16 = 1024;

/// What the policy says of `case`. The inventory is that of the policy's site.
pub fn decide(policy: &Policy, inventory: &Inventory, case: &Case<'_>) -> Ruling {
    if !case.orig.monitored && !case.resp.monitored {
        return Ruling::OutOfScope;
    }
    if policy.is_empty() {
        return Ruling::NoPolicy;
    }
    let bits = case.orig.packs | case.resp.packs;
    let rules = Rules {
        candidates: policy.candidates(case),
        announcing: &|| policy.announcing(bits).collect(),
        telling: &|| policy.telling(inventory, case),
    };
    decide_by(&rules, policy, inventory, case)
}

/// The rules that are asked. They may be all that are in force: the ruling is the same.
struct Rules<'r, 'p> {
    /// Those that may fit.
    candidates: Candidates<'p>,
    /// Those that media may come under.
    announcing: &'r dyn Fn() -> Vec<&'p Rule>,
    /// Those that tell why nothing fits.
    telling: &'r dyn Fn() -> Vec<&'p Rule>,
}

fn decide_by(rules: &Rules<'_, '_>, policy: &Policy, inventory: &Inventory, case: &Case<'_>) -> Ruling {
    let always = hygiene::always(policy, case);
    let (mut expired, mut open) = (None, None);
    for exception in &rules.candidates.exceptions {
        match excepted(policy, inventory, exception, case) {
            Some(Excepted::Holds(certainty)) => {
                let rule = exception.id.clone();
                return Ruling::Allowed { rule, certainty, advice: Vec::new(), objections: always };
            }
            Some(Excepted::Expired) => expired = expired.or_else(|| Some(exception.id.clone())),
            Some(Excepted::Open(why)) => open = open.or_else(|| Some((why, exception.id.clone()))),
            None => {}
        }
    }
    let by_site = best(policy, inventory, &rules.candidates.own, case, &always);
    let by_site = match by_site {
        Some(allowed @ Ruling::Allowed { .. }) => return allowed,
        other => other,
    };
    let by_packs = decide_by_packs(rules, policy, inventory, case, (always.clone(), expired));
    if matches!(by_packs, Ruling::Allowed { .. }) {
        return by_packs;
    }
    // What the site would allow, if more were known, is no violation.
    let withheld = |(why, rule)| Ruling::Withheld { why, rule: Some(rule), objections: always };
    open.map(withheld).or(by_site).unwrap_or(by_packs)
}

fn decide_by_packs(
    rules: &Rules<'_, '_>,
    policy: &Policy,
    inventory: &Inventory,
    case: &Case<'_>,
    (always, expired): (Vec<Objection>, Option<RuleId>),
) -> Ruling {
    let judges = case.orig.judges && case.resp.judges;
    let allowed = || best(policy, inventory, &rules.candidates.of_packs, case, &always);
    let mut broken = if judges { broken(policy, inventory, case) } else { Vec::new() };
    // Without a site there are no zones that could tell one vendor's part from the other's: what one
    // guide keeps apart and the other allows is then not judged against the first.
    if policy.site().is_none() && !broken.is_empty() && allowed().is_some() {
        broken.retain(|assertion| !matches!(assertion.check, Check::OnlyPeers { .. }));
    }
    if broken.is_empty() {
        if let Some(ruling) = allowed() {
            return ruling;
        }
        if !judges {
            return Ruling::Withheld { why: Withheld::RoleUnknown, rule: None, objections: always };
        }
        if let Some((why, rule)) = media_rule(rules, case) {
            return Ruling::Withheld { why, rule: Some(rule), objections: always };
        }
    }
    let telling = (rules.telling)().into_iter();
    let fits: Vec<(&Rule, Fit)> = telling.map(|rule| (rule, fit(policy, inventory, rule, case))).collect();
    reasons::violation(policy, inventory, case, &broken, &fits, (always, expired))
}

enum Excepted {
    Holds(Certainty),
    /// It would hold, if more were known.
    Open(Withheld),
    Expired,
}

/// Whether an exception covers the case. Its own status and encryption are not asked: an exception
/// says that this is how it is.
fn excepted(policy: &Policy, inventory: &Inventory, rule: &Rule, case: &Case<'_>) -> Option<Excepted> {
    let fit = fit(policy, inventory, rule, case);
    if !fit.is_structural() || fit.peer == Peer::Another || fit.speech == Speech::Wrong {
        return None;
    }
    let expires = rule.exception.as_ref().and_then(|exception| exception.expires);
    if expires.is_some_and(|expires| case.time >= expires) {
        return Some(Excepted::Expired);
    }
    Some(match fit.speech {
        Speech::Right(_) | Speech::Plain(_) if fit.peer == Peer::Unproved => {
            Excepted::Open(Withheld::PeerUnproved)
        }
        Speech::Right(certainty) | Speech::Plain(certainty) => Excepted::Holds(certainty),
        Speech::Tunnelled => Excepted::Open(Withheld::Tunnelled),
        Speech::TooLittle => Excepted::Open(Withheld::TooLittle),
        Speech::Unrecognised | Speech::Wrong => Excepted::Open(Withheld::Unrecognised),
    })
}

/// The best ruling that one of `rules` gives, if one allows the case or would if more were known.
fn best(
    policy: &Policy,
    inventory: &Inventory,
    rules: &[&Rule],
    case: &Case<'_>,
    always: &[Objection],
) -> Option<Ruling> {
    let mut best: Option<((bool, bool, u8), Ruling)> = None;
    for rule in rules {
        let fit = fit(policy, inventory, rule, case);
        let Some((rank, ruling)) = by_rule(policy, rule, &fit, case, always) else {
            continue;
        };
        // A rule about what is done inside the carrier knows more than one about the carrier.
        let rank = (!matches!(ruling, Ruling::Allowed { .. }), rule.contents.is_empty(), rank);
        if best.as_ref().is_none_or(|(held, _)| rank < *held) {
            best = Some((rank, ruling));
        }
    }
    best.map(|(_, ruling)| ruling)
}

/// What one rule says, and a rank: the lower, the better for the conversation.
fn by_rule(
    policy: &Policy,
    rule: &Rule,
    fit: &Fit,
    case: &Case<'_>,
    always: &[Objection],
) -> Option<(u8, Ruling)> {
    if !fit.is_structural() || fit.status || fit.peer == Peer::Another {
        return None;
    }
    let withheld = |rank: u8, why: Withheld| {
        let (rule, objections) = (Some(rule.id.clone()), always.to_vec());
        Some((rank, Ruling::Withheld { why, rule, objections }))
    };
    let certainty = match fit.speech {
        Speech::Wrong => return None,
        Speech::Tunnelled => return withheld(4, Withheld::Tunnelled),
        Speech::TooLittle => return withheld(5, Withheld::TooLittle),
        Speech::Unrecognised => return withheld(5, Withheld::Unrecognised),
        Speech::Right(certainty) | Speech::Plain(certainty) => certainty,
    };
    if fit.peer == Peer::Unproved {
        return withheld(6, Withheld::PeerUnproved);
    }
    if rule.is(Status::Doubtful) {
        return withheld(7, Withheld::DoubtfulRule);
    }
    let hygiene::Findings { mut objections, advice } = hygiene::examine(policy, rule, case);
    let rank = match (objections.is_empty(), advice.is_empty()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    };
    objections.extend_from_slice(always);
    Some((rank, Ruling::Allowed { rule: rule.id.clone(), certainty, advice, objections }))
}

/// The assertions that the case breaks, in the order of the packs. An assertion binds the hosts of
/// zones with its pack.
fn broken<'a>(policy: &'a Policy, inventory: &Inventory, case: &Case<'_>) -> Vec<&'a Assertion> {
    let mut broken = Vec::new();
    for (end, other) in [(case.orig, case.resp), (case.resp, case.orig)] {
        for assertion in policy.assertions_in(end.packs) {
            if breaks(inventory, assertion, end, other, case)
                && !broken.contains(&assertion)
                && !is_documented(policy, inventory, assertion, case)
            {
                broken.push(assertion);
            }
        }
    }
    broken
}

/// Whether the case breaks the assertion as far as it binds `end`.
fn breaks(inventory: &Inventory, assertion: &Assertion, end: &End, other: &End, case: &Case<'_>) -> bool {
    match &assertion.check {
        Check::OnlyPeers { subjects, peers } => subjects.meets(end.roles) && !peers.meets(other.roles),
        Check::OnlyFrom { from, to, transport, ports } => {
            let ports = inventory.ports_for(ports, case.resp.addr, *to);
            std::ptr::eq(end, case.resp)
                && to.meets(case.resp.roles)
                && *transport == case.transport
                && case.port.is_some_and(|port| ports.has(port))
                && !from.meets(case.orig.roles)
        }
        Check::NoInternet => end.monitored && other.roles.has(Role::Internet),
        _ => false,
    }
}

/// Whether one of the assertion's documented exceptions covers the case. A peer that is not proved
/// yet does not break the assertion; it is the rule that then withholds.
fn is_documented(policy: &Policy, inventory: &Inventory, assertion: &Assertion, case: &Case<'_>) -> bool {
    let covers = |rule: &Rule| {
        let fit = fit(policy, inventory, rule, case);
        fit.is_structural() && !fit.status && fit.peer != Peer::Another && fit.speech != Speech::Wrong
    };
    assertion.except.iter().filter_map(|id| policy.rule(id)).any(covers)
}

/// The rule that announced media of this pair of roles would come under, whoever announces it. Of what was
/// cut too short to tell, it may be media as well, if it is between ports that are nobody's.
fn media_rule(rules: &Rules<'_, '_>, case: &Case<'_>) -> Option<(Withheld, RuleId)> {
    let why = match case.spoken {
        Spoken::Known(Service::Rtp | Service::Rtcp, _) => Withheld::UnannouncedMedia,
        Spoken::TooLittle
            if case.transport == Transport::Udp && case.port.is_none_or(|port| port >= SYSTEM_PORTS) =>
        {
            Withheld::TooLittle
        }
        _ => return None,
    };
    let announces = |rule: &&Rule| {
        let services = [Service::Rtsp, Service::Sip, Service::Rtp];
        let pair = |from: &End, to: &End| rule.from.meets(from.roles) && rule.to.meets(to.roles);
        services.iter().any(|service| expects(rule, *service))
            && (pair(case.orig, case.resp) || pair(case.resp, case.orig))
    };
    (rules.announcing)().into_iter().find(announces).map(|rule| (why, rule.id.clone()))
}

/// Advice codes without repetition, in order of appearance.
pub(crate) fn distinct(codes: impl IntoIterator<Item = Arc<str>>) -> Vec<Arc<str>> {
    let mut distinct: Vec<Arc<str>> = Vec::new();
    for code in codes {
        if !distinct.contains(&code) {
            distinct.push(code);
        }
    }
    distinct
}
