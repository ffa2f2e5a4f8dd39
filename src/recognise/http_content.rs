//! What paths, headers and the first octets of bodies tell of the content of HTTP. Sources: MOBOTIX
//! `params.html`, `help_cgi-remoteconfig`; the samples of Milestone's SDK; ONVIF core specification;
//! UPnP device architecture.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::memmem::find;

use super::finding::AuthScheme;
use super::text::contains;
use super::text::starts_with;
use crate::service::Certainty;
use crate::service::Certainty::Consistent;
use crate::service::Certainty::Heuristic;
use crate::service::Certainty::Signature;
use crate::service::Content;

/// A content and how sure it is.
pub type Known = (Content, Certainty);

/// The `Authorization` that MOBOTIX documents as the factory setting, its only value ever compared.
pub const FACTORY_AUTHORIZATION: &[u8] = b"YWRtaW46bWVpbnNt";
/// The realm that a MOBOTIX camera asks for.
pub const MOBOTIX_REALM: &[u8] = b"MOBOTIX Camera User";
/// The boundary of a MOBOTIX faststream; others copied it.
pub const MOBOTIX_BOUNDARY: &[u8] = b"MOBOTIX_Fast_Serverpush";

/// Paths that name their content, in lower case.
const PATHS: &[(&[u8], Content, Certainty)] = &[
    (b"/xprotectmobile/", Content::XprotectMobile, Signature),
    (b"/managementserver/", Content::XprotectSoap, Signature),
    (b"/serverapi/servercommandservice", Content::XprotectSoap, Signature),
    (b"/recordercommandservice/", Content::XprotectSoap, Signature),
    (b"/recorderstatusservice/", Content::XprotectSoap, Signature),
    (b"/central/alarmservice", Content::XprotectSoap, Signature),
    (b"/logserver/", Content::XprotectSoap, Signature),
    (b"/idp/connect/", Content::XprotectSoap, Consistent),
    (b"/idp/.well-known/", Content::XprotectSoap, Consistent),
    (b"/api/idp/", Content::XprotectSoap, Consistent),
    (b"/api/rest/v1/", Content::XprotectSoap, Consistent),
    (b"/api/ws/events/v1", Content::XprotectSoap, Consistent),
    (b"/api/ws/messages/v1", Content::XprotectSoap, Consistent),
    (b"/admin/rcontrol", Content::MobotixAdmin, Signature),
    (b"/control/rcontrol", Content::MobotixAdmin, Signature),
    (b"/admin/remoteconfig", Content::MobotixAdmin, Signature),
    (b"/admin/control", Content::MobotixAdmin, Consistent),
    (b"/admin/", Content::MobotixAdmin, Heuristic),
];

/// Octets in bodies that name their content.
const BODIES: &[(&[u8], Content, Certainty)] = &[
    (b"http://www.onvif.org/ver", Content::Onvif, Signature),
    (b"<AnalyticsEvent", Content::AnalyticsEvent, Signature),
    (b"urn:milestone-systems", Content::AnalyticsEvent, Signature),
    (b"http://tempuri.org/Alert.xsd", Content::AnalyticsEvent, Consistent),
    (b"http://videoos.net/2/", Content::XprotectSoap, Signature),
    (b"<Command SequenceId=", Content::XprotectMobile, Consistent),
    (b"urn:schemas-upnp-org:", Content::Upnp, Signature),
];

/// The same, ready for the search: making a searcher costs as much as a search.
static BODY_FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| BODIES.iter().map(|(word, ..)| Finder::new(word)).collect());

/// Longest of the words searched for in bodies, so that many octets are searched again at a cut.
pub const BODY_WORD: usize = 32;

/// What a request line tells.
pub fn of_request(method: &[u8], target: &[u8]) -> Option<Known> {
    let path = path(target);
    if method == b"POST" && names(path, b"/control/eventstream.jpg") {
        return Some((Content::MxpegEventStream, Signature));
    }
    let fast = [b"/control/faststream.jpg".as_slice(), b"/cgi-bin/faststream.jpg"];
    if method == b"GET" && fast.iter().any(|name| names(path, name)) {
        return Some((Content::MobotixFaststream, Signature));
    }
    // Snapshots are fetched from such paths too; only calls are ONVIF.
    if starts_with(path, b"/onvif/") {
        return (method == b"POST").then_some((Content::Onvif, Consistent));
    }
    let (_, content, certainty) = PATHS.iter().find(|(start, ..)| starts_with(path, start))?;
    Some((*content, *certainty))
}

/// What a header of either side tells.
pub fn of_header(name: &[u8], value: &[u8]) -> Option<Known> {
    let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
    if (is(b"Accept") || is(b"Content-Type")) && contains(value, b"application/x-rtsp-tunnelled") {
        return Some((Content::RtspOverHttp, Signature));
    }
    if is(b"SOAPAction") || is(b"Content-Type") {
        let words = [
            (b"http://videoos.net/2/".as_slice(), Content::XprotectSoap),
            (b"http://www.onvif.org/ver", Content::Onvif),
            (b"urn:schemas-upnp-org:", Content::Upnp),
        ];
        return words.iter().find(|(word, _)| contains(value, word)).map(|(_, c)| (*c, Signature));
    }
    (is(b"NT") && value == b"upnp:event").then_some((Content::Upnp, Signature))
}

/// What octets of a body tell, each with where its word stands and how long that is.
pub fn of_body(octets: &[u8]) -> impl Iterator<Item = (Known, usize, usize)> {
    BODIES.iter().zip(BODY_FINDERS.iter()).filter_map(|((word, content, certainty), finder)| {
        Some(((*content, *certainty), finder.find(octets)?, word.len()))
    })
}

/// The scheme of an `Authorization` or `WWW-Authenticate` header (RFC 9110 §11); nothing of what follows it.
pub fn scheme(value: &[u8]) -> AuthScheme {
    let word = value.split(|o| matches!(o, b' ' | b'\t' | b',')).next().unwrap_or_default();
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    match () {
        () if is("Basic") => AuthScheme::Basic,
        () if is("Digest") => AuthScheme::Digest,
        () if is("Negotiate") || is("NTLM") || is("Kerberos") => AuthScheme::Negotiate,
        () if is("Bearer") => AuthScheme::Bearer,
        () => AuthScheme::Other,
    }
}

/// Of two schemes that a server offers in one reply, the stronger: a client takes that one.
pub fn stronger(one: Option<AuthScheme>, other: AuthScheme) -> AuthScheme {
    let rank = |scheme: AuthScheme| match scheme {
        AuthScheme::Basic => 0,
        AuthScheme::Other => 1,
        AuthScheme::Digest => 2,
        AuthScheme::Bearer => 3,
        AuthScheme::Negotiate => 4,
    };
    match one {
        Some(one) if rank(one) >= rank(other) => one,
        _ => other,
    }
}

/// The path of a target, which may be an absolute URI.
fn path(target: &[u8]) -> &[u8] {
    let Some(scheme) = find(target, b"://") else { return target };
    if target.starts_with(b"/") {
        return target;
    }
    let rest = target.get(scheme.saturating_add(3)..).unwrap_or_default();
    memchr::memchr(b'/', rest).map_or(b"/".as_slice(), |at| rest.get(at..).unwrap_or_default())
}

/// The authority of a target that is an absolute URI.
pub fn authority(target: &[u8]) -> Option<&[u8]> {
    if target.starts_with(b"/") {
        return None;
    }
    let rest = target.get(find(target, b"://")?.saturating_add(3)..)?;
    rest.split(|o| matches!(o, b'/' | b'?' | b'#')).next()
}

/// Whether `path` is this file, with or without a query.
fn names(path: &[u8], file: &[u8]) -> bool {
    path.strip_prefix(file).is_some_and(|rest| matches!(rest, [] | [b'?', ..]))
}

#[cfg(test)]
mod tests {
    use super::of_request;
    use crate::service::Content;

    #[test]
    fn paths_of_mobotix_and_xprotect_are_told_from_others() {
        let content = |method: &str, target: &str| {
            of_request(method.as_bytes(), target.as_bytes()).map(|(content, _)| content)
        };
        assert_eq!(content("POST", "/control/eventstream.jpg"), Some(Content::MxpegEventStream));
        assert_eq!(content("POST", "/control/eventstream.jpg?x"), Some(Content::MxpegEventStream));
        assert_eq!(content("POST", "/control/eventstream.jpgs"), None);
        assert_eq!(content("GET", "/cgi-bin/faststream.jpg?stream=full"), Some(Content::MobotixFaststream));
        assert_eq!(content("GET", "http://cam/control/rcontrol?action=sigout"), Some(Content::MobotixAdmin));
        assert_eq!(content("GET", "/control/event.jpg"), None);
        assert_eq!(content("POST", "/onvif/device_service"), Some(Content::Onvif));
        assert_eq!(content("GET", "/onvif/snapshot.jpg"), None);
        let soap = "/ManagementServer/ServerCommandService.svc";
        assert_eq!(content("POST", soap), Some(Content::XprotectSoap));
        assert_eq!(content("POST", "/XProtectMobile/Video"), Some(Content::XprotectMobile));
    }
}
