//! Faults of a file that an operator wrote: all of them at once, each with file, line, column and
//! the way out.

use std::ops::Range;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Gravity {
    /// The file can be used; something in it is not as meant.
    Warning,
    /// The file cannot be used.
    Error,
}

/// A text file as the operator named it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SourceText {
    /// Its name for messages.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// One fault, at its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub gravity: Gravity,
    /// What is wrong: lower case, no full stop, names the thing.
    pub message: String,
    /// The file's name.
    pub file: String,
    /// Octets of the file's text that it is about.
    pub span: Range<usize>,
    /// A few words beside the marked place.
    pub label: String,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span` of `source`.
    pub fn error(
        source: &SourceText,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let gravity = Gravity::Error;
        Self { gravity, message: message.into(), file: source.name.clone(), span, label: label.into(), help }
    }

    /// A warning at `span` of `source`.
    pub fn warning(
        source: &SourceText,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        Self { gravity: Gravity::Warning, ..Self::error(source, span, message, label, help) }
    }

    /// Line and column of its place in `source`, both from 1, columns in characters.
    pub fn position(&self, source: &SourceText) -> (usize, usize) {
        let before = source.text.get(..self.span.start).unwrap_or(&source.text);
        let line = before.matches('\n').count().saturating_add(1);
        let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
        (line, column)
    }

    /// As the Rust compiler would draw it, with colours if `colour`.
    pub fn render(&self, source: &SourceText, colour: bool) -> String {
        let level = match self.gravity {
            Gravity::Error => Level::ERROR,
            Gravity::Warning => Level::WARNING,
        };
        let end = self.span.end.min(source.text.len());
        let span = self.span.start.min(end)..end;
        let snippet = Snippet::source(source.text.as_str())
            .path(source.name.as_str())
            .annotation(AnnotationKind::Primary.span(span).label(self.label.as_str()));
        let mut groups = vec![level.primary_title(self.message.as_str()).element(snippet)];
        if let Some(help) = &self.help {
            groups =
                groups.into_iter().map(|group| group.element(Level::HELP.message(help.as_str()))).collect();
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&groups)
    }
}

/// Draws every diagnostic, in the order of files and places, one after the other.
pub fn render_all(diagnostics: &[Diagnostic], sources: &[SourceText], colour: bool) -> String {
    let empty = SourceText::default();
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
    sorted
        .iter()
        .map(|diagnostic| {
            let source = sources.iter().find(|source| source.name == diagnostic.file).unwrap_or(&empty);
            let mut drawn = diagnostic.render(source, colour);
            drawn.push_str("\n\n");
            drawn
        })
        .collect()
}
