//! Every target over its committed seeds, and over the findings of the past, without the fuzzer.

use std::fs;
use std::panic;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use camsentry_fuzz::TARGETS;

/// Panics that a stage's net would swallow count, too.
static PANICS: AtomicU64 = AtomicU64::new(0);

// One test, because the budgets of memory are those of the whole process.
#[test]
fn every_target_holds_over_its_seeds() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        default(info);
    }));
    let mut broken = Vec::new();
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(seeds.len() >= 3, "{name} has no seeds: cargo run --example seeds");
        seeds.sort();
        run(&[]);
        for seed in seeds {
            let octets = fs::read(&seed).unwrap();
            let before = PANICS.load(Ordering::Relaxed);
            let done = panic::catch_unwind(|| run(&octets));
            if done.is_err() || PANICS.load(Ordering::Relaxed) != before {
                broken.push(seed.display().to_string());
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
