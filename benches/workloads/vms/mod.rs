//! `vms_mix`: a site with 128 cameras on an XProtect system, 64 MOBOTIX cameras with MxMC, at work for 24 s.
//!
//! 186 long streams carry nine tenths of the octets, as the numbers in [`long`] say: RTSP with RTP over
//! UDP and inside the connection, ImageServer, MOBOTIX event streams and fast streams, TLS, recording by
//! SMB, motion JPEG. Around them some 50,000 short conversations, [`habits`], use each service of both guides:
//! DNS, SNMP, HTTP and SOAP, TLS 1.2 and 1.3 with certificates, TDS, ONVIF and so on. Everything has its
//! handshake, right numbers and checksums.
//!
//! The conversations conform to the rules on the site of [`site`], with twelve exceptions that are planted:
//! `camsentry check` has to find thirteen violations ([`planted`]). The pictures are noise and decode to nothing;
//! what is around them is as the protocols have it. TShark calls the frames with the commands of an unencrypted
//! event stream malformed, see `fixtures/README.md`, and guesses at a segment of noise now and then.

mod content;
mod habits;
mod hosts;
mod long;
mod planted;
mod scene;
mod streams;
mod timeline;

use std::collections::BTreeMap;
use std::io;

use habits::ASKERS;
use habits::Habit;
use habits::MOBOTIX_SITE;
use habits::ONCE;
use habits::SEARCHED;
use habits::SEARCHES;
use habits::XPROTECT;
use hosts::CAMERAS;
use hosts::Hosts;
use hosts::INFRASTRUCTURE;
use hosts::RECORDERS;
use long::Long;
use long::STREAMS;
use planted::PLANTED;
use streams::Pace;
use timeline::Plan;
use timeline::Voice;

use super::chance::Chance;
use super::chance::Noise;
use super::savefile::Savefile;

pub(super) use hosts::CAMERAS_USUALLY;
pub(super) use hosts::site;
pub(super) use timeline::Tuple;
pub(super) use timeline::play as play_all;
pub(super) use timeline::tuple;

/// The packets of the whole workload.
pub(super) const PACKETS: u64 = 1_643_464;
/// 2026-11-02T08:00:00Z in microseconds.
pub(super) const START: u64 = 1_793_606_400_000_000;
/// Microseconds in which short conversations begin; the rest belongs to streams.
const BUSY: u64 = 22_500_000;
/// Streams begin in the first second, all else a little later.
const OPENING: u64 = 1_000_000;
/// Clients take their ports from here on, as Windows does (RFC 6335 §6).
const EPHEMERAL: u16 = 49_152;
/// Microseconds from one picture to the next, when the workload is whole.
const PICTURE: u64 = 40_000;
/// The same where there are streams only.
const FAST: u64 = 10_000;

/// Writes about `packets` packets; gives the number of flows.
pub(super) fn write(packets: u64, cameras: u64, file: &mut Savefile<'_>) -> io::Result<u64> {
    let mut day = Day::new(packets, 0x766d_735f_6d69_7800);
    day.cameras = CAMERAS.of(cameras);
    day.streams();
    day.habits();
    day.once();
    day.planted();
    timeline::play(day.plans, packets, &mut Noise::new(1), file, &mut |frame, file, at| file.write(at, frame))
}

/// Writes one stream of each kind, as long as `packets` packets; gives the number of flows.
pub(super) fn write_streams(packets: u64, file: &mut Savefile<'_>) -> io::Result<u64> {
    let mut day = Day::new(packets, 0x7374_7265_616d_7300);
    for long in STREAMS {
        day.stream(long, long.to, 0, FAST);
    }
    let deliver = &mut |frame: &[u8], file: &mut Savefile<'_>, at| file.write(at, frame);
    timeline::play(day.plans, packets, &mut Noise::new(3), file, deliver)
}

/// What will happen, and with which chance.
pub(super) struct Day {
    pub(super) plans: Vec<Plan>,
    chance: Chance,
    /// Packets that are wanted.
    packets: u64,
    /// The last port that each client used.
    ports: BTreeMap<String, u16>,
    /// Whether some of the short conversations use IPv6.
    both_families: bool,
    /// Those of the recorders.
    cameras: Hosts,
}

impl Day {
    pub(super) fn new(packets: u64, seed: u64) -> Self {
        Self {
            plans: Vec::new(),
            chance: Chance::new(seed),
            packets,
            ports: BTreeMap::new(),
            both_families: false,
            cameras: CAMERAS,
        }
    }

    /// A number of the whole workload, as many of it as this one is of that.
    fn share(&self, whole: u64) -> u64 {
        ((whole * self.packets + PACKETS / 2) / PACKETS).max(1)
    }

    fn port(&mut self, client: &str) -> u16 {
        let port = self.ports.entry(client.to_owned()).or_insert(EPHEMERAL);
        *port += 1;
        *port
    }

    fn some_time(&mut self) -> u64 {
        START + OPENING + self.chance.below(BUSY - OPENING)
    }

    fn plan(&mut self, what: &'static str, keys: String) {
        let at = self.some_time();
        self.plans.push(Plan { at, begin: Box::new(move |at| Voice::short(scene::play(at, what, &keys))) });
    }

    /// From now on every eighth short conversation that can be goes over IPv6.
    pub(super) fn over_both_families(&mut self) {
        self.both_families = true;
    }

    /// The hosts of a kind on this day.
    fn hosts(&self, usual: Hosts) -> Hosts {
        if usual == CAMERAS { self.cameras } else { usual }
    }

    /// A small workload has at least one stream of each kind, with fewer pictures; so have streams of more
    /// cameras.
    pub(super) fn streams(&mut self) {
        for long in STREAMS {
            let to = self.hosts(long.to);
            let count = self.share(long.count * to.count() / long.to.count());
            let every = PICTURE * count * PACKETS / (long.count * self.packets);
            for index in 0..count {
                self.stream(long, to, index, every);
            }
        }
    }

    fn stream(&mut self, long: &'static Long, to: Hosts, index: u64, every: u64) {
        let pace = Pace { size: long.size, every };
        let (from, first) = (long.from.number(index), long.first * to.count() / long.to.count());
        let port = self.port(&from);
        let ends = (from, to.number(first + index));
        let at = START + self.chance.below(OPENING);
        let begin = Box::new(move |at| long::open(long, index, &ends, port, pace, at));
        self.plans.push(Plan { at, begin });
    }

    /// The short conversations.
    pub(super) fn habits(&mut self) {
        for habit in XPROTECT.iter().chain(MOBOTIX_SITE) {
            for _ in 0..self.share(habit.often) {
                self.habit(habit);
            }
        }
        for (keys, port, often) in SEARCHES {
            for _ in 0..self.share(often) {
                let (from, answers) = (RECORDERS.any(&mut self.chance), self.cameras.any(&mut self.chance));
                let (near, group) = (self.port(&from), SEARCHED.number(0));
                let keys = format!(
                    "from = '{from}:{near}'\nto = '{group}:{port}'\nanswer-from = '{answers}'\n{keys}"
                );
                self.plan("udp", keys);
            }
        }
    }

    fn habit(&mut self, habit: &Habit) {
        let (from, to) = (self.hosts(habit.from), self.hosts(habit.to));
        let (from, to) = (from.any(&mut self.chance), to.any(&mut self.chance));
        let keys = if habit.what == "ping" {
            format!("from = '{from}'\nto = '{to}'")
        } else {
            let near = self.port(&from);
            let (from, to) = self.addresses(habit, from, to);
            format!("from = '{from}:{near}'\nto = '{to}:{}'\n{}", habit.port, habit.keys)
        };
        self.plan(habit.what, keys);
    }

    /// The addresses that are used, ready for a port behind them. Media are announced for IPv4 only.
    fn addresses(&mut self, habit: &Habit, from: String, to: String) -> (String, String) {
        let wanted = self.both_families && !habit.keys.contains("rtsp") && self.chance.below(8) == 0;
        match (hosts::newer(&from), hosts::newer(&to)) {
            (Some(from), Some(to)) if wanted => (format!("[{from}]"), format!("[{to}]")),
            _ => (from, to),
        }
    }

    /// What each host does once, and what is below IP.
    fn once(&mut self) {
        for (keys, hosts, port, to) in ONCE {
            let hosts = self.hosts(hosts);
            for from in hosts.all().take(self.share(hosts.count()) as usize) {
                let to = to.number(0);
                self.plan("udp", format!("from = '{from}:{port}'\nto = '{to}:{port}'\n{keys}"));
            }
        }
        let center = INFRASTRUCTURE.number(0);
        for hosts in ASKERS.map(|hosts| self.hosts(hosts)) {
            for from in hosts.all().take(self.share(hosts.count()) as usize) {
                self.plan("arp", format!("from = '{from}'\nto = '{center}'"));
            }
        }
        for what in ["lldp", "stp"] {
            self.plan(what, format!("from = '{center}'"));
        }
    }

    fn planted(&mut self) {
        for keys in PLANTED {
            self.plan("tcp", keys.to_owned());
        }
    }
}
