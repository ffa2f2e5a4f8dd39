//! Interfaces as one source of frames for each of several lanes, for as long as the program runs.
//!
//! A lane is one reader on one thread. Several interfaces are one network: their frames are merged by capture
//! time. With several lanes each interface is shared out among them by the pair of addresses, so that a lane
//! sees all of a pair, wherever it was captured. An interface that goes away is waited for and opened again.
//!
//! What this host itself sends on the interfaces is captured, too: on a mirror port there is next to none, and
//! on a server's own interface it is half of every conversation.

mod merge;
mod notice;
mod port;
mod sockets;
mod wire;

pub use self::notice::News;
pub use self::notice::Notice;
pub use crate::capture::live::LiveCounts;

use self::merge::Merge;
use self::port::Port;
use self::wire::Wire;
use crate::capture::CaptureFault;
use crate::capture::CaptureProblem;
use crate::capture::FrameBatch;
use crate::capture::FrameSource;
use crate::capture::Supply;
use crate::capture::live::RETIRE_MILLIS;
use crate::time::Timestamp;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

/// How often the state of the interfaces is asked for, and how often while something is under way.
const LOOK: Duration = Duration::from_millis(250);
const LOOK_BUSY: Duration = Duration::from_millis(10);

/// How long nothing is let in before the start, so that what came before is out of the ring.
const DEAF: Duration = Duration::from_millis(RETIRE_MILLIS.saturating_mul(5).saturating_div(2));

/// What to listen to, and how.
#[derive(Clone, Debug)]
pub struct TapSettings {
    /// The interfaces' names, each once.
    pub interfaces: Vec<String>,
    /// Only frames that this filter likes are captured (pcap-filter(7)).
    pub filter: Option<String>,
    /// Of each frame at most so many octets are captured.
    pub snaplen: u32,
    /// Octets of the kernel's ring for each interface and lane, all of which are taken at once. libpcap cuts it
    /// into blocks of 256 KiB, one of which is handed over every 10 ms while there is traffic, so that 64 MiB
    /// bridge 2.5 s of light traffic and a quarter of a second at 2 Gbit/s.
    pub ring_octets: u32,
    /// How many readers share the interfaces. They are shared out by the outer addresses: a mirror that arrives
    /// in a tunnel (ERSPAN, GRE, VXLAN) has one pair of them for everything if one switch sends it, and two
    /// switches' halves of a conversation would meet different readers, so it needs one lane.
    pub lanes: NonZeroUsize,
    /// Runs what opens sockets, for who keeps the right to do so out of force; [`as_it_is`] where nobody does.
    pub with_rights: fn(&mut dyn FnMut()),
}

/// Opens sockets with the rights that the thread has.
pub fn as_it_is(open: &mut dyn FnMut()) {
    open();
}

/// What is known of an interface now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InterfaceFacts {
    /// Its name, as the settings have it.
    pub name: String,
    /// Whether frames can come from it; the same in all lanes.
    pub state: LinkState,
    /// Frames of this lane since the start, across wraps of the kernel's counters and reopenings. What the
    /// interface itself lost is in the first lane's alone, so that lanes can be added up.
    pub counts: LiveCounts,
    /// How often it was opened again; in the first lane's alone.
    pub reopened: u64,
    /// How many of [`LiveCounts::kernel_lost`] stood in the ring when the interface vanished and could not be
    /// read any more.
    pub unread: u64,
    /// Octets of the frames on the wire.
    pub wire_octets: u64,
    /// When the last frame was captured.
    pub last_packet: Option<Timestamp>,
}

/// Whether frames can come from an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinkState {
    /// It is switched on and has a carrier.
    Up,
    /// It is there, but switched off or without a carrier.
    Down,
    /// There is no such interface.
    Missing,
}

/// One reader of all interfaces; to be moved to its thread.
pub struct Lane {
    ports: Vec<Port>,
    merge: Merge,
    lane: u64,
    lanes: u64,
    /// Frames given so far.
    given: u64,
    octets: u64,
    next_look: Instant,
    stopping: bool,
}

/// Opens all interfaces for all lanes; frames come from now on. This takes some 30 ms.
///
/// # Errors
/// Everything that stands against it, and what to do: interfaces that are not there or down, a filter that is
/// none, and rights that are missing.
pub fn open(settings: &TapSettings) -> Result<Vec<Lane>, Vec<CaptureFault>> {
    let mut faults = Vec::new();
    let mut wires = Vec::new();
    for (name, index) in settings.interfaces.iter().zip(0_usize..) {
        let earlier = settings.interfaces.get(..index).unwrap_or_default();
        let opened = match earlier.contains(name) {
            true => Err("is named twice: name each interface once".to_owned()),
            false => Wire::open(name, settings),
        };
        match opened {
            Ok(wire) => wires.push(wire),
            Err(why) => faults.push(fault(name, why)),
        }
    }
    if settings.interfaces.is_empty() {
        faults.push(fault("interfaces", "there is none: name the one that the mirror arrives at".to_owned()));
    }
    sleep(DEAF);
    for wire in &wires {
        faults.extend(wire.listen().err().map(|why| fault(wire.name(), why)));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let wires: Vec<Arc<Wire>> = wires.into_iter().map(Arc::new).collect();
    let lanes = settings.lanes.get();
    Ok((0..lanes).map(|lane| Lane::new(&wires, lane, lanes)).collect())
}

fn fault(path: &str, why: String) -> CaptureFault {
    CaptureFault { path: path.to_owned(), problem: CaptureProblem::Io(why) }
}

impl Lane {
    fn new(wires: &[Arc<Wire>], lane: usize, lanes: usize) -> Self {
        let port = |(wire, index): (&Arc<Wire>, u16)| Port::new(Arc::clone(wire), lane, index);
        let mut this = Self {
            ports: wires.iter().zip(0..=u16::MAX).map(port).collect(),
            merge: Merge::new(wires.len()),
            lane: u64::try_from(lane).unwrap_or(u64::MAX),
            lanes: u64::try_from(lanes).unwrap_or(u64::MAX),
            given: 0,
            octets: 0,
            next_look: Moment::now().running,
            stopping: false,
        };
        this.look_after(Moment::now().running);
        this
    }

    /// Sleeps until a frame may be there, or something else is to be done, or this time has passed.
    pub fn wait(&mut self, at_most: Duration) {
        let now = Moment::now();
        let next_look = self.next_look.saturating_duration_since(now.running);
        let due = self.merge.due(now).unwrap_or(at_most);
        // While it stops there is nothing to look after, and the end is to be seen.
        let until_look = if self.stopping { LOOK_BUSY } else { next_look };
        let timeout = Timespec::try_from(at_most.min(until_look).min(due)).unwrap_or_default();
        let waiting = self.ports.iter().zip(self.merge.are_empty());
        let mut sockets: Vec<PollFd<'_>> = waiting
            .filter(|(_, is_empty)| *is_empty)
            .filter_map(|(port, _)| port.socket())
            .map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN))
            .collect();
        // Interrupted by a signal is as good as woken.
        let _ready = poll(&mut sockets, Some(&timeout));
    }

    /// Ends the capture here: frames that came until now are still given, then the source ends, and its counts
    /// stay as they are at the end. The last of them come within 10 ms; what did not come after 100 ms is in
    /// [`LiveCounts::unread`].
    pub fn stop(&mut self) {
        let now = Moment::now().running;
        self.stopping = true;
        self.ports.iter_mut().for_each(|port| port.stop(now));
    }

    /// What is known of the interfaces, in the order of the settings. To be asked at least every minute: the
    /// kernel's counters have 32 bits.
    pub fn interfaces(&mut self) -> Vec<InterfaceFacts> {
        self.ports.iter_mut().map(Port::facts).collect()
    }

    /// What happened to the interfaces and was not told yet, to any lane: to be logged.
    pub fn notices(&mut self) -> Vec<Notice> {
        self.ports.iter().flat_map(Port::notices).collect()
    }

    /// Looks after the interfaces if it is time.
    fn look_after(&mut self, now: Instant) {
        if now < self.next_look || self.stopping {
            return;
        }
        self.ports.iter_mut().for_each(|port| port.look_after(now));
        let is_busy = self.ports.iter().any(Port::is_busy);
        self.next_look = now.checked_add(if is_busy { LOOK_BUSY } else { LOOK }).unwrap_or(now);
    }
}

impl FrameSource for Lane {
    /// Takes what is there, at most a batch, and never waits: a batch may be empty, and then the caller should
    /// [`Lane::wait`]. It ends only after a stop. Frames have numbers that no other lane gives; their `file` is 0.
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.clear();
        let now = Moment::now();
        self.look_after(now.running);
        match self.ports.as_mut_slice() {
            [port] => port.take(batch, now.running),
            ports => self.merge.fill(ports, batch, now),
        }
        for frame in &mut batch.frames {
            let before = self.given.saturating_mul(self.lanes).saturating_add(self.lane);
            frame.number = before.saturating_add(1);
            self.given = self.given.saturating_add(1);
            self.octets = self.octets.saturating_add(frame.captured.into());
        }
        let is_over =
            self.ports.iter().all(Port::has_ended) && self.merge.are_empty().all(|is_empty| is_empty);
        if is_over { Supply::End } else { Supply::More }
    }

    /// None: what happens to an interface is no end of the source but a [`Notice`].
    fn faults(&self) -> &[CaptureFault] {
        &[]
    }

    fn consumed(&self) -> u64 {
        self.octets
    }
}

/// Now, by the clock that never jumps and by the one that packets are stamped with.
#[derive(Clone, Copy, Debug)]
struct Moment {
    running: Instant,
    wall: Timestamp,
}

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "how long to hold a frame of a live interface back")]
    fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        Self { running: Instant::now(), wall: Timestamp::from_nanos(nanos) }
    }
}
