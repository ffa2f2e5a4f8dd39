//! What the types of ICMP and ICMPv6 mean (IANA registries icmp-parameters, icmpv6-parameters).

/// What a message is to us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// It complains of another packet, which it quotes.
    Error,
    /// Router or neighbour discovery.
    Neighbour,
    /// Multicast listeners.
    Listener,
    /// Between two hosts.
    Exchange(Exchange),
}

/// A question, or the answer to one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Exchange {
    /// Type of the question.
    request: u8,
    /// Whether this is the answer.
    pub(super) is_reply: bool,
    /// Whether the message has an identifier that question and answer share.
    has_identifier: bool,
}

impl Exchange {
    /// Source and destination port: the asker's end has the identifier, the answerer's end the
    /// type of the question, so that both directions give one flow key.
    pub(super) fn ports(self, identifier: u16) -> (u16, u16) {
        let asker = if self.has_identifier { identifier } else { 0 };
        let answerer = u16::from(self.request);
        if self.is_reply { (answerer, asker) } else { (asker, answerer) }
    }
}

/// Types of ICMP (RFC 792, RFC 950, RFC 8335).
pub(super) fn v4(kind: u8) -> Meaning {
    match kind {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        3 | 4 | 5 | 11 | 12 => Meaning::Error,
        0 => reply(8),
        8 | 13 | 15 | 17 | 42 => request(kind, true),
        14 | 16 | 18 | 43 => reply(kind.saturating_sub(1)),
        _ => request(kind, false),
    }
}

/// Types of ICMPv6 (RFC 4443, RFC 4861, RFC 3810, RFC 4286, RFC 8335).
pub(super) fn v6(kind: u8) -> Meaning {
    match kind {
        1..=4 => Meaning::Error,
        130..=132 | 143 | 151..=153 => Meaning::Listener,
        // Also inverse discovery and the certification paths of secure discovery.
        133..=137 | 141 | 142 | 148 | 149 => Meaning::Neighbour,
        128 | 144 | 160 => request(kind, true),
        129 | 145 | 161 => reply(kind.saturating_sub(1)),
        139 => request(kind, false),
        140 => Meaning::Exchange(Exchange { request: 139, is_reply: true, has_identifier: false }),
        _ => request(kind, false),
    }
}

fn request(kind: u8, has_identifier: bool) -> Meaning {
    Meaning::Exchange(Exchange { request: kind, is_reply: false, has_identifier })
}

fn reply(request: u8) -> Meaning {
    Meaning::Exchange(Exchange { request, is_reply: true, has_identifier: true })
}
