//! The workloads that speed is measured on, written anew on each machine: the same octets everywhere.
//!
//! `cargo run --release --example workload -- NAME OUT.pcap [--packets N]` writes a savefile and, beside it
//! with the ending `.toml`, the site file it is judged with. The names:
//!
//! * `vms_mix`: a site with XProtect and MOBOTIX at work, see [`vms`]. 1.64 M packets, 24 s.
//! * `small_flows`: 1 M concurrent flows of small datagrams in random order, see [`small_flows`]; 10 M
//!   packets. `small_flows_10k`: the same with 10,000 flows.
//! * `hostile_mix`: tags, tunnels, fragments, IPv6, disorder, see [`hostile`]; 1 M packets.
//! * `new_flows`: every packet opens a flow, 800,000 packets; site files with 10 and with 10,000 rules, see
//!   [`new_flows`].
//!
//! The conversations come from the writer of the fixtures, which shares no code with the product; what is
//! added here is their number, their interleaving and their long continuations.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a generator: fixed inputs, and a fault in them must stop it"
)]

mod chance;
mod hostile;
mod new_flows;
mod savefile;
mod small_flows;
mod vms;
mod wire;
#[path = "../../fixtures/writer/mod.rs"]
mod writer;

use std::io;
use std::io::Write;

use savefile::Savefile;

/// One of the workloads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Workload {
    VmsMix,
    SmallFlows,
    SmallFlows10k,
    HostileMix,
    NewFlows,
}

/// What was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) packets: u64,
    /// Octets of the frames, without the savefile's headers.
    pub(crate) octets: u64,
    /// Distinct 5-tuples, both directions one.
    pub(crate) flows: u64,
    /// Microseconds from the first packet to the last.
    pub(crate) duration: u64,
}

impl Workload {
    pub(crate) const ALL: [Self; 5] =
        [Self::VmsMix, Self::SmallFlows, Self::SmallFlows10k, Self::HostileMix, Self::NewFlows];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VmsMix => "vms_mix",
            Self::SmallFlows => "small_flows",
            Self::SmallFlows10k => "small_flows_10k",
            Self::HostileMix => "hostile_mix",
            Self::NewFlows => "new_flows",
        }
    }

    /// How many packets it has unless somebody wants fewer.
    pub(crate) fn packets(self) -> u64 {
        match self {
            Self::VmsMix => vms::PACKETS,
            Self::SmallFlows | Self::SmallFlows10k => 10_000_000,
            Self::HostileMix => 1_000_000,
            Self::NewFlows => new_flows::PACKETS,
        }
    }

    /// The site files that it is judged with: the ending of each file's name, and the text.
    pub(crate) fn sites(self) -> Vec<(&'static str, String)> {
        match self {
            Self::VmsMix | Self::HostileMix => vec![("toml", vms::site())],
            Self::SmallFlows | Self::SmallFlows10k => vec![("toml", small_flows::site())],
            Self::NewFlows => {
                vec![("10.toml", new_flows::site(10)), ("10000.toml", new_flows::site(10_000))]
            }
        }
    }

    /// Writes the savefile, about `packets` long, into `out`.
    pub(crate) fn write(self, packets: u64, out: &mut dyn Write) -> io::Result<Tally> {
        let mut file = Savefile::begin(out)?;
        let flows = match self {
            Self::VmsMix => vms::write(packets, &mut file)?,
            Self::SmallFlows => small_flows::write(packets, 1_000_000, &mut file)?,
            Self::SmallFlows10k => small_flows::write(packets, 10_000, &mut file)?,
            Self::HostileMix => hostile::write(packets, &mut file)?,
            Self::NewFlows => new_flows::write(packets, &mut file)?,
        };
        let (first, last) = file.span;
        Ok(Tally { packets: file.packets, octets: file.octets, flows, duration: last - first })
    }
}
