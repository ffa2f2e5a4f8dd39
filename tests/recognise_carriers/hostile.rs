//! Octets that nobody meant: every recogniser and follower must take them without a panic.

use camsentry::recognise::registry::RECOGNISERS;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::strategy::Strategy;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

use crate::driver::CLIENT;
use crate::driver::SERVER;
use crate::driver::fixture;
use crate::driver::swallow;

const FIXTURES: [&str; 8] = [
    "tls10_1.bin",
    "tls12_0.bin",
    "tls13_0.bin",
    "http_ipv6_1.bin",
    "mobotix_push.bin",
    "mobotix_event.bin",
    "rtsp_live555_1.bin",
    "rtsp_interleaved_1.bin",
];

fn run(octets: impl Strategy<Value = Vec<u8>>) {
    let mut runner = TestRunner::new(Config::with_cases(300));
    let survived = runner.run(&(octets, 1_usize..600), |(octets, size)| {
        for recogniser in RECOGNISERS {
            swallow(*recogniser, &octets, CLIENT, size);
            swallow(*recogniser, &octets, SERVER, size);
        }
        Ok(())
    });
    survived.unwrap();
}

#[test]
fn noise_is_survived() {
    run(proptest::collection::vec(any::<u8>(), 0..2000));
}

#[test]
fn real_octets_with_faults_are_survived() {
    let faults = proptest::collection::vec((any::<Index>(), any::<u8>()), 1..20);
    run((0..FIXTURES.len(), faults, any::<Index>()).prop_map(|(which, faults, cut)| {
        let mut octets = fixture(FIXTURES[which]);
        for (place, octet) in faults {
            let at = place.index(octets.len());
            octets[at] = octet;
        }
        octets.split_off(cut.index(octets.len()) / 2)
    }));
}
