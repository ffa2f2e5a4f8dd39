//! The whole pipeline over odd and broken captures of the world: nothing panics, every packet is
//! accounted for, and the number of workers changes nothing.
#![expect(clippy::print_stdout, reason = "says what was skipped")]
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::num::NonZeroUsize;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::event::Event;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::RunTally;
use camsentry::pipeline::run;
use serde_json::Value;

#[path = "support/truth_run.rs"]
mod truth_run;

#[test]
fn odd_captures_are_counted_to_the_last_packet_and_stop_nobody() {
    let Some(shared) = truth_run::shared_captures() else { return };
    let folder = shared.join("odd");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 547);
    let mut wrong = Vec::new();
    for file in files {
        let name = file["file"].as_str().unwrap();
        let path = folder.join(name);
        match catch_unwind(|| problems(&path, file["packets"].as_u64())) {
            Ok(problems) => wrong.extend(problems.into_iter().map(|problem| format!("{name}: {problem}"))),
            Err(_) => wrong.push(format!("{name}: a panic outside the workers' net")),
        }
    }
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn all_captures_of_a_folder_in_one_run_are_counted_to_the_last_packet() {
    let Some(shared) = truth_run::shared_captures() else { return };
    for part in ["odd", "real"] {
        let (one, tally) = events_of(&shared.join(part), 1);
        let (three, other_tally) = events_of(&shared.join(part), 3);
        let files = open(&shared.join(part)).files().len();
        println!("{part}: {files} files, {} packets, {} events", tally.decode.seen.frames, one.len());
        assert!(files >= 24 && tally.is_conserved(), "{part}: {tally:?}");
        assert_eq!(tally.workers.abandoned, 0, "{part}");
        assert_eq!(tally, other_tally, "{part}");
        assert!(format!("{one:?}") == format!("{three:?}"), "{part}: three workers see something else");
        let judged = truth_run::audit(&truth_run::auditor(1), open(&shared.join(part)));
        assert_eq!(judged.run.packets, tally.decode.seen.frames, "{part}");
    }
}

/// What is wrong with the run over this capture of `packets` packets, if the manifest knows.
fn problems(path: &Path, packets: Option<u64>) -> Vec<String> {
    let mut problems = Vec::new();
    let (one, tally) = events_of(path, 1);
    let (three, other_tally) = events_of(path, 3);
    if tally.workers.abandoned > 0 {
        problems.push(format!("{} panics", tally.workers.abandoned));
    }
    if !tally.is_conserved() {
        problems.push(format!("not conserved: {tally:?}"));
    }
    if packets.is_some_and(|packets| packets != tally.decode.seen.frames) {
        problems.push(format!("{} packets instead of {packets:?}", tally.decode.seen.frames));
    }
    if tally != other_tally || format!("{one:?}") != format!("{three:?}") {
        problems.push("three workers see something else than one".to_owned());
    }
    let audited = truth_run::audit(&truth_run::auditor(1), open(path));
    let judged =
        audited.audit.totals.judged_packets.saturating_add(audited.audit.totals.out_of_scope_packets);
    if judged != audited.run.flow_packets {
        problems.push(format!("{judged} packets judged of {}", audited.run.flow_packets));
    }
    problems
}

fn events_of(path: &Path, workers: usize) -> (Vec<Event>, RunTally) {
    let mut events = Vec::new();
    let stop = AtomicBool::new(false);
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let workers = NonZeroUsize::new(workers).unwrap();
    let settings = PipelineSettings::default();
    let mut take = |mut more: Vec<Event>| events.append(&mut more);
    let tally = run(&mut open(path), &settings, workers, &mut control, &mut take);
    (events, tally)
}

fn open(path: &Path) -> Captures {
    Captures::open(&[path.to_str().unwrap().to_owned()])
}
