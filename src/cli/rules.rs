//! `camsentry rules`: the rules in force, listed, explained, checked and tried on examples. Writes to
//! whatever it is given; files and arguments are the caller's.

use std::io;
use std::io::Write;

use crate::cli::rule_json::check_name;
use crate::cli::rule_json::json_of;
use crate::cli::rule_prose::assertion_prose;
use crate::cli::rule_prose::elided;
use crate::cli::rule_prose::role_names;
use crate::cli::rule_prose::rule_prose;
use crate::inventory::site::Site;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::Gravity;
use crate::policy::diagnostic::SourceText;
use crate::policy::diagnostic::render_all;
use crate::policy::example::Decided;
use crate::policy::example::Example;
use crate::policy::file::PackFile;
use crate::policy::lint::lint_packs;
use crate::policy::lint_site::lint_site;
use crate::policy::rule::Assertion;
use crate::policy::rule::Expect;
use crate::policy::rule::Pack;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::suggest::way_out;
use crate::time::Timestamp;

/// Characters of a list of roles in the table; what is longer is elided, the JSON has all.
const ROLES_WIDTH: usize = 44;

/// How a list is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListFormat {
    /// Aligned columns.
    Text,
    /// One JSON array.
    Json,
}

/// The rules in force: those of the packs, and the site's own.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'r> {
    /// The packs, in the order in which they are tried.
    pub packs: &'r [Pack],
    /// The site, if there is one.
    pub site: Option<&'r Site>,
}

impl<'r> InForce<'r> {
    /// Exceptions and rules of the site, then those of each pack, by id.
    fn rules(&self) -> Vec<&'r Rule> {
        let of_site = self.site.into_iter().flat_map(|site| site.exceptions.iter().chain(&site.allow));
        let mut rules: Vec<&Rule> = of_site.collect();
        for pack in self.packs {
            let mut of_pack: Vec<&Rule> = pack.rules.iter().collect();
            of_pack.sort_by(|a, b| a.id.cmp(&b.id));
            rules.extend(of_pack);
        }
        rules
    }

    fn assertions(&self) -> impl Iterator<Item = &'r Assertion> + use<'r> {
        self.packs.iter().flat_map(|pack| &pack.assertions)
    }
}

/// Prints every rule and assertion.
///
/// # Errors
/// Those of `out`.
pub fn list(in_force: &InForce<'_>, format: ListFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        ListFormat::Json => {
            let all = json_of(&in_force.rules(), in_force.assertions());
            serde_json::to_writer_pretty(&mut *out, &all)?;
            writeln!(out)
        }
        ListFormat::Text => {
            let mut rows = vec![["ID", "FROM", "TO", "PORTS", "SPEAKS", "TLS", "STATUS"].map(str::to_owned)];
            rows.extend(in_force.rules().into_iter().map(row));
            write_columns(&rows, out)?;
            writeln!(out)?;
            let mut rows = vec![["ID", "ASSERTION", "SENTENCE"].map(str::to_owned)];
            rows.extend(in_force.assertions().map(assertion_row));
            write_columns(&rows, out)
        }
    }
}

/// Explains the rule or assertion `id`. `false` if there is none; then it says which is near.
///
/// # Errors
/// Those of `out`.
pub fn show(in_force: &InForce<'_>, id: &str, out: &mut dyn Write) -> io::Result<bool> {
    let rules = in_force.rules();
    let fits = |known: &str| known.eq_ignore_ascii_case(id);
    if let Some(rule) = rules.iter().find(|rule| fits(&rule.id.0)) {
        let sentence = in_force
            .packs
            .iter()
            .flat_map(|pack| &pack.features)
            .find_map(|(name, sentence)| (rule.feature.as_ref() == Some(name)).then_some(&**sentence));
        out.write_all(rule_prose(rule, sentence).as_bytes())?;
        return Ok(true);
    }
    if let Some(assertion) = in_force.assertions().find(|assertion| fits(&assertion.id.0)) {
        out.write_all(assertion_prose(assertion).as_bytes())?;
        return Ok(true);
    }
    let known: Vec<&str> = rules
        .iter()
        .map(|rule| &*rule.id.0)
        .chain(in_force.assertions().map(|assertion| &*assertion.id.0))
        .collect();
    writeln!(out, "no rule `{id}`: {}", way_out(id, &known))?;
    Ok(false)
}

/// A site with its text, for those who point at places in it.
#[derive(Clone, Copy, Debug)]
pub struct SiteText<'s> {
    /// What it says.
    pub site: &'s Site,
    /// Its file.
    pub source: &'s SourceText,
}

/// Prints what cannot be meant, and how many errors and warnings there are. Gives the worst.
///
/// `now` decides which exceptions of the site have ended.
///
/// # Errors
/// Those of `out`.
pub fn lint(
    files: &[PackFile],
    site: Option<SiteText<'_>>,
    now: Option<Timestamp>,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<Option<Gravity>> {
    let mut findings = lint_packs(files);
    let mut sources: Vec<SourceText> = files.iter().map(|file| file.source.clone()).collect();
    if let Some(SiteText { site, source }) = site {
        findings.extend(lint_site(site, source, files, now));
        sources.push(source.clone());
    }
    out.write_all(render_all(&findings, &sources, colour).as_bytes())?;
    let count = |gravity: Gravity| findings.iter().filter(|finding| finding.gravity == gravity).count();
    let rules: usize = files.iter().map(|file| file.pack.rules.len()).sum();
    writeln!(
        out,
        "{rules} rules in {} packs: {}, {}",
        files.len(),
        counted(count(Gravity::Error), "error"),
        counted(count(Gravity::Warning), "warning")
    )?;
    Ok(findings.iter().map(|finding: &Diagnostic| finding.gravity).max())
}

/// Tries the examples with `decide`, prints those that came out otherwise, and a count. `true` if all
/// came out as they should.
///
/// # Errors
/// Those of `out`.
pub fn test(
    examples: &[Example],
    decide: &dyn Fn(&Example) -> Decided,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let mut failed = 0_usize;
    for example in examples {
        let decided = decide(example);
        if !example.expects(&decided) {
            failed = failed.saturating_add(1);
            writeln!(
                out,
                "{}: {}\n  expected {}\n  got      {decided}",
                example.place, example.name, example.expected
            )?;
        }
    }
    writeln!(out, "{}: {failed} came out otherwise", counted(examples.len(), "example"))?;
    Ok(failed == 0)
}

fn row(rule: &Rule) -> [String; 7] {
    let way = if rule.both_ways { " (both ways)" } else { "" };
    let statuses: Vec<&str> = rule.status.iter().map(|status| status.as_str()).collect();
    [
        rule.id.to_string(),
        elided(&role_names(rule.from), ROLES_WIDTH),
        format!("{}{way}", elided(&role_names(rule.to), ROLES_WIDTH)),
        ports_text(rule),
        expect_text(&rule.expect),
        rule.tls.to_string(),
        statuses.join(", "),
    ]
}

fn assertion_row(assertion: &Assertion) -> [String; 3] {
    [assertion.id.to_string(), check_name(&assertion.check).to_owned(), assertion.sentence.to_string()]
}

/// `tcp+udp 1234`, `icmp`.
fn ports_text(rule: &Rule) -> String {
    let transports: Vec<String> = rule.transports.iter().map(ToString::to_string).collect();
    let transports = transports.join("+");
    match &rule.ports {
        Ports::Set(set) => format!("{transports} {set}"),
        Ports::Named => format!("{transports} named"),
        Ports::Any => transports,
    }
}

fn expect_text(expect: &Expect) -> String {
    match expect {
        Expect::PortOnly => "port-only".to_owned(),
        Expect::Services(services) => {
            let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
            names.join(", ")
        }
    }
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Two spaces between columns, none after the last.
fn write_columns<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let mut widths = [0_usize; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        writeln!(out, "{}", cells.trim_end())?;
    }
    Ok(())
}
