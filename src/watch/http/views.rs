//! What the HTTP side needs to know of the audit: a trait that the audit fulfils, and what it answers with.

use axum::body::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::value::to_raw_value;

use crate::watch::http::asked::EndpointsAsked;
use crate::watch::http::asked::ViolationsAsked;

/// What can be seen of the running audit.
///
/// Everything is asked on the thread that serves HTTP and must answer at once, from what is at hand: no
/// waiting for the judge, no reading of files. An `Err` is the reason why there is no answer now, a
/// sentence for the operator; the client gets it with status 503.
pub trait Views: Send + Sync + 'static {
    /// The metrics in the Prometheus text format, version 0.0.4. It is asked at most 4 times a second:
    /// scrapers that come in between share one text.
    fn metrics(&self) -> Bytes;

    /// Whether capture and judge advance.
    ///
    /// # Errors
    ///
    /// What stands still, and since when.
    fn health(&self) -> Result<(), String>;

    /// Whether the interfaces are open and a policy is in force.
    ///
    /// # Errors
    ///
    /// What is missing.
    fn readiness(&self) -> Result<(), String>;

    /// The violations that are asked for, worst first.
    ///
    /// # Errors
    ///
    /// Why they cannot be shown now.
    fn violations(&self, asked: &ViolationsAsked) -> Result<Page, String>;

    /// The hosts that are asked for, by address.
    ///
    /// # Errors
    ///
    /// Why they cannot be shown now.
    fn endpoints(&self, asked: &EndpointsAsked) -> Result<Page, String>;

    /// The policy in force: one JSON object.
    ///
    /// # Errors
    ///
    /// Why it cannot be shown now.
    fn policy(&self) -> Result<Box<RawValue>, String>;
}

/// The first of those that were asked for, and how many there are.
#[derive(Debug, Default)]
pub struct Page {
    items: Vec<Box<RawValue>>,
    total: u64,
}

impl Page {
    /// The first `limit` of `all`, which were asked for; all of them are counted.
    ///
    /// # Errors
    ///
    /// If one cannot be written as JSON.
    pub fn first<T: Serialize>(limit: usize, all: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let mut page = Self::default();
        for item in all {
            page.total = page.total.saturating_add(1);
            if page.items.len() < limit {
                let item =
                    to_raw_value(&item).map_err(|error| format!("a record cannot be written: {error}"))?;
                page.items.push(item);
            }
        }
        Ok(page)
    }

    /// What is shown, each a JSON value.
    pub fn items(&self) -> &[Box<RawValue>] {
        &self.items
    }

    /// How many there are, shown or not.
    pub const fn total(&self) -> u64 {
        self.total
    }
}
