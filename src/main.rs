//! The `camsentry` program: everything is in the library, see [`camsentry::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    camsentry::cli::run()
}
