//! Milestone's Matrix: one ASCII command to a monitor, with a password in it that is never kept.
//!
//! Source: Milestone SDK sample `MatrixServer/MatrixSession.cs`: a command is
//! `NetMatrixMonitorBegin+1+…` with a digit, the answer `NetMatrixMonitorBegin+COMMAND+…`.

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::answer;

/// A stream that starts with a command.
pub(super) struct Matrix;

/// A stream with a command in its first octets. Asked late, because it waits for those.
pub(super) struct MatrixWithin;

const BEGIN: &[u8] = b"NetMatrixMonitorBegin";
/// The command starts within so many octets.
const WITHIN: usize = 64;

impl Recogniser for Matrix {
    fn service(&self) -> Service {
        Service::Matrix
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn may_begin(&self, first: u8, _transport: Transport) -> bool {
        BEGIN.first() == Some(&first)
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(command(Octets::of(head), 0))
    }
}

impl Recogniser for MatrixWithin {
    fn service(&self) -> Service {
        Service::Matrix
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let octets = Octets::of(head);
        let most = WITHIN.saturating_add(BEGIN.len());
        let window = octets.seen().get(..most).unwrap_or(octets.seen());
        match memchr::memmem::find(window, BEGIN) {
            Some(at) => answer(command(octets, at)),
            None if window.len() == most => Probe::Refuse,
            None => octets.missing(),
        }
    }
}

fn command(octets: Octets<'_>, at: usize) -> Read<Recognition> {
    octets.expect(at, BEGIN)?;
    let next = at.saturating_add(BEGIN.len());
    let sender = match (octets.u8(next), octets.u8(next.saturating_add(1))) {
        (Err(Probe::NeedMore), _) | (_, Err(Probe::NeedMore)) => return Err(Probe::NeedMore),
        (Ok(b'+'), Ok(b'0'..=b'9')) => Sender::Client,
        (Ok(b'+'), Ok(b'A'..=b'Z')) => Sender::Server,
        _ => Sender::Either,
    };
    let what = "NetMatrixMonitorBegin";
    Ok(Recognition::proved(Service::Matrix, Certainty::Signature, sender, 21, what).at(at))
}
