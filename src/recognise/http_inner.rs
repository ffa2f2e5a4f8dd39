//! What stands behind a header of HTTP where another protocol may start: after CONNECT, after 101.
//!
//! Source: RFC 9110 §9.3.6 (CONNECT), RFC 2817 §3 (upgrade to TLS), RFC 8446 §5.1, RFC 4253 §4.2, RFC 7826
//! §8.1 (the first octets of TLS, SSH and RTSP).

use super::Service;

/// What the first octets behind a header are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Inner {
    /// Another protocol.
    Is(Service),
    /// A reply of HTTP.
    Http,
    /// Anything else, also a request of HTTP.
    Other,
}

/// The protocol that starts with these octets: a TLS handshake record, the greeting of SSH, or the
/// status line of RTSP. `None` while it may still be one of them. No more is needed than [`super::side`]
/// keeps of what was read before.
pub(super) fn inner_service(octets: &[u8]) -> Option<Inner> {
    match octets {
        [0x16] | [0x16, 3] => None,
        [0x16, 3, 0..=4] => Some(Inner::Is(Service::Tls)),
        b"SSH-" => Some(Inner::Is(Service::Ssh)),
        b"RTSP/" => Some(Inner::Is(Service::Rtsp)),
        b"HTTP/" => Some(Inner::Http),
        _ if [b"SSH-".as_slice(), b"RTSP/", b"HTTP/"].iter().any(|word| word.starts_with(octets)) => None,
        _ => Some(Inner::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::Inner;
    use super::Service;
    use super::inner_service;

    #[test]
    fn the_answer_comes_with_the_first_octet_that_decides() {
        for (octets, answer) in [
            (b"\x16\x03\x01".as_slice(), Inner::Is(Service::Tls)),
            (b"SSH-", Inner::Is(Service::Ssh)),
            (b"RTSP/", Inner::Is(Service::Rtsp)),
            (b"HTTP/", Inner::Http),
            (b"G", Inner::Other),
            (b"\x16\x04", Inner::Other),
        ] {
            for length in 1..octets.len() {
                assert_eq!(inner_service(&octets[..length]), None);
            }
            assert_eq!(inner_service(octets), Some(answer));
        }
    }
}
