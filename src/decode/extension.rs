//! Extension headers of IPv6, and the authentication header of both versions.

use etherparse::IpAuthHeaderSlice;
use etherparse::Ipv6FragmentHeaderSlice;
use etherparse::Ipv6RawExtHeaderSlice;
use etherparse::err::ip_auth::HeaderSliceError;

use super::Undecoded;
use super::fragments::Fragment;
use super::octets::be8;
use super::walk::Layer;
use super::walk::Next;
use super::walk::Walk;

/// How many extension headers of one packet are followed; hosts send at most a handful (RFC 8883 §3).
const MAX_EXTENSIONS: u8 = 8;

/// Routing header.
const ROUTING: u8 = 43;

/// Goes past a header of type, length, options: hop-by-hop, destination, routing, mobility, HIP, shim6.
pub(super) fn skip(walk: &mut Walk<'_>, protocol: u8) -> Result<Next, Undecoded> {
    count(walk)?;
    let header = Ipv6RawExtHeaderSlice::from_slice(walk.rest).map_err(|_| too_short(walk))?;
    // While a source route is under way, the checksum is that of the final destination (RFC 8200 §8.1).
    if protocol == ROUTING && be8(walk.rest, 3) != Some(0) {
        walk.context.unverifiable = true;
    }
    walk.skip(header.slice().len());
    Ok(Next::Layer(Layer::Payload(header.next_header().0)))
}

/// Goes past an authentication header (RFC 4302): what it protects can be read.
pub(super) fn authentication(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    count(walk)?;
    let header = IpAuthHeaderSlice::from_slice(walk.rest).map_err(|error| match error {
        HeaderSliceError::Len(_) => too_short(walk),
        HeaderSliceError::Content(_) => Undecoded::BadNetwork,
    })?;
    walk.skip(header.slice().len());
    Ok(Next::Layer(Layer::Payload(header.next_header().0)))
}

/// A fragment header (RFC 8200 §4.5). An atomic fragment is a whole packet (RFC 6946).
pub(super) fn fragment(walk: &mut Walk<'_>) -> Result<Next, Undecoded> {
    count(walk)?;
    let header = Ipv6FragmentHeaderSlice::from_slice(walk.rest).map_err(|_| too_short(walk))?;
    let next = header.next_header().0;
    let (offset, more) = (header.fragment_offset().byte_offset(), header.more_fragments());
    walk.context.ip_id = header.identification();
    walk.skip(header.slice().len());
    if offset == 0 && !more {
        return Ok(Next::Layer(Layer::Payload(next)));
    }
    Fragment::end(walk, header.identification(), usize::from(offset), more, next)
}

fn count(walk: &mut Walk<'_>) -> Result<(), Undecoded> {
    if walk.context.extensions >= MAX_EXTENSIONS {
        return Err(Undecoded::ExtensionDepth);
    }
    walk.context.extensions = walk.context.extensions.saturating_add(1);
    Ok(())
}

/// Why a header does not fit: the snap length, or the packet says less than it holds.
fn too_short(walk: &Walk<'_>) -> Undecoded {
    if walk.is_whole() && !walk.context.oddities.incomplete {
        Undecoded::BadNetwork
    } else {
        Undecoded::CutNetwork
    }
}
