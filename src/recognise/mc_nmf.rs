//! .NET Message Framing (`net.tcp`): the preamble of its client.
//!
//! Source: [MC-NMF] §2.2.3 (version, mode, via records).

use super::Certainty;
use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::mc_nmf_follow::in_clear;
use super::mc_nmf_follow::length;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;
use super::octets::require;
use super::tls_after::TlsAfter;

/// The recogniser of `net.tcp`.
pub(super) struct McNmf;

impl Recogniser for McNmf {
    fn service(&self) -> Service {
        Service::McNmf
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        first == 0
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(preamble(Octets::of(head)))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(TlsAfter::new(in_clear)))
    }
}

/// Version 1.0, a mode, and a via record with an address of the scheme `net.tcp`.
fn preamble(octets: Octets<'_>) -> Read<Recognition> {
    octets.expect(0, &[0, 1, 0, 1])?;
    require((1..=4).contains(&octets.u8(4)?))?;
    octets.expect(5, &[2])?;
    let (_, via) = length(octets, 6)?;
    octets.expect(via, b"net.tcp://")?;
    let what = "preamble with an address of net.tcp";
    Ok(Recognition::proved(Service::McNmf, Certainty::Signature, Sender::Client, 17, what))
}
