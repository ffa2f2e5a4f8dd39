//! The bodies of the fuzz targets: each takes octets that nobody meant and asserts what must hold for
//! all of them. `fuzz_targets/` hands them to libFuzzer; `tests/seeds.rs` runs them over `seeds/` on
//! the stable toolchain.

pub mod capture_file;
pub mod cost;
pub mod decode_frame;
pub mod feed;
pub mod flow_table;
pub mod output;
pub mod pipeline;
pub mod recognise_head;
pub mod rule_file;
pub mod site_file;
pub mod wire;

/// A target and its name, which is also that of its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 8] = [
    ("capture_file", capture_file::run),
    ("decode_frame", decode_frame::run),
    ("flow_table", flow_table::run),
    ("recognise_head", recognise_head::run),
    ("rule_file", rule_file::run),
    ("site_file", site_file::run),
    ("pipeline", pipeline::run),
    ("output", output::run),
];

/// Runs a target over the files that the command line names: a finding of the fuzzer under a debugger.
pub fn replay_arguments(run: fn(&[u8])) {
    for path in std::env::args_os().skip(1) {
        println!("{}", path.display());
        run(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
}
