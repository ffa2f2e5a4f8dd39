//! The port mapper, a program of ONC RPC.
//!
//! Source: RFC 1833 §3 (port mapper), §2 (its successor rpcbind), RFC 5531 (ONC RPC).

use super::Head;
use super::Probe;
use super::Recogniser;
use super::Service;
use super::Transport;
use super::octets::answer;
use super::onc_rpc::message;

/// The port mapper.
pub(super) struct Portmap;

const PORT: u16 = 111;
/// Program number of the port mapper and of rpcbind.
const PROGRAMS: [u32; 1] = [100_000];

impl Recogniser for Portmap {
    fn service(&self) -> Service {
        Service::Portmap
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(head, Service::Portmap, PORT, &PROGRAMS))
    }
}
