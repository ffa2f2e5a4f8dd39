//! What is not wrong in a rule, but cannot be meant: rules that never decide, rules that contradict
//! each other or an assertion. Each at its place, with the way out.

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::file::PackFile;
use crate::policy::overlap::covers;
use crate::policy::overlap::is_part;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::Status;

/// Looks at the rules of these packs, in the order in which they are tried.
pub fn lint_packs(files: &[PackFile]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for file in files {
        for (index, rule) in file.pack.rules.iter().enumerate() {
            lint_order(file, rule, file.pack.rules.get(..index).unwrap_or_default(), &mut findings);
            lint_assertions(file, rule, &mut findings);
        }
    }
    findings
}

/// Whether `assertion` forbids all that `rule` allows, so that the rule never allows anything where
/// the assertion holds.
pub fn forbids(assertion: &Assertion, rule: &Rule) -> bool {
    if rule.is(Status::LocalOnly) || assertion.except.contains(&rule.id) {
        return false;
    }
    match &assertion.check {
        Check::OnlyPeers { subjects, peers } => {
            let kept_apart = |one: RoleSet, other: RoleSet| is_part(one, *subjects) && !other.meets(*peers);
            kept_apart(rule.from, rule.to) || kept_apart(rule.to, rule.from)
        }
        Check::OnlyFrom { from, to, transport, ports } => {
            let Ports::Set(set) = &rule.ports else { return false };
            rule.transports.contains(transport)
                && is_part(rule.to, *to)
                && set.0.iter().all(|range| {
                    ports.0.iter().any(|own| own.contains(range.start()) && own.contains(range.end()))
                })
                && !rule.from.meets(*from)
        }
        Check::NoInternet => {
            let internet = RoleSet::of(&[Role::Internet]);
            is_part(rule.from, internet) || is_part(rule.to, internet)
        }
        _ => false,
    }
}

/// What `earlier`, which covers `rule`, has otherwise: nothing, or the keys.
pub fn difference(earlier: &Rule, rule: &Rule) -> Option<&'static str> {
    let lifts = |rule: &Rule| {
        [Status::OffByDefault, Status::Obsolete, Status::Doubtful].map(|status| rule.is(status))
    };
    if earlier.tls != rule.tls {
        return Some("tls");
    }
    if lifts(earlier) != lifts(rule) {
        return Some("status");
    }
    (earlier.feature != rule.feature).then_some("feature")
}

fn lint_order(file: &PackFile, rule: &Rule, earlier: &[Rule], findings: &mut Vec<Diagnostic>) {
    if rule.is(Status::LocalOnly) {
        return;
    }
    let Some(wide) = earlier.iter().find(|wide| !wide.is(Status::LocalOnly) && covers(wide, rule)) else {
        return;
    };
    let mirrored = file.mirrors.contains(&(rule.id.clone(), wide.id.clone()));
    let (message, label, help) = match difference(wide, rule) {
        Some(key) => (
            format!("`{}` contradicts `{}`: it fits the same, but has another `{key}`", rule.id, wide.id),
            "never decides",
            format!("make `{key}` the same, or put the narrower rule first"),
        ),
        None if mirrored => return,
        None => (
            format!("`{}` is shadowed: `{}` before it allows all that it allows", rule.id, wide.id),
            "never decides",
            format!(
                "take it away, or add `mirrors = [\"{}\"]` if the guide lists the same conversation twice",
                wide.id
            ),
        ),
    };
    findings.push(Diagnostic::warning(&file.source, file.place(&rule.id), message, label, Some(help)));
}

fn lint_assertions(file: &PackFile, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    for assertion in file.pack.assertions.iter().filter(|assertion| forbids(assertion, rule)) {
        let message = format!(
            "`{}` contradicts the assertion `{}`, which forbids all that it allows",
            rule.id, assertion.id
        );
        let help =
            Some(format!("add \"{}\" to `except` of `{}`, or take the rule away", rule.id, assertion.id));
        let place = file.place(&rule.id);
        findings.push(Diagnostic::warning(&file.source, place, message, "allows nothing", help));
    }
}
