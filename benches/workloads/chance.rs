//! Numbers that look random and are the same in every run, and what is made of them: octets and orders.

use std::iter;

/// SplitMix64 (Steele and others 2014).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `z`.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Octets of the pool that noise is cut out of: more than a recogniser could ever compare.
const POOL: usize = 1 << 20;
/// The longest piece that is asked for: one TLS record, one SMB write.
const LONGEST: usize = 1 << 16;

/// Octets that stand for pictures and for what is encrypted. 0x00 and 0xff do not occur, so that no chance
/// makes a JPEG marker or the start code of a video unit.
pub(super) struct Noise {
    pool: Vec<u8>,
    chance: Chance,
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let octets = iter::repeat_with(|| chance.next().to_le_bytes()).flatten();
        let pool = octets.filter(|octet| !matches!(octet, 0 | 0xff)).take(POOL).collect();
        Self { pool, chance }
    }

    /// Appends `count` octets, from another place each time.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, count: usize) {
        let from = self.chance.below((POOL - LONGEST) as u64) as usize;
        out.extend_from_slice(&self.pool[from..from + count]);
    }
}

/// An order of the numbers below `size` in which each comes once, without a list of them: a Feistel
/// network over the next even power of two, walked until it lands below `size` (Black and Rogaway 2002).
pub(super) struct Shuffle {
    size: u64,
    half: u32,
    keys: [u64; 4],
}

impl Shuffle {
    pub(super) fn new(size: u64, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { size, half: bits.div_ceil(2).max(1), keys: [(); 4].map(|()| chance.next()) }
    }

    /// The number at `place` of the order; `place` is below `size`.
    pub(super) fn at(&self, place: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let mut number = place;
        loop {
            let (mut left, mut right) = (number >> self.half, number & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & mask));
            }
            number = left << self.half | right;
            if number < self.size {
                return number;
            }
        }
    }
}
