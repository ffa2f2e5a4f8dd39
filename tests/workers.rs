//! The workloads of the benchmarks give the same octets for any number of workers: many flows at a time, new ones with
//! every packet, tunnels, fragments and disorder, each longer than the batches that are under way together.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "test helpers")]

use std::fs;

#[path = "support/program.rs"]
#[expect(dead_code, reason = "the captures of the fixtures are not needed of it")]
mod program;
#[path = "../benches/workloads/mod.rs"]
#[expect(dead_code, reason = "not all of the workloads' figures are asked for")]
mod workloads;

use program::Scratch;
use program::camsentry;
use workloads::Size;
use workloads::Workload;

/// Enough for several batches.
const PACKETS: u64 = 20_000;

/// Report, records and flow log, one after the other.
fn printed(capture: &str, site: &str, workers: Option<&str>) -> [Vec<u8>; 3] {
    let scratch = Scratch::new();
    let flows = scratch.path("flows");
    let workers: Vec<&str> = workers.iter().flat_map(|workers| ["--workers", workers]).collect();
    let check = |options: &[&str]| {
        let output = camsentry([&["check", "--site", site], &*workers, options, &[capture]].concat());
        assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let records = check(&["--format", "json", "--flows", &flows]);
    [check(&[]), records, fs::read(flows).unwrap()]
}

#[test]
fn any_number_of_workers_prints_the_same_of_every_workload() {
    let scratch = Scratch::new();
    for workload in Workload::ALL {
        let size = Size::of(PACKETS);
        let (capture, site) = (scratch.path("capture.pcap"), scratch.path("site.toml"));
        let mut octets = Vec::new();
        workload.write(size, &mut octets).unwrap();
        fs::write(&capture, octets).unwrap();
        fs::write(&site, &workload.sites(size).first().unwrap().1).unwrap();
        let alone = printed(&capture, &site, Some("1"));
        assert!(alone.iter().all(|part| !part.is_empty()), "{}", workload.name());
        for workers in [None, Some("2"), Some("4")] {
            // Not assert_eq: the octets of a flow log would fill the terminal.
            let together = printed(&capture, &site, workers);
            assert!(alone == together, "{} with {workers:?} workers", workload.name());
        }
    }
}
