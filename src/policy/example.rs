//! Worked examples of a policy, as data: who, where, what is spoken, and what must come of it.
//! `camsentry rules test` tries them on the rules in force; who decides is the caller's.

use std::fmt;
use std::sync::Arc;

use toml::Spanned;

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::rule::RuleId;
use crate::policy::table::Table;
use crate::policy::table::parse;
use crate::policy::words::compile_id;
use crate::policy::words::compile_roles;
use crate::policy::words::compile_transport;
use crate::policy::words::filled;
use crate::policy::words::one_word;
use crate::service::Service;
use crate::service::Transport;
use crate::verdict::Reason;
use crate::verdict::VerdictKind;
use crate::verdict::Withheld;

/// Keys of an example.
const KEYS: &[&str] = &[
    "name",
    "packs",
    "features",
    "from",
    "to",
    "transport",
    "port",
    "service",
    "verdict",
    "rule",
    "reason",
    "why",
];

/// A conversation and what must come of it. Its initiator was observed, and it has data.
#[derive(Clone, Debug)]
pub struct Example {
    /// A sentence.
    pub name: Arc<str>,
    /// Where it stands: `rules/examples.toml:12`.
    pub place: String,
    /// Packs in force beside those that are everywhere.
    pub packs: Vec<Arc<str>>,
    /// Features switched on.
    pub features: Vec<Arc<str>>,
    /// Roles of the initiator.
    pub from: RoleSet,
    /// Roles of the responder.
    pub to: RoleSet,
    /// What carries it.
    pub transport: Transport,
    /// The responder's port.
    pub port: u16,
    /// What is recognised; `None`: nothing, of enough octets.
    pub service: Option<Service>,
    /// What must come of it.
    pub expected: Decided,
}

impl Example {
    /// Whether this is what must come of it. A rule that the example does not name may be any.
    pub fn expects(&self, decided: &Decided) -> bool {
        self.expected.verdict == decided.verdict
            && (self.expected.rule.is_none() || self.expected.rule == decided.rule)
            && self.expected.reason == decided.reason
            && self.expected.withheld == decided.withheld
    }
}

/// What came of a conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The verdict.
    pub verdict: VerdictKind,
    /// The rule or assertion that decided; the nearest one where none did.
    pub rule: Option<RuleId>,
    /// The reason of a violation.
    pub reason: Option<Reason>,
    /// Why it is withheld.
    pub withheld: Option<Withheld>,
}

/// `violation no-rule, XP06`.
impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.as_str())?;
        if let Some(reason) = self.reason {
            write!(f, " {reason}")?;
        }
        if let Some(withheld) = self.withheld {
            write!(f, " {withheld}")?;
        }
        match &self.rule {
            Some(rule) => write!(f, ", {rule}"),
            None => Ok(()),
        }
    }
}

/// Reads the examples of a file.
///
/// # Errors
/// All faults of the text, each at its place.
pub fn read_examples(source: &SourceText) -> Result<Vec<Example>, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let root = parse(source, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let root = Table::root(source, &root, &["example"], &mut faults);
    let tables = root.children("example", KEYS, &mut faults);
    let examples: Vec<Example> = tables.iter().filter_map(|table| read_one(table, &mut faults)).collect();
    if faults.is_empty() { Ok(examples) } else { Err(faults) }
}

fn read_one(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Example> {
    let source = table.source();
    for key in ["name", "packs", "from", "to", "transport", "port", "verdict"] {
        if !table.has(key) {
            table.missing(key, "an example needs it", faults);
        }
    }
    let name = filled("name", table.text("name", faults), source, faults);
    let (from, to) = (read_roles(table, "from", faults), read_roles(table, "to", faults));
    let transport =
        table.texts("transport", faults).map(|written| compile_transport(&written, source, faults));
    let transport = transport.and_then(|transports| transports.first().copied());
    let port = read_port(table, faults);
    let service = read_word(table, "service", Service::ALL, Service::as_str, faults);
    let expected = read_expected(table, faults);
    let line = Diagnostic::error(source, table.span(), "", "", None).position(source).0;
    Some(Example {
        name,
        place: format!("{}:{line}", source.name),
        packs: read_names(table, "packs", faults),
        features: read_names(table, "features", faults),
        from: from?,
        to: to?,
        transport: transport?,
        port: port?,
        service,
        expected: expected?,
    })
}

/// The roles that a host has: `camera` is a camera that is no MOBOTIX camera here, because a host has
/// the roles that the site gives it, and no others.
fn read_roles(table: &Table<'_>, key: &str, faults: &mut Vec<Diagnostic>) -> Option<RoleSet> {
    let written = table.texts(key, faults)?;
    compile_roles(&written, table.source(), faults);
    let roles = written.get_ref().iter().filter_map(|name| Role::parse(name.get_ref()));
    Some(roles.fold(RoleSet::EMPTY, RoleSet::with))
}

fn read_expected(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<Decided> {
    let verdict = read_word(table, "verdict", VerdictKind::ALL, VerdictKind::as_str, faults);
    let reason = read_word(table, "reason", Reason::ALL, Reason::as_str, faults);
    let withheld = read_word(table, "why", Withheld::ALL, Withheld::as_str, faults);
    let rule = table.text("rule", faults).map(|id| compile_id(Some(id), table.source(), faults));
    Some(Decided { verdict: verdict?, rule, reason, withheld })
}

fn read_port(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Option<u16> {
    let written = table.number("port", faults)?;
    let port = u16::try_from(*written.get_ref()).ok();
    if port.is_none() {
        let help = Some("ports are 1 to 65535".to_owned());
        let message = format!("{} is no port", written.get_ref());
        faults.push(Diagnostic::error(table.source(), written.span(), message, "not a port number", help));
    }
    port
}

fn read_names(table: &Table<'_>, key: &str, faults: &mut Vec<Diagnostic>) -> Vec<Arc<str>> {
    let written = table.texts(key, faults).map(Spanned::into_inner).unwrap_or_default();
    written.iter().map(|name| Arc::from(name.get_ref().as_str())).collect()
}

fn read_word<T: Copy>(
    table: &Table<'_>,
    key: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
    faults: &mut Vec<Diagnostic>,
) -> Option<T> {
    let written = table.text(key, faults)?;
    let known: Vec<&str> = all.iter().map(|word| name_of(*word)).collect();
    let word = one_word(key, &written, &known, table.source(), faults)?;
    all.iter().copied().find(|known| name_of(*known) == word)
}
