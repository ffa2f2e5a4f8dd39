//! How often the services are recognised: holds what camsentry says of a folder of captures against
//! the folder's `truth.json`.
//!
//! `cargo run --release --example recognition -- FOLDER [--limit PERCENT]`
//!
//! Exit code 0: no conversation is named wrongly, and at most PERCENT (1) of those that the truth names
//! are missed; 1: more; 2: the folder cannot be read.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints its result")]

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::flow::FlowKey;
use camsentry::judge::audit::JudgedFlow;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::service::Service;

#[path = "recognition/labels.rs"]
mod labels;
#[path = "recognition/score.rs"]
mod score;
#[path = "recognition/truth.rs"]
mod truth;

use score::Score;

const USAGE: &str = "usage: recognition FOLDER [--limit PERCENT]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(2)
        }
    }
}

/// Prints the comparison; whether it is good enough.
fn run() -> Result<bool, Box<dyn Error>> {
    let (folder, limit) = arguments(env::args().skip(1))?;
    let auditor = auditor();
    let mut score = Score::default();
    let mut notes = Vec::new();
    let (mut files, mut damaged) = (0_u32, 0_u32);
    for file in truth::read(&folder)? {
        if !file.is_classified {
            notes.push(format!("{}: not scored, its truth is for packet totals only", file.name));
            continue;
        }
        if file.unread > 0 {
            notes.push(format!("{}: {} records of the truth say no 5-tuple", file.name, file.unread));
        }
        let (flows, faults) = flows_of(&auditor, &folder.join(&file.name));
        files = files.saturating_add(1);
        damaged = damaged.saturating_add(u32::from(!faults.is_empty()));
        notes.extend(faults);
        for conversation in &file.conversations {
            score.add(&file.name, conversation, &services_of(conversation.key, &flows));
        }
    }
    Ok(printed(&score, &notes, limit, (files, damaged)))
}

fn printed(score: &Score, notes: &[String], limit: f64, (files, damaged): (u32, u32)) -> bool {
    println!("{}", score.drawn());
    if !score.differences.is_empty() {
        println!("Differences:\n{}\n", score.differences.join("\n"));
    }
    if !notes.is_empty() {
        println!("Notes:\n{}\n", notes.join("\n"));
    }
    let (truth, missed, wrong) = score.totals();
    let (missed_share, wrong_share) = (percent(missed, truth), percent(wrong, truth));
    println!(
        "{files} captures ({damaged} with faults), {truth} conversations with a service: missed {missed} \
         ({missed_share:.2} %), wrong {wrong} ({wrong_share:.2} %)"
    );
    missed_share <= limit && wrong == 0
}

/// Folder, and how many percent may be missed.
fn arguments(args: impl Iterator<Item = String>) -> Result<(PathBuf, f64), Box<dyn Error>> {
    let (mut folder, mut limit) = (None, 1.0);
    let mut args = args;
    while let Some(arg) = args.next() {
        if arg == "--limit" {
            limit = args.next().ok_or(USAGE)?.parse()?;
        } else if folder.replace(PathBuf::from(arg)).is_some() {
            return Err(USAGE.into());
        }
    }
    Ok((folder.ok_or(USAGE)?, limit))
}

/// Roles and rules do not matter here; the shipped ones are in force.
fn auditor() -> Auditor {
    let policy = Arc::new(Policy::new(packs::shipped(), None, false, 0));
    Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: true, draft: false }
}

/// Every flow of a capture, and what was wrong with the file.
fn flows_of(auditor: &Auditor, capture: &Path) -> (Vec<JudgedFlow>, Vec<String>) {
    let mut captures = Captures::open(&[capture.to_string_lossy().into_owned()]);
    let audited = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {});
    (audited.audit.flows, audited.run.faults.iter().map(ToString::to_string).collect())
}

/// What we say is spoken over this 5-tuple; text that no protocol claims is no name.
fn services_of(key: FlowKey, flows: &[JudgedFlow]) -> BTreeSet<Service> {
    let services = flows.iter().filter(|flow| flow.facts.key == key).filter_map(|flow| flow.service);
    services.filter(|service| *service != Service::Text).collect()
}

#[expect(clippy::as_conversions, reason = "counts far below 2^53")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
