//! `camsentry rules`: reads what it is about and hands it to [`crate::cli::rules`].

use std::path::PathBuf;
use std::sync::Arc;

use crate::addr::Addr;
use crate::cli::Ending;
use crate::cli::args::Format;
use crate::cli::args::PolicyArgs;
use crate::cli::args::RulesArgs;
use crate::cli::args::RulesCommand;
use crate::cli::output;
use crate::cli::output::Trouble;
use crate::cli::policy_files::PolicyFiles;
use crate::cli::policy_files::faults_of;
use crate::cli::policy_files::text_of;
use crate::cli::rules;
use crate::cli::rules::InForce;
use crate::cli::rules::ListFormat;
use crate::cli::rules::SiteText;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::Inventory;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::site::Site;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::policy::decide::decide;
use crate::policy::diagnostic::Gravity;
use crate::policy::example::Decided;
use crate::policy::example::Example;
use crate::policy::example::read_examples;
use crate::policy::force::Policy;
use crate::policy::packs;
use crate::policy::rule::Pack;
use crate::policy::rule::PackId;
use crate::service::Certainty;
use crate::time::Timestamp;
use crate::verdict::VerdictKind;

/// Runs `rules`.
///
/// # Errors
///
/// If a file cannot be read or has faults.
pub fn run(args: &RulesArgs) -> Result<Ending, Trouble> {
    match &args.command {
        RulesCommand::List { policy, format } => list(policy, *format),
        RulesCommand::Show { id, policy } => show(policy, id),
        RulesCommand::Lint { policy } => lint(policy),
        RulesCommand::Test { policy, tests } => test(policy, tests),
    }
}

fn list(policy: &PolicyArgs, format: Format) -> Result<Ending, Trouble> {
    let (packs, site) = in_force(policy)?;
    let in_force = InForce { packs: &packs, site: site.as_deref() };
    let format = match format {
        Format::Text => ListFormat::Text,
        Format::Json => ListFormat::Json,
    };
    output::print_with(|out| rules::list(&in_force, format, out))?;
    Ok(Ending::Fine)
}

fn show(policy: &PolicyArgs, id: &str) -> Result<Ending, Trouble> {
    let (packs, site) = in_force(policy)?;
    let in_force = InForce { packs: &packs, site: site.as_deref() };
    let mut text = Vec::new();
    let found = rules::show(&in_force, id, &mut text).map_err(Trouble::of_output)?;
    let text = String::from_utf8_lossy(&text);
    if !found {
        return Err(Trouble::Other(text.trim_end().to_owned()));
    }
    output::print(&text)?;
    Ok(Ending::Fine)
}

fn in_force(policy: &PolicyArgs) -> Result<(Vec<Pack>, Option<Arc<Site>>), Trouble> {
    let files = PolicyFiles::read(policy)?;
    files.warn();
    let site = files.site();
    Ok((packs::packs_of(files.packs), site))
}

fn lint(policy: &PolicyArgs) -> Result<Ending, Trouble> {
    let files = PolicyFiles::read(policy)?;
    files.warn();
    let site = files.site.as_ref().map(|(site, source)| SiteText { site, source });
    let mut text = Vec::new();
    let colour = output::colour_out();
    let worst = rules::lint(&files.packs, site, now(), colour, &mut text).map_err(Trouble::of_output)?;
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(if worst == Some(Gravity::Error) { Ending::Violations } else { Ending::Fine })
}

/// Today, for exceptions that have ended. The command line is the only place that may ask.
fn now() -> Option<Timestamp> {
    #[expect(clippy::disallowed_methods, reason = "lint is asked by a person, today")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_parts(i64::try_from(since.as_secs()).ok()?, 0))
}

fn test(args: &PolicyArgs, tests: &[PathBuf]) -> Result<Ending, Trouble> {
    let sources = match tests {
        [] => vec![packs::shipped_examples()],
        paths => paths.iter().map(|path| text_of(path)).collect::<Result<_, _>>()?,
    };
    let mut examples = Vec::new();
    for source in &sources {
        let read = read_examples(source);
        examples.extend(read.map_err(|faults| faults_of(&faults, std::slice::from_ref(source)))?);
    }
    let (packs, _) = in_force(args)?;
    let mut text = Vec::new();
    let decide = |example: &Example| decided(&packs, example);
    let fine = rules::test(&examples, &decide, &mut text).map_err(Trouble::of_output)?;
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(if fine { Ending::Fine } else { Ending::Violations })
}

/// What the rules say of an example. Its ends are two hosts of a site with its features; both are in a
/// zone with its packs.
pub fn decided(packs: &[Pack], example: &Example) -> Decided {
    let site = Arc::new(Site { features: example.features.clone(), ..Site::default() });
    let policy = Policy::new(packs.to_vec(), Some(Arc::clone(&site)), false, 0);
    let inventory = Inventory::new(Some(site));
    let names: Vec<PackId> = example.packs.iter().map(|name| PackId(Arc::clone(name))).collect();
    let bits = policy.bits_everywhere() | policy.bits_of(names.iter());
    let end = |last: u8, roles: RoleSet| End {
        addr: Addr::v4([10, 0, 0, last]),
        label: roles.iter().next().unwrap_or(Role::Unknown),
        roles,
        judges: true,
        monitored: !roles.has(Role::Internet) && !roles.has(Role::Group),
        packs: bits,
        zone_kinds: Vec::new(),
    };
    let (orig, resp) = (end(1, example.from), end(2, example.to));
    let spoken =
        example.service.map_or(Spoken::Unrecognised, |service| Spoken::Known(service, Certainty::Signature));
    let case = Case {
        orig: &orig,
        resp: &resp,
        initiation: Initiation::Observed,
        transport: example.transport,
        port: Some(example.port),
        spoken,
        clear: true,
        traits: &Traits::default(),
        outcome: Outcome::Data,
        time: Timestamp::default(),
    };
    told(decide(&policy, &inventory, &case))
}

fn told(ruling: Ruling) -> Decided {
    let mut decided = Decided { verdict: VerdictKind::NoPolicy, rule: None, reason: None, withheld: None };
    match ruling {
        Ruling::NoPolicy => {}
        Ruling::OutOfScope => decided.verdict = VerdictKind::OutOfScope,
        Ruling::Allowed { rule, objections, .. } => {
            decided.reason = objections.first().map(|objection| objection.reason);
            decided.verdict =
                if objections.is_empty() { VerdictKind::Allowed } else { VerdictKind::Violation };
            decided.rule = Some(rule);
        }
        Ruling::Violation { reason, rule, nearest, .. } => {
            decided.verdict = VerdictKind::Violation;
            decided.reason = Some(reason);
            decided.rule = rule.or(nearest.map(|(rule, _)| rule));
        }
        Ruling::Withheld { why, rule, .. } => {
            decided.verdict = VerdictKind::Withheld;
            decided.withheld = Some(why);
            decided.rule = rule;
        }
    }
    decided
}
