//! Reads TOML tables with the place of every value, and goes on after a fault: packs and site files
//! are read with it, so that an operator sees all faults of a file at once.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;
use toml::value::Datetime;

use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::suggest::nearest;

/// The text as a TOML table: whatever of it can be read. Each fault of syntax becomes a diagnostic.
pub fn parse<'t>(source: &'t SourceText, faults: &mut Vec<Diagnostic>) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        faults.push(Diagnostic::error(source, span, error.message(), "not TOML from here", None));
    }
    root
}

/// A table of the file, with the keys that it may have.
#[derive(Clone, Debug)]
pub struct Table<'t> {
    source: &'t SourceText,
    entries: &'t DeTable<'t>,
    span: Range<usize>,
    what: String,
}

impl<'t> Table<'t> {
    /// The whole file. Keys that are not `known` are faults.
    pub fn root(
        source: &'t SourceText,
        root: &'t Spanned<DeTable<'t>>,
        known: &[&str],
        faults: &mut Vec<Diagnostic>,
    ) -> Self {
        let table = Self { source, entries: root.get_ref(), span: 0..0, what: "the file".to_owned() };
        table.refuse_unknown(known, faults);
        table
    }

    /// The file that it stands in.
    pub fn source(&self) -> &'t SourceText {
        self.source
    }

    /// Where it stands: its header, or its braces.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Its keys and values in the order of the file.
    pub fn entries(&self) -> Vec<(Spanned<String>, &'t Spanned<DeValue<'t>>)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| (Spanned::new(key.span(), key.get_ref().to_string()), value))
            .collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    /// The table under `key`; `None` if there is none or it is no table (a fault).
    pub fn child(&self, key: &str, known: &[&str], faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let value = self.value(key)?;
        self.open(key, value, Some(known), faults)
    }

    /// The table under `key`, whose keys are free words.
    pub fn free_child(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let value = self.value(key)?;
        self.open(key, value, None, faults)
    }

    /// The tables under `key`, in the order of the file: `[[key]]`.
    pub fn children(&self, key: &str, known: &[&str], faults: &mut Vec<Diagnostic>) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(list) => {
                list.iter().filter_map(|entry| self.open(key, entry, Some(known), faults)).collect()
            }
            other => {
                let help = Some(format!("write its header with two brackets: `[[{key}]]`"));
                self.mistyped(key, value, "a list of tables", other, help, faults);
                Vec::new()
            }
        }
    }

    /// The text under `key`.
    pub fn text(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => self.visible(text, value, faults),
            other => {
                let help = Some("put it in quotes".to_owned());
                self.mistyped(key, value, "a text", other, help, faults);
                None
            }
        }
    }

    /// The text under `key`, which may also be written as a number: `ports = 80`.
    pub fn text_or_number(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => {
                Some(Spanned::new(value.span(), number.as_str().to_owned()))
            }
            _ => self.text(key, faults),
        }
    }

    /// The list of texts under `key`; one text alone counts as a list of one.
    pub fn texts(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.value(key)?;
        let texts = match value.get_ref() {
            DeValue::String(text) => self.visible(text, value, faults).into_iter().collect(),
            DeValue::Array(list) => list.iter().filter_map(|one| self.one_text(key, one, faults)).collect(),
            other => {
                let help = Some(format!("write it so: `{key} = [\"…\"]`"));
                self.mistyped(key, value, "a list of texts", other, help, faults);
                return None;
            }
        };
        Some(Spanned::new(value.span(), texts))
    }

    /// The yes or no under `key`.
    pub fn flag(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<bool>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(Spanned::new(value.span(), *flag)),
            other => {
                let help = Some("write true or false, without quotes".to_owned());
                self.mistyped(key, value, "true or false", other, help, faults);
                None
            }
        }
    }

    /// The whole number under `key`.
    pub fn number(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            let help = Some("write digits, without quotes".to_owned());
            self.mistyped(key, value, "a whole number", value.get_ref(), help, faults);
        }
        number.map(|number| Spanned::new(value.span(), number))
    }

    /// The date or time under `key`.
    pub fn moment(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<Datetime>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Datetime(moment) => Some(Spanned::new(value.span(), *moment)),
            other => {
                let help = Some("write a date without quotes, such as 2026-12-31".to_owned());
                self.mistyped(key, value, "a date", other, help, faults);
                None
            }
        }
    }

    /// Whether `key` is there.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Adds the fault that `key` is missing.
    pub fn missing(&self, key: &str, help: &str, faults: &mut Vec<Diagnostic>) {
        let message = format!("{} has no `{key}`", self.what);
        let label = format!("`{key}` is missing here");
        faults.push(Diagnostic::error(self.source, self.span(), message, label, Some(help.to_owned())));
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.get(key)
    }

    fn open(
        &self,
        key: &str,
        value: &'t Spanned<DeValue<'t>>,
        known: Option<&[&str]>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let DeValue::Table(entries) = value.get_ref() else {
            let help = Some(format!("write a header `[{key}]` with keys under it"));
            self.mistyped(key, value, "a table", value.get_ref(), help, faults);
            return None;
        };
        let name = entries.get("id").or_else(|| entries.get("name")).and_then(|id| id.get_ref().as_str());
        let what = name.map_or_else(|| format!("this `{key}`"), |name| format!("`{key}` `{name}`"));
        let table = Self { source: self.source, entries, span: value.span(), what };
        if let Some(known) = known {
            table.refuse_unknown(known, faults);
        }
        Some(table)
    }

    fn one_text(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Spanned<String>> {
        if let DeValue::String(text) = value.get_ref() {
            return self.visible(text, value, faults);
        }
        let help = Some("put it in quotes".to_owned());
        self.mistyped(key, value, "a list of texts", value.get_ref(), help, faults);
        None
    }

    /// A text; what would steer a terminal or a spreadsheet stands in no rule and in no name, because
    /// all of them are printed.
    fn visible(
        &self,
        text: &str,
        value: &Spanned<DeValue<'_>>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Spanned<String>> {
        let hidden = text.chars().find(|letter| is_hidden(*letter));
        let Some(hidden) = hidden else { return Some(Spanned::new(value.span(), text.to_owned())) };
        let message = format!("this text holds U+{:04X}, which cannot be seen", u32::from(hidden));
        let help = Some("write the text on one line, of letters, digits, signs and blanks".to_owned());
        faults.push(Diagnostic::error(
            self.source,
            value.span(),
            message,
            "not only visible characters",
            help,
        ));
        None
    }

    fn refuse_unknown(&self, known: &[&str], faults: &mut Vec<Diagnostic>) {
        // Nearly always there is none, and a file may have very many tables.
        if self.entries.keys().all(|key| known.contains(&key.get_ref().as_ref())) {
            return;
        }
        for (key, _) in self.entries() {
            if known.contains(&key.get_ref().as_str()) {
                continue;
            }
            let message = format!("{} has an unknown key `{}`", self.what, key.get_ref());
            let listed = format!("allowed are: {}", known.join(", "));
            let help = match nearest(key.get_ref(), known) {
                Some(near) => format!("did you mean `{near}`? {listed}"),
                None => listed,
            };
            faults.push(Diagnostic::error(self.source, key.span(), message, "unknown key", Some(help)));
        }
    }

    fn mistyped(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
        found: &DeValue<'_>,
        help: Option<String>,
        faults: &mut Vec<Diagnostic>,
    ) {
        let message = format!("`{key}` must be {wanted}");
        let label = format!("this is of type {}", found.type_str());
        faults.push(Diagnostic::error(self.source, value.span(), message, label, help));
    }
}

/// Control characters, line ends among them, and those that change the direction of writing.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
