//! Messages of ONC RPC, for the programs that are recognised by them.
//!
//! Calls name their program and are known on any port; replies only fit, and need the port.
//!
//! Source: RFC 5531 §9 (messages), §11 (record marking).

use super::Certainty;
use super::Head;
use super::Probe;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::octets::Octets;
use super::octets::Read;
use super::octets::require;

/// The first message of a head: a call of one of `programs`, or a reply from their `port`.
pub(super) fn message(head: &Head<'_>, service: Service, port: u16, programs: &[u32]) -> Read<Recognition> {
    let mut octets = Octets::of(head);
    let mut start = 0;
    if head.key.transport == Transport::Tcp {
        // Record mark: whether it is the last fragment, and its length.
        let mark = octets.be32(0)? & 0x7fff_ffff;
        require((24..=0x0020_0000).contains(&mark))?;
        start = 4;
        octets = octets.after(start);
    }
    octets.be32(0)?;
    let found = match octets.be32(4)? {
        0 => call(octets, service, programs),
        1 => reply(octets, service, head.from_port() == port),
        _ => Err(Probe::Refuse),
    };
    found.map(|found| found.at(start))
}

/// RPC version 2, a program, its version, a procedure, then the credential's flavour.
fn call(octets: Octets<'_>, service: Service, programs: &[u32]) -> Read<Recognition> {
    require(octets.be32(8)? == 2)?;
    require(programs.contains(&octets.be32(12)?))?;
    require((1..=4).contains(&octets.be32(16)?))?;
    require(octets.be32(20)? <= 64)?;
    let what = "ONC RPC call of the program";
    Ok(Recognition::proved(service, Certainty::Signature, Sender::Client, 24, what))
}

/// Accepted, with a short verifier of a known flavour.
fn reply(octets: Octets<'_>, service: Service, from_port: bool) -> Read<Recognition> {
    require(from_port)?;
    require(octets.be32(8)? == 0)?;
    let flavour = octets.be32(12)?;
    let length = octets.be32(16)?;
    require(matches!(flavour, 0..=3 | 6) && length <= 400)?;
    let what = "ONC RPC reply from the port";
    Ok(Recognition::proved(service, Certainty::Consistent, Sender::Server, 20, what))
}
