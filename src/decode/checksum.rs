//! The Internet checksum (RFC 1071).

use crate::addr::Addr;

/// Octets that are summed at a time.
const BLOCK: usize = 32;

/// From its octet `n` on: a block that keeps the last `n` octets of another one.
static MASK: [u8; 64] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
];

/// Whether the checksum in these octets is right: the one's complement sum over all is all ones.
///
/// `start` is the sum of a pseudo header, or 0.
#[inline]
pub(super) fn is_right(octets: &[u8], start: u64) -> bool {
    // Summed with the low octet first; RFC 1071 §2 (B): swapping the sum is as good as swapping each word.
    let sum = u64::from(fold(sum(octets)).swap_bytes());
    fold(u128::from(start).wrapping_add(u128::from(sum))) == 0xffff
}

/// The sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1).
#[inline]
pub(super) fn pseudo_header(src: Addr, dst: Addr, protocol: u8, length: u32) -> u64 {
    // An IPv4 address is kept as ::ffff:a.b.c.d; the extra 0xffff is zero in one's complement.
    quarters(src.bits())
        .wrapping_add(quarters(dst.bits()))
        .wrapping_add(u64::from(protocol))
        .wrapping_add(u64::from(length))
}

/// The sum of all octets as numbers of eight, the low one first (RFC 1071 §2 (C): any width will do).
///
/// Additions with carry, two of them at a time, are faster than what the compiler makes of narrower sums
/// for the vectors that every processor has. No datagram is so long that a sum of 128 bits runs over.
#[inline]
fn sum(octets: &[u8]) -> u128 {
    let (blocks, rest) = octets.as_chunks::<BLOCK>();
    let (mut one, mut two) = (0_u128, 0_u128);
    for block in blocks {
        let [first, second, third, fourth] = numbers(block);
        one = one.wrapping_add(u128::from(first)).wrapping_add(u128::from(third));
        two = two.wrapping_add(u128::from(second)).wrapping_add(u128::from(fourth));
    }
    one.wrapping_add(two).wrapping_add(sum_of_end(octets, rest))
}

/// The sum of `rest`, which is the end of `octets` and no whole block.
///
/// Where there is a block before it, the last block's worth is summed without what it repeats: how long
/// the rest is cannot be guessed, so that a loop over it would cost more.
#[inline]
fn sum_of_end(octets: &[u8], rest: &[u8]) -> u128 {
    let mask = MASK.get(rest.len()..).and_then(<[u8]>::first_chunk::<BLOCK>);
    let (Some(last), Some(mask)) = (octets.last_chunk::<BLOCK>(), mask) else {
        let (words, rest) = rest.as_chunks::<8>();
        let last = rest.iter().rev().fold(0, |sum, octet| sum << 8 | u128::from(*octet));
        return words.iter().fold(last, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word).into()));
    };
    let masked = numbers(last).into_iter().zip(numbers(mask)).map(|(number, mask)| u128::from(number & mask));
    let sum = masked.fold(0_u128, u128::wrapping_add);
    // Seen from there, an odd number of octets puts each on the other side of its word.
    if rest.len().is_multiple_of(2) { sum } else { sum << 8 }
}

/// A block as four numbers.
#[inline]
fn numbers(block: &[u8; BLOCK]) -> [u64; 4] {
    let mut numbers = [0; 4];
    for (number, word) in numbers.iter_mut().zip(block.as_chunks::<8>().0) {
        *number = u64::from_le_bytes(*word);
    }
    numbers
}

/// Whether the checksum of an IPv4 header without options is right.
#[inline]
pub(super) fn is_header_right(header: &[u8; 20]) -> bool {
    let (Some(start), Some(end)) = (header.first_chunk(), header.last_chunk()) else { return false };
    fold(u128::from(quarters(u128::from_le_bytes(*start)).wrapping_add(u32::from_le_bytes(*end).into())))
        == 0xffff
}

/// The one's complement sum in 16 bits; without branches, as they would be guessed wrong half of the time.
#[inline]
fn fold(sum: u128) -> u16 {
    // Four quarters have at most 34 bits, and after each line there are fewer: 17, 17 (1_0000 at most), 16.
    let sum = quarters(sum);
    let sum = (sum & 0xffff).wrapping_add((sum >> 16) & 0xffff).wrapping_add(sum >> 32);
    let sum = (sum & 0xffff).wrapping_add(sum >> 16);
    let sum = (sum & 0xffff).wrapping_add(sum >> 16);
    u16::try_from(sum).unwrap_or(u16::MAX)
}

/// The sum of the four quarters of `bits`.
#[inline]
fn quarters(bits: u128) -> u64 {
    let quarter = |low: u32| u64::try_from(bits.wrapping_shr(low) & 0xffff_ffff).unwrap_or(0);
    quarter(0).wrapping_add(quarter(32)).wrapping_add(quarter(64)).wrapping_add(quarter(96))
}

#[cfg(test)]
mod tests {
    use super::fold;
    use super::is_header_right;
    use super::is_right;
    use super::pseudo_header;
    use super::sum;
    use crate::addr::Addr;

    #[test]
    fn the_example_of_wikipedias_ipv4_header_is_right_and_a_changed_octet_is_not() {
        // "Internet checksum", Wikipedia: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7.
        let mut header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01,
            0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert!(is_right(&header, 0) && is_header_right(&header));
        header[8] = 0x3f;
        assert!(!is_right(&header, 0) && !is_header_right(&header));
    }

    #[test]
    fn a_udp_checksum_of_scapy_is_right_with_its_pseudo_header_and_an_odd_length() {
        // scapy 2.8: IP(src="10.0.0.1", dst="10.0.0.2")/UDP(sport=1000, dport=2000)/b"abc", and the
        // same over IPv6(src="2001:db8::1", dst="2001:db8::2").
        let v6 = |last: u8| Addr::v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        let cases =
            [(Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]), [0x1b, 0xbb]), (v6(1), v6(2), [0xd4, 0x48])];
        for (src, dst, [high, low]) in cases {
            let datagram = [0x03, 0xe8, 0x07, 0xd0, 0x00, 0x0b, high, low, b'a', b'b', b'c'];
            assert!(is_right(&datagram, pseudo_header(src, dst, 17, 11)));
            assert!(!is_right(&datagram, pseudo_header(src, dst, 6, 11)));
        }
    }

    #[test]
    fn the_sum_of_rfc_1071s_example_is_ddf2() {
        // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(fold(sum(&octets)).swap_bytes(), 0xddf2);
        assert!(is_right(&octets, 0xffff - 0xddf2));
    }

    #[test]
    fn every_length_sums_as_word_by_word() {
        let octets: Vec<u8> = (0..200_u8).map(|at| at.wrapping_mul(151) ^ 0xa5).chain([0xff; 80]).collect();
        for from in 0..9 {
            for to in from..octets.len() {
                let part = octets.get(from..to).unwrap();
                // RFC 1071 §4.1, written down as it stands there.
                let words = part.chunks(2).map(|pair| {
                    u32::from(*pair.first().unwrap()) << 8 | u32::from(*pair.get(1).unwrap_or(&0))
                });
                let mut plain: u32 = words.sum();
                while plain >> 16 != 0 {
                    plain = (plain & 0xffff) + (plain >> 16);
                }
                assert_eq!(u32::from(fold(sum(part)).swap_bytes()), plain, "{from}..{to}");
            }
        }
    }

    #[test]
    fn the_largest_sums_are_folded_to_the_end() {
        // One's complement: a number that is no zero is as good as its rest by 0xffff, which is never 0.
        let mut number = u128::MAX;
        while number != 0 {
            let rest = u16::try_from((number - 1) % 0xffff + 1).unwrap();
            assert_eq!(fold(number), rest, "{number:x}");
            number = number / 3 * 2;
        }
        assert_eq!(fold(0), 0);
    }
}
