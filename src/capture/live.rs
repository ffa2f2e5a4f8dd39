//! Frames from a network interface, through libpcap; nothing is ever sent.
//!
//! Filling never waits: it takes what the kernel's ring holds and returns. libpcap's own waiting
//! does not end on an idle interface, so the caller sleeps for some milliseconds after an empty
//! batch.
//!
//! A stop loses nothing: [`LiveSource::stop`] asks the kernel how many frames there were, and
//! filling goes on up to the last of them. (A filter that lets nothing in would not do: libpcap
//! holds it against the frames that wait in the ring, too, and throws them away.)

use crate::capture::CaptureFault;
use crate::capture::CaptureProblem;
use crate::capture::Frame;
use crate::capture::FrameBatch;
use crate::capture::FrameSource;
use crate::capture::LinkType;
use crate::capture::Supply;
use crate::capture::run::is_full;
use crate::time::Timestamp;
use pcap::Active;
use pcap::Capture;
use pcap::Error;
use pcap::Packet;
use pcap::Precision;

/// After how many milliseconds the kernel hands over a block of the ring that is not full.
const RETIRE_MILLIS: i32 = 10;

/// An interface that is listened to.
pub struct LiveSource {
    name: String,
    link: LinkType,
    capture: Capture<Active>,
    counts: LiveCounts,
    /// The kernel's counters as they were read last; they have 32 bits and wrap.
    last: [u32; 3],
    octets: u64,
    /// How many frames will have been given when the stop is complete.
    limit: Option<u64>,
    faults: Vec<CaptureFault>,
}

/// How many frames there were, exactly.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LiveCounts {
    /// Frames given in batches.
    pub processed: u64,
    /// Frames that reached the ring or would have.
    pub received: u64,
    /// Frames that found the ring full.
    pub kernel_lost: u64,
    /// Frames that the interface or its driver lost.
    pub interface_lost: u64,
}

impl LiveCounts {
    /// Frames that wait in the ring; 0 when a stop is complete. What is left of them when the
    /// interface goes away before is lost.
    pub fn unread(&self) -> u64 {
        self.received.saturating_sub(self.kernel_lost).saturating_sub(self.processed)
    }
}

impl LiveSource {
    /// Listens to `interface` in promiscuous mode.
    ///
    /// Of each frame at most `snaplen` octets are captured. `buffer` is the size of the kernel's
    /// ring in octets, which is also the worst-case memory.
    ///
    /// # Errors
    /// What libpcap says, for instance that it is not permitted.
    pub fn open(interface: &str, snaplen: u32, buffer: u32) -> Result<Self, CaptureFault> {
        let capture = Capture::from_device(interface)
            .map(|capture| {
                capture
                    .snaplen(i32::try_from(snaplen).unwrap_or(i32::MAX))
                    .buffer_size(i32::try_from(buffer).unwrap_or(i32::MAX))
                    .timeout(RETIRE_MILLIS)
                    .precision(Precision::Nano)
                    .promisc(true)
            })
            .and_then(Capture::open)
            .and_then(Capture::setnonblock)
            .map_err(|error| fault(interface, &error))?;
        Ok(Self {
            name: interface.to_owned(),
            link: link_type(capture.get_datalink().0),
            capture,
            counts: LiveCounts::default(),
            last: [0; 3],
            octets: 0,
            limit: None,
            faults: Vec::new(),
        })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's link type.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Ends the capture here: frames that came until now are still given, then the source ends,
    /// and its counts stay as they are at the end.
    ///
    /// The kernel hands over the last of them within 10 ms. If the source has not ended after some
    /// 100 ms, [`LiveCounts::unread`] tells what did not come.
    ///
    /// # Errors
    /// What libpcap says, for instance when the interface is gone.
    pub fn stop(&mut self) -> Result<(), CaptureFault> {
        let counts = self.counts()?;
        self.limit.get_or_insert(counts.received.saturating_sub(counts.kernel_lost).max(counts.processed));
        Ok(())
    }

    /// How many frames there were until now, or until the stop. The kernel's counters have 32 bits, so this must be
    /// asked more often than every 4 thousand million packets.
    ///
    /// # Errors
    /// What libpcap says, for instance when the interface is gone.
    pub fn counts(&mut self) -> Result<LiveCounts, CaptureFault> {
        if self.limit.is_some() {
            return Ok(self.counts);
        }
        let stat = self.capture.stats().map_err(|error| fault(&self.name, &error))?;
        let now = [stat.received, stat.dropped, stat.if_dropped];
        let totals =
            [&mut self.counts.received, &mut self.counts.kernel_lost, &mut self.counts.interface_lost];
        for ((total, now), last) in totals.into_iter().zip(now).zip(self.last) {
            *total = total.saturating_add(u64::from(now.wrapping_sub(last)));
        }
        self.last = now;
        Ok(self.counts)
    }
}

impl FrameSource for LiveSource {
    /// Takes what is in the ring, at most a batch. It never waits, so a batch may be empty; the
    /// source ends when the interface is gone or a stop is complete. Frames count from 1 on each interface, and their
    /// `interface` and `file` are 0: a caller with several interfaces numbers them itself.
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.clear();
        while !is_full(batch) {
            if self.limit.is_some_and(|limit| self.counts.processed >= limit) {
                return Supply::End;
            }
            match self.capture.next_packet() {
                Ok(packet) => {
                    self.counts.processed = self.counts.processed.saturating_add(1);
                    self.octets = self.octets.saturating_add(u64::from(packet.header.caplen));
                    push(batch, &packet, self.counts.processed, self.link);
                }
                Err(Error::TimeoutExpired) => return Supply::More,
                Err(error) => {
                    self.faults.push(fault(&self.name, &error));
                    return Supply::End;
                }
            }
        }
        Supply::More
    }

    fn faults(&self) -> &[CaptureFault] {
        &self.faults
    }

    fn consumed(&self) -> u64 {
        self.octets
    }
}

/// Copies one packet into the batch.
// hot: once per packet
fn push(batch: &mut FrameBatch, packet: &Packet<'_>, number: u64, link: LinkType) {
    let time = packet.header.ts;
    let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
    batch.frames.push(Frame {
        number,
        // With nanosecond precision libpcap puts nanoseconds where microseconds have their place.
        time: Timestamp::from_parts(time.tv_sec, u32::try_from(time.tv_usec).unwrap_or(0)),
        link,
        interface: 0,
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

fn fault(interface: &str, error: &Error) -> CaptureFault {
    CaptureFault { path: interface.to_owned(), problem: CaptureProblem::Io(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::LiveSource;
    use crate::capture::FrameBatch;
    use crate::capture::FrameSource;
    use crate::capture::LinkType;
    use crate::capture::Supply;
    use std::net::UdpSocket;
    use std::process::Command;
    use std::thread::sleep;
    use std::thread::spawn;
    use std::time::Duration;

    /// Makes a network of two ends in a namespace of its own, and runs the test below in it.
    const NETWORK: &str = "ip link add ear type veth peer name mouth && ip link set ear up \
        && ip link set mouth up && ip addr add 192.0.2.1/24 dev mouth \
        && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev mouth \
        && exec \"$0\" --exact capture::live::tests::hears_each_datagram --ignored";

    #[test]
    fn every_frame_of_an_interface_is_given_or_counted_as_lost() {
        let this = std::env::current_exe().unwrap();
        let can = Command::new("unshare").args(["-rn", "ip", "link"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            println!("skipped: no network namespace can be made here");
            return;
        }
        let run = Command::new("unshare").args(["-rn", "sh", "-c", NETWORK]).arg(this).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        let errors = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success() && said.contains("1 passed"), "{said}{errors}");
    }

    #[test]
    #[ignore = "runs in a namespace that the test above makes"]
    fn hears_each_datagram() {
        let mut source = LiveSource::open("ear", 2_048, 4 << 20).unwrap();
        assert_eq!(source.link(), LinkType::ETHERNET);
        let mut batch = FrameBatch::default();
        // Nothing came: filling returns all the same.
        assert_eq!(source.fill(&mut batch), Supply::More);
        let sender = spawn(|| {
            let socket = UdpSocket::bind("192.0.2.1:5000").unwrap();
            for round in 0..20_000_u16 {
                socket.send_to(&round.to_be_bytes(), "192.0.2.2:7563").unwrap();
            }
        });
        let mut heard = Vec::new();
        let mut rounds = 0;
        loop {
            let supply = source.fill(&mut batch);
            for frame in &batch.frames {
                assert!(frame.time.nanos() > 1_600_000_000_000_000_000);
                // Ethernet 14, IPv4 20, UDP 8; others than our datagrams are IPv6's own.
                let octets = batch.octets_of(frame);
                if octets.get(36..38) == Some(7_563_u16.to_be_bytes().as_slice()) {
                    heard.push(u16::from_be_bytes([octets[42], octets[43]]));
                }
            }
            rounds += 1;
            if heard.len() > 1_000 {
                // In the middle of the traffic.
                source.stop().unwrap();
            }
            if supply == Supply::End || rounds > 1_000 {
                break;
            }
            sleep(Duration::from_millis(1));
        }
        sender.join().unwrap();
        let count = u16::try_from(heard.len()).unwrap();
        assert!(count > 1_000);
        assert_eq!(heard, (0..count).collect::<Vec<u16>>());
        let counts = source.counts().unwrap();
        assert_eq!((counts.unread(), counts.kernel_lost, counts.interface_lost), (0, 0, 0));
        assert_eq!(counts.processed, counts.received);
    }

    #[test]
    fn an_interface_that_is_not_there_is_a_fault() {
        let fault = LiveSource::open("no-such-if0", 2_048, 1 << 20).err().unwrap();
        assert!(fault.to_string().starts_with("no-such-if0: cannot be read: "), "{fault}");
    }
}
