//! Help says what to type, and what it says can be typed.

use camsentry::cli::args::Args;
use clap::Parser;

use crate::program::camsentry;

const COMMANDS: [&[&str]; 4] = [&[], &["check"], &["flows"], &["rules"]];

fn help_of(command: &[&str]) -> String {
    let ran = camsentry(command.iter().chain(&["--help"]));
    assert_eq!(ran.status.code(), Some(0), "{command:?}");
    assert!(ran.stderr.is_empty(), "help was asked for: it is the result");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn every_command_shows_examples_and_exit_codes() {
    for command in COMMANDS {
        let help = help_of(command);
        assert!(help.contains("Examples:"), "{command:?}\n{help}");
        assert!(help.contains("Exit code: 0"), "{command:?}\n{help}");
    }
}

#[test]
fn every_example_in_the_help_is_a_valid_command_line() {
    let mut examples = 0;
    for help in COMMANDS.map(help_of) {
        for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
            let Some(start) = line.find("camsentry ").filter(|_| !line.contains("Usage")) else {
                continue;
            };
            let typed = line[start..].split(['|', '>']).next().unwrap_or_default();
            // Behind two spaces stands a remark.
            let typed = typed.trim().split("   ").next().unwrap_or_default();
            let parsed = Args::try_parse_from(typed.split_whitespace());
            assert!(parsed.is_ok(), "{typed}: {}", parsed.unwrap_err());
            examples += 1;
        }
    }
    assert!(examples >= 10, "{examples} examples were found");
}

#[test]
fn a_wrong_option_is_named_and_ends_with_2() {
    let ran = camsentry(["check", "--sites", "site.toml", "x.pcap"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(ran.stdout.is_empty());
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("--sites") && said.contains("--site"), "{said}");
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = camsentry(["--version"]);
    assert_eq!(ran.status.code(), Some(0));
    let version = format!("camsentry {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), version);
}
