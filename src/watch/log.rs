//! The log: one line for each message, on standard error.
//!
//! For people it is coloured on a terminal only. Under systemd's journal a line carries its severity in the way
//! of sd-daemon(3), and no time, because the journal has both. Whatever a message holds is made harmless: part
//! of it may come from the wire.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::registry::LookupSpan;

use crate::export::text::Seconds;
use crate::export::text::harmless;
use crate::export::text::plain;
use crate::report::layout::moment;
use crate::time::Timestamp;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Style {
    /// For people
    #[default]
    Human,
    /// One JSON object a line
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[error("the log was started before")]
pub struct StartedBefore;

/// Starts the log on standard error, for messages of `most` and sterner ones.
///
/// # Errors
///
/// If there is a log already.
pub fn start(style: Style, most: LevelFilter) -> Result<(), StartedBefore> {
    let journal = std::env::var("JOURNAL_STREAM").is_ok_and(|stream| is_standard_error(&stream));
    let colours = !journal && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_max_level(most)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .event_format(Line { style, journal, clock: now })
        .try_init()
        .map_err(|_| StartedBefore)
}

/// Whether standard error is the file that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)).
fn is_standard_error(stream: &str) -> bool {
    let Ok(file) = io::stderr().as_fd().try_clone_to_owned().map(File::from) else {
        return false;
    };
    file.metadata().is_ok_and(|it| format!("{}:{}", it.dev(), it.ino()) == stream)
}

#[expect(clippy::disallowed_methods, reason = "a message in the log has the time of the machine")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_parts(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// Writes a message as a line.
struct Line {
    style: Style,
    /// Whether the journal reads it.
    journal: bool,
    clock: fn() -> Timestamp,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _spans: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let mut said = Said::default();
        event.record(&mut said);
        if self.journal {
            write!(out, "<{}>", severity(level))?;
        }
        match self.style {
            Style::Human => self.human(&mut out, level, &said),
            Style::Json => self.json(&mut out, level, said),
        }
    }
}

impl Line {
    fn human(&self, out: &mut Writer<'_>, level: Level, said: &Said) -> fmt::Result {
        let (on, off) = if out.has_ansi_escapes() { (colour(level), "\u{1b}[0m") } else { ("", "") };
        if !self.journal {
            write!(out, "{} {on}{level:5}{off} ", moment((self.clock)()))?;
        }
        out.write_str(&said.message)?;
        for (name, value) in &said.fields {
            match value {
                Value::String(text) if text.contains([' ', '"', '=']) || text.is_empty() => {
                    write!(out, " {name}={text:?}")?;
                }
                Value::String(text) => write!(out, " {name}={text}")?,
                other => write!(out, " {name}={other}")?,
            }
        }
        out.write_char('\n')
    }

    fn json(&self, out: &mut Writer<'_>, level: Level, said: Said) -> fmt::Result {
        let record = Record {
            ts: Seconds::from((self.clock)()),
            level: level.as_str().to_lowercase(),
            message: said.message,
            fields: said.fields.into_iter().filter(|(name, _)| !OURS.contains(&name.as_str())).collect(),
        };
        writeln!(out, "{}", serde_json::to_string(&record).map_err(|_| fmt::Error)?)
    }
}

/// A message in JSON.
#[derive(Serialize)]
struct Record {
    ts: Seconds,
    level: String,
    message: String,
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

/// Names in the record that a field of a message cannot take.
const OURS: &[&str] = &["ts", "level", "message"];

/// The severity that the journal knows a level by (syslog(3)).
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG | Level::TRACE => "\u{1b}[2m",
    }
}

/// What a message says, made harmless.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(String, Value)>,
}

impl Said {
    fn put(&mut self, field: &Field, value: Value) {
        self.fields.push((field.name().to_owned(), value));
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            self.message = plain(text).into_owned();
        } else {
            self.put(field, harmless(text).into());
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put_text(field, &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::Mutex;

    use tracing::subscriber::with_default;

    use super::Line;
    use super::Style;
    use crate::time::Timestamp;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(style: Style, journal: bool, colours: bool, say: impl FnOnce()) -> String {
        let paper = Paper::default();
        let copy = paper.clone();
        let clock = || Timestamp::from_parts(1_700_000_000, 123_456_789);
        let log = tracing_subscriber::fmt()
            .with_writer(move || copy.clone())
            .with_ansi(colours)
            .event_format(Line { style, journal, clock })
            .finish();
        with_default(log, say);
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    fn hostile() {
        let name = "cam\u{1b}[31m\u{202e}\n<0>forged";
        tracing::warn!(name, packets = 7_u64, up = false, "interface {name} is gone");
    }

    #[test]
    fn people_read_time_severity_message_and_fields() {
        let line = written(Style::Human, false, false, || tracing::info!(interface = "span0", "open"));
        assert_eq!(line, "2023-11-14 22:13:20 UTC INFO  open interface=span0\n");
        let line = written(Style::Human, false, true, || tracing::error!("gone"));
        assert_eq!(line, "2023-11-14 22:13:20 UTC \u{1b}[31mERROR\u{1b}[0m gone\n");
    }

    #[test]
    fn what_comes_from_the_wire_cannot_steer_or_forge_a_line() {
        let line = written(Style::Human, true, false, hostile);
        let name = "cam\u{fffd}[31m\u{fffd}\u{fffd}<0>forged";
        assert_eq!(line, format!("<4>interface {name} is gone name={name} packets=7 up=false\n"));
        let long = "x".repeat(4000);
        let line = written(Style::Human, true, false, || tracing::info!(host = long, "seen"));
        assert_eq!(line.len(), "<6>seen host=\n".len().saturating_add(253));
    }

    #[test]
    fn the_journal_gets_the_severities_of_syslog_and_no_time() {
        let said = written(Style::Human, true, false, || {
            tracing::error!("a");
            tracing::warn!("b");
            tracing::info!("c");
        });
        assert_eq!(said, "<3>a\n<4>b\n<6>c\n");
    }

    #[test]
    fn a_line_of_json_is_one_object_that_keeps_nanoseconds() {
        let line = written(Style::Json, false, false, || {
            tracing::warn!(ts = 1_u64, sink = "file", "lost");
        });
        assert_eq!(
            line,
            "{\"ts\":1700000000.123456789,\"level\":\"warn\",\"message\":\"lost\",\"sink\":\"file\"}\n"
        );
        let hostile = written(Style::Json, false, false, hostile);
        assert_eq!(hostile.lines().count(), 1);
        assert!(!hostile.contains(['\u{1b}', '\u{202e}']));
    }
}
