//! Writes a workload of the benchmarks: `cargo run --release --example workload -- NAME OUT.pcap [--packets N]`.
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

use workloads::Workload;

/// One write for each megabyte.
const BUFFER: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (name, path, packets) = match *args.as_slice() {
        [name, path] => (name, path, None),
        [name, path, "--packets", packets] => (name, path, Some(packets.parse()?)),
        _ => return Err(usage().into()),
    };
    let workload = Workload::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(usage)?;
    let mut out = BufWriter::with_capacity(BUFFER, File::create(path)?);
    let tally = workload.write(packets.unwrap_or_else(|| workload.packets()), &mut out)?;
    out.flush()?;
    for (ending, text) in workload.sites() {
        fs::write(Path::new(path).with_extension(ending), text)?;
    }
    println!(
        "{name}: {} packets, {} octets, {} flows, {} µs",
        tally.packets, tally.octets, tally.flows, tally.duration
    );
    Ok(())
}

fn usage() -> String {
    let names = Workload::ALL.map(Workload::name).join(", ");
    format!("workload NAME OUT.pcap [--packets N]; NAME is one of {names}")
}
