//! The program as an operator meets it: arguments, exit codes, streams, files.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::print_stderr, reason = "says what is skipped")]

mod endings;
mod flow_details;
mod help;
mod inputs;
mod outputs;
#[path = "../support/program.rs"]
mod program;
mod secrets;
mod site_draft;
mod workers;
