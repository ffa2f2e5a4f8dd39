//! An address pair, whatever it says and wherever it is captured, meets in one lane.

use crate::frames::Sender;
use crate::frames::Shape;
use crate::frames::frame;
use crate::frames::number;
use crate::network::CABLE;
use crate::network::Heard;
use crate::network::SECOND_CABLE;
use crate::network::facts;
use crate::network::in_network;
use crate::network::lanes;
use crate::network::settings;
use camsentry::capture::tap::Lane;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::scope;
use std::time::Duration;

/// What an octet string of an address comes to, word by word.
fn words(address: IpAddr) -> u32 {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.chunks(4).fold(0, |sum, word| sum ^ u32::from_be_bytes(word.try_into().unwrap()))
}

/// The lane that a pair belongs to, as the documentation says it.
fn model(one: IpAddr, other: IpAddr, lanes: u32) -> usize {
    let hash = (words(one) ^ words(other)).wrapping_mul(0x9E37_79B1) >> 16;
    usize::try_from(hash % lanes).unwrap()
}

/// Pairs of addresses as an installation has them (700 cameras, a few servers) and as nobody has them.
fn pairs() -> Vec<(IpAddr, IpAddr)> {
    let camera = |n: u16| Ipv4Addr::from(0x0A14_0000 + 10 + u32::from(n));
    let server = |n: u16| Ipv4Addr::new(10, 10, 0, 5 + u8::try_from(n % 4).unwrap());
    let mut pairs: Vec<(IpAddr, IpAddr)> = (0..700).map(|n| (camera(n).into(), server(n).into())).collect();
    let wide = |n: u16, seed: u16| {
        let mut word = u64::from(n) << 16 | u64::from(seed);
        let mut segment = || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (word >> 40) as u16
        };
        Ipv6Addr::new(0xFD00, segment(), segment(), segment(), segment(), segment(), segment(), segment())
    };
    pairs.extend((0..500).map(|n| (IpAddr::from(wide(n, 1)), IpAddr::from(wide(n, 2)))));
    pairs
}

/// Stops all lanes; what each gave.
fn stopped(lanes: &mut [Lane], heard: &mut [Heard]) {
    for (lane, heard) in lanes.iter_mut().zip(heard) {
        heard.stop(lane);
        for facts in lane.interfaces() {
            assert_eq!((facts.counts.unread(), facts.counts.kernel_lost), (0, 0), "{facts:?}");
        }
    }
}

const SHAPES: [Shape; 5] =
    [Shape::Tcp, Shape::Udp(554), Shape::Udp(40_001), Shape::FirstFragment, Shape::LaterFragment];
/// No tag, one of each kind, two of a provider, three.
const TAGGED: [&[u16]; 5] = [&[], &[0x8100], &[0x88A8], &[0x88A8, 0x8100], &[0x8100, 0x8100, 0x8100]];

#[test]
fn all_frames_of_a_pair_meet_in_one_lane_on_every_interface() {
    let setup = format!("{CABLE} && {SECOND_CABLE}");
    in_network("fan_out::all_frames_of_a_pair_meet_in_one_lane_on_every_interface", &setup, || {
        for lane_count in [2, 3, 4] {
            pairs_meet(lane_count);
        }
    });
}

fn pairs_meet(lane_count: u32) {
    let mut lanes = lanes(&settings(&["ear", "ear2"], lane_count as usize));
    let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
    let (mut there, mut back) = (Sender::new("mouth"), Sender::new("mouth2"));
    let pairs = pairs();
    let mut sent = Vec::new();
    for (pair, (one, other)) in pairs.iter().enumerate() {
        for (shape, tags) in SHAPES.into_iter().flat_map(|shape| TAGGED.map(|tags| (shape, tags))) {
            there.send(&frame(*one, *other, shape, tags, sent.len() as u64));
            sent.push(pair);
            back.send(&frame(*other, *one, shape, tags, sent.len() as u64));
            sent.push(pair);
        }
        if pair % 100 == 0 {
            lanes.iter_mut().zip(&mut heard).for_each(|(lane, heard)| {
                heard.fill(lane);
            });
        }
    }
    stopped(&mut lanes, &mut heard);
    let mut seen = vec![0; sent.len()];
    let mut homes: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    let mut shares = Vec::new();
    for (lane, heard) in heard.iter().enumerate() {
        shares.push(heard.frames.len());
        for (frame, octets) in &heard.frames {
            let number = number(octets) as usize;
            seen[number] += 1;
            homes.entry(sent[number]).or_default().insert(lane);
            assert!(numbers.insert(frame.number), "two frames have number {}", frame.number);
            assert_eq!(usize::from(frame.interface), number % 2);
        }
    }
    assert!(seen.iter().all(|count| *count == 1), "each frame comes once");
    for (pair, (one, other)) in pairs.iter().enumerate() {
        assert_eq!(homes[&pair], BTreeSet::from([model(*one, *other, lane_count)]), "{one} {other}");
    }
    let fair = sent.len() / lane_count as usize;
    assert!(shares.iter().all(|share| (fair * 3 / 4..=fair * 5 / 4).contains(share)), "{shares:?}");
    println!(
        "  {lane_count} lanes: {} pairs, {} frames, 0 split, 0 lost, 0 doubled, {shares:?}",
        pairs.len(),
        sent.len()
    );
}

#[test]
fn what_this_host_sends_meets_in_the_same_lanes() {
    in_network("fan_out::what_this_host_sends_meets_in_the_same_lanes", CABLE, || {
        // The sender's own end of the cable is listened to.
        let mut lanes = lanes(&settings(&["mouth"], 3));
        let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
        let (mut out, mut inward) = (Sender::new("mouth"), Sender::new("ear"));
        let pairs = pairs();
        for (pair, (one, other)) in pairs.iter().enumerate() {
            for (shape, tags) in SHAPES.into_iter().flat_map(|shape| TAGGED.map(|tags| (shape, tags))) {
                out.send(&frame(*one, *other, shape, tags, pair as u64));
                inward.send(&frame(*other, *one, shape, tags, pair as u64));
            }
            // Ten milliseconds take a block of the ring, however few the frames.
            if pair % 100 == 0 {
                lanes.iter_mut().zip(&mut heard).for_each(|(lane, heard)| {
                    heard.fill(lane);
                });
            }
        }
        stopped(&mut lanes, &mut heard);
        assert_eq!(heard.iter().map(|heard| heard.frames.len()).sum::<usize>(), pairs.len() * 50);
        for (lane, heard) in heard.iter().enumerate() {
            for (_, octets) in &heard.frames {
                let (one, other) = pairs[number(octets) as usize];
                assert_eq!(lane, model(one, other, 3), "{one} {other}");
            }
        }
    });
}

#[test]
fn what_is_no_ip_goes_to_the_first_lane() {
    in_network("fan_out::what_is_no_ip_goes_to_the_first_lane", CABLE, || {
        let mut lanes = lanes(&settings(&["ear"], 3));
        let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
        let mut sender = Sender::new("mouth");
        // LLDP, MPLS, PPPoE, a length instead of a type, a VLAN tag with something unknown behind it, IPv4 that is cut off.
        for kind in [0x88CC_u16, 0x8847, 0x8864, 0x0026, 0x8100, 0x0800] {
            let mut frame = vec![1; 60];
            frame[12..14].copy_from_slice(&kind.to_be_bytes());
            if kind == 0x0800 {
                frame.truncate(16);
            }
            sender.send(&frame);
        }
        stopped(&mut lanes, &mut heard);
        let shares: Vec<usize> = heard.iter().map(|heard| heard.frames.len()).collect();
        assert_eq!(shares, [6, 0, 0]);
    });
}

#[test]
fn no_frame_comes_twice_when_lanes_are_opened_under_load() {
    in_network("fan_out::no_frame_comes_twice_when_lanes_are_opened_under_load", CABLE, || {
        let (is_over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        scope(|scope| {
            scope.spawn(|| {
                let pairs = pairs();
                let mut sender = Sender::new("mouth");
                while !is_over.load(Ordering::Relaxed) {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    let (one, other) = pairs[number as usize % pairs.len()];
                    sender.send(&frame(one, other, Shape::Tcp, &[], number));
                }
            });
            for _ in 0..20 {
                let mut lanes = lanes(&settings(&["ear"], 3));
                let mut heard: Vec<Heard> = lanes.iter().map(|_| Heard::default()).collect();
                let before = sent.load(Ordering::Relaxed);
                for _ in 0..3 {
                    lanes.iter_mut().zip(&mut heard).for_each(|(lane, heard)| {
                        heard.listen(lane, Duration::from_millis(5));
                    });
                }
                let after = sent.load(Ordering::Relaxed).saturating_sub(2);
                stopped(&mut lanes, &mut heard);
                let mut numbers: Vec<u64> = heard
                    .iter()
                    .flat_map(|heard| heard.frames.iter().map(|(_, octets)| number(octets)))
                    .collect();
                numbers.sort_unstable();
                let count = numbers.len();
                numbers.dedup();
                assert_eq!(numbers.len(), count, "a frame came twice");
                let between = numbers.iter().filter(|number| (before..after).contains(number)).count();
                assert_eq!(between as u64, after - before, "a frame is missing");
                assert_eq!(facts(&mut lanes[0]).counts.interface_lost, 0);
            }
            is_over.store(true, Ordering::Relaxed);
        });
    });
}
