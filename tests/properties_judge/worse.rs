//! A worse capture: frames cut short, one direction only, the beginning lost. It may say less; it must
//! not accuse the innocent, nor acquit by a rule that would not have allowed it.

use std::collections::BTreeSet;

use camsentry::addr::Addr;
use camsentry::judge::audit::Audit;
use camsentry::service::Transport;
use camsentry::verdict::Reason;
use camsentry::verdict::VerdictKind;

use crate::frames::Savefile;
use crate::sites::Fixture;
use crate::sites::fixtures;

/// Reasons that lie in what is spoken: who did not hear it cannot tell.
const SPOKEN: [Reason; 7] = [
    Reason::WrongService,
    Reason::WrongPort,
    Reason::Cleartext,
    Reason::WeakTls,
    Reason::WeakProtocol,
    Reason::FactoryPassword,
    Reason::Evasion,
];

fn pair(a: Addr, b: Addr) -> (Addr, Addr) {
    (a.min(b), a.max(b))
}

/// Both hosts of each violation.
fn accused(audit: &Audit) -> BTreeSet<(Addr, Addr)> {
    let swept = |v: &&camsentry::judge::audit::Violation| v.sweep.is_none();
    audit.violations.iter().filter(swept).map(|v| pair(v.orig.addr, v.resp.addr)).collect()
}

fn sweepers(audit: &Audit) -> BTreeSet<Addr> {
    audit.violations.iter().filter(|v| v.sweep.is_some()).map(|v| v.orig.addr).collect()
}

type Place = ((Addr, Addr), Transport, Option<u16>);

/// Where something was allowed.
fn allowed(audit: &Audit) -> BTreeSet<Place> {
    let records = audit.conversations.iter().filter(|record| {
        record.verdict == VerdictKind::Allowed || record.reason.is_some_and(|reason| SPOKEN.contains(&reason))
    });
    records.map(|c| (pair(c.orig.addr, c.resp.addr), c.transport, c.port)).collect()
}

/// Where something violated by who it was, whatever was spoken.
fn forbidden(audit: &Audit) -> BTreeSet<Place> {
    let records = audit.conversations.iter().filter(|record| {
        record.verdict == VerdictKind::Violation
            && record.reason.is_some_and(|reason| !SPOKEN.contains(&reason))
    });
    let places: BTreeSet<Place> =
        records.map(|c| (pair(c.orig.addr, c.resp.addr), c.transport, c.port)).collect();
    places.difference(&allowed(audit)).copied().collect()
}

/// What a worse capture of the fixture does wrong.
fn faults(fixture: &Fixture, whole: &Audit, worse: &Savefile, how: &str) -> Vec<String> {
    let found = fixture.audit_of(&worse.write(), 1);
    let mut faults = Vec::new();
    let (accused_before, sweepers) = (accused(whole), sweepers(whole));
    for violation in &found.violations {
        let ends = pair(violation.orig.addr, violation.resp.addr);
        let known = accused_before.contains(&ends)
            || sweepers.contains(&violation.orig.addr)
            || sweepers.contains(&violation.resp.addr);
        if !known {
            faults.push(format!("{} {how}: false alarm: {}", fixture.name, violation.message));
        }
    }
    for place in forbidden(whole).intersection(&allowed(&found)) {
        let told: Vec<String> = found
            .conversations
            .iter()
            .filter(|c| (pair(c.orig.addr, c.resp.addr), c.transport, c.port) == *place)
            .map(|c| format!("{:?} by {:?}, {:?}", c.verdict, c.rule, c.initiation))
            .collect();
        faults.push(format!("{} {how}: acquitted: {place:?}: {told:?}", fixture.name));
    }
    faults
}

/// Checks each change of each fixture: what it is called, and the worse capture.
fn check(changes: &[(String, &dyn Fn(Savefile) -> Savefile)]) {
    let mut all = Vec::new();
    for fixture in fixtures("") {
        let Some(savefile) = fixture.savefile() else { continue };
        let whole = fixture.audit();
        for (how, worse) in changes {
            all.extend(faults(&fixture, &whole, &worse(savefile.clone()), how));
        }
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

#[test]
fn a_short_snap_length_accuses_and_acquits_nobody() {
    let snaps = [42, 54, 60, 80, 96, 128, 256];
    let cuts = snaps.map(|snap| (format!("snap {snap}"), move |file: Savefile| file.cut(snap)));
    check(&cuts.each_ref().map(|(how, cut)| (how.clone(), cut as &dyn Fn(Savefile) -> Savefile)));
}

#[test]
fn one_direction_alone_accuses_and_acquits_nobody() {
    check(&[
        ("low to high".to_owned(), &|file| {
            file.only(|_, frame| frame.ends().is_none_or(|(from, to)| from <= to))
        }),
        ("high to low".to_owned(), &|file| {
            file.only(|_, frame| frame.ends().is_none_or(|(from, to)| from >= to))
        }),
    ]);
}

#[test]
fn a_late_start_accuses_and_acquits_nobody() {
    let firsts = [1, 2, 3, 8, 40, 100, 250, 400, 700, 1000];
    let late = firsts
        .map(|first| (format!("from frame {first}"), move |file: Savefile| file.only(|at, _| at >= first)));
    check(&late.each_ref().map(|(how, late)| (how.clone(), late as &dyn Fn(Savefile) -> Savefile)));
}

#[test]
fn lost_frames_accuse_and_acquit_nobody() {
    let losses = [(2, 0), (2, 1), (3, 1), (7, 3)].map(|(period, phase)| {
        let how = format!("without every {period}th frame");
        (how, move |file: Savefile| file.only(|at, _| at % period != phase))
    });
    check(&losses.each_ref().map(|(how, loss)| (how.clone(), loss as &dyn Fn(Savefile) -> Savefile)));
}
