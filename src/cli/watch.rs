//! `watch`: interfaces in, metrics and events out, until a signal ends it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;

use crate::capture::tap::TapSettings;
use crate::cli::Ending;
use crate::cli::args::PolicyArgs;
use crate::cli::args::WatchArgs;
use crate::cli::output;
use crate::cli::output::Trouble;
use crate::cli::policy_files::PolicyFiles;
use crate::export::text::hex;
use crate::export::text::plain;
use crate::policy::force::Policy;
use crate::time::Span;
use crate::watch;
use crate::watch::changed::Watched;
use crate::watch::event_log::EventSettings;
use crate::watch::http::tls;
use crate::watch::log;
use crate::watch::sandbox::with_raw;
use crate::watch::settings::WatchSettings;

const MIB: u32 = 1 << 20;

/// Runs `watch`.
///
/// # Errors
///
/// If it cannot begin: a fault in the site file or the rules, an interface that cannot be listened to, an address
/// that must not be served.
pub fn run(args: &WatchArgs) -> Result<Ending, Trouble> {
    let settings = settings(args);
    // A change between reading and watching would be missed.
    let sources = Watched::new(settings.sources.iter().chain(settings.tls_files()).cloned());
    let policy_args = PolicyArgs { site: Some(args.site.clone()), rules: args.rules.clone() };
    let files = PolicyFiles::read(&policy_args)?;
    files.warn();
    let policy = Arc::new(files.policy(args.strict));
    if args.check {
        tls::listen_rules(settings.listen, settings.tls.is_some(), settings.insecure)
            .map_err(Trouble::Other)?;
        if let Some((chain, key)) = &settings.tls {
            tls::server_config(chain, key).map_err(|fault| Trouble::Other(fault.to_string()))?;
        }
        output::print_with(|out| show(out, args, &settings, &policy))?;
        return Ok(Ending::Fine);
    }
    log::start(args.log, LevelFilter::INFO).map_err(|fault| Trouble::Other(fault.to_string()))?;
    let strict = args.strict;
    let mut load = || {
        let files = PolicyFiles::read(&policy_args).map_err(|trouble| trouble.to_string())?;
        Ok(Arc::new(files.policy(strict)))
    };
    watch::run(&settings, policy, sources, &mut load).map_err(|fault| Trouble::Other(fault.to_string()))?;
    Ok(Ending::Fine)
}

fn settings(args: &WatchArgs) -> WatchSettings {
    let tap = TapSettings {
        interfaces: args.interfaces.clone(),
        filter: args.filter.clone(),
        snaplen: args.snaplen,
        ring_octets: args.ring_mib.saturating_mul(MIB),
        lanes: args.workers,
        with_rights: |open| with_raw(open),
    };
    let events = args.events.clone().map(|path| EventSettings {
        path,
        max_octets: args.events_max_mib.saturating_mul(u64::from(MIB)),
        keep: args.events_keep,
    });
    WatchSettings {
        tap,
        quiet: Span::from_secs(args.quiet_secs),
        listen: args.listen,
        tls: args.tls_cert.clone().zip(args.tls_key.clone()),
        insecure: args.insecure_listen,
        events,
        syslog: args.syslog.clone(),
        sources: std::iter::once(args.site.clone()).chain(args.rules.clone()).collect(),
        sandbox: args.sandbox,
    }
}

/// The settings in force, one on each line, with their names in a column.
fn show(
    out: &mut dyn Write,
    args: &WatchArgs,
    settings: &WatchSettings,
    policy: &Policy,
) -> std::io::Result<()> {
    let file = |path: &PathBuf| plain(&path.display().to_string()).into_owned();
    let site = policy.site().map(|site| format!("{} ({})", plain(&site.name), file(&args.site)));
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let events = settings.events.as_ref().map(|events| {
        let (path, mib) = (file(&events.path), args.events_max_mib);
        format!("{path}, a new one at {mib} MiB, {} full ones kept", events.keep)
    });
    let packs: Vec<String> = policy.packs().iter().map(|pack| pack.id.to_string()).collect();
    let interfaces: Vec<String> = args.interfaces.iter().map(|name| plain(name).into_owned()).collect();
    let none = || "none".to_owned();
    for (name, value) in [
        ("site", site.unwrap_or_else(none)),
        ("packs", packs.join(", ")),
        ("policy hash", hex(policy.hash())),
        ("strict", if args.strict { "yes" } else { "no" }.to_owned()),
        ("interfaces", interfaces.join(", ")),
        ("filter", args.filter.as_deref().map_or_else(none, |filter| plain(filter).into_owned())),
        ("ring", format!("{} MiB for each interface and worker", args.ring_mib)),
        ("snap length", format!("{} octets", args.snaplen)),
        ("workers", args.workers.to_string()),
        ("quiet after", format!("{} s", args.quiet_secs)),
        ("metrics", format!("{scheme}://{}/metrics", settings.listen)),
        ("events", events.unwrap_or_else(none)),
        ("system log", settings.syslog.as_ref().map_or_else(none, ToString::to_string)),
        ("sandbox", format!("{:?}", args.sandbox).to_lowercase()),
    ] {
        writeln!(out, "{name:<12} {value}")?;
    }
    Ok(())
}
