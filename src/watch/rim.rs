//! The control side of a watch, on one thread: HTTP, signals, reload, and the service manager.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::runtime::Builder;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::export::event_record::WatchRecord;
use crate::policy::force::Policy;
use crate::watch::Load;
use crate::watch::board::Board;
use crate::watch::changed;
use crate::watch::changed::Watched;
use crate::watch::clock;
use crate::watch::http;
use crate::watch::judging::Docket;
use crate::watch::notify::Notifier;
use crate::watch::notify::Pulse;
use crate::watch::settings::WatchSettings;
use crate::watch::views::BoardViews;

/// How often the pulses are looked at where the service manager does not ask for it.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// What the control side has.
pub(super) struct Rim<'w> {
    pub(super) settings: &'w WatchSettings,
    pub(super) board: Arc<Board>,
    pub(super) desk: SyncSender<Docket>,
}

/// What wakes the control side.
enum Call {
    Stop,
    Reload,
    Look,
    /// A policy that waits for a place in the judge's docket is to be handed in again.
    Again,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Rim<'_> {
    /// Serves until a signal ends the watch.
    ///
    /// # Errors
    ///
    /// If the system refuses what serving needs.
    pub(super) fn serve(
        self,
        (listener, tls): (TcpListener, Option<Arc<ServerConfig>>),
        notifier: Notifier,
        sources: Watched,
        load: Load<'_>,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.run((listener, tls), notifier, sources, load))
    }

    async fn run(
        self,
        (listener, tls): (TcpListener, Option<Arc<ServerConfig>>),
        mut notifier: Notifier,
        sources: Watched,
        load: Load<'_>,
    ) -> io::Result<()> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut signals = Signals { terminate, interrupt, hang_up: signal(SignalKind::hangup())? };
        let (end, ends) = watch::channel(false);
        let (tls_now, tls) = match tls {
            Some(tls) => {
                let (now, in_force) = watch::channel(tls);
                (Some(now), Some(in_force))
            }
            None => (None, None),
        };
        let views = Arc::new(BoardViews::new(Arc::clone(&self.board)));
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        info!("metrics: {scheme}://{}/metrics", listener.local_addr()?);
        tell(notifier.ready(&self.status()));
        let attend = async {
            self.attend((&mut signals, &mut notifier), tls_now.as_ref(), sources, load).await;
            tell(notifier.stopping());
            let _nobody_listens = end.send(true);
        };
        tokio::join!(attend, http::serve(listener, tls, views, ends));
        Ok(())
    }

    /// Answers calls until one ends the watch.
    async fn attend(
        &self,
        (signals, notifier): (&mut Signals, &mut Notifier),
        tls: Option<&watch::Sender<Arc<ServerConfig>>>,
        mut files: Watched,
        load: Load<'_>,
    ) {
        let mut asks = interval(changed::EVERY);
        asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(notifier.interval().unwrap_or(LOOKS_EVERY).min(LOOKS_EVERY));
        let mut again = interval(Duration::from_millis(100));
        let mut waiting: Option<Arc<Policy>> = None;
        loop {
            let call = tokio::select! {
                _ = signals.terminate.recv() => Call::Stop,
                _ = signals.interrupt.recv() => Call::Stop,
                _ = signals.hang_up.recv() => Call::Reload,
                _ = asks.tick() => if files.changed().is_empty() { continue } else { Call::Reload },
                _ = looks.tick() => Call::Look,
                _ = again.tick(), if waiting.is_some() => Call::Again,
            };
            match call {
                Call::Stop => return,
                Call::Reload => {
                    tell(notifier.reloading());
                    self.renew_certificate(tls);
                    waiting = self.reload(load).or(waiting);
                    waiting = waiting.and_then(|policy| self.hand_in(policy));
                    tell(notifier.ready(&self.status()));
                }
                Call::Again => waiting = waiting.and_then(|policy| self.hand_in(policy)),
                Call::Look => {
                    let lanes = self.board.lane_pulses.iter();
                    let pulses: Vec<&Pulse> = lanes.chain([&self.board.judge_pulse]).collect();
                    match notifier.alive(&pulses) {
                        Ok(_) => tell(notifier.status(&self.status())),
                        Err(error) => warn!("the service manager cannot be told: {error}"),
                    }
                }
            }
        }
    }

    /// Reads rules and site anew. Where they are broken, those in force stay, and that is told.
    fn reload(&self, load: &mut dyn FnMut() -> Result<Arc<Policy>, String>) -> Option<Arc<Policy>> {
        let in_force = self.board.policy();
        let by_vlan = |policy: &Policy| policy.site().is_some_and(|site| site.key_by_vlan);
        let read = load().and_then(|policy| {
            if by_vlan(&policy) == by_vlan(&in_force) {
                Ok(policy)
            } else {
                Err("key_by_vlan cannot change while flows are followed: restart camsentry".to_owned())
            }
        });
        match read {
            Ok(policy) => Some(policy),
            Err(fault) => {
                error!("the old rules and site stay in force: {fault}");
                let site = in_force.site().map(|site| Arc::clone(&site.name));
                let hash = in_force.hash();
                self.board.sinks.note(&WatchRecord::reload_failed(
                    clock::now(),
                    site.as_deref(),
                    hash,
                    &fault,
                ));
                self.board.refuse_policy(fault);
                None
            }
        }
    }

    /// Gives a policy to the judge; gives it back if there is no place for it now.
    fn hand_in(&self, policy: Arc<Policy>) -> Option<Arc<Policy>> {
        match self.desk.try_send(Docket::Reload(policy)) {
            Err(TrySendError::Full(Docket::Reload(policy))) => Some(policy),
            Ok(()) | Err(_) => None,
        }
    }

    /// Reads certificate and key anew.
    fn renew_certificate(&self, tls: Option<&watch::Sender<Arc<ServerConfig>>>) {
        let (Some((chain, key)), Some(tls)) = (&self.settings.tls, tls) else { return };
        match http::tls::server_config(chain, key) {
            Ok(config) => {
                tls.send_replace(config);
            }
            Err(fault) => error!("the old certificate stays in force: {fault}"),
        }
    }

    /// One line for the service manager.
    fn status(&self) -> String {
        let judge = self.board.judge();
        format!(
            "watching {}: {} violations stand, {} conversations",
            self.settings.tap.interfaces.join(", "),
            judge.standing.len(),
            judge.conversations.0,
        )
    }
}

/// That the service manager cannot be told is no reason to stop.
fn tell(told: io::Result<()>) {
    if let Err(error) = told {
        warn!("the service manager cannot be told: {error}");
    }
}
