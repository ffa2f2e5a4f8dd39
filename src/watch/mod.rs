//! The rim of the live audit: interfaces, HTTP, events, reload, the appliance's cage. It drives the same
//! stages as an audit of captures.
//!
//! Threads: one for each lane (frames to events), one for the judge, one that writes events, and the calling
//! one, on which tokio serves HTTP, signals and the service manager.

mod board;
pub mod changed;
mod clock;
pub mod event_log;
pub mod http;
mod judging;
mod lanes;
pub mod log;
pub mod notify;
mod rim;
pub mod sandbox;
pub mod settings;
mod sinks;
pub mod syslog_sender;
mod totals;
mod views;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::thread::JoinHandle;

use rustls::ServerConfig;
use tracing::info;
use tracing::warn;

use crate::capture::CaptureFault;
use crate::capture::tap;
use crate::capture::tap::Lane;
use crate::export::event_record::WatchRecord;
use crate::export::run_facts::RunFacts;
use crate::export::summary_record::SummaryRecord;
use crate::flow::key::SHARDS;
use crate::inventory::Inventory;
use crate::judge::Judge;
use crate::judge::JudgeSettings;
use crate::judge::audit::Audit;
use crate::pipeline::PipelineSettings;
use crate::policy::force::Policy;
use crate::watch::board::Board;
use crate::watch::changed::Watched;
use crate::watch::event_log::EventLog;
use crate::watch::event_log::EventLogFault;
use crate::watch::http::tls::TlsFault;
use crate::watch::judging::Bench;
use crate::watch::judging::Docket;
use crate::watch::lanes::LaneThread;
use crate::watch::notify::Notifier;
use crate::watch::rim::Rim;
use crate::watch::sandbox::Cage;
use crate::watch::sandbox::SandboxFault;
use crate::watch::settings::SETTLES_WITHIN;
use crate::watch::settings::TALLIES_EVERY;
use crate::watch::settings::WatchSettings;
use crate::watch::sinks::Sinks;
use crate::watch::sinks::Writer;
use crate::watch::syslog_sender::Prepared;
use crate::watch::syslog_sender::Receiver;
use crate::watch::syslog_sender::SyslogSender;
use crate::watch::totals::Totals;

/// Piles of events that wait for the judge at most; then lanes wait, and the kernel's rings with them.
const DOCKET: usize = 64;

/// Why a watch cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchFault {
    /// Interfaces cannot be listened to.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Capture(Vec<CaptureFault>),
    /// The address must not be served like that.
    #[error("{0}")]
    Listen(String),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// The event file.
    #[error(transparent)]
    Events(#[from] EventLogFault),
    /// The cage.
    #[error(transparent)]
    Sandbox(#[from] SandboxFault),
    /// The system refuses something.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: String,
        /// What it said.
        error: io::Error,
    },
}

/// How rules and site are read anew; the error is for the operator.
pub type Load<'l> = &'l mut dyn FnMut() -> Result<Arc<Policy>, String>;

/// Everything that needs rights to be had, and is had before they are given up.
struct Opened {
    lanes: Vec<Lane>,
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    events: Option<EventLog>,
    syslog: Option<Prepared>,
    notifier: Notifier,
}

/// Watches until a signal ends it. `load` reads rules and site anew, when one of `sources`, which are watched since
/// before `policy` was read from them, has changed.
///
/// # Errors
///
/// If it cannot begin. What happens later is told in log, metrics and events.
pub fn run(
    settings: &WatchSettings,
    policy: Arc<Policy>,
    sources: Watched,
    load: Load<'_>,
) -> Result<(), WatchFault> {
    let opened = open(settings)?;
    let (level, missing) = cage(settings, opened.events.as_ref()).close()?;
    missing.iter().for_each(|missing| warn!("the sandbox is not complete: {missing}"));
    let syslog = opened.syslog.map(Prepared::start).transpose();
    let syslog = syslog.map_err(|error| system("cannot start the thread for the system log", error))?;
    let (sinks, writer) = Sinks::open(opened.events, syslog);
    let pipeline = pipeline(settings, &policy);
    let capacity = capacity(&pipeline, opened.lanes.len());
    let lanes = opened.lanes.len();
    let board = Board::new(lanes, Arc::clone(&policy), sinks, (level.value(), capacity), clock::now());
    let board = Arc::new(board);
    let site = policy.site().map(|site| Arc::clone(&site.name));
    let started =
        WatchRecord::started(clock::now(), site.as_deref(), policy.hash(), &settings.tap.interfaces);
    board.sinks.note(&started);
    let judge_settings =
        JudgeSettings { quiet: Some(settings.quiet), deadline: SETTLES_WITHIN, ..JudgeSettings::default() };
    let inventory = Inventory::new(policy.site().cloned()).without_inference();
    let bench = Bench::new(Judge::new(policy, inventory, judge_settings), Arc::clone(&board), lanes);
    let stop = Arc::new(AtomicBool::new(false));
    let crew = Crew::hire(opened.lanes, &pipeline, (bench, writer), &board, &stop)?;
    info!("watching {} (sandbox: {})", settings.tap.interfaces.join(", "), level.word());
    let rim = Rim { settings, board: Arc::clone(&board), desk: crew.desk.clone() };
    let ended = rim.serve((opened.listener, opened.tls), opened.notifier, sources, load);
    stop.store(true, Ordering::Relaxed);
    crew.dismiss(&board);
    ended.map_err(|error| system("cannot serve HTTP and signals", error))
}

fn open(settings: &WatchSettings) -> Result<Opened, WatchFault> {
    let tls = settings.tls.as_ref().map(|(chain, key)| http::tls::server_config(chain, key)).transpose()?;
    http::tls::listen_rules(settings.listen, tls.is_some(), settings.insecure).map_err(WatchFault::Listen)?;
    let listener = std::net::TcpListener::bind(settings.listen);
    let listener =
        listener.map_err(|error| system(format!("cannot listen on {}", settings.listen), error))?;
    let events = settings.events.clone().map(EventLog::open).transpose()?;
    let lanes = tap::open(&settings.tap).map_err(WatchFault::Capture)?;
    let notifier = Notifier::from_environment();
    let notifier = notifier.map_err(|error| system("cannot speak to the service manager", error))?;
    // Names are looked up while that is allowed.
    let syslog = settings.syslog.clone().map(SyslogSender::prepare);
    Ok(Opened { lanes, listener, tls, events, syslog, notifier })
}

/// What must stay in reach.
fn cage(settings: &WatchSettings, events: Option<&EventLog>) -> Cage {
    let mut cage = Cage { mode: settings.sandbox, listens: true, reopens: true, ..Cage::default() };
    settings.sources.iter().for_each(|path| cage.reload_from(path));
    settings.tls_files().for_each(|path| cage.reload_from(path));
    let folder = events.and_then(|events| events.path().parent());
    cage.writable.extend(folder.map(ToOwned::to_owned));
    match &settings.syslog {
        Some(Receiver::Tcp(target)) => {
            cage.connects.extend(target.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()))
        }
        Some(Receiver::Unix(_)) => cage.local_sockets = true,
        Some(Receiver::Udp(_)) => cage.datagrams = true,
        None => {}
    }
    cage
}

fn pipeline(settings: &WatchSettings, policy: &Policy) -> PipelineSettings<'static> {
    let mut pipeline = PipelineSettings::default();
    let flow = &mut pipeline.flow;
    flow.key_by_vlan = policy.site().is_some_and(|site| site.key_by_vlan);
    flow.tally_every = TALLIES_EVERY;
    // Nobody can aim at one shard who does not know it.
    flow.seed = RandomState::new().hash_one(std::process::id());
    // All lanes together have what one would.
    let lanes = u32::try_from(settings.tap.lanes.get()).unwrap_or(u32::MAX);
    flow.flows_per_shard = flow.flows_per_shard.checked_div(lanes).unwrap_or(1).max(1);
    pipeline
}

fn capacity(pipeline: &PipelineSettings<'_>, lanes: usize) -> u64 {
    let shards = u64::try_from(SHARDS.saturating_mul(lanes)).unwrap_or(u64::MAX);
    u64::from(pipeline.flow.flows_per_shard).saturating_mul(shards)
}

fn system(what: impl Into<String>, error: io::Error) -> WatchFault {
    WatchFault::System { what: what.into(), error }
}

/// The threads that work.
struct Crew {
    lanes: Vec<JoinHandle<()>>,
    judge: JoinHandle<Audit>,
    writer: JoinHandle<()>,
    desk: SyncSender<Docket>,
}

impl Crew {
    fn hire(
        lanes: Vec<Lane>,
        pipeline: &PipelineSettings<'static>,
        (bench, writer): (Bench, Writer),
        board: &Arc<Board>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, WatchFault> {
        let no_thread = |error| system("cannot start a thread", error);
        let (desk, docket) = sync_channel(DOCKET);
        let writer = writer.start().map_err(no_thread)?;
        let judge =
            Builder::new().name("judge".to_owned()).spawn(move || bench.run(&docket)).map_err(no_thread)?;
        let mut hands = Vec::new();
        for (number, lane) in lanes.into_iter().enumerate() {
            let (board, stop, desk) = (Arc::clone(board), Arc::clone(stop), desk.clone());
            let thread = LaneThread { number, lane, settings: *pipeline, desk, board, stop };
            let name = format!("lane {number}");
            hands.push(Builder::new().name(name).spawn(move || thread.run()).map_err(no_thread)?);
        }
        Ok(Self { lanes: hands, judge, writer, desk })
    }

    /// Waits until everything that was captured has been judged and told; the last record is the summary.
    fn dismiss(self, board: &Board) {
        let lost = self.lanes.into_iter().filter_map(|lane| lane.join().err()).count();
        drop(self.desk);
        if lost > 0 {
            warn!("{lost} lanes had died: what was left to them is lost");
        }
        match self.judge.join() {
            Ok(audit) => summarize(&audit, board, lost > 0),
            Err(_) => warn!("the judge had died: there is no summary"),
        }
        board.sinks.close();
        let _writer_told_itself = self.writer.join();
    }
}

fn summarize(audit: &Audit, board: &Board, interrupted: bool) {
    let totals = Totals::of(board, &audit.totals);
    let run = RunFacts { interrupted, ..totals.run };
    board.sinks.note(&SummaryRecord::of(audit, &run));
    let lost = RunFacts::total(&run.lost);
    info!(
        "stopped: {} packets read, {lost} lost, {} unaccounted, {} violations stand",
        run.packets,
        run.unaccounted(),
        audit.violations.len(),
    );
}
