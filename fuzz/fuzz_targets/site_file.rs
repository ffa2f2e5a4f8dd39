#![cfg_attr(fuzzing, no_main)]
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|octets: &[u8]| camsentry_fuzz::site_file::run(octets));

/// Without the fuzzer: runs the files that are named.
#[cfg(not(fuzzing))]
fn main() {
    camsentry_fuzz::replay_arguments(camsentry_fuzz::site_file::run);
}
