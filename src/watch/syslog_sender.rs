//! Sends messages to a syslog receiver from a thread of its own, behind a bounded queue: whoever hands one in
//! never waits. What the queue has no room for is counted as lost.

use std::collections::VecDeque;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use tracing::info;
use tracing::warn;

mod link;

use crate::export::syslog::MESSAGE_CAP;
use crate::watch::event_log::SinkCounts;
use crate::watch::syslog_sender::link::Courier;

/// Most messages that wait: 2 MiB of the longest.
pub const QUEUE: usize = 1_024;

/// Pause after the first failure; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// Who gets the messages, as `--syslog` names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Receiver {
    /// `udp://HOST:PORT`: one message is one datagram (RFC 5426).
    Udp(String),
    /// `tcp://HOST:PORT`: each message behind its length in octets (RFC 6587 §3.4.1).
    Tcp(String),
    /// `unix:PATH`: a datagram socket, as `/dev/log` is.
    Unix(String),
}

impl FromStr for Receiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| path.starts_with('/')) {
            return Ok(Self::Unix(path.to_owned()));
        }
        let host = |prefix| text.strip_prefix(prefix).filter(|place| is_place(place)).map(str::to_owned);
        host("udp://").map(Self::Udp).or_else(|| host("tcp://").map(Self::Tcp)).ok_or_else(|| {
            "a receiver is udp://HOST:PORT, tcp://HOST:PORT or unix:/PATH; an IPv6 address stands in [ ]"
                .to_owned()
        })
    }
}

/// Whether it is `HOST:PORT` with nothing else.
fn is_place(place: &str) -> bool {
    let Some((host, port)) = place.rsplit_once(':') else {
        return false;
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match is_v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(is_plain),
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

impl std::fmt::Display for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Udp(place) => write!(f, "udp://{place}"),
            Self::Tcp(place) => write!(f, "tcp://{place}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// A queue, and the thread that empties it.
#[derive(Debug)]
pub struct SyslogSender {
    desk: Arc<Desk>,
}

/// What the two sides share.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    /// Told when a message comes, when sending is to end, and when it has ended.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Arc<str>>,
    counts: SinkCounts,
    is_ending: bool,
    has_ended: bool,
}

/// A sender that has what it needs from the system, and no thread yet.
#[derive(Debug)]
pub struct Prepared(Courier);

impl Prepared {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(self) -> io::Result<SyslogSender> {
        let desk = Arc::new(Desk::default());
        let worker = Arc::clone(&desk);
        thread::Builder::new().name("syslog".to_owned()).spawn(move || work(&worker, self.0))?;
        Ok(SyslogSender { desk })
    }
}

impl SyslogSender {
    /// Looks the receiver's name up and opens the UDP socket: what a process that cages itself must do before.
    /// The receiver need not be there yet. What fails now is logged and tried again with each message.
    pub fn prepare(receiver: Receiver) -> Prepared {
        let mut courier = Courier::new(receiver);
        if let Err(error) = courier.prepare() {
            warn!(receiver = %courier.receiver(), %error, "the receiver of syslog messages is not known");
        }
        Prepared(courier)
    }

    /// Prepares and starts at once.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(receiver: Receiver) -> io::Result<Self> {
        Self::prepare(receiver).start()
    }

    /// Hands in a message in the form of RFC 5424, without a frame. Never waits. If the queue is full or the
    /// message longer than receivers take, it is lost and counted.
    pub fn send(&self, message: &str) {
        let mut state = self.desk.state();
        if state.queue.len() >= QUEUE || message.len() > MESSAGE_CAP {
            state.counts.lost = state.counts.lost.saturating_add(1);
            return;
        }
        state.queue.push_back(Arc::from(message));
        drop(state);
        self.desk.changed.notify_all();
    }

    /// What became of the messages so far. Written means that the system took it: over UDP nobody knows
    /// more, over TCP what was on the way when the receiver went is gone.
    pub fn counts(&self) -> SinkCounts {
        self.desk.state().counts
    }

    /// Sends what waits, for at most `patience`; what is left then is lost.
    pub fn close(self, patience: Duration) -> SinkCounts {
        let mut state = self.desk.state();
        state.is_ending = true;
        self.desk.changed.notify_all();
        let waited = self.desk.changed.wait_timeout_while(state, patience, |state| !state.has_ended);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.forfeit();
        state.counts
    }
}

/// A sender that is dropped lets its thread end.
impl Drop for SyslogSender {
    fn drop(&mut self) {
        self.desk.state().is_ending = true;
        self.desk.changed.notify_all();
    }
}

impl State {
    /// Gives up what waits.
    fn forfeit(&mut self) {
        let left = u64::try_from(self.queue.len()).unwrap_or(u64::MAX);
        self.counts.lost = self.counts.lost.saturating_add(left);
        self.queue.clear();
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message that is next, which stays in the queue until it is sent. `None` when sending is to end
    /// and nothing waits.
    fn next(&self) -> Option<Arc<str>> {
        let idle = |state: &mut State| state.queue.is_empty() && !state.is_ending;
        let waited = self.changed.wait_while(self.state(), idle);
        waited.unwrap_or_else(PoisonError::into_inner).queue.front().cloned()
    }

    fn sent(&self) {
        let mut state = self.state();
        if state.queue.pop_front().is_some() {
            state.counts.written = state.counts.written.saturating_add(1);
        }
    }

    /// Waits this long, or until sending is to end: then it says `true`.
    fn pause(&self, pause: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), pause, |state| !state.is_ending);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_ending
    }

    fn end(&self) {
        let mut state = self.state();
        state.forfeit();
        state.has_ended = true;
        drop(state);
        self.changed.notify_all();
    }
}

/// Sends one after the other; when it cannot, tries again after a pause that grows.
fn work(desk: &Desk, mut courier: Courier) {
    let mut pause = None;
    while let Some(message) = desk.next() {
        match courier.deliver(&message) {
            Ok(()) => {
                desk.sent();
                if pause.take().is_some() {
                    info!(receiver = %courier.receiver(), "syslog messages are sent again");
                }
            }
            Err(error) => {
                if pause.is_none() {
                    warn!(receiver = %courier.receiver(), %error, "no syslog message can be sent; trying again");
                }
                let now = pause.map_or(FIRST_PAUSE, |last: Duration| last.saturating_mul(2).min(LAST_PAUSE));
                pause = Some(now);
                if desk.pause(now) {
                    break;
                }
            }
        }
    }
    desk.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_read_and_written_the_same_way() {
        for text in
            ["udp://10.0.0.1:514", "tcp://log.example.net:601", "tcp://[2001:db8::1]:514", "unix:/dev/log"]
        {
            assert_eq!(text.parse::<Receiver>().unwrap().to_string(), text);
        }
        let wrong =
            ["", "10.0.0.1:514", "udp://10.0.0.1", "udp://:514", "tcp://h:0", "tcp://h:99999", "unix:log"];
        for text in wrong.iter().chain(&["udp://a b:1", "udp://2001:db8::1:514", "udp://[x]:1", "tls://h:1"])
        {
            assert!(text.parse::<Receiver>().unwrap_err().contains("udp://HOST:PORT"), "{text}");
        }
    }
}
