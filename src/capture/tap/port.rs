//! One interface as one lane has it.

use crate::capture::FrameBatch;
use crate::capture::live::Listener;
use crate::capture::live::LiveCounts;
use crate::capture::tap::InterfaceFacts;
use crate::capture::tap::notice::Notice;
use crate::capture::tap::wire::Order;
use crate::capture::tap::wire::Wire;
use crate::time::Timestamp;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long an interface's last frames are waited for when it went away: the kernel hands over the last block of
/// a ring within 10 ms.
const LAST_FRAMES: Duration = Duration::from_millis(30);

/// The same when the capture is stopped, on however busy a machine.
const STOP: Duration = Duration::from_millis(100);

/// One interface as one lane has it.
pub(super) struct Port {
    wire: Arc<Wire>,
    lane: usize,
    interface: u16,
    /// The socket, and of which opening of the interface it is.
    listener: Option<Listener>,
    opening: u64,
    /// What earlier sockets counted.
    past: LiveCounts,
    unread: u64,
    wire_octets: u64,
    last_packet: Option<Timestamp>,
    /// Since when the socket is given up, and read to its end.
    leaving: Option<Instant>,
    /// Since when the capture is stopped.
    stopping: Option<Instant>,
    has_ended: bool,
}

impl Port {
    /// This lane's part of `wire`, which is interface `interface` of the settings.
    pub(super) fn new(wire: Arc<Wire>, lane: usize, interface: u16) -> Self {
        Self {
            wire,
            lane,
            interface,
            listener: None,
            opening: 0,
            past: LiveCounts::default(),
            unread: 0,
            wire_octets: 0,
            last_packet: None,
            leaving: None,
            stopping: None,
            has_ended: false,
        }
    }

    /// What poll(2) can wait for.
    pub(super) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().map(AsFd::as_fd)
    }

    /// Whether no more frames will come.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether frames may come at this time.
    pub(super) fn may_give(&self) -> bool {
        self.listener.is_some() && !self.has_ended
    }

    /// Whether it is to be looked after again soon.
    pub(super) fn is_busy(&self) -> bool {
        self.leaving.is_some() || (self.listener.is_none() && self.wire.is_opening())
    }

    /// Appends what is there to `batch`, until that is full.
    pub(super) fn take(&mut self, batch: &mut FrameBatch, now: Instant) {
        let before = batch.frames.len();
        if let Some(listener) = &mut self.listener {
            let taken = listener.take(batch, self.interface);
            if let (Err(error), None) = (taken, self.leaving) {
                self.wire.fail(self.opening, &error);
                self.leave(now);
            }
        }
        let taken = batch.frames.get(before..).unwrap_or_default();
        for frame in taken {
            self.wire_octets = self.wire_octets.saturating_add(frame.wire_len.into());
        }
        self.last_packet = taken.last().map(|frame| frame.time).or(self.last_packet);
        let is_empty = taken.is_empty();
        self.end(is_empty, now);
    }

    /// Sees whether the end has come, of the socket or of the capture.
    fn end(&mut self, is_empty: bool, now: Instant) {
        let is_done = self.listener.as_ref().is_none_or(Listener::is_done);
        let is_past = |since: Option<Instant>, patience: Duration| {
            since.is_some_and(|since| is_empty && now.saturating_duration_since(since) >= patience)
        };
        if self.leaving.is_some() && (is_done || is_past(self.leaving, LAST_FRAMES)) {
            self.close();
        }
        self.has_ended = self.stopping.is_some() && (is_done || is_past(self.stopping, STOP));
    }

    /// Does what is to be done for the interface.
    pub(super) fn look_after(&mut self, now: Instant) {
        let holding = self.listener.is_some().then_some(self.opening);
        match self.wire.look_after(self.lane, holding, now) {
            Order::GiveUp if self.leaving.is_none() => self.leave(now),
            Order::Take(listener, opening) => {
                self.listener = Some(*listener);
                self.opening = opening;
            }
            Order::GiveUp | Order::Keep => {}
        }
    }

    /// Reads the socket only up to what has come by now, and then closes it.
    fn leave(&mut self, now: Instant) {
        self.leaving = Some(now);
        // Where the kernel cannot say how much that is, time ends it.
        let _unknown = self.listener.as_mut().map(Listener::stop);
    }

    fn close(&mut self) {
        self.leaving = None;
        let Some(mut listener) = self.listener.take() else { return };
        let mut counts = listener.counts().unwrap_or_default();
        let unread = counts.unread();
        counts.kernel_lost = counts.kernel_lost.saturating_add(unread);
        self.unread = self.unread.saturating_add(unread);
        self.past.add(&counts);
        drop(listener);
        self.wire.given_up(self.opening);
    }

    /// Gives only what has come by now.
    pub(super) fn stop(&mut self, now: Instant) {
        self.stopping.get_or_insert(now);
        // Where the kernel cannot say how much that is, time ends it.
        let _unknown = self.listener.as_mut().map(Listener::stop);
    }

    /// What is known of the interface.
    pub(super) fn facts(&mut self) -> InterfaceFacts {
        let (state, reopened, interface_lost) = self.wire.facts();
        let mut counts = self.past;
        // An interface that is gone may not tell; its last counts come when the socket is closed.
        counts.add(&self.listener.as_mut().and_then(|listener| listener.counts().ok()).unwrap_or_default());
        let is_first = self.lane == 0;
        counts.interface_lost = if is_first { interface_lost } else { 0 };
        InterfaceFacts {
            name: self.wire.name().to_owned(),
            state,
            counts,
            reopened: if is_first { reopened } else { 0 },
            unread: self.unread,
            wire_octets: self.wire_octets,
            last_packet: self.last_packet,
        }
    }

    /// What happened to the interface and was not told yet.
    pub(super) fn notices(&self) -> Vec<Notice> {
        self.wire.notices()
    }
}

impl Drop for Port {
    /// A lane that ends before the others does not keep them from opening the interface again.
    fn drop(&mut self) {
        if self.listener.take().is_some() {
            self.wire.given_up(self.opening);
        }
    }
}
