//! A judge that watches ends with the ledger of an audit of the same packets, however time is cut into steps;
//! what it told on the way adds up to that; and what it forgets leaves exact totals behind.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::cli::args::PolicyArgs;
use camsentry::cli::policy_files::PolicyFiles;
use camsentry::inventory::Inventory;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::judge::audit::Audit;
use camsentry::judge::audit::Violation;
use camsentry::judge::transition::Change;
use camsentry::judge::transition::Transition;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::run;
use camsentry::policy::force::Policy;
use camsentry::time::Span;
use camsentry::time::Timestamp;

/// Longer than any capture.
const NEVER: Span = Span::from_secs(100 * 365 * 24 * 3600);

/// A site of private networks in which nobody is declared: nearly everything violates, and much of it folds.
const STRANGERS: &str = "name = \"strangers\"\nmonitored = [\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\"]\n\
    [[zone]]\nname = \"all\"\nnetworks = [\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\"]\n\
    packs = [\"xprotect\", \"mobotix\"]\n";

struct Watched {
    standing: BTreeMap<u64, Violation>,
    transitions: Vec<Transition>,
    audit: Audit,
}

fn policy(site: &Path) -> Arc<Policy> {
    let args = PolicyArgs { site: Some(site.to_owned()), rules: None };
    Arc::new(PolicyFiles::read(&args).unwrap().policy(false))
}

fn audit(policy: &Arc<Policy>, capture: &str) -> Audit {
    let auditor =
        Auditor { policy: Arc::clone(policy), workers: NonZeroUsize::MIN, keep_flows: false, draft: false };
    auditor.run(&mut Captures::open(&[capture.to_owned()]), &AtomicBool::new(false), &mut |_| {}).audit
}

/// Watches a capture; steps of time come at random, about every so many events.
fn watch(policy: &Arc<Policy>, capture: &str, quiet: Span, (mut seed, every): (u64, u64)) -> Watched {
    let settings = JudgeSettings { quiet: Some(quiet), ..JudgeSettings::default() };
    let inventory = Inventory::new(policy.site().cloned()).without_inference();
    let mut judge = Judge::new(Arc::clone(policy), inventory, settings);
    let (mut transitions, mut now) = (Vec::new(), Timestamp::default());
    let mut control = Control { stop: &AtomicBool::new(false), progress: &mut |_| {} };
    let mut source = Captures::open(&[capture.to_owned()]);
    run(&mut source, &PipelineSettings::default(), NonZeroUsize::MIN, &mut control, &mut |events| {
        for event in events {
            now = now.max(event.time);
            judge.take([event]);
            // Marsaglia's xorshift64.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if seed % every == 0 {
                transitions.append(&mut judge.advance(now).transitions);
            }
        }
    });
    // The first step may find sources resting that were looked at a moment ago.
    for _ in 0..2 {
        now = now.plus(Span::from_secs(10));
        transitions.append(&mut judge.advance(now).transitions);
    }
    let standing = judge.standing().map(|held| (held.id, (**held).clone())).collect();
    let (audit, _) = judge.finish();
    Watched { standing, transitions, audit }
}

/// Captures with their sites: all fixtures, and the real ones with strangers.
fn captures(scratch: &Path) -> Vec<(String, PathBuf)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut all: Vec<(String, PathBuf)> = std::fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|folder| (folder.join("capture.pcap").display().to_string(), folder.join("site.toml")))
        .collect();
    let strangers = scratch.join("strangers.toml");
    std::fs::write(&strangers, STRANGERS).unwrap();
    match std::env::var_os("CAMSENTRY_CAPTURES") {
        None => eprintln!("skipped: CAMSENTRY_CAPTURES is not set"),
        Some(captures) => {
            for entry in std::fs::read_dir(Path::new(&captures).join("real")).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
                    all.push((path.display().to_string(), strangers.clone()));
                }
            }
        }
    }
    all.sort();
    all
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("camsentry-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What stands after these transitions.
fn told(transitions: &[Transition]) -> BTreeMap<u64, &Violation> {
    let mut standing = BTreeMap::new();
    for Transition { change, violation, .. } in transitions {
        let before = match change {
            Change::Closed | Change::Folded | Change::Withdrawn => standing.remove(&violation.id),
            _ => standing.insert(violation.id, &**violation),
        };
        let is_new = matches!(change, Change::Opened | Change::Reopened);
        assert_eq!(before.is_none(), is_new, "{change:?} {}", violation.message);
    }
    standing
}

#[test]
fn the_ledger_of_a_watch_is_that_of_an_audit() {
    let scratch = scratch("ledger");
    let (mut violations, mut withdrawn) = (0, 0);
    for (capture, site) in captures(&scratch) {
        let policy = policy(&site);
        let audit = audit(&policy, &capture);
        for (seed, every) in [(1, 1), (2, 7), (3, 300)] {
            let watched = watch(&policy, &capture, NEVER, (seed, every));
            let expected: BTreeMap<u64, Violation> =
                audit.violations.iter().map(|violation| (violation.id, violation.clone())).collect();
            assert_eq!(watched.standing, expected, "{capture} with a step every {every} events");
            let standing = told(&watched.transitions);
            assert!(standing.keys().eq(expected.keys()), "{capture}");
            assert_eq!(watched.audit, audit, "{capture}: the audit at the end of the watch");
            let gone: Vec<&Transition> =
                watched.transitions.iter().filter(|told| told.change == Change::Withdrawn).collect();
            withdrawn += gone.len();
            for told in gone {
                eprintln!("withdrawn, {capture} every {every}: {}", told.violation.message);
            }
        }
        violations += audit.violations.len();
    }
    eprintln!("{violations} violations, {withdrawn} withdrawn on the way");
    assert!(violations > 30);
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn what_is_forgotten_leaves_exact_totals_behind() {
    let scratch = scratch("forgotten");
    let (mut closed, mut reopened) = (0, 0);
    for (capture, site) in captures(&scratch) {
        let policy = policy(&site);
        let audit = audit(&policy, &capture);
        let watched = watch(&policy, &capture, Span::from_secs(20), (5, 3));
        let (totals, expected) = (watched.audit.totals, audit.totals);
        let packets = |totals: camsentry::judge::audit::JudgeTotals| {
            [totals.judged_packets, totals.out_of_scope_packets, totals.duplicate_packets]
        };
        assert_eq!(packets(totals), packets(expected), "{capture}");
        assert_eq!(totals.flows, expected.flows, "{capture}");
        let flows =
            |totals: camsentry::judge::audit::JudgeTotals| totals.judged_flows + totals.out_of_scope_flows;
        assert_eq!(flows(totals), flows(expected), "{capture}");
        closed += watched.transitions.iter().filter(|told| told.change == Change::Closed).count();
        reopened += watched.transitions.iter().filter(|told| told.change == Change::Reopened).count();
        let mut last: BTreeMap<u64, Violation> = BTreeMap::new();
        for told in &watched.transitions {
            last.insert(told.violation.id, (*told.violation).clone());
        }
        last.extend(watched.standing);
        for violation in &audit.violations {
            let Some(held) = last.get(&violation.id) else {
                // One that was folded into a sweep all at once, or that only all of the run make a sweep.
                continue;
            };
            if violation.sweep.is_none() {
                // A flow that goes on tells its octets at times only, and what is quiet already nothing more.
                assert!(held.octets <= violation.octets, "{capture}: {}", violation.message);
                let (told, expected) =
                    ((held.count, held.first_seen), (violation.count, violation.first_seen));
                assert_eq!(told, expected, "{capture}: {}", violation.message);
            }
        }
    }
    eprintln!("{closed} closed, {reopened} reopened");
    assert!(closed > 0);
    std::fs::remove_dir_all(scratch).unwrap();
}
