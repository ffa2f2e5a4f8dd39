//! Opening, and an end at which every frame is accounted for.

use crate::network::CABLE;
use crate::network::Heard;
use crate::network::counter;
use crate::network::facts;
use crate::network::in_network;
use crate::network::lane;
use crate::network::lanes;
use crate::network::settings;
use camsentry::capture::LinkType;
use camsentry::capture::tap::LinkState;
use camsentry::capture::tap::open;
use std::net::UdpSocket;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::scope;
use std::thread::sleep;
use std::time::Duration;

/// Sends numbered datagrams from `mouth` until it is told to end; how many they were.
fn talk(is_over: &AtomicBool) -> u64 {
    let socket = UdpSocket::bind("192.0.2.1:5000").unwrap();
    let mut text = [7; 855];
    let mut count = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        text[..8].copy_from_slice(&count.to_be_bytes());
        socket.send_to(&text, "192.0.2.2:7563").unwrap();
        count += 1;
    }
    count
}

#[test]
fn every_frame_is_given_or_counted_at_a_hundred_stops_under_load() {
    in_network(
        "start_and_stop::every_frame_is_given_or_counted_at_a_hundred_stops_under_load",
        CABLE,
        || {
            let is_over = AtomicBool::new(false);
            let (mut frames, mut longest) = (0_u64, Duration::ZERO);
            scope(|scope| {
                let sender = scope.spawn(|| talk(&is_over));
                for round in 0..100_u64 {
                    let mut lane = lane(&["ear"]);
                    let mut heard = Heard::default();
                    heard.listen(&mut lane, Duration::from_micros(round * 7_919 % 30_000));
                    longest = longest.max(heard.stop(&mut lane));
                    let counts = facts(&mut lane).counts;
                    assert_eq!(counts.unread(), 0, "{counts:?}");
                    assert_eq!(counts.processed + counts.kernel_lost, counts.received, "{counts:?}");
                    let numbers = heard.numbers();
                    assert_eq!(numbers.len() as u64, counts.processed);
                    if counts.kernel_lost == 0
                        && let Some(first) = numbers.first()
                    {
                        // Nothing is missing between the first and the last, nothing is there twice.
                        assert!(numbers.iter().copied().eq(*first..*first + numbers.len() as u64));
                    }
                    frames += counts.processed;
                }
                is_over.store(true, Ordering::Relaxed);
                sender.join().unwrap();
            });
            assert!(frames > 10_000, "{frames}");
            println!("  100 stops: {frames} frames, 0 unaccounted for, the longest stop took {longest:?}");
            assert_eq!(counter("ear", "tx", "packets"), 0, "nothing is ever sent");
        },
    );
}

#[test]
fn an_idle_interface_is_stopped_at_once() {
    in_network("start_and_stop::an_idle_interface_is_stopped_at_once", CABLE, || {
        let mut lane = lane(&["ear"]);
        let mut heard = Heard::default();
        heard.listen(&mut lane, Duration::from_millis(200));
        let took = heard.stop(&mut lane);
        assert!(took < Duration::from_millis(200), "{took:?}");
        assert_eq!(heard.frames.len(), 0);
        println!("  a stop of an idle interface took {took:?}");
    });
}

#[test]
fn only_what_the_filter_likes_is_captured_and_counted() {
    in_network("start_and_stop::only_what_the_filter_likes_is_captured_and_counted", CABLE, || {
        let is_over = AtomicBool::new(false);
        scope(|scope| {
            let sender = scope.spawn(|| talk(&is_over));
            let other = UdpSocket::bind("192.0.2.1:5001").unwrap();
            let mut settings = settings(&["ear"], 1);
            settings.filter = Some("udp dst port 7564".to_owned());
            settings.snaplen = 60;
            let mut lane = lanes(&settings).pop().unwrap();
            let mut heard = Heard::default();
            for _ in 0..100 {
                other.send_to(&[1; 500], "192.0.2.2:7564").unwrap();
                heard.fill(&mut lane);
            }
            heard.stop(&mut lane);
            is_over.store(true, Ordering::Relaxed);
            sender.join().unwrap();
            assert_eq!(heard.frames.len(), 100);
            assert!(heard.frames.iter().all(|(frame, _)| (frame.captured, frame.wire_len) == (60, 542)));
            assert_eq!(facts(&mut lane).counts.received, 100);
        });
    });
}

#[test]
fn what_finds_the_ring_full_is_counted() {
    in_network("start_and_stop::what_finds_the_ring_full_is_counted", CABLE, || {
        let mut settings = settings(&["ear"], 1);
        settings.ring_octets = 1 << 20;
        let mut lane = lanes(&settings).pop().unwrap();
        let is_over = AtomicBool::new(false);
        let sent = scope(|scope| {
            let sender = scope.spawn(|| talk(&is_over));
            sleep(Duration::from_millis(300));
            is_over.store(true, Ordering::Relaxed);
            sender.join().unwrap()
        });
        let mut heard = Heard::default();
        heard.stop(&mut lane);
        let counts = facts(&mut lane).counts;
        assert!(counts.kernel_lost > 0);
        assert_eq!((counts.received, counts.unread()), (sent, 0));
        assert_eq!(heard.numbers().len() as u64, sent - counts.kernel_lost);
    });
}

#[test]
fn the_loopback_interface_gives_each_frame_once() {
    let setup = "ip link set lo up";
    in_network("start_and_stop::the_loopback_interface_gives_each_frame_once", setup, || {
        for lane_count in [1, 2] {
            let mut lanes = lanes(&settings(&["lo"], lane_count));
            let socket = UdpSocket::bind("127.0.0.1:5000").unwrap();
            for count in 0..1_000_u64 {
                socket.send_to(&count.to_be_bytes(), "127.0.0.1:7563").unwrap();
            }
            let mut numbers = Vec::new();
            for lane in &mut lanes {
                let mut heard = Heard::default();
                heard.stop(lane);
                numbers.extend(heard.numbers());
                assert_eq!(facts(lane).counts.unread(), 0);
            }
            assert!(numbers.into_iter().eq(0..1_000));
        }
    });
}

#[test]
fn frames_have_a_link_type_a_time_and_numbers_from_one_on() {
    in_network("start_and_stop::frames_have_a_link_type_a_time_and_numbers_from_one_on", CABLE, || {
        let mut lane = lane(&["ear"]);
        let socket = UdpSocket::bind("192.0.2.1:5000").unwrap();
        (0..10_u64).for_each(|count| {
            socket.send_to(&count.to_be_bytes(), "192.0.2.2:7563").unwrap();
        });
        let mut heard = Heard::default();
        heard.stop(&mut lane);
        for ((frame, _), number) in heard.frames.iter().zip(1..) {
            assert_eq!((frame.number, frame.link, frame.interface), (number, LinkType::ETHERNET, 0));
            assert!(frame.time.nanos() > 1_600_000_000_000_000_000);
        }
        let facts = facts(&mut lane);
        assert_eq!((facts.name.as_str(), facts.state, facts.wire_octets), ("ear", LinkState::Up, 10 * 50));
        assert_eq!(facts.last_packet, heard.frames.last().map(|(frame, _)| frame.time));
    });
}

#[test]
fn everything_that_stands_against_opening_is_said_at_once() {
    in_network("start_and_stop::everything_that_stands_against_opening_is_said_at_once", CABLE, || {
        let says = |interfaces: &[&str], filter: Option<&str>| {
            let mut settings = settings(interfaces, 2);
            settings.filter = filter.map(str::to_owned);
            let faults = open(&settings).err().unwrap();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let faults = says(&["ear", "no-such-if0", "lo", "ear"], None);
        assert!(
            faults[0].starts_with("no-such-if0: ") && faults[0].contains("no such interface"),
            "{faults:?}"
        );
        assert!(faults[1].starts_with("lo: ") && faults[1].contains("ip link set lo up"), "{faults:?}");
        assert!(faults[2].starts_with("ear: ") && faults[2].contains("named twice"), "{faults:?}");
        assert_eq!(faults.len(), 3);
        let faults = says(&["ear"], Some("udp and and"));
        assert!(faults[0].contains("the filter `udp and and` is none"), "{faults:?}");
        assert_eq!(says(&[], None).len(), 1);
    });
}

#[test]
fn who_may_not_listen_is_told_what_it_takes() {
    let setup = format!("{CABLE} && WITH='setpriv --bounding-set=-net_raw'");
    in_network("start_and_stop::who_may_not_listen_is_told_what_it_takes", &setup, || {
        let faults = open(&settings(&["ear"], 1)).err().unwrap();
        let said = faults[0].to_string();
        assert!(said.starts_with("ear: ") && said.contains("CAP_NET_RAW"), "{said}");
        println!("  {said}");
    });
}
