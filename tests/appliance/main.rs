//! What the appliance promises: the cage holds and work goes on inside it, the service manager is told the
//! truth, and what is packaged fits the program.
//!
//! A cage cannot be opened again, and must be closed before there is a second thread: this program has no test
//! harness, and starts itself anew as the prisoner (`prisoner.rs`) for each attempt.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "test helpers"
)]

mod cage;
mod packaged;
mod prisoner;
mod service_manager;

use std::env;
use std::panic::catch_unwind;
use std::process::ExitCode;

/// A test: what holds, and its proof.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(task) = env::var_os(prisoner::TASK) {
        prisoner::run(task.to_str().unwrap());
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let tests = [cage::TESTS, service_manager::TESTS, packaged::TESTS].concat();
    let is_wanted =
        |(name, _): &&Test| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let mut failed = 0_usize;
    for (name, test) in tests.iter().filter(is_wanted) {
        let outcome = if catch_unwind(test).is_ok() { "ok" } else { "FAILED" };
        failed = failed.saturating_add(usize::from(outcome != "ok"));
        println!("test {name} ... {outcome}");
    }
    println!("\ntest result: {failed} failed");
    ExitCode::from(u8::from(failed != 0))
}
