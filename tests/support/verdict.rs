//! Compares what was expected of a violation with what the audit says of it.

use camsentry::judge::audit::Violation;
use serde::Deserialize;

/// A violation as a paper expects it; what is left out may be anything.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) reason: String,
    pub(crate) also: Option<Vec<String>>,
    pub(crate) orig: Option<String>,
    pub(crate) resp: Option<String>,
    pub(crate) transport: Option<String>,
    pub(crate) port: Option<u16>,
    /// Any of these rules or assertions.
    pub(crate) rules: Option<Vec<String>>,
    pub(crate) nearest: Option<ExpectedNearest>,
    pub(crate) outcome: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) flows: Option<u64>,
    pub(crate) sweep: Option<ExpectedSweep>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedNearest {
    /// Any of these.
    pub(crate) rules: Vec<String>,
    pub(crate) field: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedSweep {
    pub(crate) responders: u64,
    pub(crate) ports: u64,
    pub(crate) conversations: u64,
    pub(crate) attempted: u64,
    pub(crate) refused: u64,
    pub(crate) answered: u64,
}

impl Expected {
    /// Whether `found` is about the same thing: reason, hosts, transport, port.
    pub(crate) fn is_about(&self, found: &Violation) -> bool {
        let same =
            |expected: &Option<String>, found: String| expected.as_ref().is_none_or(|text| *text == found);
        self.reason == found.reason.as_str()
            && same(&self.orig, found.orig.addr.ip().to_string())
            && same(&self.resp, found.resp.addr.ip().to_string())
            && same(&self.transport, found.transport.to_string())
            && (self.port.is_none() || self.port == found.port)
    }

    /// Every difference in the rest, in words.
    pub(crate) fn differences(&self, found: &Violation) -> Vec<String> {
        let mut list = Vec::new();
        let mut differ = |what: &str, expected: Option<String>, found: String| {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                list.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        let words = |also: &Vec<String>| also.join(", ");
        let also: Vec<String> = found.also.iter().map(ToString::to_string).collect();
        differ("also", self.also.as_ref().map(words), also.join(", "));
        differ("outcome", self.outcome.clone(), found.outcome.to_string());
        differ("severity", self.severity.clone(), found.severity.to_string());
        differ("count", self.count.map(|count| count.to_string()), found.count.to_string());
        differ("flows", self.flows.map(|flows| flows.to_string()), found.flows.to_string());
        if let Some(rules) = &self.rules {
            let rule = found.rule.as_ref().map(ToString::to_string);
            if !rule.as_ref().is_some_and(|rule| rules.contains(rule)) {
                list.push(format!("rule: expected one of {rules:?}, found {rule:?}"));
            }
        }
        list.extend(self.nearest.as_ref().and_then(|nearest| nearest.difference(found)));
        list.extend(self.sweep.as_ref().and_then(|sweep| sweep.difference(found)));
        list
    }
}

impl ExpectedNearest {
    fn difference(&self, found: &Violation) -> Option<String> {
        let nearest =
            found.nearest.as_ref().map(|nearest| (nearest.rule.to_string(), nearest.field.to_string()));
        let fits =
            nearest.as_ref().is_some_and(|(rule, field)| self.rules.contains(rule) && *field == self.field);
        (!fits).then(|| format!("nearest: expected {:?} by {}, found {nearest:?}", self.rules, self.field))
    }
}

impl ExpectedSweep {
    fn difference(&self, found: &Violation) -> Option<String> {
        let wanted =
            [self.responders, self.ports, self.conversations, self.attempted, self.refused, self.answered];
        let totals = found.sweep.map(|sweep| {
            [
                sweep.responders,
                sweep.ports,
                sweep.conversations,
                sweep.attempted,
                sweep.refused,
                sweep.answered,
            ]
        });
        (totals != Some(wanted)).then(|| format!("sweep: expected {wanted:?}, found {totals:?}"))
    }
}
