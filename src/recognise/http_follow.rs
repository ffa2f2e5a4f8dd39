//! Follows both sides of an HTTP connection: header lines as they come, so that a cut capture still
//! tells what came before the cut, and the start of bodies.
//!
//! Source: RFC 9112 (messages), RFC 9110 §9.3.6 (CONNECT), RFC 2817 §3 (upgrade to TLS), RFC 6455 §1.3
//! (WebSocket).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::http::NAME;
use super::http_body::Body;
use super::http_content;
use super::http_media::MediaSearch;
use super::http_message::Message;
use super::line::LineReader;
use super::mobotix_command::CommandReader;
use super::rtsp_tunnel::RtspTunnel;
use super::text::StartLine;
use super::text::host_name;
use super::text::recovered;
use super::text::start_line;
use super::told::Teller;
use super::told::Told;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;

/// Messages of one side that are read.
const MESSAGES: u32 = 64;
/// Octets of one header block that are read.
const BLOCK_OCTETS: usize = 8 * 1024;
/// Octets searched for a start line where none stands.
const SEEK_OCTETS: usize = 1024 * 1024;

/// Follows one connection. Holds at most one line and [`super::http_media`]'s window per side.
#[derive(Default)]
pub struct HttpFollower {
    sides: [Reader; 2],
    flow: Flow,
}

/// What both sides' messages tell together.
#[derive(Default)]
struct Flow {
    told: Told,
    /// The last request was HEAD: its reply has no body.
    head: bool,
    /// A stream that a request named: its pictures are no news.
    stream: bool,
    /// The last request was CONNECT, or TLS was asked for: what follows is another protocol.
    inner: bool,
    /// The last request was a GET for tunnelled RTSP: its reply's body is that.
    rtsp: bool,
    /// A client writes commands as long as the connection lasts.
    commands: bool,
    /// Tunnelled RTSP of either side.
    tunnel: Option<Box<RtspTunnel>>,
    /// All is known that this connection will tell.
    settled: bool,
}

#[derive(Default)]
struct Reader {
    stage: Stage,
    line: LineReader,
    body: Body,
    block: usize,
    messages: u32,
    message: Message,
    /// The message whose body is read is a reply.
    reply: bool,
    /// The request is a CONNECT, or a GET.
    connect: bool,
    get: bool,
    /// The body is tunnelled RTSP.
    rtsp: bool,
    /// The first octets of what may be another protocol.
    inner: Vec<u8>,
    /// The commands of an event stream, in the body of its request.
    commands: Option<Box<CommandReader>>,
    media: MediaSearch,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Stage {
    /// A start line is expected.
    #[default]
    Start,
    Headers,
    Body,
    /// Another protocol may start here.
    Inner,
    Over,
}

impl Follower for HttpFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let mut told = std::mem::take(&mut self.flow.told);
        let mut teller = Teller { told: &mut told, piece, findings };
        let reader = piece.side.of_mut(&mut self.sides);
        let mut rest = piece.octets;
        let mut at = piece.offset;
        while !rest.is_empty() && reader.stage != Stage::Over && !self.flow.settled {
            let used = reader.step(rest, at, &mut self.flow, &mut teller);
            rest = rest.get(used..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
        }
        self.flow.told = told;
        self.following()
    }

    fn gap(&mut self, side: Side) -> Following {
        side.of_mut(&mut self.sides).gap();
        if let Some(tunnel) = &mut self.flow.tunnel {
            tunnel.gap(side);
        }
        self.following()
    }
}

impl HttpFollower {
    fn following(&self) -> Following {
        let over = self.sides.iter().all(|reader| reader.stage == Stage::Over);
        if over || self.flow.settled { Following::Done } else { Following::More }
    }
}

impl Reader {
    /// Reads a line or a stretch of body; gives how many octets were used.
    fn step(&mut self, octets: &[u8], at: u32, flow: &mut Flow, teller: &mut Teller<'_>) -> usize {
        if self.stage == Stage::Body && !self.body.is_line() {
            return self.content(octets, at, flow, teller);
        }
        if self.stage == Stage::Inner || (self.stage == Stage::Start && self.awaits_inner(flow)) {
            return self.inner(octets, at, flow, teller);
        }
        let (used, whole) = self.line.take(octets, at);
        if self.stage == Stage::Start {
            // It may be the rest of a body whose header was not seen.
            let part = octets.get(..used).unwrap_or_default();
            self.media.pictures(part, at, flow.stream, teller);
        }
        self.block = self.block.saturating_add(used);
        let most = if self.stage == Stage::Headers { BLOCK_OCTETS } else { SEEK_OCTETS };
        if self.block > most {
            self.over();
        } else if whole {
            let (line, start) = self.line.finish();
            self.take_line(line, start, flow, teller);
        }
        used
    }

    fn take_line(&mut self, line: Vec<u8>, at: u32, flow: &mut Flow, teller: &mut Teller<'_>) {
        match self.stage {
            Stage::Start => self.start(&line, at, flow, teller),
            Stage::Headers if line.is_empty() => self.headers_end(at, flow, teller),
            Stage::Headers => self.message.header(&line, at, teller),
            Stage::Body => match self.body.after_line(line) {
                Some(Body::None) => self.next(),
                Some(body) => {
                    self.body = body;
                    self.block = 0;
                }
                None => self.next(),
            },
            Stage::Inner | Stage::Over => {}
        }
    }

    fn start(&mut self, line: &[u8], at: u32, flow: &mut Flow, teller: &mut Teller<'_>) {
        if line.strip_prefix(b"--").is_some_and(|name| name.starts_with(http_content::MOBOTIX_BOUNDARY)) {
            self.media.boundary();
        }
        let Some(start) = start_line(recovered(line, NAME), NAME) else { return };
        self.message = Message::default();
        self.stage = Stage::Headers;
        self.block = line.len();
        self.messages = self.messages.saturating_add(1);
        match start {
            StartLine::Reply { status } => self.message.status = Some(status),
            StartLine::Request { method, target } => {
                flow.head = method == b"HEAD";
                self.connect = method == b"CONNECT";
                self.get = method == b"GET";
                if let Some((content, certainty)) = http_content::of_request(method, target) {
                    let streams = [Content::MxpegEventStream, Content::MobotixFaststream];
                    flow.stream |= streams.contains(&content);
                    self.message.tunnel = content == Content::MxpegEventStream;
                    let what = "request line names the content";
                    teller.tell(Finding::Content(content, certainty), at, line.len(), what);
                }
                if let Some(host) = http_content::authority(target).and_then(host_name) {
                    teller.tell(Finding::HttpHost(host), at, line.len(), "absolute request target");
                }
            }
        }
    }

    fn headers_end(&mut self, at: u32, flow: &mut Flow, teller: &mut Teller<'_>) {
        let message = std::mem::take(&mut self.message);
        self.reply = message.status.is_some();
        if let Some(scheme) = message.demand {
            teller.tell(Finding::Auth(scheme), at, 0, "the server demands authentication");
        }
        if message.status == Some(101) && message.websocket {
            let finding = Finding::Content(Content::Websocket, Certainty::Signature);
            teller.tell(finding, at, 0, "101 and Upgrade: websocket");
            flow.settled = true;
            return;
        }
        let reply = message.status.is_some();
        self.takes_rtsp(&message, flow);
        self.body = message.body_after(flow.head);
        // Behind a CONNECT, or a reply that may be the consent to one, and behind 101 to TLS.
        flow.inner |= message.status == Some(101) && message.tls;
        let consent = message.may_consent() && !flow.stream && !self.rtsp;
        if std::mem::take(&mut self.connect) || consent || (flow.inner && reply) {
            self.stage = Stage::Inner;
            self.media.begin(false, false);
            return;
        }
        if self.body == Body::None {
            return self.next();
        }
        self.stage = Stage::Body;
        self.block = 0;
        self.media.begin(message.multipart, message.mobotix_boundary);
        let stream = message.tunnel && !message.rtsp && !reply;
        flow.commands |= stream;
        self.commands = stream.then(Box::default);
    }

    /// Reads octets of a body.
    fn content(&mut self, octets: &[u8], at: u32, flow: &mut Flow, teller: &mut Teller<'_>) -> usize {
        let room = usize::try_from(self.body.room()).unwrap_or(usize::MAX);
        let part = octets.get(..octets.len().min(room)).unwrap_or_default();
        let piece = Piece { octets: part, offset: at, ..*teller.piece };
        match (&mut flow.tunnel, &mut self.commands) {
            (Some(tunnel), _) if self.rtsp => tunnel.feed(&piece, !self.reply, teller.findings),
            (_, Some(commands)) => commands.feed(part, at, teller),
            _ => self.media.feed(part, at, flow.stream, teller),
        }
        self.body = self.body.after(part.len());
        match self.body {
            Body::None => self.next(),
            // Nothing of this side follows a body that only the connection's end ends.
            Body::Open if self.media.is_settled() && !self.rtsp => {
                // Nor does another request follow where the server answers until the end.
                flow.settled |= self.reply && !flow.commands;
                self.over();
            }
            _ => {}
        }
        part.len()
    }

    /// Whether the message's body is tunnelled RTSP: a POST's, or the reply's to a GET that asked for it.
    fn takes_rtsp(&mut self, message: &Message, flow: &mut Flow) {
        if message.status.is_none() {
            flow.rtsp = message.rtsp && self.get;
        }
        let reply = message.rtsp || flow.rtsp;
        self.rtsp = if self.reply { reply } else { message.rtsp && !self.get };
        if self.rtsp {
            flow.tunnel.get_or_insert_default();
        }
    }

    /// Whether TLS was agreed on and this side's next octets are the first of it.
    fn awaits_inner(&self, flow: &Flow) -> bool {
        flow.inner && self.line.so_far().is_empty()
    }

    /// Reads what may be the first octets of another protocol. HTTP goes on as before; what nobody knows
    /// is read as a body.
    fn inner(&mut self, octets: &[u8], at: u32, flow: &mut Flow, teller: &mut Teller<'_>) -> usize {
        let Some(octet) = octets.first() else { return 0 };
        let start = at.saturating_sub(u32::try_from(self.inner.len()).unwrap_or(0));
        self.inner.push(*octet);
        match inner_service(&self.inner) {
            None => {}
            Some(Inner::Is(service)) => {
                self.inner.clear();
                flow.settled = true;
                teller.tell(Finding::Upgrade(service), start, 0, "another protocol behind HTTP's header");
            }
            Some(inner @ (Inner::Http | Inner::Other)) => {
                let first = std::mem::take(&mut self.inner);
                flow.inner = false;
                let goes_on = matches!(inner, Inner::Http) || self.body == Body::None;
                self.stage = if goes_on { Stage::Start } else { Stage::Body };
                self.block = 0;
                let mut rest = first.as_slice();
                while !rest.is_empty() && self.stage != Stage::Over {
                    let read = first.len().saturating_sub(rest.len());
                    let at = start.saturating_add(u32::try_from(read).unwrap_or(0));
                    let used = self.step(rest, at, flow, teller);
                    rest = rest.get(used..).unwrap_or_default();
                }
            }
        }
        1
    }

    /// The message is over.
    fn next(&mut self) {
        self.stage = Stage::Start;
        self.body = Body::None;
        self.block = 0;
        if self.messages >= MESSAGES {
            self.over();
        }
    }

    fn over(&mut self) {
        *self = Self { stage: Stage::Over, ..Self::default() };
    }

    fn gap(&mut self) {
        self.line.clear();
        self.inner.clear();
        if let Some(commands) = &mut self.commands {
            commands.gap();
        }
        self.media.gap();
        if self.stage != Stage::Over && self.body != Body::Open {
            self.next();
        }
    }
}

/// What the first octets behind a header are.
enum Inner {
    Is(Service),
    /// A reply of HTTP.
    Http,
    /// Anything else, also a request of HTTP.
    Other,
}

/// The protocol that starts with these octets: a TLS handshake record, the greeting of SSH, or the
/// status line of RTSP. `None` while it may still be one of them. No more is needed than [`super::side`]
/// keeps of what was read before.
fn inner_service(octets: &[u8]) -> Option<Inner> {
    match octets {
        [0x16] | [0x16, 3] => None,
        [0x16, 3, 0..=4] => Some(Inner::Is(Service::Tls)),
        b"SSH-" => Some(Inner::Is(Service::Ssh)),
        b"RTSP/" => Some(Inner::Is(Service::Rtsp)),
        b"HTTP/" => Some(Inner::Http),
        _ if [b"SSH-".as_slice(), b"RTSP/", b"HTTP/"].iter().any(|word| word.starts_with(octets)) => None,
        _ => Some(Inner::Other),
    }
}
