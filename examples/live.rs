//! Measures live capture: what a lane costs, and what libpcap alone costs that only counts.
//!
//! `live lane|libpcap INTERFACE RING_MIB SECONDS` prints one line of JSON. `benches/live.py` makes the network,
//! sends, and puts the two side by side.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring program")]

use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::tap::TapSettings;
use camsentry::capture::tap::as_it_is;
use camsentry::capture::tap::open;
use pcap::Capture;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use std::error::Error;
use std::fs::read_to_string;
use std::num::NonZeroUsize;
use std::time::Duration;
use std::time::Instant;

const WAIT: Duration = Duration::from_millis(100);
const USAGE: &str = "live lane|libpcap INTERFACE RING_MIB SECONDS";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, interface, ring, seconds] = arguments.as_slice() else { return Err(USAGE.into()) };
    let ring = ring.parse::<u32>()?.saturating_mul(1 << 20);
    let seconds = Duration::from_secs(seconds.parse()?);
    let result = match kind.as_str() {
        "lane" => lane(interface, ring, seconds)?,
        "libpcap" => libpcap(interface, ring, seconds)?,
        _ => return Err(USAGE.into()),
    };
    println!("{result}");
    Ok(())
}

/// One lane that gives its frames to nobody.
fn lane(interface: &str, ring: u32, seconds: Duration) -> Result<serde_json::Value, Box<dyn Error>> {
    let settings = TapSettings {
        interfaces: vec![interface.to_owned()],
        filter: None,
        snaplen: 65_535,
        ring_octets: ring,
        lanes: NonZeroUsize::MIN,
        with_rights: as_it_is,
    };
    let mut lanes = open(&settings).map_err(|faults| format!("{faults:?}"))?;
    let mut lane = lanes.pop().ok_or("no lane")?;
    println!("ready");
    let (mut batch, mut frames, mut is_stopping) = (FrameBatch::default(), 0, false);
    let (start, cpu) = (Instant::now(), processor_nanos()?);
    loop {
        let supply = lane.fill(&mut batch);
        frames = batch.frames.len().saturating_add(frames);
        if supply == Supply::End {
            break;
        }
        if batch.frames.is_empty() {
            lane.wait(WAIT);
        }
        if !is_stopping && start.elapsed() >= seconds {
            is_stopping = true;
            lane.stop();
        }
    }
    let cpu = processor_nanos()?.saturating_sub(cpu);
    let facts = lane.interfaces().pop().ok_or("no interface")?;
    Ok(serde_json::json!({
        "frames": frames,
        "kernel": facts.counts.kernel_lost,
        "interface": facts.counts.interface_lost,
        "unread": facts.counts.unread(),
        "cpu": cpu,
    }))
}

/// The least that can be done with libpcap: a loop that counts.
fn libpcap(interface: &str, ring: u32, seconds: Duration) -> Result<serde_json::Value, Box<dyn Error>> {
    let ring = i32::try_from(ring)?;
    let capture = Capture::from_device(interface)?.snaplen(65_535).buffer_size(ring);
    let mut capture = capture.timeout(10).promisc(true).open()?.setnonblock()?;
    println!("ready");
    let mut frames = 0_u64;
    let (start, cpu) = (Instant::now(), processor_nanos()?);
    while start.elapsed() < seconds {
        if capture.dispatch(None, |_| frames = frames.saturating_add(1))? == 0 {
            let mut socket = [PollFd::new(&capture, PollFlags::IN)];
            poll(&mut socket, Some(&Timespec::try_from(WAIT)?))?;
        }
    }
    let cpu = processor_nanos()?.saturating_sub(cpu);
    let stat = capture.stats()?;
    Ok(serde_json::json!({
        "frames": frames,
        "kernel": stat.dropped,
        "interface": 0,
        "unread": u64::from(stat.received).saturating_sub(stat.dropped.into()).saturating_sub(frames),
        "cpu": cpu,
    }))
}

/// How long this thread ran on a processor, in nanoseconds.
fn processor_nanos() -> Result<u64, Box<dyn Error>> {
    let text = read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
