//! Arguments as they are typed.

#[cfg(feature = "live")]
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Args as ClapArgs;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use clap_complete::Shell;

#[cfg(feature = "live")]
use crate::watch::log::Style;
#[cfg(feature = "live")]
use crate::watch::sandbox::Mode;
#[cfg(feature = "live")]
use crate::watch::syslog_sender::Receiver;

/// Audits video-surveillance networks: judges every conversation on the wire against the MOBOTIX and
/// Milestone XProtect hardening guides.
#[derive(Debug, Parser)]
#[command(
    name = "camsentry",
    version,
    after_help = "Exit code: 0 conforms, 1 violations, 2 could not do the job (2 wins).\n\n\
        Examples:\n  \
        camsentry check --site site.toml capture.pcap\n  \
        camsentry check --write-site draft.toml day1/ day2.pcapng.gz\n  \
        camsentry rules show XP22"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit captures and report what violates the hardening guides
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Write the flow log of captures, in JSON lines with Zeek's field names
    #[command(after_help = FLOWS_HELP)]
    Flows(FlowsArgs),
    /// Audit a mirror port: verdicts, metrics and events as they happen
    #[cfg(feature = "live")]
    #[command(after_help = WATCH_HELP)]
    Watch(WatchArgs),
    /// List, explain, check and test the rules in force
    #[command(after_help = RULES_HELP)]
    Rules(RulesArgs),
    /// Print what makes a shell complete commands and options
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man {
        /// Write it and a page for each command to the folder DIR instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

const CHECK_HELP: &str = "CAPTURE is a pcap or pcapng file, either of them in gzip or zstd, a folder of such, or - for \
    standard input. Several are read in the order of packet time.\n\n\
    Examples:\n  \
    camsentry check --site site.toml capture.pcap\n  \
    camsentry check capture.pcap --write-site draft.toml      roles inferred, site file to start from\n  \
    camsentry check --site site.toml --format json day/ | jq 'select(.type==\"violation\").message'\n  \
    tcpdump -i span0 -w - -c 100000 | camsentry check --site site.toml -\n\n\
    Exit code: 0 conforms, 1 violations, 2 could not do the job (2 wins).";

const FLOWS_HELP: &str = "Examples:\n  \
    camsentry flows capture.pcap | jq -r '[.[\"id.orig_h\"], .[\"id.resp_h\"], .service] | @tsv'\n  \
    camsentry flows --site site.toml day/ > conn.log\n\n\
    Exit code: 0 done, 2 could not do the job.";

#[cfg(feature = "live")]
const WATCH_HELP: &str = "It listens and never sends. SIGTERM ends it in good order; SIGHUP, or a change of the site file or the \
    rules, puts them into force anew, if they have no fault.\n\n\
    Examples:\n  \
    camsentry watch --site site.toml -i span0\n  \
    camsentry watch --site site.toml -i tap0 -i tap1 --events /var/lib/camsentry/events.jsonl\n  \
    camsentry watch --site site.toml -i span0 --listen 10.0.0.5:29477 --tls-cert cert.pem --tls-key key.pem\n  \
    camsentry watch --site site.toml -i span0 --check          show the settings, and whether they hold\n\n\
    Exit code: 0 ended in good order, 2 could not do the job.";

const RULES_HELP: &str = "Examples:\n  \
    camsentry rules list\n  \
    camsentry rules show XP22\n  \
    camsentry rules lint --site site.toml\n  \
    camsentry rules test\n\n\
    Exit code: 0 fine, 1 lint found errors or a test failed, 2 could not do the job.";

const COMPLETIONS_HELP: &str = "The Debian package installs them for bash, zsh and fish.\n\n\
    Examples:\n  \
    camsentry completions bash > ~/.local/share/bash-completion/completions/camsentry\n  \
    camsentry completions fish > ~/.config/fish/completions/camsentry.fish";

/// Arguments of `check`.
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// What to audit with
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Make violations of what is only recommended (encryption)
    #[arg(long)]
    pub strict: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the flow log to FILE
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,
    /// Write the metrics to FILE, in the Prometheus text format
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Write a site file to start from to FILE, which must not exist
    #[arg(long, value_name = "FILE")]
    pub write_site: Option<PathBuf>,
    /// How to read
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `flows`.
#[derive(Debug, ClapArgs)]
pub struct FlowsArgs {
    /// What to audit with
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// How to read
    #[command(flatten)]
    pub input: InputArgs,
}

/// Arguments of `watch`.
#[cfg(feature = "live")]
#[derive(Debug, ClapArgs)]
pub struct WatchArgs {
    /// The site file: who is who
    #[arg(long, value_name = "FILE", required = true)]
    pub site: PathBuf,
    /// Take the rule packs from the *.toml files of DIR instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Make violations of what is only recommended (encryption)
    #[arg(long)]
    pub strict: bool,
    /// Listen to IFACE; several are one network, as the two directions of a TAP are
    #[arg(short, long = "interface", value_name = "IFACE", required = true)]
    pub interfaces: Vec<String>,
    /// Capture only what this filter likes (pcap-filter)
    #[arg(long, value_name = "BPF")]
    pub filter: Option<String>,
    /// The kernel's ring for each interface and worker, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=2047))]
    pub ring_mib: u32,
    /// Capture at most so many octets of a frame
    #[arg(long, value_name = "N", default_value_t = 65_535, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    pub snaplen: u32,
    /// Threads that read and follow flows, each with its part of the hosts; 1 for a mirror in a tunnel
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    pub workers: NonZeroUsize,
    /// Serve metrics and the API here
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:29477")]
    pub listen: SocketAddr,
    /// Serve with TLS: the certificate chain, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Serve with TLS: the key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve without TLS on an address that others reach
    #[arg(long)]
    pub insecure_listen: bool,
    /// Write events to FILE, in JSON lines
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Begin a new event file at so many MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub events_max_mib: u64,
    /// Keep so many full event files
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub events_keep: u32,
    /// Send events to a system log, too: udp://HOST:PORT, tcp://HOST:PORT or unix:PATH
    #[arg(long, value_name = "WHERE")]
    pub syslog: Option<Receiver>,
    /// Close a violation of which nothing was heard for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(20..=86_400))]
    pub quiet_secs: u64,
    /// How to write the log
    #[arg(long, value_enum, default_value_t = Style::Human)]
    pub log: Style,
    /// How the process is caged
    #[arg(long, value_enum, default_value_t = Mode::BestEffort)]
    pub sandbox: Mode,
    /// Show the settings in force, find their faults, and end
    #[arg(long)]
    pub check: bool,
}

/// Arguments that say what is judged against.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct PolicyArgs {
    /// The site file: who is who. Without it roles are inferred
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// Take the rule packs from the *.toml files of DIR instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Arguments that say what is read and how.
#[derive(Debug, ClapArgs)]
pub struct InputArgs {
    /// Threads that read and follow flows; from 2 on the judge has one more. The result is the same for any
    /// number [default: one for each processor, 4 at most]
    #[arg(long, value_name = "N", default_value_t = processors(), hide_default_value = true)]
    pub workers: NonZeroUsize,
    /// Captures: pcap or pcapng, plain, gzip or zstd; a folder; - for standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<String>,
}

/// Most threads unless more are asked for: one reads, and three follow flows as fast as it reads.
const MOST_BY_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// How many processors there are for us, as far as more help.
fn processors() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN).min(MOST_BY_DEFAULT)
}

/// Arguments of `rules`.
#[derive(Debug, ClapArgs)]
pub struct RulesArgs {
    /// What to do with them
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List every rule and assertion
    List {
        /// Where the rules come from
        #[command(flatten)]
        policy: PolicyArgs,
        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Explain one rule or assertion: meaning, source, controls
    Show {
        /// Its identifier, for example XP22
        id: String,
        /// Where the rules come from
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Find faults in the packs and the site file: shadowed, contradictory or unreachable rules
    Lint {
        /// Where the rules come from
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Judge the conversations of a test file and compare with what it expects
    Test {
        /// Where the rules come from
        #[command(flatten)]
        policy: PolicyArgs,
        /// Test files; without one, the examples that come with the packs
        #[arg(value_name = "FILE")]
        tests: Vec<PathBuf>,
    },
}

/// How to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// JSON lines (`rules list`: one JSON array)
    Json,
}
