//! Where the events of a watch go: the event file and the system log, written by a thread of their own, so that
//! a slow disk holds nobody up.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::value::to_raw_value;
use tracing::info;
use tracing::warn;

use crate::export::event_record::EventRecord;
use crate::export::syslog::Message;
use crate::export::text::hex;
use crate::judge::audit::Violation;
use crate::judge::transition::Change;
use crate::judge::transition::Transition;
use crate::watch::event_log::EventLog;
use crate::watch::event_log::News;
use crate::watch::event_log::SinkCounts;
use crate::watch::syslog_sender::SyslogSender;

/// Events that wait at most; each holds a violation of some 1,200 octets in place. More than all that can stand
/// at a time.
const QUEUE: usize = 65_536;
/// How long the last messages to the system log are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Something to write.
enum Note {
    Transition(Box<Transition>),
    Record(Box<RawValue>),
}

/// The side that events are handed in at. It never waits.
#[derive(Debug)]
pub(super) struct Sinks {
    /// Taken away at the end.
    desk: Mutex<Option<SyncSender<Note>>>,
    tallies: Arc<Mutex<Tallies>>,
}

/// What became of records, by sink.
#[derive(Debug, Default)]
struct Tallies {
    file: Option<SinkCounts>,
    syslog: Option<SinkCounts>,
    /// Records that found the queue full.
    refused: u64,
}

/// The thread that writes.
pub(super) struct Writer {
    desk: Receiver<Note>,
    file: Option<EventLog>,
    syslog: Option<SyslogSender>,
    host: String,
    tallies: Arc<Mutex<Tallies>>,
}

impl Sinks {
    /// Opens the desk of these sinks. Without any of them nothing is queued.
    pub(super) fn open(file: Option<EventLog>, syslog: Option<SyslogSender>) -> (Self, Writer) {
        let (sender, desk) = sync_channel(QUEUE);
        let tallies = Tallies {
            file: file.as_ref().map(EventLog::counts),
            syslog: syslog.as_ref().map(SyslogSender::counts),
            refused: 0,
        };
        let tallies = Arc::new(Mutex::new(tallies));
        let is_any = file.is_some() || syslog.is_some();
        let sinks = Self { desk: Mutex::new(is_any.then_some(sender)), tallies: Arc::clone(&tallies) };
        (sinks, Writer { desk, file, syslog, host: host_name(), tallies })
    }

    /// Hands in what became of a violation.
    pub(super) fn tell(&self, transition: &Transition) {
        self.hand_in(|| Some(Note::Transition(Box::new(transition.clone()))));
    }

    /// Hands in what became of the watch.
    pub(super) fn note(&self, record: &impl Serialize) {
        self.hand_in(|| to_raw_value(record).ok().map(Note::Record));
    }

    /// Records written and lost, by sink.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64, u64)> {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |name, counts: Option<SinkCounts>| {
            let counts = counts.unwrap_or_default();
            (name, counts.written, counts.lost.saturating_add(tallies.refused))
        };
        let all = [("file", tallies.file), ("syslog", tallies.syslog)];
        all.into_iter()
            .map(|(name, counts)| if counts.is_some() { count(name, counts) } else { (name, 0, 0) })
            .collect()
    }

    /// Nothing more will be handed in: the thread that writes ends when it has written all.
    pub(super) fn close(&self) {
        *self.desk.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn hand_in(&self, note: impl FnOnce() -> Option<Note>) {
        let desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(desk) = &*desk else { return };
        let Some(note) = note() else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = desk.try_send(note) {
            let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
            tallies.refused = tallies.refused.saturating_add(1);
        }
    }
}

impl Writer {
    /// Starts the thread. It ends when all sides that hand in are gone.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(super) fn start(self) -> io::Result<JoinHandle<()>> {
        Builder::new().name("events".to_owned()).spawn(move || self.run())
    }

    fn run(mut self) {
        while let Ok(note) = self.desk.recv() {
            self.write(&note);
            let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
            tallies.file = self.file.as_ref().map(EventLog::counts);
            tallies.syslog = self.syslog.as_ref().map(SyslogSender::counts);
        }
        let file = self.file.map(EventLog::close);
        let syslog = self.syslog.map(|syslog| syslog.close(PATIENCE));
        for (name, counts) in [("the event file", file), ("the system log", syslog)] {
            if let Some(SinkCounts { lost, .. }) = counts.filter(|counts| counts.lost > 0) {
                warn!("{lost} records did not reach {name}");
            }
        }
    }

    fn write(&mut self, note: &Note) {
        let news = match (note, &mut self.file) {
            (Note::Transition(transition), Some(file)) => file.append(&EventRecord::of(transition)),
            (Note::Record(record), Some(file)) => file.append(record),
            (_, None) => None,
        };
        match news {
            Some(News::Failing(why)) => warn!("events are being lost: {why}"),
            Some(News::Resumed(lost)) => info!("events are written again; {lost} were lost"),
            None => {}
        }
        if let (Note::Transition(transition), Some(syslog)) = (note, &self.syslog) {
            syslog.send(&line_of(transition, &self.host));
        }
    }
}

/// The message of a transition for the system log.
fn line_of(transition: &Transition, host: &str) -> String {
    let Transition { change, time, violation, .. } = transition;
    let Violation { id, reason, severity, rule, orig, resp, message, .. } = &**violation;
    let rule = rule.as_ref().map(ToString::to_string).unwrap_or_default();
    let (orig, resp) = (orig.addr.to_string(), resp.addr.to_string());
    let id = hex(*id);
    let data = [
        ("id", id.as_str()),
        ("reason", reason.as_str()),
        ("severity", severity.as_str()),
        ("rule", rule.as_str()),
        ("orig", orig.as_str()),
        ("resp", resp.as_str()),
    ];
    let text = match change {
        Change::Opened | Change::Reopened | Change::Tally => message.clone(),
        Change::Closed | Change::Folded | Change::Withdrawn => format!("{}: {message}", change.as_str()),
    };
    let process = std::process::id();
    let message = Message {
        severity: *severity,
        time: *time,
        host,
        process,
        kind: change.as_str(),
        data: &data,
        text: &text,
    };
    message.line()
}

/// What this host is called; `-` as RFC 5424 has it if nobody knows.
fn host_name() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    if name.is_empty() { "-".to_owned() } else { name.into_owned() }
}
