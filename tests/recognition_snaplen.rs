//! A short snap length hides what is spoken, and invents nothing: no flow gets another name than at full
//! length, nothing that is known of its service contradicts it, and a clean site stays clean.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::print_stdout, reason = "prints the shares, says what was skipped")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::CaptureFault;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::captures::Captures;
use camsentry::flow::FlowKey;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::audit::Audit;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::service::Service;

/// Octets of each frame: headers of Ethernet, IPv4 and TCP alone, and what sensors are set to.
const SNAP_LENGTHS: [u32; 6] = [54, 60, 64, 96, 128, 256];

/// A source whose sensor keeps so many octets of each frame.
struct Snapped {
    captures: Captures,
    length: u32,
}

impl FrameSource for Snapped {
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        let supply = self.captures.fill(batch);
        for frame in &mut batch.frames {
            frame.captured = frame.captured.min(self.length);
        }
        supply
    }

    fn faults(&self) -> &[CaptureFault] {
        self.captures.faults()
    }

    fn consumed(&self) -> u64 {
        self.captures.consumed()
    }
}

fn audit(path: &Path, site: Option<&Path>, length: u32) -> Audit {
    let packs = packs::shipped();
    let site = site.map(|site| {
        let text = fs::read_to_string(site).unwrap();
        read_site(&SourceText { name: "site.toml".to_owned(), text }, &Known::of(&packs)).site.unwrap()
    });
    let policy = Arc::new(Policy::new(packs, site, false, 0));
    let auditor = Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: true, draft: false };
    let captures = Captures::open(&[path.to_str().unwrap().to_owned()]);
    auditor.run(&mut Snapped { captures, length }, &AtomicBool::new(false), &mut |_| {}).audit
}

/// What each flow is called. Text is what is left over, and less of it may be.
fn names(audit: &Audit) -> BTreeMap<FlowKey, BTreeSet<Service>> {
    let mut names = BTreeMap::<FlowKey, BTreeSet<Service>>::new();
    for flow in &audit.flows {
        let service = flow.service.filter(|service| *service != Service::Text);
        names.entry(flow.facts.key).or_default().extend(service);
    }
    names
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn real_captures() -> Vec<PathBuf> {
    let Some(shared) = std::env::var_os("CAMSENTRY_CAPTURES") else {
        println!("skipped the real captures: CAMSENTRY_CAPTURES is not set");
        return Vec::new();
    };
    let folder = Path::new(&shared).join("real");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"));
    all.sort();
    all
}

#[test]
fn no_flow_is_called_something_else_at_any_snap_length() {
    let captures: Vec<PathBuf> = fixtures().iter().map(|folder| folder.join("capture.pcap")).collect();
    let mut wrong = Vec::new();
    let mut shares = BTreeMap::<u32, (usize, usize)>::new();
    for path in captures.into_iter().chain(real_captures()) {
        let whole = names(&audit(&path, None, u32::MAX));
        for length in SNAP_LENGTHS {
            let share = shares.entry(length).or_default();
            let cut = names(&audit(&path, None, length));
            share.0 = share.0.saturating_add(whole.values().filter(|names| !names.is_empty()).count());
            share.1 = share.1.saturating_add(cut.values().filter(|names| !names.is_empty()).count());
            for (key, names) in cut {
                let known = whole.get(&key).cloned().unwrap_or_default();
                if !names.is_subset(&known) {
                    wrong
                        .push(format!("{} at {length}: {key:?} is {known:?}, not {names:?}", path.display()));
                }
            }
        }
    }
    println!("snap length   named at full length   named");
    for (length, (whole, named)) in &shares {
        println!("{length:>11}   {whole:>20}   {named:>5}");
    }
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_clean_site_has_no_violation_at_any_snap_length() {
    let mut wrong = Vec::new();
    let mut clean = 0_u32;
    for folder in fixtures() {
        let expected: toml::Table =
            toml::from_str(&fs::read_to_string(folder.join("expected.toml")).unwrap()).unwrap();
        if expected.get("violations").and_then(toml::Value::as_integer) != Some(0) {
            continue;
        }
        clean = clean.saturating_add(1);
        for length in SNAP_LENGTHS {
            let audit = audit(&folder.join("capture.pcap"), Some(&folder.join("site.toml")), length);
            let found = audit.violations.iter().map(|one| one.message.clone());
            wrong.extend(found.map(|message| format!("{} at {length}: {message}", folder.display())));
        }
    }
    assert!(clean >= 4, "the clean sites were found");
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}
