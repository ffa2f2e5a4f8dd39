//! A violation that was quiet is closed for good: that its flow falls silent and is given up, long after its last packet,
//! opens nothing again. (Found on the stage: what a recogniser concluded at a flow's end had counted as a packet.)
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use camsentry::capture::CaptureFault;
use camsentry::capture::Frame;
use camsentry::capture::FrameBatch;
use camsentry::capture::FrameSource;
use camsentry::capture::LinkType;
use camsentry::capture::Supply;
use camsentry::cli::args::PolicyArgs;
use camsentry::cli::policy_files::PolicyFiles;
use camsentry::inventory::Inventory;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::judge::transition::Change;
use camsentry::pipeline::PipelineSettings;
use camsentry::pipeline::online::Online;
use camsentry::time::Span;
use camsentry::time::Timestamp;
use etherparse::PacketBuilder;

const QUIET: Span = Span::from_secs(20);
const SITE: &str = "name = \"one datagram\"\nmonitored = [\"10.0.0.0/8\"]\n[[zone]]\nname = \"all\"\n\
    networks = [\"10.0.0.0/8\"]\npacks = [\"xprotect\"]\n\
    [[host]]\naddress = \"10.10.0.31\"\nroles = [\"management-server\"]\n";

/// One datagram, captured at second 1,000.
struct Once(bool);

impl FrameSource for Once {
    fn fill(&mut self, batch: &mut FrameBatch) -> Supply {
        batch.clear();
        if std::mem::replace(&mut self.0, true) {
            return Supply::More;
        }
        let builder = PacketBuilder::ipv4([10, 30, 128, 1], [10, 10, 0, 31], 64).udp(40_000, 4_000);
        builder.write(&mut batch.octets, b"who is there?\n").unwrap();
        let length = u32::try_from(batch.octets.len()).unwrap();
        batch.frames.push(Frame {
            number: 1,
            time: Timestamp::from_parts(1_000, 0),
            link: LinkType::RAW,
            interface: 0,
            file: 0,
            wire_len: length,
            start: 0,
            captured: length,
        });
        Supply::More
    }

    fn faults(&self) -> &[CaptureFault] {
        &[]
    }

    fn consumed(&self) -> u64 {
        0
    }
}

#[test]
fn a_flow_that_ends_long_after_its_violation_was_closed_opens_nothing_again() {
    let site = std::env::temp_dir().join(format!("camsentry-quiet-{}.toml", std::process::id()));
    std::fs::write(&site, SITE).unwrap();
    let policy =
        PolicyFiles::read(&PolicyArgs { site: Some(site.clone()), rules: None }).unwrap().policy(false);
    std::fs::remove_file(site).unwrap();
    let inventory = Inventory::new(policy.site().cloned()).without_inference();
    let settings = JudgeSettings { quiet: Some(QUIET), ..JudgeSettings::default() };
    let mut judge = Judge::new(Arc::new(policy), inventory, settings);
    let mut online = Online::new(&PipelineSettings::default());
    let (mut source, mut told, mut ended) = (Once(false), Vec::new(), None);
    // A silent flow of UDP is given up after 180 s.
    for second in 1_000..1_300 {
        let now = Timestamp::from_parts(second, 0);
        let mut events = Vec::new();
        online.read(&mut source, &mut events);
        online.advance(now, &mut events);
        if online.tally().workers.flows.live == 0 {
            ended.get_or_insert(second);
        }
        judge.take(events);
        told.extend(judge.advance(now).transitions.into_iter().map(|told| (second, told.change)));
    }
    assert!(ended.is_some_and(|second| (1_180..1_185).contains(&second)), "{ended:?}");
    let changes: Vec<Change> = told.iter().map(|(_, change)| *change).collect();
    assert_eq!(changes, [Change::Opened, Change::Closed], "{told:?}");
    let seconds: Vec<i64> = told.iter().map(|(second, _)| *second).collect();
    assert!((1_000..1_010).contains(&seconds[0]) && (1_020..1_035).contains(&seconds[1]), "{told:?}");
    assert_eq!(judge.standing().count(), 0);
}
