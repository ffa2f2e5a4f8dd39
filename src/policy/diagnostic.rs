//! Faults of a file that an operator wrote: all of them at once, each with file, line, column and
//! the way out.

use std::ops::Range;

use annotate_snippets::AnnotationKind;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;

/// Lines that are longer than so many octets are named and not drawn.
const LONGEST_EXCERPT: usize = 4_000;

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
        let first = source.text.get(..self.span.start).unwrap_or_default();
        self.draw(source, first.matches('\n').count().saturating_add(1), colour)
    }

    /// Draws it with the lines that it is about and no others: a file of many faults would else be
    /// looked through for each of them. `line` is the number of the line that its place begins in.
    fn draw(&self, source: &SourceText, line: usize, colour: bool) -> String {
        let level = match self.gravity {
            Gravity::Error => Level::ERROR,
            Gravity::Warning => Level::WARNING,
        };
        let text = &source.text;
        let end = self.span.end.min(text.len());
        let start = self.span.start.min(end);
        // No farther than an excerpt may reach, because a file may be one line of very many faults.
        let near = start.saturating_sub(LONGEST_EXCERPT);
        let before = text.as_bytes().get(near..start).unwrap_or_default();
        let newline = before.iter().rposition(|octet| *octet == b'\n');
        let from = newline.map_or(near, |at| near.saturating_add(at).saturating_add(1));
        let rest = text.as_bytes().get(end..).unwrap_or_default();
        let far = rest.get(..LONGEST_EXCERPT).unwrap_or(rest);
        let length = far.iter().position(|octet| *octet == b'\n').unwrap_or(far.len());
        let excerpt = text.get(from..end.saturating_add(length)).unwrap_or_default();
        let is_whole = newline.is_some() || near == 0;
        let help = self.help.as_deref();
        if !is_whole || excerpt.len() > LONGEST_EXCERPT {
            let gravity = if self.gravity == Gravity::Error { "error" } else { "warning" };
            let help = help.map(|help| format!("\n  = help: {help}")).unwrap_or_default();
            let (message, file, label) = (&self.message, &self.file, &self.label);
            let place = format!("{file}:{line}, octet {start} of the file");
            let drawn = format!("{gravity}: {message}\n --> {place}: {label}{help}");
            return drawn.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect();
        }
        let span = start.saturating_sub(from)..end.saturating_sub(from);
        let snippet = Snippet::source(excerpt)
            .path(source.name.as_str())
            .line_start(line)
            .annotation(AnnotationKind::Primary.span(span).label(self.label.as_str()));
        let mut groups = vec![level.primary_title(self.message.as_str()).element(snippet)];
        if let Some(help) = help {
            groups = groups.into_iter().map(|group| group.element(Level::HELP.message(help))).collect();
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
    let mut drawn = String::new();
    // The lines up to the place of the last one, so that they are counted once.
    let (mut file, mut counted, mut line) = ("", 0, 1_usize);
    for diagnostic in sorted {
        let source = sources.iter().find(|source| source.name == diagnostic.file).unwrap_or(&empty);
        if file != diagnostic.file {
            (file, counted, line) = (&diagnostic.file, 0, 1);
        }
        let between = source.text.get(counted..diagnostic.span.start).unwrap_or_default();
        line = line.saturating_add(between.matches('\n').count());
        counted = counted.max(diagnostic.span.start);
        drawn.push_str(&diagnostic.draw(source, line, colour));
        drawn.push_str("\n\n");
    }
    drawn
}
