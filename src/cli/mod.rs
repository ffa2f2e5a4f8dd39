//! The command line: arguments, files, terminal, exit codes.

pub mod args;
pub mod assets;
pub mod check;
pub mod output;
pub mod policy_files;
pub mod progress;
pub mod rule_json;
pub mod rule_prose;
pub mod rules;
pub mod rules_command;
pub mod stop;
#[cfg(feature = "live")]
pub mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::Args;
use crate::cli::args::Command;
use crate::cli::output::Trouble;

/// How a run ended, for scripts. The worst wins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Ending {
    /// It conforms, or the command did what it should.
    Fine,
    /// There are violations.
    Violations,
    /// The job could not be done, or not wholly.
    Failed,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Fine => Self::SUCCESS,
            Ending::Violations => Self::from(1),
            Ending::Failed => Self::from(2),
        }
    }
}

/// Runs the program with the process's arguments and gives its exit code: 0 conforms, 1 violations,
/// 2 could not do the job (2 wins).
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too; clap knows which stream they belong to.
            let failed = error.use_stderr();
            let printed = error.print();
            return if failed || printed.is_err() { Ending::Failed.into() } else { Ending::Fine.into() };
        }
    };
    let ended = match args.command {
        Command::Check(check) => check::check(&check),
        Command::Flows(flows) => check::flows(&flows),
        #[cfg(feature = "live")]
        Command::Watch(watch) => watch::run(&watch),
        Command::Rules(rules) => rules_command::run(&rules),
        Command::Completions { shell } => assets::completions(shell),
        Command::Man { out } => assets::man(out.as_deref()),
    };
    match ended {
        Ok(ending) => ending.into(),
        // Whoever read our output has seen enough; that is no error.
        Err(Trouble::ClosedPipe) => Ending::Fine.into(),
        Err(trouble) => {
            output::complain(&trouble.to_string());
            Ending::Failed.into()
        }
    }
}
