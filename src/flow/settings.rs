//! What bounds the flow table, and how long silence may last before a flow is over.

use crate::time::Span;

/// Settings of one shard of the flow table; all 256 shards have the same.
///
/// Memory of all shards together, at most:
///
/// ```text
/// 256 × ( flows_per_shard × 232 octets + held_octets_per_shard + 128 KiB of recent octets )
///     + 2 MiB of recent packets
/// ```
///
/// A flow takes 192 octets, what hangs on it included, and up to 40 in the index and the lists. With the defaults
/// that is 1,310,720 flows in 290 MiB (a million of them, and as many more as a shard may have above the mean;
/// grown as flows come, not taken at the start), 128 MiB of held segments and 32 MiB of recent octets. Some 100
/// octets more are taken for each flow of which something rare is known, 125 MiB if all are such flows: it was
/// seen on several VLANs or in several files, a mirror copied its packets, its segments came out of order, or it
/// was answered to another SYN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowSettings {
    /// Most flows of a shard, which may have some hundred more than the mean of all; beyond it the flow that
    /// was opened first is closed as evicted.
    pub flows_per_shard: u32,
    /// Silence that ends an open TCP connection. An hour: MOBOTIX event streams are quiet for
    /// 180 s and RTSP sessions are kept alive by the minute, so nothing that lives is split.
    pub tcp_open: Span,
    /// Silence that ends a TCP attempt without an answer. 75 s: Linux repeats its SYN after 1, 2,
    /// 4 … 64 s, and all of them are one attempt.
    pub tcp_attempted: Span,
    /// How long a closed or reset TCP connection lingers for its last retransmissions. 30 s: Linux repeats an
    /// unanswered FIN after 0.2, 0.4 … 25.6 s.
    pub tcp_closed: Span,
    /// How long one lingers whose ends have acknowledged each other's FIN, and have nothing to repeat. 5 s, as
    /// Zeek's `tcp_close_delay`.
    pub tcp_done: Span,
    /// Silence that ends a UDP flow (and one of SCTP or another IP protocol).
    pub udp: Span,
    /// Silence that ends an ICMP exchange.
    pub icmp: Span,
    /// Two equal packets of a direction so close together are one packet that a mirror copied.
    /// At most 8 s can be told apart.
    pub mirror_window: Span,
    /// Whether the innermost VLAN is part of the key, for sites that use an address twice.
    pub key_by_vlan: bool,
    /// Most segments of one side that wait behind a hole before the hole is called a gap.
    pub held_segments: u16,
    /// Most octets of one side that wait behind a hole.
    pub held_octets: u32,
    /// Most octets that wait behind holes in all flows of a shard.
    pub held_octets_per_shard: u32,
    /// How often a long flow tells its counts.
    pub tally_every: Span,
    /// Seed of the hashes: fixed offline, so that runs agree; random live, so that nobody can aim
    /// at one shard.
    pub seed: u64,
}

impl FlowSettings {
    /// The seed of every offline run.
    pub const OFFLINE_SEED: u64 = 0x6361_6d73_656e_7472;
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            flows_per_shard: 5120,
            tcp_open: Span::from_secs(3600),
            tcp_attempted: Span::from_secs(75),
            tcp_closed: Span::from_secs(30),
            tcp_done: Span::from_secs(5),
            udp: Span::from_secs(180),
            icmp: Span::from_secs(30),
            mirror_window: Span::from_millis(5),
            key_by_vlan: false,
            held_segments: 32,
            held_octets: 64 * 1024,
            held_octets_per_shard: 512 * 1024,
            tally_every: Span::from_secs(60),
            seed: Self::OFFLINE_SEED,
        }
    }
}
