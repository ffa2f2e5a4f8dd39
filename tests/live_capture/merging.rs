//! Several interfaces are one network: their frames come in the order of their capture.

use crate::frames::Sender;
use crate::frames::Shape;
use crate::frames::frame;
use crate::network::CABLE;
use crate::network::Heard;
use crate::network::SECOND_CABLE;
use crate::network::facts;
use crate::network::in_network;
use crate::network::lane;
use camsentry::capture::Supply;
use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

fn pair() -> (IpAddr, IpAddr) {
    ("10.20.0.17".parse().unwrap(), "10.10.0.5".parse().unwrap())
}

#[test]
fn frames_of_two_interfaces_come_in_the_order_of_their_capture() {
    let setup = format!("{CABLE} && {SECOND_CABLE}");
    in_network("merging::frames_of_two_interfaces_come_in_the_order_of_their_capture", &setup, || {
        let mut lane = lane(&["ear", "ear2"]);
        let (mut one, mut other) = (Sender::new("mouth"), Sender::new("mouth2"));
        let (from, to) = pair();
        let mut heard = Heard::default();
        for number in 0..40_000_u64 {
            // Stretches of one direction, of turns, and of quiet.
            let is_first = number % 1_000 < 300 || (number % 1_000 < 700 && number % 2 == 0);
            let sender = if is_first { &mut one } else { &mut other };
            sender.send(&frame(from, to, Shape::Tcp, &[], number));
            if number % 5_000 == 0 {
                heard.listen(&mut lane, Duration::from_millis(30));
            } else if number % 50 == 0 {
                heard.fill(&mut lane);
            }
        }
        heard.stop(&mut lane);
        let numbers: Vec<u64> =
            heard.frames.iter().map(|(_, octets)| crate::frames::number(octets)).collect();
        assert!(numbers.iter().copied().eq(0..40_000), "in order, all of them, once");
        assert!(heard.frames.is_sorted_by_key(|(frame, _)| (frame.time, frame.number)));
        assert!(heard.frames.iter().zip(1..).all(|((frame, _), number)| frame.number == number));
        let counts: Vec<u64> = lane.interfaces().iter().map(|facts| facts.counts.processed).collect();
        assert_eq!(counts, [20_000, 20_000]);
    });
}

/// How long a frame takes to come, of some the quickest, because other tests keep the machine busy; and how
/// often it was asked for.
fn delay(lane: &mut camsentry::capture::tap::Lane) -> (Duration, usize) {
    let mut sender = Sender::new("mouth");
    let (from, to) = pair();
    let (mut quickest, mut rounds) = (Duration::MAX, 0);
    for number in 0..20 {
        let sent = Instant::now();
        sender.send(&frame(from, to, Shape::Tcp, &[], number));
        let mut heard = Heard::default();
        while heard.frames.is_empty() {
            assert_eq!(heard.fill(lane), Supply::More);
            rounds += 1;
        }
        quickest = quickest.min(sent.elapsed());
    }
    (quickest, rounds)
}

#[test]
fn a_frame_is_held_back_only_for_another_interface_and_not_for_long() {
    let setup = format!("{CABLE} && {SECOND_CABLE}");
    in_network("merging::a_frame_is_held_back_only_for_another_interface_and_not_for_long", &setup, || {
        let (alone, _) = delay(&mut lane(&["ear"]));
        let (beside, rounds) = delay(&mut lane(&["ear", "ear2"]));
        println!("  a frame took {alone:?} alone, {beside:?} beside a quiet interface");
        // 10 ms until the kernel hands it over; 20 ms after its capture to be sure; and what a busy machine adds.
        assert!(alone < Duration::from_millis(18), "{alone:?}");
        assert!((Duration::from_millis(20)..Duration::from_millis(40)).contains(&beside), "{beside:?}");
        assert!(rounds < 20 * 10, "waiting sleeps: {rounds}");
    });
}

#[test]
fn an_interface_that_is_down_holds_nothing_up_for_long() {
    let setup = format!("{CABLE} && {SECOND_CABLE}");
    in_network("merging::an_interface_that_is_down_holds_nothing_up_for_long", &setup, || {
        let mut lane = lane(&["ear", "ear2"]);
        crate::network::shell("ip link set ear2 down");
        delay(&mut lane);
        crate::network::shell("ip link del ear2");
        delay(&mut lane);
        assert_eq!(facts(&mut lane).counts.processed, 40);
    });
}
