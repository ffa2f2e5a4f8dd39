//! The Internet checksum (RFC 1071).

use crate::addr::Addr;

/// Whether the checksum in these octets is right: the one's complement sum over all is all ones.
///
/// `start` is the sum of a pseudo header, or 0.
pub(super) fn is_right(octets: &[u8], start: u64) -> bool {
    let sum = u64::from(u16::from_be(fold(sum_native(octets))));
    fold(start.saturating_add(sum)) == 0xffff
}

/// The sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1).
pub(super) fn pseudo_header(src: Addr, dst: Addr, protocol: u8, length: usize) -> u64 {
    // An IPv4 address is kept as ::ffff:a.b.c.d; the extra 0xffff is zero in one's complement.
    let words = |addr: Addr| {
        addr.bits()
            .to_be_bytes()
            .as_chunks::<4>()
            .0
            .iter()
            .fold(0u64, |sum, word| sum.saturating_add(u64::from(u32::from_be_bytes(*word))))
    };
    words(src)
        .saturating_add(words(dst))
        .saturating_add(u64::from(protocol))
        .saturating_add(u64::try_from(length).unwrap_or(u64::MAX >> 8))
}

/// Sum of 32-bit words in the machine's order: the folded result only needs one swap at the end.
fn sum_native(octets: &[u8]) -> u64 {
    let (words, rest) = octets.as_chunks::<4>();
    // A u64 holds the sum of 2^32 words: no datagram is that long.
    let sum = words.iter().fold(0u64, |sum, word| sum.wrapping_add(u64::from(u32::from_ne_bytes(*word))));
    let mut last = [0u8; 4];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    sum.wrapping_add(u64::from(u32::from_ne_bytes(last)))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff).saturating_add(sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::is_right;
    use super::pseudo_header;
    use crate::addr::Addr;

    #[test]
    fn the_example_of_wikipedias_ipv4_header_is_right_and_a_changed_octet_is_not() {
        // "Internet checksum", Wikipedia: 4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7.
        let mut header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01,
            0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert!(is_right(&header, 0));
        header[8] = 0x3f;
        assert!(!is_right(&header, 0));
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
}
