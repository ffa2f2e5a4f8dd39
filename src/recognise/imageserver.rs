//! Milestone's ImageServer: XML requests one way, XML answers and pictures back, bare on TCP.
//!
//! Source: Milestone protocol documentation, `imageserver_request_response.html`, and the SDK
//! samples `TcpVideoViewer`. The element names are all lower case: XML-RPC's `<methodCall>` is not
//! ours. A `connect` holds a password or token; nothing of it is kept.

use std::sync::LazyLock;

use memchr::memmem::Finder;

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
use super::octets::require;

/// A stream that starts with a message of ImageServer.
pub(super) struct ImageServer;

/// A stream that was there before we looked: a message begins somewhere in its head. Asked late,
/// because it waits for the whole head.
pub(super) struct ImageServerMidstream;

/// Most octets between `<?xml ` and `?>`.
const DECLARATION_MOST: usize = 80;
/// Most blanks after the declaration.
const BLANKS_MOST: usize = 4;

/// Root elements with who sends them and our words for it.
const ROOTS: [(&[u8], Sender, &str); 3] = [
    (b"<methodcall>", Sender::Client, "root element methodcall"),
    (b"<methodresponse>", Sender::Server, "root element methodresponse"),
    (b"<livepackage>", Sender::Server, "root element livepackage"),
];

/// Starts of messages that are long enough to be looked for anywhere.
const INSIDE: [(&[u8], Sender, &str); 4] = [
    (b"ImageResponse\r\nRequestId: ", Sender::Server, "header of an ImageResponse"),
    (b"<methodcall><requestid>", Sender::Client, "element methodcall"),
    (b"<methodresponse><requestid>", Sender::Server, "element methodresponse"),
    (b"<livepackage><status>", Sender::Server, "element livepackage"),
];
static INSIDE_FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| INSIDE.iter().map(|(text, ..)| Finder::new(text)).collect());

impl Recogniser for ImageServer {
    fn service(&self) -> Service {
        Service::Imageserver
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        answer(opening(Octets::of(head)))
    }
}

impl Recogniser for ImageServerMidstream {
    fn service(&self) -> Service {
        Service::Imageserver
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start {
            return Probe::Refuse;
        }
        let octets = Octets::of(head);
        let found = INSIDE
            .iter()
            .zip(INSIDE_FINDERS.iter())
            .filter_map(|(wanted, finder)| Some((finder.find(octets.seen())?, wanted)))
            .min_by_key(|(at, _)| *at);
        match found {
            Some((at, (text, sender, what))) => Probe::Match(found_here(text, *sender, what).at(at)),
            None => octets.missing(),
        }
    }
}

fn opening(octets: Octets<'_>) -> Read<Recognition> {
    if octets.u8(0)? == b'I' {
        octets.expect(0, b"ImageResponse\r\n")?;
        return Ok(found_here(b"ImageResponse\r\n", Sender::Server, "status line of an ImageResponse"));
    }
    let root = after_declaration(octets)?;
    let rest = octets.after(root);
    let mut waiting = false;
    for (text, sender, what) in ROOTS {
        match rest.expect(0, text) {
            Ok(()) => return Ok(found_here(text, sender, what).at(root)),
            Err(Probe::NeedMore) => waiting = true,
            Err(_) => {}
        }
    }
    Err(if waiting { Probe::NeedMore } else { Probe::Refuse })
}

/// Where the root element starts, after a byte order mark, the XML declaration and blanks.
fn after_declaration(octets: Octets<'_>) -> Read<usize> {
    let mut at = 0_usize;
    if octets.u8(0)? == 0xef {
        octets.expect(0, &[0xef, 0xbb, 0xbf])?;
        at = 3;
    }
    octets.expect(at, b"<")?;
    if octets.u8(at.saturating_add(1))? != b'?' {
        return Ok(at);
    }
    octets.expect(at, b"<?xml ")?;
    at = at.saturating_add(6);
    let window = octets.after(at).seen();
    let window = window.get(..DECLARATION_MOST).unwrap_or(window);
    let Some(end) = memchr::memchr(b'>', window) else {
        return Err(if window.len() == DECLARATION_MOST { Probe::Refuse } else { octets.missing() });
    };
    require(window.get(..end).is_some_and(|text| text.ends_with(b"?")))?;
    at = at.saturating_add(end).saturating_add(1);
    for _ in 0..BLANKS_MOST {
        if !octets.u8(at)?.is_ascii_whitespace() {
            break;
        }
        at = at.saturating_add(1);
    }
    octets.u8(at).map(|_| at)
}

fn found_here(text: &[u8], sender: Sender, what: &'static str) -> Recognition {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    Recognition::proved(Service::Imageserver, Certainty::Signature, sender, length, what)
}
