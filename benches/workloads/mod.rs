//! The workloads that speed is measured on, written anew on each machine: the same octets everywhere.
//!
//! `cargo run --release --example workload -- NAME OUT.pcap [--packets N] [--flows N] [--cameras N]` writes a
//! savefile and, beside it with the ending `.toml`, the site file it is judged with. The names:
//!
//! * `vms_mix`: a site with XProtect and MOBOTIX at work, see [`vms`]. 1.64 M packets, 24 s; 128 cameras on
//!   the recorders, or as many as wanted.
//! * `small_flows`: 1 M concurrent flows of small datagrams in random order, or as many as wanted, see
//!   [`small_flows`]; 10 M packets. `small_flows_10k`: the same with 10,000 flows. Two site files: one that
//!   allows all of it, and with the ending `none.toml` one that allows nothing.
//! * `hostile_mix`: tags, tunnels, fragments, IPv6, disorder, see [`hostile`]; 1 M packets.
//! * `new_flows`: every packet opens a flow, 800,000 packets; site files with 10 to 10,000 rules, see
//!   [`new_flows`].
//! * `streams`: the long streams of `vms_mix` alone, one of each kind: once they are open no packet brings
//!   anything new. 200,000 packets.
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
    Streams,
}

/// How much of a workload is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size {
    pub(crate) packets: u64,
    /// Flows of `small_flows`; none says as many as the packets' share of the whole workload.
    pub(crate) flows: Option<u64>,
    /// Cameras of `vms_mix`'s recorders.
    pub(crate) cameras: u64,
}

impl Size {
    pub(crate) fn of(packets: u64) -> Self {
        Self { packets, flows: None, cameras: vms::CAMERAS_USUALLY }
    }
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
    pub(crate) const ALL: [Self; 6] = [
        Self::VmsMix,
        Self::SmallFlows,
        Self::SmallFlows10k,
        Self::HostileMix,
        Self::NewFlows,
        Self::Streams,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VmsMix => "vms_mix",
            Self::SmallFlows => "small_flows",
            Self::SmallFlows10k => "small_flows_10k",
            Self::HostileMix => "hostile_mix",
            Self::NewFlows => "new_flows",
            Self::Streams => "streams",
        }
    }

    /// How many packets it has unless somebody wants fewer.
    pub(crate) fn packets(self) -> u64 {
        match self {
            Self::VmsMix => vms::PACKETS,
            Self::SmallFlows | Self::SmallFlows10k => 10_000_000,
            Self::HostileMix => 1_000_000,
            Self::NewFlows => new_flows::PACKETS,
            Self::Streams => 200_000,
        }
    }

    /// The site files that it is judged with: the ending of each file's name, and the text.
    pub(crate) fn sites(self, size: Size) -> Vec<(&'static str, String)> {
        match self {
            Self::VmsMix | Self::HostileMix | Self::Streams => vec![("toml", vms::site(size.cameras))],
            Self::SmallFlows | Self::SmallFlows10k => {
                vec![("toml", small_flows::site()), ("none.toml", small_flows::HOSTS_AND_PACKS.to_owned())]
            }
            Self::NewFlows => {
                let site = |(ending, rules)| (ending, new_flows::site(rules));
                [("10.toml", 10), ("100.toml", 100), ("1000.toml", 1_000), ("10000.toml", 10_000)]
                    .map(site)
                    .to_vec()
            }
        }
    }

    /// Writes the savefile, about as many packets as wanted, into `out`.
    pub(crate) fn write(self, size: Size, out: &mut dyn Write) -> io::Result<Tally> {
        let (packets, mut file) = (size.packets, Savefile::begin(out)?);
        let flows = match self {
            Self::VmsMix => vms::write(packets, size.cameras, &mut file)?,
            Self::SmallFlows => small_flows::write(size, 1_000_000, &mut file)?,
            Self::SmallFlows10k => small_flows::write(size, 10_000, &mut file)?,
            Self::HostileMix => hostile::write(packets, &mut file)?,
            Self::NewFlows => new_flows::write(packets, &mut file)?,
            Self::Streams => vms::write_streams(packets, &mut file)?,
        };
        let (first, last) = file.span;
        Ok(Tally { packets: file.packets, octets: file.octets, flows, duration: last - first })
    }
}
