//! The sockets of one interface, one for each lane.

use crate::capture::fanout::ignore_outgoing;
use crate::capture::fanout::join;
use crate::capture::link_state::Link;
use crate::capture::live::Listener;
use crate::capture::tap::TapSettings;
use std::os::fd::AsFd;

/// Opens a deaf socket for each lane, and has them share the interface.
///
/// # Errors
/// Why that cannot be done, and what to do.
pub(super) fn open_sockets(link: &Link, settings: &TapSettings) -> Result<Vec<Listener>, String> {
    let open = |_| Listener::open(&link.name, settings.snaplen, settings.ring_octets);
    let mut opened = Ok(Vec::new());
    (settings.with_rights)(&mut || opened = (0..settings.lanes.get()).map(open).collect());
    let listeners: Vec<Listener> = opened.map_err(|error| advice(&error))?;
    let Some(first) = listeners.first() else { return Ok(listeners) };
    let filter = settings.filter.as_deref().unwrap_or_default();
    first.check_filter(filter).map_err(|error| format!("the filter `{filter}` is none: {error}"))?;
    let sockets: Vec<_> = listeners.iter().map(|listener| listener.as_fd()).collect();
    if link.is_loopback {
        sockets.iter().try_for_each(|socket| ignore_outgoing(*socket)).map_err(|error| error.to_string())?;
    }
    let shared = join(&sockets, first.link(), link.is_loopback);
    shared.map_err(|error| {
        format!("the kernel does not share it out among {} lanes: {error}", sockets.len())
    })?;
    Ok(listeners)
}

/// What libpcap says, and what to do.
fn advice(error: &pcap::Error) -> String {
    let said = error.to_string();
    if said.contains("permi") || said.contains("Permi") {
        return format!(
            "{said}: run it with the capability CAP_NET_RAW (`setcap cap_net_raw+ep`, or AmbientCapabilities= in the systemd unit)"
        );
    }
    said
}
