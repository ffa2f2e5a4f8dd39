//! What a watch is told.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::capture::tap::TapSettings;
use crate::time::Span;
use crate::watch::event_log::EventSettings;
use crate::watch::sandbox::Mode;
use crate::watch::syslog_sender::Receiver;

/// Settings of a watch.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// What is listened to.
    pub tap: TapSettings,
    /// After so much silence a violation is closed, and a conversation forgotten.
    pub quiet: Span,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Certificate chain and key, in PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether an address that others reach may be served without TLS.
    pub insecure: bool,
    /// The event file.
    pub events: Option<EventSettings>,
    /// The system log.
    pub syslog: Option<Receiver>,
    /// Files and folders that rules and site are read from: when one changes, they are read anew.
    pub sources: Vec<PathBuf>,
    /// How the process is caged.
    pub sandbox: Mode,
}

impl WatchSettings {
    /// Certificate chain and key, if there are any.
    pub fn tls_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.tls.iter().flat_map(|(chain, key)| [chain, key])
    }
}

/// Longest time between two tallies of a flow that goes on: a violation that goes on is not quiet.
pub(super) const TALLIES_EVERY: Span = Span::from_secs(10);
/// How long a flow in which nothing is recognised may still tell more before it is judged. It leaves room for a
/// scrape and an evaluation, each every 5 s, within 15 s of the first packet; an audit of captures waits longer.
pub(super) const SETTLES_WITHIN: Span = Span::from_secs(3);
/// The shortest quiet time.
pub const LEAST_QUIET: Span = Span::from_secs(20);
