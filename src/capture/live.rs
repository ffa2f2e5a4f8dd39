//! One socket of libpcap on one interface; nothing is ever sent.
//!
//! Taking never waits: libpcap's own waiting does not end on an idle interface. It takes what stands in the
//! kernel's ring, block by block.
//!
//! A listener starts deaf, behind a filter that lets nothing in, and what came before that is thrown away:
//! libpcap would drop what its filter does not like uncounted, and frames that came before a fan-out group was
//! complete came to each of its members. From `Listener::listen` on every frame is given or counted.
//!
//! A stop loses nothing: `Listener::stop` asks the kernel how many frames there were, and taking goes on up
//! to the last of them. (The filter that lets nothing in would not do here: libpcap holds it against the frames
//! that wait in the ring, too, and throws them away.)

use crate::capture::Frame;
use crate::capture::FrameBatch;
use crate::capture::LinkType;
use crate::capture::run::is_full;
use crate::time::Timestamp;
use pcap::Active;
use pcap::Capture;
use pcap::Error;
use pcap::Packet;
use pcap::Precision;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

/// After how many milliseconds the kernel hands over a block of the ring that is not full.
pub(super) const RETIRE_MILLIS: u64 = 10;

/// How many frames are taken before it is looked whether the batch is full. With the longest frames that there
/// are (64 KiB, of a host that leaves cutting to its card) a batch grows by 4 MiB.
const FRAMES_AT_ONCE: usize = 64;

/// Lets nothing in: no frame is shorter than one octet.
const NOTHING: &str = "less 0";

/// How many frames there were, exactly.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LiveCounts {
    /// Frames taken out of the ring.
    pub processed: u64,
    /// Frames that reached the ring or would have.
    pub received: u64,
    /// Frames that found the ring full, and those that were lost in the ring when the interface vanished.
    pub kernel_lost: u64,
    /// Frames that the interface or its driver lost.
    pub interface_lost: u64,
}

impl LiveCounts {
    /// Frames that wait in the ring; 0 when a stop is complete.
    pub fn unread(&self) -> u64 {
        self.received.saturating_sub(self.kernel_lost).saturating_sub(self.processed)
    }

    /// Adds those of another time or lane.
    pub fn add(&mut self, other: &Self) {
        self.processed = self.processed.saturating_add(other.processed);
        self.received = self.received.saturating_add(other.received);
        self.kernel_lost = self.kernel_lost.saturating_add(other.kernel_lost);
        self.interface_lost = self.interface_lost.saturating_add(other.interface_lost);
    }

    /// Adds what the kernel's counters of received and lost went on by; they have 32 bits and wrap.
    fn advance(&mut self, last: [u32; 2], now: [u32; 2]) {
        let totals = [&mut self.received, &mut self.kernel_lost];
        for ((total, now), last) in totals.into_iter().zip(now).zip(last) {
            *total = total.saturating_add(u64::from(now.wrapping_sub(last)));
        }
    }
}

/// A socket that listens to an interface.
pub(super) struct Listener {
    capture: Capture<Active>,
    link: LinkType,
    counts: LiveCounts,
    /// The kernel's counters of received and lost as they were read last; they have 32 bits and wrap.
    last: [u32; 2],
    /// How many frames will have been taken when the stop is complete.
    limit: Option<u64>,
}

impl Listener {
    /// A deaf listener on `interface`, in promiscuous mode. Of each frame at most `snaplen` octets are
    /// captured; `ring` is the size of the kernel's ring in octets, all of which is taken at once.
    ///
    /// # Errors
    /// What libpcap says, for instance that it is not permitted.
    pub(super) fn open(interface: &str, snaplen: u32, ring: u32) -> Result<Self, Error> {
        let mut capture = Capture::from_device(interface)?
            .snaplen(i32::try_from(snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(ring).unwrap_or(i32::MAX))
            .timeout(i32::try_from(RETIRE_MILLIS).unwrap_or(i32::MAX))
            .precision(Precision::Nano)
            .promisc(true)
            .open()?
            .setnonblock()?;
        capture.filter(NOTHING, true)?;
        let link = link_type(capture.get_datalink().0);
        Ok(Self { capture, link, counts: LiveCounts::default(), last: [0; 2], limit: None })
    }

    /// The interface's link type.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Whether this filter can be had.
    ///
    /// # Errors
    /// What libpcap says against it.
    pub(super) fn check_filter(&self, filter: &str) -> Result<(), Error> {
        self.capture.compile(filter, true).map(|_| ())
    }

    /// Ends the deafness, in which two retire periods have to pass: lets in what `filter` likes (everything, if
    /// it is empty) and counts from here.
    ///
    /// # Errors
    /// What libpcap says against the filter or of the interface.
    pub(super) fn listen(&mut self, filter: &str) -> Result<(), Error> {
        while self.capture.dispatch(Some(FRAMES_AT_ONCE), |_| ())? > 0 {}
        let stat = self.capture.stats()?;
        self.last = [stat.received, stat.dropped];
        self.capture.filter(filter, true)
    }

    /// Takes what is in the ring and appends it to `batch`, until that is full, as frames of `interface`
    /// without a number. How many they were; less than there is room for means that the ring is empty.
    ///
    /// # Errors
    /// What libpcap says, for instance when the interface is gone.
    // hot: once per packet
    pub(super) fn take(&mut self, batch: &mut FrameBatch, interface: u16) -> Result<usize, Error> {
        let mut taken = 0_usize;
        while !is_full(batch) {
            let open = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.counts.processed));
            let most = usize::try_from(open).unwrap_or(usize::MAX).min(FRAMES_AT_ONCE);
            let link = self.link;
            let count = self.capture.dispatch(Some(most), |packet| push(batch, &packet, link, interface))?;
            taken = taken.saturating_add(count);
            self.counts.processed = self.counts.processed.saturating_add(u64::try_from(count).unwrap_or(0));
            if count < FRAMES_AT_ONCE {
                break;
            }
        }
        Ok(taken)
    }

    /// Ends here: frames that came until now are still to be taken, the last of them within a retire period.
    ///
    /// # Errors
    /// What libpcap says.
    pub(super) fn stop(&mut self) -> Result<(), Error> {
        let counts = self.counts()?;
        self.limit.get_or_insert(counts.received.saturating_sub(counts.kernel_lost).max(counts.processed));
        Ok(())
    }

    /// Whether everything up to the stop was taken.
    pub(super) fn is_done(&self) -> bool {
        self.limit.is_some_and(|limit| self.counts.processed >= limit)
    }

    /// How many frames there were until now, or until the stop, without what the interface lost. The kernel's
    /// counters have 32 bits, so this must be asked more often than every 4 thousand million packets.
    ///
    /// # Errors
    /// What libpcap says.
    pub(super) fn counts(&mut self) -> Result<LiveCounts, Error> {
        if self.limit.is_none() {
            let stat = self.capture.stats()?;
            let now = [stat.received, stat.dropped];
            self.counts.advance(self.last, now);
            self.last = now;
        }
        Ok(self.counts)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

/// Copies one packet into the batch.
// hot: once per packet
fn push(batch: &mut FrameBatch, packet: &Packet<'_>, link: LinkType, interface: u16) {
    let time = packet.header.ts;
    let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
    batch.frames.push(Frame {
        number: 0,
        // With nanosecond precision libpcap puts nanoseconds where microseconds have their place.
        time: Timestamp::from_parts(time.tv_sec, u32::try_from(time.tv_usec).unwrap_or(0)),
        link,
        interface,
        file: 0,
        wire_len: packet.header.len.max(captured),
        start: u32::try_from(batch.octets.len()).unwrap_or(u32::MAX),
        captured,
    });
    batch.octets.extend_from_slice(packet.data);
}

/// The link type of files that libpcap's number for live captures means. They differ in raw IP
/// alone among those that Linux has (`DLT_RAW` is 12).
fn link_type(dlt: i32) -> LinkType {
    match dlt {
        12 | 14 => LinkType::RAW,
        other => LinkType(u32::try_from(other).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::LiveCounts;

    #[test]
    fn counts_go_on_when_the_kernels_counters_wrap() {
        let mut counts = LiveCounts::default();
        let steps = [[0_u32, 0], [u32::MAX - 1, 5], [3, 5], [3, 5], [u32::MAX, u32::MAX], [0, 0]];
        for (last, now) in steps.iter().zip(steps.iter().skip(1)) {
            counts.advance(*last, *now);
        }
        assert_eq!((counts.received, counts.kernel_lost), (2 << 32, 1 << 32));
    }

    #[test]
    fn what_is_neither_given_nor_lost_is_unread() {
        let mut counts = LiveCounts { processed: 5, received: 10, kernel_lost: 3, interface_lost: 7 };
        assert_eq!(counts.unread(), 2);
        counts.add(&LiveCounts { processed: 2, ..LiveCounts::default() });
        assert_eq!(counts.unread(), 0);
    }
}
