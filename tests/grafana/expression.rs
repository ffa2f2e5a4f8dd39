//! PromQL expressions taken apart: what they select, by what they group, in what they stand.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use promql_parser::label::MatchOp;
use promql_parser::label::Matcher;
use promql_parser::parser;
use promql_parser::parser::Expr;
use promql_parser::parser::VectorSelector;

use crate::scrape::Metric;
use crate::scrape::words;

/// Long enough to be told from any range that an expression names itself.
const RATE_INTERVAL: &str = "11111s";

/// What one expression asks.
#[derive(Default)]
pub(crate) struct Asked {
    /// Each selector: the metric, its matchers, and the function around it.
    pub(crate) selectors: Vec<(String, Vec<Matcher>, String)>,
    /// Every label that is grouped by, matched on, or written by a function.
    pub(crate) labels: BTreeSet<String>,
    /// What is wrong with the ranges.
    pub(crate) faults: Vec<String>,
}

/// `text` with Grafana's variables filled in, taken apart.
pub(crate) fn asked(text: &str) -> Result<Asked, String> {
    let mut filled = text.to_owned();
    let values = [("$__rate_interval", RATE_INTERVAL), ("$__range", "22222s"), ("$__interval", "33333s")];
    for (name, value) in values {
        filled = filled.replace(name, value);
    }
    let expr = parser::parse(&filled).map_err(|fault| format!("{fault}: {text}"))?;
    let mut asked = Asked::default();
    asked.walk(&expr, "");
    Ok(asked)
}

impl Asked {
    fn walk(&mut self, expr: &Expr, around: &str) {
        match expr {
            Expr::Aggregate(inner) => {
                let labels = inner.modifier.iter().flat_map(|modifier| modifier.labels().labels.iter());
                self.labels.extend(labels.cloned());
                self.walk(&inner.expr, around);
            }
            Expr::Unary(inner) => self.walk(&inner.expr, around),
            Expr::Binary(inner) => {
                let modifier = inner.modifier.iter();
                let matching = modifier.flat_map(|modifier| modifier.matching.iter());
                self.labels.extend(matching.flat_map(|labels| labels.labels().labels.iter().cloned()));
                self.walk(&inner.lhs, around);
                self.walk(&inner.rhs, around);
            }
            Expr::Paren(inner) => self.walk(&inner.expr, around),
            Expr::Subquery(inner) => self.walk(&inner.expr, around),
            Expr::Call(call) => {
                // Asking when there was a value is not asking for the value.
                for argument in &call.args.args {
                    self.walk(argument, call.func.name);
                }
            }
            Expr::VectorSelector(selector) => self.select(selector, around),
            Expr::MatrixSelector(matrix) => {
                let is_rate = ["rate", "irate"].contains(&around);
                if is_rate && format!("{}s", matrix.range.as_secs()) != RATE_INTERVAL {
                    self.faults.push(format!("{around} without $__rate_interval"));
                }
                self.select(&matrix.vs, around);
            }
            _ => {}
        }
    }

    fn select(&mut self, selector: &VectorSelector, around: &str) {
        let name = selector.name.clone().unwrap_or_default();
        self.selectors.push((name, selector.matchers.matchers.clone(), around.to_owned()));
    }

    /// What this asks that no scrape has.
    pub(crate) fn unknown(&self, metrics: &BTreeMap<String, Metric>) -> Vec<String> {
        let mut faults = Vec::new();
        let mut known = BTreeSet::new();
        for (name, matchers, _) in &self.selectors {
            let Some(metric) = metrics.get(name) else {
                faults.push(format!("no metric {name}"));
                continue;
            };
            known.extend(&metric.labels);
            for matcher in matchers {
                if !metric.labels.contains(&matcher.name) {
                    faults.push(format!("{name} has no label {}", matcher.name));
                }
                faults.extend(unknown_words(name, matcher));
            }
        }
        let unknown = self.labels.iter().filter(|label| !known.contains(label));
        faults.extend(unknown.map(|label| format!("nothing here has the label {label}")));
        faults
    }
}

fn unknown_words(metric: &str, matcher: &Matcher) -> Vec<String> {
    let Some(words) = words(metric, &matcher.name) else { return Vec::new() };
    let asked: Vec<&str> = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![&matcher.value],
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
    };
    let unknown = asked.into_iter().filter(|word| !words.contains(word));
    unknown.map(|word| format!("{metric} never has {}=\"{word}\"", matcher.name)).collect()
}

#[test]
fn what_no_scrape_has_is_found() {
    let metrics = crate::scrape::metrics();
    let faults = |text: &str| asked(text).unwrap().unknown(&metrics);
    assert_eq!(faults("sum by (severity) (camsentry_violations_open)"), Vec::<String>::new());
    assert_eq!(faults("camsentry_violation_open"), ["no metric camsentry_violation_open"]);
    assert_eq!(faults("up{host=\"a\"}"), ["up has no label host"]);
    assert_eq!(faults("sum by (host) (up)"), ["nothing here has the label host"]);
    assert_eq!(
        faults("camsentry_withheld_total{reason=\"sweep\"}"),
        ["camsentry_withheld_total never has reason=\"sweep\""]
    );
    assert!(asked("sum(rate(x[5m])").is_err());
    assert_eq!(asked("rate(up[5m])").unwrap().faults.len(), 1);
    assert_eq!(asked("rate(up[$__rate_interval])").unwrap().faults.len(), 0);
}
