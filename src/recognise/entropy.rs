//! How random a few octets look, judged by their number: short random strings score low.
//!
//! Source: measured over 20 000 random strings per length (4 000 from 512 octets up); the table is
//! the entropy that 99.9 % of them reach.

use super::printable::is_printable;

/// What was counted in a payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// Shannon entropy in bits per octet.
    pub(super) entropy: f64,
    /// Share of printable ASCII, blanks and line ends.
    pub(super) printable: f64,
}

/// (octets, entropy that random octets have at least).
const LEAST: [(u32, f64); 10] = [
    (32, 4.54),
    (48, 5.13),
    (64, 5.49),
    (96, 6.00),
    (128, 6.33),
    (192, 6.75),
    (256, 7.00),
    (512, 7.47),
    (1024, 7.75),
    (1400, 7.82),
];

/// Counts the octets of a payload.
pub(super) fn shape(payload: &[u8]) -> Shape {
    let mut counts = [0_u32; 256];
    let mut printable = 0_u32;
    for octet in payload {
        if let Some(count) = counts.get_mut(usize::from(*octet)) {
            *count = count.saturating_add(1);
        }
        if is_printable(*octet) {
            printable = printable.saturating_add(1);
        }
    }
    let total = f64::from(u32::try_from(payload.len()).unwrap_or(u32::MAX)).max(1.0);
    let entropy = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    });
    Shape { entropy: entropy.sum(), printable: f64::from(printable) / total }
}

/// The entropy that so many random octets reach; between two lengths of the table by a straight line.
pub(super) fn random_at_least(octets: usize) -> f64 {
    let octets = u32::try_from(octets).unwrap_or(u32::MAX);
    let above = LEAST.iter().position(|(length, _)| *length >= octets);
    let (low, high) = match above {
        Some(0) => (LEAST.first(), LEAST.first()),
        Some(at) => (LEAST.get(at.saturating_sub(1)), LEAST.get(at)),
        None => (LEAST.last(), LEAST.last()),
    };
    let (Some((from, least)), Some((to, most))) = (low, high) else { return 8.0 };
    if from == to {
        return *least;
    }
    let along = f64::from(octets.saturating_sub(*from)) / f64::from(to.saturating_sub(*from));
    least + (most - least) * along
}

#[cfg(test)]
mod tests {
    use super::random_at_least;
    use super::shape;

    #[test]
    fn the_table_is_met_at_its_points_and_between_them() {
        assert!((random_at_least(32) - 4.54).abs() < 1e-9);
        assert!((random_at_least(1024) - 7.75).abs() < 1e-9);
        assert!((random_at_least(40) - 4.835).abs() < 1e-9);
        assert!((random_at_least(9000) - 7.82).abs() < 1e-9);
    }

    #[test]
    fn every_octet_once_has_eight_bits_and_one_octet_none() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((shape(&all).entropy - 8.0).abs() < 1e-9);
        assert!(shape(&[7; 64]).entropy.abs() < 1e-9);
        assert!((shape(b"all of this is text\r\n").printable - 1.0).abs() < 1e-9);
    }
}
