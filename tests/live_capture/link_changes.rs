//! Interfaces that go down and up, vanish, come back and change their names.

use crate::frames::Sender;
use crate::frames::Shape;
use crate::frames::frame;
use crate::frames::number;
use crate::network::CABLE;
use crate::network::Heard;
use crate::network::facts;
use crate::network::in_network;
use crate::network::lane;
use crate::network::lanes;
use crate::network::settings;
use crate::network::shell;
use camsentry::capture::tap::Lane;
use camsentry::capture::tap::LinkState;
use camsentry::capture::tap::News;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::read_dir;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;
use std::time::Instant;

/// The least that a change has to be noticed within.
const NOTICED: Duration = Duration::from_secs(2);

/// Runs lanes until the first interface is in `state` and, if that is `Up`, listened to; how long that took.
fn until(lanes: &mut [Lane], heard: &mut [Heard], state: LinkState, reopened: u64) -> Duration {
    let start = Instant::now();
    loop {
        lanes.iter_mut().zip(heard.iter_mut()).for_each(|(lane, heard)| {
            heard.listen(lane, Duration::from_millis(5));
        });
        let facts = facts(&mut lanes[0]);
        if facts.state == state && facts.reopened >= reopened {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{facts:?} instead of {state:?}, {reopened}");
    }
}

/// A frame between a server and one of 200 cameras.
fn some_frame(number: u64) -> Vec<u8> {
    let camera = Ipv4Addr::new(10, 20, 0, (number % 200) as u8);
    frame(IpAddr::V4(camera), "10.10.0.5".parse().unwrap(), Shape::Tcp, &[], number)
}

/// How often a lane wakes within a tenth of a second.
fn fills(lane: &mut Lane) -> u32 {
    let (end, mut count) = (Instant::now() + Duration::from_millis(100), 0);
    while Instant::now() < end {
        Heard::default().fill(lane);
        count += 1;
    }
    count
}

fn descriptors() -> usize {
    read_dir("/proc/self/fd").unwrap().count()
}

/// Speaks and listens: all of these frames come, each camera's in one lane.
fn all_is_heard(lanes: &mut [Lane], heard: &mut [Heard], numbers: std::ops::Range<u64>) {
    let mut sender = Sender::new("mouth");
    heard.iter_mut().for_each(|heard| heard.frames.clear());
    numbers.clone().for_each(|number| sender.send(&some_frame(number)));
    let end = Instant::now() + Duration::from_secs(2);
    let mut came: Vec<u64> = Vec::new();
    while Instant::now() < end && came.len() < numbers.clone().count() {
        lanes.iter_mut().zip(heard.iter_mut()).for_each(|(lane, heard)| {
            heard.listen(lane, Duration::from_millis(5));
        });
        came = heard.iter().flat_map(|heard| heard.frames.iter().map(|(_, octets)| number(octets))).collect();
    }
    came.sort_unstable();
    assert!(came.iter().copied().eq(numbers), "{} came", came.len());
    let mut homes: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    for (lane, heard) in heard.iter().enumerate() {
        for (_, octets) in &heard.frames {
            homes.entry(number(octets) % 200).or_default().insert(lane);
        }
    }
    assert!(homes.values().all(|lanes| lanes.len() == 1), "a pair is in two lanes");
}

fn news(lanes: &mut [Lane]) -> Vec<News> {
    lanes.iter_mut().flat_map(Lane::notices).map(|notice| notice.news).collect()
}

#[test]
fn an_interface_that_goes_down_and_up_twenty_times_is_heard_each_time() {
    in_network(
        "link_changes::an_interface_that_goes_down_and_up_twenty_times_is_heard_each_time",
        CABLE,
        || {
            let mut lanes = lanes(&settings(&["ear"], 3));
            let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
            let (mut longest, open) = (Duration::ZERO, descriptors());
            for round in 0..20_u64 {
                // Switched off itself, and robbed of its carrier.
                let end = if round % 2 == 0 { "ear" } else { "mouth" };
                shell(&format!("ip link set {end} down"));
                longest = longest.max(until(&mut lanes, &mut heard, LinkState::Down, 0));
                assert_eq!(news(&mut lanes), [News::Down]);
                assert!(fills(&mut lanes[0]) < 20, "waiting sleeps while it is down");
                shell(&format!("ip link set {end} up"));
                longest = longest.max(until(&mut lanes, &mut heard, LinkState::Up, 0));
                assert_eq!(news(&mut lanes), [News::Up]);
                all_is_heard(&mut lanes, &mut heard, round * 1_000..(round + 1) * 1_000);
            }
            assert!(longest < NOTICED, "{longest:?}");
            assert_eq!((descriptors(), facts(&mut lanes[0]).reopened), (open, 0));
            println!("  down and up 20 times: noticed within {longest:?}, all 20 000 frames heard");
        },
    );
}

#[test]
fn an_interface_that_is_deleted_and_made_again_is_opened_again() {
    in_network("link_changes::an_interface_that_is_deleted_and_made_again_is_opened_again", CABLE, || {
        let mut lanes = lanes(&settings(&["ear"], 3));
        let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
        let (mut longest, mut back, open) = (Duration::ZERO, Duration::ZERO, descriptors());
        let mut all = 0;
        for round in 0..5_u64 {
            // With frames in the ring: the last ones are read all the same.
            let mut sender = Sender::new("mouth");
            heard.iter_mut().for_each(|heard| heard.frames.clear());
            (0..500).for_each(|number| sender.send(&some_frame(number)));
            drop(sender);
            shell("ip link del ear");
            longest = longest.max(until(&mut lanes, &mut heard, LinkState::Missing, 0));
            std::thread::sleep(Duration::from_millis(50));
            until(&mut lanes, &mut heard, LinkState::Missing, 0);
            let came = heard.iter().map(|heard| heard.frames.len() as u64).sum::<u64>();
            let unread = lanes.iter_mut().map(|lane| facts(lane).unread).sum::<u64>();
            assert_eq!((came, unread), (500, 0));
            assert_eq!(news(&mut lanes), [News::Vanished]);
            shell(CABLE);
            back = back.max(until(&mut lanes, &mut heard, LinkState::Up, round + 1));
            assert_eq!(news(&mut lanes), [News::Reopened]);
            all_is_heard(&mut lanes, &mut heard, 0..1_000);
            all += 1_500;
        }
        assert!(longest < NOTICED && back < NOTICED, "{longest:?} {back:?}");
        assert_eq!(descriptors(), open);
        let counts = lanes.iter_mut().map(|lane| facts(lane).counts);
        let (received, unread) = counts.fold((0, 0), |sum, counts| {
            (sum.0 + counts.received, sum.1 + counts.unread() + counts.kernel_lost)
        });
        assert_eq!((received, unread), (all, 0));
        println!("  deleted 5 times: noticed within {longest:?}, listened to again within {back:?}");
    });
}

#[test]
fn an_interface_that_is_renamed_is_listened_to_under_any_name() {
    in_network("link_changes::an_interface_that_is_renamed_is_listened_to_under_any_name", CABLE, || {
        let mut lanes = lanes(&settings(&["ear"], 2));
        let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
        let open = descriptors();
        let mut name = "ear".to_owned();
        for round in 0..5_u64 {
            let other = if round == 4 { "ear".to_owned() } else { format!("horn{round}") };
            shell(&format!(
                "ip link set {name} down && ip link set {name} name {other} && ip link set {other} up"
            ));
            heard[0].listen(&mut lanes[0], Duration::from_millis(600));
            heard[1].listen(&mut lanes[1], Duration::from_millis(600));
            until(&mut lanes, &mut heard, LinkState::Up, 0);
            let told = news(&mut lanes);
            assert_eq!(told.contains(&News::Renamed(other.clone())), round < 4, "{told:?}");
            all_is_heard(&mut lanes, &mut heard, round * 1_000..(round + 1) * 1_000);
            name = other;
        }
        assert_eq!(descriptors(), open);
    });
}

#[test]
fn another_interface_that_takes_the_name_is_the_one_that_is_meant() {
    in_network("link_changes::another_interface_that_takes_the_name_is_the_one_that_is_meant", CABLE, || {
        let mut lanes = vec![lane(&["ear"])];
        let mut heard = vec![Heard::default()];
        shell(
            "ip link set ear down && ip link set ear name old && ip link set old up \
            && ip link set mouth name oldmouth 2>&1 || { ip link set mouth down && ip link set mouth name oldmouth; }",
        );
        shell("ip link add ear type veth peer name mouth && ip link set ear up && ip link set mouth up");
        until(&mut lanes, &mut heard, LinkState::Up, 1);
        all_is_heard(&mut lanes, &mut heard, 0..1_000);
    });
}

#[test]
fn a_carrier_that_is_missing_at_the_start_is_said_and_waited_for() {
    in_network("link_changes::a_carrier_that_is_missing_at_the_start_is_said_and_waited_for", CABLE, || {
        shell("ip link set mouth down");
        let mut lanes = lanes(&settings(&["ear"], 2));
        let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
        assert_eq!(news(&mut lanes), [News::Down]);
        assert_eq!(facts(&mut lanes[0]).state, LinkState::Down);
        shell("ip link set mouth up");
        until(&mut lanes, &mut heard, LinkState::Up, 0);
        all_is_heard(&mut lanes, &mut heard, 0..1_000);
    });
}

#[test]
fn an_interface_that_is_deleted_under_load_accounts_for_every_frame() {
    in_network(
        "link_changes::an_interface_that_is_deleted_under_load_accounts_for_every_frame",
        CABLE,
        || {
            for _ in 0..5 {
                let mut lanes = lanes(&settings(&["ear"], 2));
                let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
                let sender = std::thread::spawn(|| {
                    let mut sender = pcap::Capture::from_device("mouth").unwrap().open().unwrap();
                    let mut sent = 0;
                    while sender.sendpacket(some_frame(sent)).is_ok() {
                        sent += 1;
                    }
                });
                lanes.iter_mut().zip(&mut heard).for_each(|(lane, heard)| {
                    heard.listen(lane, Duration::from_millis(20));
                });
                shell("ip link del ear");
                sender.join().unwrap();
                until(&mut lanes, &mut heard, LinkState::Missing, 0);
                for (lane, heard) in lanes.iter_mut().zip(&mut heard) {
                    heard.listen(lane, Duration::from_millis(400));
                    let facts = facts(lane);
                    assert_eq!(facts.counts.processed, heard.frames.len() as u64);
                    assert_eq!(facts.counts.received, facts.counts.processed + facts.counts.kernel_lost);
                    assert_eq!(facts.unread, 0);
                }
                // What came is a beginning of what was sent: the last frames were read, too.
                let mut came: Vec<u64> = heard
                    .iter()
                    .flat_map(|heard| heard.frames.iter().map(|(_, octets)| number(octets)))
                    .collect();
                came.sort_unstable();
                assert!(came.iter().copied().eq(0..came.len() as u64) && came.len() > 100, "{}", came.len());
                drop(lanes);
                shell(CABLE);
            }
        },
    );
}
