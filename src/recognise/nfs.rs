//! NFS and its companions (MOUNT, NLM, NSM), as programs of ONC RPC.
//!
//! Source: RFC 1813 (NFS 3, MOUNT, NLM), RFC 7530 (NFS 4), X/Open XNFS (NSM), RFC 5531 (ONC RPC).

use super::Follower;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Service;
use super::Transport;
use super::nfs_follow::NfsFollower;
use super::octets::answer;
use super::onc_rpc::message;

/// NFS, MOUNT, NLM and NSM.
pub(super) struct Nfs;

const PORT: u16 = 2049;
/// Program numbers: NFS, MOUNT, NLM, NSM.
const PROGRAMS: [u32; 4] = [100_003, 100_005, 100_021, 100_024];

impl Recogniser for Nfs {
    fn service(&self) -> Service {
        Service::Nfs
    }

    fn speaks(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(message(head, Service::Nfs, PORT, &PROGRAMS))
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(NfsFollower::default()))
    }
}
