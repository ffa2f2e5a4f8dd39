//! Networks for tests, and what listens and speaks in them.

use camsentry::capture::CaptureFault;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::Supply;
use camsentry::capture::tap::InterfaceFacts;
use camsentry::capture::tap::Lane;
use camsentry::capture::tap::TapSettings;
use camsentry::capture::tap::as_it_is;
use camsentry::capture::tap::open;
use std::num::NonZeroUsize;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

/// Tells a test that it runs in its network.
const INSIDE: &str = "CAMSENTRY_TEST_NETWORK";

/// A cable: `ear` is listened to, and `mouth` speaks, as 192.0.2.1.
pub(crate) const CABLE: &str = "ip link add ear type veth peer name mouth \
    && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
    && ip link set ear up && ip link set mouth up && ip addr add 192.0.2.1/24 dev mouth \
    && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev mouth";

/// A second cable, `ear2` and `mouth2`, which speaks as 198.51.100.1.
pub(crate) const SECOND_CABLE: &str = "ip link add ear2 type veth peer name mouth2 \
    && ip link set ear2 up && ip link set mouth2 up && ip addr add 198.51.100.1/24 dev mouth2 \
    && ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:02 dev mouth2";

/// Runs `body` in a network that `setup`, commands of the shell, makes; if they set `WITH`, the test runs under
/// that command. `name` is the test that asks for it.
pub(crate) fn in_network(name: &str, setup: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let can = Command::new("unshare").args(["-rn", "ip", "link"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("skipped: {name}: no network namespace can be made here (unshare -rn ip link)");
        return;
    }
    let script = format!("{setup} && exec $WITH \"$0\" --exact {name} --nocapture");
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", &script]).arg(std::env::current_exe().unwrap()).env(INSIDE, "1");
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() && said.contains("1 passed"), "{said}{errors}");
    said.lines().filter(|line| line.starts_with("  ")).for_each(|line| println!("{line}"));
}

/// A command of the shell, which has to succeed.
pub(crate) fn shell(script: &str) -> String {
    let run = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(run.status.success(), "{script}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// A counter that the kernel keeps of an interface (`ip -s link`), for instance `tx packets`.
pub(crate) fn counter(interface: &str, direction: &str, what: &str) -> u64 {
    let text = shell(&format!("ip -s -j link show {interface}"));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json[0]["stats64"][direction][what].as_u64().unwrap()
}

pub(crate) fn settings(interfaces: &[&str], lanes: usize) -> TapSettings {
    TapSettings {
        interfaces: interfaces.iter().map(|&name| name.to_owned()).collect(),
        filter: None,
        snaplen: 65_535,
        ring_octets: 16 << 20,
        lanes: NonZeroUsize::new(lanes).unwrap(),
        with_rights: as_it_is,
    }
}

/// One lane, with the settings' defaults.
pub(crate) fn lane(interfaces: &[&str]) -> Lane {
    lanes(&settings(interfaces, 1)).pop().unwrap()
}

pub(crate) fn lanes(settings: &TapSettings) -> Vec<Lane> {
    let faults = |faults: Vec<CaptureFault>| panic!("{faults:?}");
    open(settings).unwrap_or_else(faults)
}

/// What a lane gave.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) frames: Vec<(Frame, Vec<u8>)>,
    batch: FrameBatch,
}

impl Heard {
    /// Takes what a lane gives for so long.
    pub(crate) fn listen(&mut self, lane: &mut Lane, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.fill(lane);
        }
    }

    /// Takes one batch, and waits for the next if it is empty.
    pub(crate) fn fill(&mut self, lane: &mut Lane) -> Supply {
        let supply = lane.fill(&mut self.batch);
        for frame in &self.batch.frames {
            self.frames.push((*frame, self.batch.octets_of(frame).to_vec()));
        }
        if self.batch.frames.is_empty() && supply == Supply::More {
            lane.wait(Duration::from_millis(50));
        }
        supply
    }

    /// Stops a lane, takes the rest, and says how long that took.
    pub(crate) fn stop(&mut self, lane: &mut Lane) -> Duration {
        let start = Instant::now();
        lane.stop();
        while self.fill(lane) == Supply::More {
            assert!(start.elapsed() < Duration::from_secs(2), "the stop does not end");
        }
        start.elapsed()
    }

    /// The numbers that [`Speaker::say`] put into its datagrams.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.frames.iter().filter_map(|(_, octets)| said(octets)).collect()
    }
}

/// The number in a datagram to port 7563: Ethernet 14, IPv4 20, UDP 8 octets before.
pub(crate) fn said(octets: &[u8]) -> Option<u64> {
    (octets.get(36..38)? == 7_563_u16.to_be_bytes()).then_some(())?;
    Some(u64::from_be_bytes(*octets.get(42..)?.first_chunk()?))
}

/// The facts of a lane's first interface.
pub(crate) fn facts(lane: &mut Lane) -> InterfaceFacts {
    lane.interfaces().swap_remove(0)
}
