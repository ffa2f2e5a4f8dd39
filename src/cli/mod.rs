//! The command line: arguments, files, terminal, exit codes.

pub mod rule_json;
pub mod rule_prose;
pub mod rules;

use std::process::ExitCode;

/// Runs the program with the process's arguments and gives its exit code: 0 conforms, 1 violations,
/// 2 could not do the job (2 wins).
pub fn run() -> ExitCode {
    ExitCode::from(2)
}
