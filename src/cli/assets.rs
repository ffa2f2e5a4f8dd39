//! What is made from the command line's own description: completions for shells, manual pages.

use std::path::Path;

use clap::Command;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Ending;
use crate::cli::args::Args;
use crate::cli::output;
use crate::cli::output::Trouble;

/// Prints what makes `shell` complete our commands and options.
///
/// # Errors
///
/// If it cannot be printed.
pub fn completions(shell: Shell) -> Result<Ending, Trouble> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "camsentry", &mut text);
    output::print_with(|out| out.write_all(&text))?;
    Ok(Ending::Fine)
}

/// Prints the manual page, or writes it and one for each command to `folder`.
///
/// # Errors
///
/// If it cannot be printed, or a page cannot be written.
pub fn man(folder: Option<&Path>) -> Result<Ending, Trouble> {
    match folder {
        Some(folder) => clap_mangen::generate_to(described(), folder)
            .map_err(|error| Trouble::Write { path: folder.to_owned(), error })?,
        None => {
            let mut page = Vec::new();
            Man::new(described()).render(&mut page).map_err(Trouble::Output)?;
            output::print_with(|out| out.write_all(&page))?;
        }
    }
    Ok(Ending::Fine)
}

/// What the pages are about: the commands, without the one that prints their help.
fn described() -> Command {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    command
}
