//! `new_flows`: every packet opens a flow, and for each the rules are asked; 800,000 packets of 64 octets,
//! 0.8 s.
//!
//! 65,536 clients send to 4,096 recorders on 10,000 ports, in 200,000 conversations of four flows each, a
//! fifth of a second apart: no more than the tables of an audit hold, so that it is complete. The site files
//! cut these ports into as many rules as they have: one file is judged by 10 rules of 1,000 ports each, or by
//! 10,000 rules of one port, and in both the hits are spread over all of them. Nothing is a violation.

use std::io;

use super::chance::mix;
use super::savefile::Savefile;
use super::small_flows::HOSTS_AND_PACKS;
use super::small_flows::address;
use super::small_flows::rule;
use super::vms::START;
use super::wire;
use super::wire::End;

/// The packets of the whole workload.
pub(super) const PACKETS: u64 = 800_000;
/// Flows of each conversation.
const FLOWS: u64 = 4;
const CLIENTS: u64 = 1 << 16;
const RECORDERS: u64 = 1 << 12;
/// The ports of the recorders, a range in which tshark knows no protocol.
const FIRST: u64 = 55_000;
const PORTS: u64 = 10_000;

/// Writes `packets` packets; gives the number of flows, which is the same.
pub(super) fn write(packets: u64, file: &mut Savefile<'_>) -> io::Result<u64> {
    let mut frame = Vec::new();
    let conversations = packets.min(PACKETS).div_ceil(FLOWS);
    for number in 0..packets {
        let conversation = number % conversations;
        let choice = mix(conversation + 1);
        // No two packets have the same client and port of it.
        let near = (1_024 + number / conversations * 1_000 + conversation / CLIENTS) as u16;
        let far = (FIRST + choice % PORTS) as u16;
        let client = End::new(0x0a00_0000 | address(conversation % CLIENTS), near);
        let recorder = End::new(0xac10_0000 | address((choice >> 32) % RECORDERS), far);
        wire::udp(&mut frame, client, recorder, 1, |out| {
            out.extend([0xc5, 0x9d]);
            out.extend(choice.to_le_bytes());
            out.extend(mix(number).to_le_bytes());
            out.extend([0xc5; 4]);
        });
        file.write(START + number, &frame)?;
    }
    Ok(packets)
}

/// The site file with so many rules.
pub(super) fn site(rules: u64) -> String {
    let width = PORTS / rules;
    let mut text = HOSTS_AND_PACKS.to_owned();
    for number in 0..rules {
        let first = FIRST + number * width;
        let ports = if width == 1 { first.to_string() } else { format!("{first}-{}", first + width - 1) };
        text += &rule(&format!("datagrams-{number}"), &ports);
    }
    text
}
