//! Writes a workload of the benchmarks:
//! `cargo run --release --example workload -- NAME OUT.pcap [--packets N] [--flows N] [--cameras N]`.
//! The names, and what each is: `benches/workloads/mod.rs` and `docs/measuring.md`.
#![expect(clippy::print_stdout, reason = "a program for developers")]

use std::env;
use std::error::Error;
use std::fs;
use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

#[path = "../benches/workloads/mod.rs"]
mod workloads;

use workloads::Size;
use workloads::Workload;

/// One write for each megabyte.
const BUFFER: usize = 1 << 20;
/// Each has media ports of its own.
const MOST_CAMERAS: u64 = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [name, path, ref wishes @ ..] = *args.as_slice() else { return Err(usage().into()) };
    let workload = Workload::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(usage)?;
    let size = size(workload, wishes)?;
    let mut out = BufWriter::with_capacity(BUFFER, File::create(path)?);
    let tally = workload.write(size, &mut out)?;
    out.flush()?;
    for (ending, text) in workload.sites(size) {
        fs::write(Path::new(path).with_extension(ending), text)?;
    }
    println!(
        "{name}: {} packets, {} octets, {} flows, {} µs",
        tally.packets, tally.octets, tally.flows, tally.duration
    );
    Ok(())
}

/// What is wanted, in pairs of option and number.
fn size(workload: Workload, wishes: &[&str]) -> Result<Size, Box<dyn Error>> {
    let mut size = Size::of(workload.packets());
    for wish in wishes.chunks(2) {
        let [option, number] = *wish else { return Err(usage().into()) };
        let number = number.parse()?;
        match option {
            "--packets" => size.packets = number,
            "--flows" => size.flows = Some(number),
            "--cameras" if (1..=MOST_CAMERAS).contains(&number) => size.cameras = number,
            _ => return Err(usage().into()),
        }
    }
    Ok(size)
}

fn usage() -> String {
    let names = Workload::ALL.map(Workload::name).join(", ");
    format!(
        "workload NAME OUT.pcap [--packets N] [--flows N] [--cameras N]; NAME is one of {names}; \
         --flows is for small_flows, --cameras (at most {MOST_CAMERAS}) for vms_mix"
    )
}
