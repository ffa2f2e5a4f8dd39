//! What the service manager is told: ready, reloading, stopping, alive.
//!
//! The protocol is that of sd_notify(3). The socket is connected once, before the cage is closed, so that none
//! has to be opened later. Without a service manager nothing is said.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::iter::repeat;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sd_notify::NotifyState;
use sd_notify::watchdog_enabled;

use crate::export::text::harmless;

/// How often a loop that must not stand still has come round: one for each capture thread, one for the judge.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// The loop has come round, with or without work.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has come round.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The line to the service manager.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
    /// What each pulse was when the service manager was last told that we are alive.
    told: Vec<u64>,
}

impl Notifier {
    /// Connects to the socket that `NOTIFY_SOCKET` names, if it names one, and reads how often `WATCHDOG_USEC`
    /// wants a sign of life.
    ///
    /// # Errors
    ///
    /// If the socket is named and cannot be connected to.
    pub fn from_environment() -> io::Result<Self> {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else {
            return Ok(Self::default());
        };
        Ok(Self { socket: Some(connect(&name)?), watchdog: watchdog_enabled(), told: Vec::new() })
    }

    /// How often [`Notifier::alive`] should be called: twice in the time that the watchdog allows. `None`: nobody
    /// watches.
    pub fn interval(&self) -> Option<Duration> {
        self.watchdog.and_then(|time| time.checked_div(2))
    }

    /// Says that the interfaces are open and a policy is in force; after a reload, that it is over.
    ///
    /// # Errors
    ///
    /// If the service manager cannot be told.
    pub fn ready(&self, status: &str) -> io::Result<()> {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&harmless(status))])
    }

    /// Says that the site and the rules are being read anew. [`Notifier::ready`] ends it, also when the old ones
    /// stay.
    ///
    /// # Errors
    ///
    /// If the service manager cannot be told.
    pub fn reloading(&self) -> io::Result<()> {
        // The time is asked for by `Type=notify-reload` of systemd 253 and later; others pass over it.
        self.tell(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
    }

    /// Says that we are stopping in good order.
    ///
    /// # Errors
    ///
    /// If the service manager cannot be told.
    pub fn stopping(&self) -> io::Result<()> {
        self.tell(&[NotifyState::Stopping])
    }

    /// Says in one line what goes on; `systemctl status` shows it.
    ///
    /// # Errors
    ///
    /// If the service manager cannot be told.
    pub fn status(&self, status: &str) -> io::Result<()> {
        self.tell(&[NotifyState::Status(&harmless(status))])
    }

    /// Says that we are alive, if every loop has come round since this was said last. Gives whether they have.
    /// A loop that stands still thus ends in a restart by the service manager.
    ///
    /// # Errors
    ///
    /// If the service manager cannot be told.
    pub fn alive(&mut self, pulses: &[&Pulse]) -> io::Result<bool> {
        let now: Vec<u64> = pulses.iter().map(|pulse| pulse.count()).collect();
        let told = self.told.iter().chain(repeat(&0));
        if now.iter().zip(told).any(|(now, told)| now == told) {
            return Ok(false);
        }
        self.told = now;
        if self.watchdog.is_some() {
            self.tell(&[NotifyState::Watchdog])?;
        }
        Ok(true)
    }

    fn tell(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
        socket.send(lines.as_bytes()).map(|_octets| ())
    }
}

/// Connects to a socket in the file system or, behind `@`, in the abstract name space. It never makes us wait:
/// a service manager that does not listen is passed over.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::Notifier;
    use super::Pulse;

    #[test]
    fn a_loop_that_stands_still_is_no_sign_of_life() {
        let mut notifier = Notifier::default();
        let (lane, other, judge) = (Pulse::default(), Pulse::default(), Pulse::default());
        let all = [&lane, &other, &judge];
        assert!(!notifier.alive(&all).unwrap(), "nothing has come round yet");
        lane.beat();
        judge.beat();
        assert!(!notifier.alive(&all).unwrap(), "the second lane stands");
        other.beat();
        assert!(notifier.alive(&all).unwrap());
        assert!(!notifier.alive(&all).unwrap(), "nothing since");
        lane.beat();
        other.beat();
        assert!(!notifier.alive(&all).unwrap(), "the judge stands");
        judge.beat();
        assert!(notifier.alive(&all).unwrap());
    }
}
