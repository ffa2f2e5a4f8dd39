//! Captures with octets changed at random: reading ends, and never panics.

use crate::capture::tests::Harvest;
use crate::capture::tests::Order;
use crate::capture::tests::pcapng::small_pcapng;
use crate::capture::tests::small_pcap;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::Index;

fn seeds() -> Vec<Vec<u8>> {
    let plain = vec![
        small_pcap(&[1, 2, 3]),
        small_pcapng(Order::Little),
        small_pcapng(Order::Big),
        [small_pcapng(Order::Big), small_pcapng(Order::Little)].concat(),
    ];
    let mut seeds = plain.clone();
    for seed in plain {
        seeds.push(zstd::encode_all(seed.as_slice(), 1).unwrap());
        let mut gzip = flate2::read::GzEncoder::new(seed.as_slice(), flate2::Compression::fast());
        let mut packed = Vec::new();
        std::io::Read::read_to_end(&mut gzip, &mut packed).unwrap();
        seeds.push(packed);
    }
    seeds
}

#[test]
fn every_single_octet_changed_to_an_extreme_ends() {
    for seed in seeds() {
        for at in 0..seed.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = seed.clone();
                *file.get_mut(at).unwrap() = value;
                let harvest = Harvest::of_octets(&file);
                // A packet has at least eight octets of its own in a file of up to 300.
                assert!(harvest.frames.len() < 100);
            }
        }
    }
}

proptest! {
    #[test]
    fn random_changes_end(which in any::<Index>(), changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8), cut in any::<Index>()) {
        let seeds = seeds();
        let mut file = which.get(&seeds).clone();
        for (at, value) in changes {
            let at = at.index(file.len());
            *file.get_mut(at).unwrap() = value;
        }
        file.truncate(cut.index(file.len()).max(file.len() / 2));
        Harvest::of_octets(&file);
    }
}
