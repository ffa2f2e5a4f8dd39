//! `small_flows`: 1 M concurrent UDP flows of ten frames each, 64 to 128 octets, in random order; 10 s.
//!
//! What a table of flows is at its slowest with: no packet's neighbour is of the same flow. The first packet
//! of each flow comes before the second of any, from the client; later ones go either way. Clients are in
//! 10.0.0.0/8, recorders in 172.16.0.0/12; half as many of each as there are flows, so 1 M addresses in all.
//! The payload begins with octets that no protocol begins with, and goes on with noise: every recogniser has to
//! look and none may name it. The site has a rule of its own that allows this: nothing is a violation. A second
//! site has no such rule: each flow is a violation of its own.

use std::io;

use super::Size;
use super::chance::Chance;
use super::chance::Noise;
use super::chance::Shuffle;
use super::chance::mix;
use super::savefile::Savefile;
use super::vms::START;
use super::wire;
use super::wire::End;

/// The packets of the whole workload.
const PACKETS: u64 = 10_000_000;
/// Ethernet, IPv4, UDP.
const HEADERS: u64 = 42;
const SHORTEST: u64 = 64;
const LONGEST: u64 = 128;
/// Hosts in each /24: neither the network nor its broadcast.
const HOSTS: u64 = 254;

/// Writes packets of as many flows as `whole` is of the whole workload, unless others are wanted; gives their
/// number.
pub(super) fn write(size: Size, whole: u64, file: &mut Savefile<'_>) -> io::Result<u64> {
    let packets = size.packets;
    let flows = size.flows.unwrap_or(whole * packets / PACKETS).max(1);
    let (mut chance, mut noise) = (Chance::new(whole), Noise::new(whole));
    let servers = Shuffle::new(flows, 1);
    let mut order = Shuffle::new(flows, 2);
    let mut frame = Vec::new();
    for number in 0..packets {
        let (round, place) = (number / flows, number % flows);
        if place == 0 {
            order = Shuffle::new(flows, 2 + round);
        }
        let flow = order.at(place);
        let (client, server) = (client(flow / 2, mix(flow)), recorder(servers.at(flow) / 2, mix(flow) >> 32));
        let back = round > 0 && chance.below(2) == 1;
        let (from, to) = if back { (server, client) } else { (client, server) };
        let count = length(&mut chance) - HEADERS;
        wire::udp(&mut frame, from, to, (round + 1) as u16, |out| {
            out.extend([0xc5, 0x9d]);
            noise.append(out, count as usize - 2);
        });
        file.write(START + number, &frame)?;
    }
    Ok(flows)
}

/// A client and one of its ephemeral ports, out of a range in which tshark knows no protocol.
pub(super) fn client(number: u64, choice: u64) -> End {
    End::new(0x0a00_0000 | address(number), 56_000 + (choice % 4_000) as u16)
}

fn recorder(number: u64, choice: u64) -> End {
    End::new(0xac10_0000 | address(number), 20_000 + (choice % 1_000) as u16)
}

/// The low part of the address of host `number`.
pub(super) fn address(number: u64) -> u32 {
    ((number / HOSTS) << 8 | (number % HOSTS + 1)) as u32
}

/// A seventh of the frames is as short as can be: together they have 91.4 octets on average.
fn length(chance: &mut Chance) -> u64 {
    if chance.below(7) == 0 { SHORTEST } else { SHORTEST + chance.below(LONGEST - SHORTEST + 1) }
}

/// The site without rules: clients and recorders, and both packs.
pub(super) const HOSTS_AND_PACKS: &str = r#"# Written by the workload generator (benches/workloads).
name = "Benchmark site"
monitored = ["10.0.0.0/8", "172.16.0.0/12"]

[[zone]]
name = "recorders"
networks = ["172.16.0.0/12"]
packs = ["xprotect"]

[[zone]]
name = "clients"
networks = ["10.0.0.0/8"]
packs = ["mobotix"]

[[network]]
prefix = "10.0.0.0/8"
roles = ["smart-client"]

[[network]]
prefix = "172.16.0.0/12"
roles = ["recording-server"]
"#;

/// A rule that lets clients talk UDP with recorders on these ports.
pub(super) fn rule(id: &str, ports: &str) -> String {
    format!(
        "\n[[allow]]\nid = \"{id}\"\nfrom = [\"smart-client\"]\nto = [\"recording-server\"]\n\
         transport = \"udp\"\nports = \"{ports}\"\nservices = \"port-only\"\ntls = \"none\"\n\
         status = [\"optional\"]\npurpose = \"The datagrams of the benchmark.\"\n"
    )
}

/// The site file.
pub(super) fn site() -> String {
    HOSTS_AND_PACKS.to_owned() + &rule("datagrams", "20000-20999")
}
