//! Printable text that no other recogniser claims. It names no protocol, but it proves what is *not*
//! spoken: neither TLS nor anything encrypted nor a binary protocol.

use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use crate::service::Certainty;
use crate::service::Service;
use crate::service::Transport;

/// So many octets of random data are all printable once in 10^13 times: 97 of 256 values are.
const ENOUGH: usize = 32;

/// Recognises text: the first datagram, or the first octets of a TCP stream. Of a stream no more than
/// 32 octets are looked at: how much more came with them depends on how it was cut.
#[derive(Debug)]
pub(super) struct Printable;

impl Recogniser for Printable {
    fn service(&self) -> Service {
        Service::Text
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        is_printable(first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let text = head.first();
        let is_stream = head.datagram_ends.is_empty();
        // Of a stream the beginning counts, so that the answer does not hang on how much has come.
        let counts = if is_stream { text.get(..ENOUGH).unwrap_or(text) } else { text };
        // From the middle of a stream, text may be the body of any protocol; and what was cut off may
        // be what others waited for.
        if (is_stream && !head.from_start) || head.cut || !counts.iter().all(|octet| is_printable(*octet)) {
            return Probe::Refuse;
        }
        if text.len() < ENOUGH {
            return if head.finished || !is_stream { Probe::Refuse } else { Probe::NeedMore };
        }
        let (certainty, length) = (Certainty::Consistent, u16::try_from(ENOUGH).unwrap_or(u16::MAX));
        let what = "printable text";
        Probe::Match(Recognition::proved(Service::Text, certainty, Sender::Either, length, what))
    }
}

/// ASCII that a terminal shows, and the blanks between.
pub(super) fn is_printable(octet: u8) -> bool {
    matches!(octet, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Addr;
    use crate::flow::FlowKey;

    const TEXT: &[u8] = b"door 3 opened by card 4711 at the back entrance\r\n";

    fn probe(octets: &[u8], ends: &[u32], from_start: bool, finished: bool) -> Probe {
        probe_cut(octets, ends, from_start, finished, false)
    }

    fn probe_cut(octets: &[u8], ends: &[u32], from_start: bool, finished: bool, cut: bool) -> Probe {
        let ends_of = |last| (Addr::v4([10, 0, 0, last]), 4000);
        let (key, side) = FlowKey::canonical(ends_of(1), ends_of(2), Transport::Tcp, 0);
        let head =
            Head { key: &key, side, octets, datagram_ends: ends, from_start, finished, cut, to_group: false };
        Printable.probe(&head)
    }

    #[test]
    fn text_is_recognised_however_it_is_cut() {
        for end in 0..=TEXT.len() {
            let answer = probe(&TEXT[..end], &[], true, false);
            assert_eq!(matches!(answer, Probe::Match(_)), end >= ENOUGH, "at {end}");
            assert_ne!(answer, Probe::Refuse);
        }
    }

    #[test]
    fn one_octet_that_is_no_text_refuses_it() {
        let mut octets = TEXT.to_vec();
        octets[10] = 0;
        assert_eq!(probe(&octets, &[], true, false), Probe::Refuse);
    }

    #[test]
    fn the_middle_of_a_stream_may_be_any_protocols_body() {
        assert_eq!(probe(TEXT, &[], false, true), Probe::Refuse);
    }

    #[test]
    fn what_the_snap_length_cut_is_never_called_text() {
        let end = u32::try_from(TEXT.len()).unwrap();
        assert_eq!(probe_cut(TEXT, &[], true, true, true), Probe::Refuse);
        assert_eq!(probe_cut(TEXT, &[end], false, true, true), Probe::Refuse);
    }

    #[test]
    fn a_datagram_is_judged_at_once() {
        let end = u32::try_from(TEXT.len()).unwrap();
        assert!(matches!(probe(TEXT, &[end], false, false), Probe::Match(_)));
        assert_eq!(probe(b"short", &[5], false, false), Probe::Refuse);
    }
}
