//! Counts per service what was found, missed and named wrongly, and draws the table.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use camsentry::service::Service;

use crate::labels::service_of;
use crate::truth::Conversation;

/// Counts of one row.
#[derive(Clone, Copy, Default)]
pub(crate) struct Row {
    truth: u64,
    found: u64,
    missed: u64,
    wrong: u64,
}

/// What was counted over all captures.
#[derive(Default)]
pub(crate) struct Score {
    scored: BTreeMap<String, Row>,
    unscored: BTreeMap<String, Row>,
    /// One line for each conversation that differs.
    pub(crate) differences: Vec<String>,
}

impl Score {
    /// Counts a conversation; `ours` is what we say is spoken in it.
    pub(crate) fn add(&mut self, file: &str, conversation: &Conversation, ours: &BTreeSet<Service>) {
        let truth: BTreeSet<Service> =
            conversation.labels.iter().filter_map(|label| service_of(label)).collect();
        let main = conversation.main.as_deref().and_then(service_of);
        let Some(service) = main.or_else(|| truth.first().copied()) else {
            return self.add_unscored(file, conversation, ours);
        };
        let is_wrong = !ours.is_subset(&truth);
        let row = self.scored.entry(service.to_string()).or_default();
        count(row, ours, is_wrong);
        if is_wrong || ours.is_empty() {
            self.differ(file, conversation, ours);
        }
    }

    /// A conversation of which the truth names nothing that we have a word for.
    fn add_unscored(&mut self, file: &str, conversation: &Conversation, ours: &BTreeSet<Service>) {
        let word = match (&conversation.main, conversation.payload) {
            (Some(label), _) => label.clone(),
            (None, Some(0)) => "(no payload)".to_owned(),
            (None, _) => "(no label)".to_owned(),
        };
        count(self.unscored.entry(word).or_default(), ours, !ours.is_empty());
        if !ours.is_empty() {
            self.differ(file, conversation, ours);
        }
    }

    fn differ(&mut self, file: &str, conversation: &Conversation, ours: &BTreeSet<Service>) {
        let labels: Vec<&str> = conversation.labels.iter().map(String::as_str).collect();
        let ours: Vec<&str> = ours.iter().map(|service| service.as_str()).collect();
        let or_none = |list: Vec<&str>| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
        self.differences.push(format!(
            "{file}: {}: truth {}, ours {}",
            conversation.ends,
            or_none(labels),
            or_none(ours)
        ));
    }

    /// Truth, missed and wrong of all scored rows.
    pub(crate) fn totals(&self) -> (u64, u64, u64) {
        let sum = |of: fn(&Row) -> u64| self.scored.values().map(of).fold(0, u64::saturating_add);
        (sum(|row| row.truth), sum(|row| row.missed), sum(|row| row.wrong))
    }

    /// Both tables, their columns aligned.
    pub(crate) fn drawn(&self) -> String {
        let widest = self.scored.keys().chain(self.unscored.keys()).map(String::len).max();
        let width = widest.unwrap_or(0).max("service".len());
        let line = |name: &str, cells: [String; 4]| {
            let [truth, found, missed, wrong] = cells;
            format!("{name:width$}  {truth:>6}  {found:>6}  {missed:>6}  {wrong:>6}\n")
        };
        let words = |last: &str| ["truth", "found", "missed", last].map(str::to_owned);
        let mut text = line("service", words("wrong"));
        for (name, row) in &self.scored {
            let cells = [row.truth, row.found, row.missed, row.wrong].map(|count| count.to_string());
            text.push_str(&line(name, cells));
        }
        let (truth, missed, wrong) = self.totals();
        let found = truth.saturating_sub(missed).saturating_sub(wrong);
        text.push_str(&line("all", [truth, found, missed, wrong].map(|count| count.to_string())));
        if !self.unscored.is_empty() {
            text.push_str("\nNot scored: labels that are no service here, and conversations without one.\n");
            text.push_str(&format!("{:width$}  {:>6}  {:>6}\n", "label", "truth", "named"));
        }
        for (name, row) in &self.unscored {
            text.push_str(&format!("{name:width$}  {:>6}  {:>6}\n", row.truth, row.wrong));
        }
        text
    }
}

fn count(row: &mut Row, ours: &BTreeSet<Service>, is_wrong: bool) {
    row.truth = row.truth.saturating_add(1);
    let cell = match (is_wrong, ours.is_empty()) {
        (true, _) => &mut row.wrong,
        (false, true) => &mut row.missed,
        (false, false) => &mut row.found,
    };
    *cell = cell.saturating_add(1);
}
