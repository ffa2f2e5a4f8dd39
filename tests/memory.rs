//! What a flow, a conversation, an endpoint and a violation cost in memory, and what a million concurrent flows
//! between a million endpoints take.
//!
//! Measured, not computed: the highest sum of everything that is allocated during runs that differ in one thing.
//! A quarter of a million is enough, since tables double in size: four times as many double twice more.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers, and figures for people to read"
)]

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use allocation_counter::measure;
use camsentry::capture::captures::Captures;
use camsentry::inventory::Inventory;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::pipeline::Control;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::run;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

/// Flows of the greater run: slabs grow in blocks, and indexes double.
const FLOWS: u32 = 262_144;
/// Flows of the smaller run, which has what a run takes whatever its flows are, and a first block for them.
const FEW: u32 = 32;
/// That block: 131,072 flows.
const FIRST_BLOCK: u64 = 131_072 * 192;
/// Most octets of the flow tables of a million flows.
const MOST_OF_FLOWS: f64 = 250_000_000.0;
/// Most octets of all tables: what the judge knows of flows, conversations and endpoints with them. The aim is
/// 384 MB (docs/performance.md).
const MOST: f64 = 345_000_000.0;
const MILLION: f64 = 1_000_000.0;
/// Most octets that a violation may take, with all its texts.
const VIOLATION: f64 = 1024.0;

/// Which flows there are.
#[derive(Clone, Copy)]
struct Shape {
    /// Hosts on each side.
    hosts: u32,
    /// Each flow of a pair of hosts goes to a port of its own: it is a conversation.
    apart: bool,
}

/// Few conversations between few hosts.
const FLOWS_ONLY: Shape = Shape { hosts: 32, apart: false };
/// Each flow a conversation, between few hosts.
const CONVERSATIONS: Shape = Shape { hosts: 32, apart: true };
/// Each flow a conversation, and as many endpoints as flows.
const ENDPOINTS: Shape = Shape { hosts: FLOWS / 2, apart: true };

impl Shape {
    /// Both ends of a flow: host and port.
    fn flow(self, number: u32) -> [(u32, u32); 2] {
        let hosts = self.hosts;
        // Where there are many hosts each has two flows, with different ones on the other side.
        let (near, turn) = (number % hosts, number / hosts);
        let far = (near + turn) % hosts;
        let of_pair = turn / hosts;
        let service = if self.apart { of_pair } else { 0 };
        [(0x0a00_0000 | near, 40_000 + of_pair), (0xac10_0000 | far, 20_000 + service)]
    }

    /// A capture in which each flow has one datagram.
    fn capture(self, flows: u32) -> Vec<u8> {
        let mut file = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, RAW].map(u32::to_le_bytes).concat();
        for number in 0..flows {
            let [(from, near), (to, far)] = self.flow(number);
            let packet = datagram(from, near, to, far, number);
            let length = u32::try_from(packet.len()).unwrap();
            file.extend([1_793_606_400, number, length, length].map(u32::to_le_bytes).as_flattened());
            file.extend(packet);
        }
        file
    }
}

/// The link type of IPv4 without a header around it.
const RAW: u32 = 228;

/// An IPv4 packet with a UDP datagram without a checksum, which no protocol begins like.
fn datagram(from: u32, near: u32, to: u32, far: u32, number: u32) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(from.to_be_bytes());
    packet.extend(to.to_be_bytes());
    for word in [near, far, 16, 0] {
        packet.extend(u16::try_from(word).unwrap().to_be_bytes());
    }
    packet.extend([0xc5, 0x9d, 0xc5, 0x9d]);
    packet.extend(number.to_be_bytes());
    let words = packet.as_chunks::<2>().0.iter().take(10);
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet.splice(10..12, sum.to_be_bytes());
    packet
}

fn site(allowed: bool) -> String {
    let mut text = "monitored = [\"10.0.0.0/8\", \"172.16.0.0/12\"]\n\
        [[zone]]\nname = \"x\"\nnetworks = [\"10.0.0.0/8\", \"172.16.0.0/12\"]\npacks = [\"xprotect\"]\n\
        [[network]]\nprefix = \"10.0.0.0/8\"\nroles = [\"smart-client\"]\n\
        [[network]]\nprefix = \"172.16.0.0/12\"\nroles = [\"recording-server\"]\n"
        .to_owned();
    if allowed {
        text += "[[allow]]\nid = \"datagrams\"\nfrom = [\"smart-client\"]\nto = [\"recording-server\"]\ntransport = \"udp\"\n\
            ports = \"20000-40000\"\nservices = \"port-only\"\ntls = \"none\"\nstatus = [\"optional\"]\npurpose = \"A test.\"\n";
    }
    text
}

/// The most that the flow tables of a run take at a time, with all that is read and decoded.
fn octets_of_tables(shape: Shape, flows: u32) -> u64 {
    let mut source = Captures::from_reader("memory", Cursor::new(shape.capture(flows)));
    let (settings, stop) = (PipelineSettings::default(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let info = measure(|| {
        let tally = run(&mut source, &settings, NonZeroUsize::MIN, &mut control, &mut drop);
        assert_eq!((tally.workers.flows.opened, tally.workers.flows.evicted), (u64::from(flows), 0));
    });
    info.bytes_max
}

fn policy(allowed: bool) -> Arc<Policy> {
    let packs = packs::shipped();
    let source = SourceText { name: "site.toml".to_owned(), text: site(allowed) };
    let site = read_site(&source, &Known::of(&packs)).site;
    assert!(site.is_some());
    Arc::new(Policy::new(packs, site, false, 0))
}

/// The same with the judge, as long as flows go on: until all are closed, but without the audit that is made of
/// them.
fn octets_of_judging(shape: Shape, flows: u32) -> u64 {
    let policy = policy(true);
    let mut source = Captures::from_reader("memory", Cursor::new(shape.capture(flows)));
    let (settings, stop) = (PipelineSettings::default(), AtomicBool::new(false));
    let mut control = Control { stop: &stop, progress: &mut |_| {} };
    let info = measure(|| {
        let inventory = Inventory::new(policy.site().cloned());
        let mut judge = Judge::new(Arc::clone(&policy), inventory, JudgeSettings::default());
        run(&mut source, &settings, NonZeroUsize::MIN, &mut control, &mut |events| judge.take(events));
    });
    info.bytes_max
}

/// The same of an audit, to its end.
fn octets_of_audit(shape: Shape, flows: u32, allowed: bool) -> u64 {
    let policy = policy(allowed);
    let auditor = Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: false, draft: false };
    let mut source = Captures::from_reader("memory", Cursor::new(shape.capture(flows)));
    let info = measure(|| {
        let audit = auditor.run(&mut source, &AtomicBool::new(false), &mut |_| {}).audit;
        let violations = if allowed { 0 } else { audit.totals.conversations };
        assert_eq!((audit.violations.len() as u64, audit.complete), (violations, true));
        assert_eq!(audit.hosts.len() as u64, u64::from(shape.hosts.min(flows)) * 2);
    });
    info.bytes_max
}

/// Octets for each flow, at the highest point of a run: while all flows go on, or while they close, when blocks of
/// flows give their memory back and conversations take more.
fn each(octets: impl Fn(u32) -> u64) -> f64 {
    (octets(FLOWS) + FIRST_BLOCK - octets(FEW)) as f64 / f64::from(FLOWS)
}

#[test]
fn a_million_flows_between_a_million_endpoints_fit() {
    let table = each(|flows| octets_of_tables(ENDPOINTS, flows));
    let flow = each(|flows| octets_of_judging(FLOWS_ONLY, flows));
    let conversation = each(|flows| octets_of_judging(CONVERSATIONS, flows)) - flow;
    let all = each(|flows| octets_of_judging(ENDPOINTS, flows));
    // Beyond its cap the judge keeps no more conversations.
    let kept = (JudgeSettings::default().conversations as f64).min(MILLION);
    let million = all * MILLION - conversation.max(0.0) * (MILLION - kept);
    println!("a flow in its table:                  {table:7.1} octets");
    println!("the same with what the judge knows:   {flow:7.1} octets");
    println!("a conversation, beside its flows:     {conversation:7.1} octets");
    println!("an endpoint, beside its conversation: {:7.1} octets", all - flow - conversation);
    println!(
        "a million flows between a million endpoints: {:.0} MB in the flow table",
        table * MILLION / 1e6
    );
    println!("the same with what the judge knows, each flow a conversation: {:.0} MB", million / 1e6);
    assert!(table * MILLION <= MOST_OF_FLOWS, "{table} octets for each flow");
    assert!(million <= MOST, "{million} octets");
}

#[test]
fn what_a_violation_takes_in_the_audit_is_bounded() {
    let allowed = each(|flows| octets_of_audit(ENDPOINTS, flows, true));
    let violating = each(|flows| octets_of_audit(ENDPOINTS, flows, false));
    println!("a conversation's line in the audit, and two ends: {allowed:7.1} octets with its flow");
    println!("a violation, beside its conversation:             {:7.1} octets", violating - allowed);
    assert!(violating - allowed <= VIOLATION, "{} octets", violating - allowed);
}
