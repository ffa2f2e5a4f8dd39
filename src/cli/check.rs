//! `check` and `flows`: captures in, report out.

use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::capture::captures::Captures;
use crate::cli::Ending;
use crate::cli::args::CheckArgs;
use crate::cli::args::FlowsArgs;
use crate::cli::args::Format;
use crate::cli::args::InputArgs;
use crate::cli::output;
use crate::cli::output::Trouble;
use crate::cli::policy_files::PolicyFiles;
use crate::cli::progress;
use crate::cli::stop;
use crate::export::flow_record::FlowRecord;
use crate::export::metrics;
use crate::export::run_facts::InterfaceRun;
use crate::export::run_facts::RunFacts;
use crate::export::summary_record::SummaryRecord;
use crate::export::text::plain;
use crate::export::violation_record::AdviceRecord;
use crate::export::violation_record::ViolationRecord;
use crate::export::violation_record::WithheldRecord;
use crate::judge::audit::Audit;
use crate::pipeline::audit::Auditor;
use crate::policy::force::Policy;
use crate::report::text;

/// Runs `check`.
///
/// # Errors
///
/// If the rules, the site file or an output file make it impossible. Faults of captures do not: they
/// stand in the report and make the ending [`Ending::Failed`].
pub fn check(args: &CheckArgs) -> Result<Ending, Trouble> {
    if let Some(path) = &args.write_site
        && path.exists()
    {
        let way_out = "move it away or name another file; it is never overwritten";
        return Err(Trouble::Other(format!("{} exists: {way_out}", path.display())));
    }
    let files = PolicyFiles::read(&args.policy)?;
    files.warn();
    let policy = Arc::new(files.policy(args.strict));
    let outcome = audit(&policy, &args.input, args.flows.is_some(), args.write_site.is_some());
    let Outcome { audit, run, draft } = &outcome;
    if let (Some(path), Some(draft)) = (&args.write_site, draft) {
        output::create_new(path, draft)?;
    }
    if let Some(path) = &args.flows {
        output::replace(path, |out| write_flows(out, audit, run))?;
    }
    if let Some(path) = &args.metrics {
        write_metrics(path, audit, run, &policy)?;
    }
    match args.format {
        Format::Text => output::print(&text::render(audit, run, output::colour_out()))?,
        Format::Json => output::print_with(|out| write_records(out, audit, run))?,
    }
    complain_of_faults(run);
    if has_judged_nothing(audit) && !has_failed(run) {
        let way_out = "see `monitored` in the site file, and what the mirror carries";
        output::complain(&format!("nothing was judged: no conversation is in scope; {way_out}"));
    }
    Ok(ending(audit, run))
}

/// Runs `flows`.
///
/// # Errors
///
/// As [`check`].
pub fn flows(args: &FlowsArgs) -> Result<Ending, Trouble> {
    let files = PolicyFiles::read(&args.policy)?;
    files.warn();
    let policy = Arc::new(files.policy(false));
    let Outcome { audit, run, .. } = audit(&policy, &args.input, true, false);
    output::print_with(|out| write_flows(out, &audit, &run))?;
    complain_of_faults(&run);
    Ok(if has_failed(&run) { Ending::Failed } else { Ending::Fine })
}

/// What came out of a run.
struct Outcome {
    audit: Audit,
    run: RunFacts,
    draft: Option<String>,
}

fn audit(policy: &Arc<Policy>, input: &InputArgs, keep_flows: bool, draft: bool) -> Outcome {
    let mut captures = Captures::open(&input.captures);
    let bar = progress::bar(captures.total());
    let stop: Arc<AtomicBool> = stop::flag();
    let auditor = Auditor { policy: Arc::clone(policy), workers: input.workers, keep_flows, draft };
    let result = auditor.run(&mut captures, &stop, &mut |consumed| bar.set_position(consumed));
    bar.finish_and_clear();
    let mut run = result.run;
    run.files = captures.files().iter().map(|file| file.name.clone()).collect();
    run.skipped = captures.skipped().to_vec();
    // What a file's interfaces were called is the writer's business; all of them are one source here.
    let (packets, octets, last) = (run.packets, run.octets, run.last);
    run.interfaces =
        vec![InterfaceRun { name: "file".to_owned(), packets, octets, last, ..InterfaceRun::default() }];
    Outcome { audit: result.audit, run, draft: result.draft }
}

fn complain_of_faults(run: &RunFacts) {
    for fault in &run.faults {
        output::complain(&plain(&fault.to_string()));
    }
}

fn has_failed(run: &RunFacts) -> bool {
    !run.faults.is_empty() || run.interrupted
}

fn ending(audit: &Audit, run: &RunFacts) -> Ending {
    if has_failed(run) || audit.totals.no_policy > 0 || has_judged_nothing(audit) {
        Ending::Failed
    } else if audit.violations.is_empty() {
        Ending::Fine
    } else {
        Ending::Violations
    }
}

/// Whether no conversation was in scope: such an audit proves nothing.
fn has_judged_nothing(audit: &Audit) -> bool {
    audit.totals.conversations == audit.totals.out_of_scope
}

fn write_records(out: &mut dyn Write, audit: &Audit, run: &RunFacts) -> io::Result<()> {
    for violation in &audit.violations {
        line(out, &ViolationRecord::of(violation, audit.policy_hash))?;
    }
    for advice in &audit.advice {
        line(out, &AdviceRecord::of(advice))?;
    }
    for record in audit.conversations.iter().filter_map(WithheldRecord::of) {
        line(out, &record)?;
    }
    line(out, &SummaryRecord::of(audit, run))
}

fn write_flows(out: &mut dyn Write, audit: &Audit, run: &RunFacts) -> io::Result<()> {
    audit.flows.iter().try_for_each(|flow| line(out, &FlowRecord::of(flow, &run.files)))
}

fn line(out: &mut dyn Write, record: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

fn write_metrics(path: &Path, audit: &Audit, run: &RunFacts, policy: &Policy) -> Result<(), Trouble> {
    let text = metrics::encode(audit, run, policy).map_err(|error| Trouble::Other(error.to_string()))?;
    output::replace(path, |out| out.write_all(text.as_bytes()))
}
