//! Weaknesses on top of the structural verdict: clear text where encryption is demanded, weak TLS,
//! weak protocols, the factory password, evasion.

use std::sync::Arc;

use crate::evidence::Evidence;
use crate::policy::case::Case;
use crate::policy::case::Objection;
use crate::policy::case::Spoken;
use crate::policy::decide::distinct;
use crate::policy::fit::is_vpn;
use crate::policy::force::Policy;
use crate::policy::rule::Assertion;
use crate::policy::rule::Check;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::TlsDemand;
use crate::recognise::finding::CertificateFacts;
use crate::recognise::finding::TlsVersion;
use crate::service::Certainty;
use crate::service::Service;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// Advice: what is said in clear should be encrypted.
pub const ADVICE_CLEARTEXT: &str = "cleartext";
/// Advice: administration by a host without the role for it.
pub const ADVICE_ADMIN: &str = "admin-access";

/// What hygiene found in an allowed conversation.
#[derive(Debug, Default)]
pub struct Findings {
    /// Violations.
    pub objections: Vec<Objection>,
    /// Codes of advice.
    pub advice: Vec<Arc<str>>,
}

/// Objections that are raised whatever the structural verdict is.
pub fn always(policy: &Policy, case: &Case<'_>) -> Vec<Objection> {
    let mut objections = Vec::new();
    let rule = || cited(policy, case, |check| *check == Check::Authenticated);
    if let Some(evidence) = case.traits.factory_password.as_deref().copied() {
        objections.push(Objection {
            reason: Reason::FactoryPassword,
            rule: rule(),
            what: "the maker's documented password is in use".to_owned(),
            evidence: Some(evidence),
        });
    }
    if case.traits.evasion {
        objections.push(Objection {
            reason: Reason::Evasion,
            rule: None,
            what: "parts of what was sent overlap and differ, so that two readers read two things".to_owned(),
            evidence: None,
        });
    }
    objections
}

/// What `rule`, which allows the case, and the assertions in force object to.
pub fn examine(policy: &Policy, rule: &Rule, case: &Case<'_>) -> Findings {
    let mut findings = Findings::default();
    clear_text(policy, rule, case, &mut findings);
    findings.objections.extend(weak_tls(policy, case));
    findings.objections.extend(weak_protocol(policy, case));
    findings.advice.extend(rule.advice.iter().cloned());
    findings.advice = distinct(std::mem::take(&mut findings.advice));
    findings
}

fn clear_text(policy: &Policy, rule: &Rule, case: &Case<'_>, findings: &mut Findings) {
    let Spoken::Known(service, certainty) = case.spoken else {
        return;
    };
    if !case.clear || is_encrypted(service) || certainty < Certainty::Consistent {
        return;
    }
    match rule.tls {
        TlsDemand::Required => {}
        TlsDemand::Recommended if policy.strict() => {}
        TlsDemand::Recommended => return findings.advice.push(ADVICE_CLEARTEXT.into()),
        TlsDemand::Either | TlsDemand::None => return,
    }
    findings.objections.push(Objection {
        reason: Reason::Cleartext,
        rule: cited(policy, case, |check| *check == Check::Encrypt).or_else(|| Some(rule.id.clone())),
        what: format!("{} demands encryption, and this is in clear", rule.id),
        evidence: None,
    });
}

/// Whether `service` is encryption itself.
pub fn is_encrypted(service: Service) -> bool {
    matches!(service, Service::Tls | Service::Dtls | Service::Quic | Service::Ssh) || is_vpn(service)
}

fn weak_tls(policy: &Policy, case: &Case<'_>) -> Option<Objection> {
    old_version(policy, case).or_else(|| bad_certificate(policy, case))
}

fn old_version(policy: &Policy, case: &Case<'_>) -> Option<Objection> {
    let demands = policy.assertions_in(case.orig.packs | case.resp.packs);
    // Of two guides the stricter one.
    let (least, assertion) = demands
        .filter_map(|assertion| match assertion.check {
            Check::TlsAtLeast(least) => Some((least, assertion)),
            _ => None,
        })
        .reduce(|held, next| if next.0 > held.0 { next } else { held })?;
    let agreed = case.traits.tls_version.as_deref().copied().map(|told| (told, "was agreed on"));
    // What is agreed on is never more than what was offered, whether the answer was seen or not.
    let offered =
        case.traits.tls_offered.as_deref().copied().map(|told| (told, "is the most that the client offers"));
    let weak = |((version, _), _): &((TlsVersion, Evidence), &str)| *version < least;
    let ((version, evidence), how) = agreed.filter(weak).or(offered.filter(weak))?;
    Some(Objection {
        reason: Reason::WeakTls,
        rule: Some(assertion.id.clone()),
        what: format!("{version} {how}, and {least} is the least"),
        evidence: Some(evidence),
    })
}

fn bad_certificate(policy: &Policy, case: &Case<'_>) -> Option<Objection> {
    let assertion = asserted(policy, case, |check| matches!(check, Check::ValidCertificates { .. }))?;
    let Check::ValidCertificates { self_signed_from } = assertion.check else {
        return None;
    };
    let accepted = self_signed_from.union(policy.site().map(|site| site.self_signed).unwrap_or_default());
    let authorities = policy.site().map_or(&[][..], |site| &site.authorities);
    case.traits.certificates.iter().find_map(|(facts, seen, evidence)| {
        let what = flaw(facts, *seen, authorities, accepted.meets(case.resp.roles))?;
        let (rule, evidence) = (Some(assertion.id.clone()), Some(*evidence));
        Some(Objection { reason: Reason::WeakTls, rule, what, evidence })
    })
}

/// What is wrong with a certificate. One that holds one of the site's authorities in its chain is theirs,
/// self-signed or not; where the site names none, any issuer will do. Of a chain whose root the server left out
/// nobody knows whose it is.
fn flaw(
    facts: &CertificateFacts,
    seen: Timestamp,
    authorities: &[[u8; 32]],
    self_signed_accepted: bool,
) -> Option<String> {
    if seen > facts.not_after {
        Some("the server's certificate had expired".to_owned())
    } else if seen < facts.not_before {
        Some("the server's certificate is not valid yet".to_owned())
    } else if let Some(key) = &facts.weak_key {
        Some(format!("the server's certificate has a weak key ({key})"))
    } else if let Some(hash) = facts.weak_hash {
        Some(format!("the server's certificate is signed with {hash}"))
    } else if facts.fingerprints.iter().any(|print| authorities.contains(print)) {
        None
    } else if facts.self_signed && !self_signed_accepted {
        Some("the server's certificate is self-signed".to_owned())
    } else if !facts.self_signed && facts.shows_root && !authorities.is_empty() {
        Some("the server's certificate is not from one of the site's authorities".to_owned())
    } else {
        None
    }
}

fn weak_protocol(policy: &Policy, case: &Case<'_>) -> Option<Objection> {
    let rule = cited(policy, case, |check| *check == Check::Authenticated)?;
    let object = |what: &str, evidence: Evidence| {
        let (rule, what) = (Some(rule.clone()), what.to_owned());
        Some(Objection { reason: Reason::WeakProtocol, rule, what, evidence: Some(evidence) })
    };
    if let Some(evidence) = case.traits.smb1.as_deref().copied() {
        return object("SMB 1 was agreed on", evidence);
    }
    if let Some(evidence) = case.traits.basic.as_deref().copied() {
        return object("a password went over the wire in clear (Basic authentication)", evidence);
    }
    let evidence = case.traits.unauthenticated.as_deref().copied();
    evidence.and_then(|evidence| object("the server asks for no authentication", evidence))
}

fn asserted<'a>(
    policy: &'a Policy,
    case: &Case<'_>,
    wanted: impl Fn(&Check) -> bool,
) -> Option<&'a Assertion> {
    policy.assertions_in(case.orig.packs | case.resp.packs).find(|assertion| wanted(&assertion.check))
}

fn cited(policy: &Policy, case: &Case<'_>, wanted: impl Fn(&Check) -> bool) -> Option<RuleId> {
    asserted(policy, case, wanted).map(|assertion| assertion.id.clone())
}
