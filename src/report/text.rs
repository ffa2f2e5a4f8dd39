//! The text report.

use std::collections::BTreeMap;

use crate::export::run_facts::RunFacts;
use crate::export::summary_record::is_complete;
use crate::export::text::plain;
use crate::judge::audit::Audit;
use crate::judge::audit::Violation;
use crate::report::layout::Page;
use crate::report::layout::counted;
use crate::report::layout::lasting;
use crate::report::layout::moment;
use crate::report::layout::octets;
use crate::report::seen;
use crate::report::trust;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// How many violations of one kind (reason, rule, roles) are printed in full.
const SHOWN_OF_A_KIND: usize = 5;
/// How many lines of advice are printed.
const SHOWN_ADVICE: usize = 10;

/// The report of an audit, with colours if `colour`.
pub fn render(audit: &Audit, run: &RunFacts, colour: bool) -> String {
    let mut page = Page::new(colour);
    header(&mut page, audit, run);
    violations(&mut page, audit);
    advice(&mut page, audit);
    seen::withheld(&mut page, audit);
    seen::services(&mut page, audit);
    seen::hosts(&mut page, audit);
    trust::render(&mut page, audit, run);
    page.into_text()
}

fn header(page: &mut Page, audit: &Audit, run: &RunFacts) {
    let site = match &audit.site {
        Some(name) => format!("site \"{}\"", plain(name)),
        None => "no site file: roles are inferred from what hosts do".to_owned(),
    };
    let span = match (run.first, run.last) {
        (Some(first), Some(last)) => {
            format!(", {} to {} ({})", moment(first), moment(last), lasting(last.since(first).nanos()))
        }
        _ => String::new(),
    };
    page.line(&format!("camsentry {} · {site}", env!("CARGO_PKG_VERSION")));
    let files = u64::try_from(run.files.len()).unwrap_or(u64::MAX);
    let packets = counted(run.packets, "packet");
    page.wrapped(0, &format!("{} · {packets}, {}{span}", counted(files, "file"), octets(run.octets)));
    page.gap();
    let headline = headline(audit, run);
    let conforms = audit.site.is_some() && audit.violations.is_empty() && is_complete(audit, run);
    let headline = if conforms { page.good(&headline) } else { page.bold(&headline) };
    page.line(&headline);
    page.gap();
}

/// The one line that says how it stands.
fn headline(audit: &Audit, run: &RunFacts) -> String {
    let totals = &audit.totals;
    let judged = totals.conversations.saturating_sub(totals.out_of_scope);
    if totals.no_policy > 0 {
        return format!("NO RULES LOADED: {} not judged", counted(totals.no_policy, "conversation"));
    }
    if judged == 0 {
        return nothing_judged(totals.out_of_scope);
    }
    let withheld = match totals.withheld {
        0 => String::new(),
        count => format!("; {count} of {judged} could not be judged"),
    };
    let conversations = counted(judged, "conversation");
    let count = u64::try_from(audit.violations.len()).unwrap_or(u64::MAX);
    match (count, &audit.site) {
        (0, Some(_)) if is_complete(audit, run) => {
            format!("CONFORMS: no violation in {conversations}{withheld}")
        }
        (0, Some(_)) => format!("NO VIOLATION FOUND in {conversations}{withheld}; THE AUDIT IS NOT COMPLETE"),
        (0, None) => format!("NO VIOLATION FOUND; {} of {judged} could not be judged", totals.withheld),
        _ => format!(
            "DOES NOT CONFORM: {} ({}) in {conversations}{withheld}",
            counted(count, "violation"),
            by_severity(&audit.violations),
        ),
    }
}

/// An audit that judged nothing proves nothing.
fn nothing_judged(out_of_scope: u64) -> String {
    match out_of_scope {
        0 => "NOTHING JUDGED: there is no conversation in what was read".to_owned(),
        count => format!(
            "NOTHING JUDGED: none of {} touches the monitored networks",
            counted(count, "conversation")
        ),
    }
}

fn by_severity(violations: &[Violation]) -> String {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for violation in violations {
        let count = counts.entry(violation.severity).or_default();
        *count = count.saturating_add(1);
    }
    let words: Vec<String> =
        counts.iter().rev().map(|(severity, count)| format!("{count} {severity}")).collect();
    words.join(", ")
}

fn violations(page: &mut Page, audit: &Audit) {
    let mut kinds: Vec<((Severity, Reason), Vec<&Violation>)> = Vec::new();
    for violation in &audit.violations {
        let kind = (violation.severity, violation.reason);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, violations)) => violations.push(violation),
            None => kinds.push((kind, vec![violation])),
        }
    }
    kinds.sort_by(|((a, x), _), ((b, y), _)| b.cmp(a).then(x.cmp(y)));
    for ((severity, reason), violations) in kinds {
        let count = u64::try_from(violations.len()).unwrap_or(u64::MAX);
        let title = format!("{} {reason}", severity.as_str().to_ascii_uppercase());
        let title = page.by_severity(severity, &title);
        page.line(&format!("{title} · {}", counted(count, "violation")));
        for violation in violations.iter().take(SHOWN_OF_A_KIND) {
            page.wrapped(2, &plain(&violation.message));
            let facts = facts(violation);
            let facts = page.dim(&facts);
            page.line(&format!("    {facts}"));
        }
        let more = violations.len().saturating_sub(SHOWN_OF_A_KIND);
        if more > 0 {
            page.line(&format!("  … and {more} more of this kind; --format json lists them all"));
        }
        page.gap();
    }
}

/// The facts behind a violation's sentence.
fn facts(violation: &Violation) -> String {
    let mut facts = vec![
        format!("id {:016x}", violation.id),
        format!("{}, {}", counted(violation.flows, "flow"), octets(violation.octets)),
        violation.outcome.as_str().to_owned(),
        format!("initiator {}", violation.initiation),
        moment(violation.first_seen),
    ];
    if !violation.also.is_empty() {
        let also: Vec<&str> = violation.also.iter().map(|reason| reason.as_str()).collect();
        facts.push(format!("also {}", also.join(", ")));
    }
    if !violation.controls.is_empty() {
        facts.push(violation.controls.join(" "));
    }
    facts.join(" · ")
}

fn advice(page: &mut Page, audit: &Audit) {
    if audit.advice.is_empty() {
        return;
    }
    page.heading(&format!("ADVICE · {}", audit.advice.len()));
    for advice in audit.advice.iter().take(SHOWN_ADVICE) {
        page.wrapped(2, &plain(&advice.message));
    }
    let more = audit.advice.len().saturating_sub(SHOWN_ADVICE);
    if more > 0 {
        page.line(&format!("  … and {more} more; --format json lists them all"));
    }
    page.gap();
}
