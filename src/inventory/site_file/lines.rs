//! Lines of a file, counted once.

use std::sync::Arc;

use crate::policy::diagnostic::SourceText;

/// Where the lines of the file end, to say `site.toml:12` without counting anew each time.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    ends: Vec<usize>,
    file: String,
}

impl Lines {
    pub(super) fn of(source: &SourceText) -> Self {
        let ends = source.text.match_indices('\n').map(|(at, _)| at).collect();
        let file = source.name.rsplit(['/', '\\']).next().unwrap_or(&source.name).to_owned();
        Self { ends, file }
    }

    /// The line of an octet, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset).saturating_add(1)
    }

    /// File and line of an octet: `site.toml:12`.
    pub(super) fn place(&self, offset: usize) -> Arc<str> {
        Arc::from(format!("{}:{}", self.file, self.line(offset)))
    }
}
