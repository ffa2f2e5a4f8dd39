//! Follows both sides of an HTTP connection: header lines as they come, so that a cut capture still
//! tells what came before the cut, and the start of bodies.

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
use super::text::StartLine;
use super::text::host_name;
use super::text::recovered;
use super::text::start_line;
use super::told::Teller;
use super::told::Told;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Content;

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
    media: MediaSearch,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Stage {
    /// A start line is expected.
    #[default]
    Start,
    Headers,
    Body,
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
            Stage::Over => {}
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
        self.body = message.body_after(flow.head);
        if self.body == Body::None {
            return self.next();
        }
        self.stage = Stage::Body;
        self.block = 0;
        self.media.begin(message.multipart, message.mobotix_boundary);
    }

    /// Reads octets of a body.
    fn content(&mut self, octets: &[u8], at: u32, flow: &mut Flow, teller: &mut Teller<'_>) -> usize {
        let room = usize::try_from(self.body.room()).unwrap_or(usize::MAX);
        let part = octets.get(..octets.len().min(room)).unwrap_or_default();
        self.media.feed(part, at, flow.stream, teller);
        self.body = self.body.after(part.len());
        match self.body {
            Body::None => self.next(),
            // Nothing of this side follows a body that only the connection's end ends.
            Body::Open if self.media.is_settled() => {
                // Nor does another request follow where the server answers until the end.
                flow.settled |= self.reply;
                self.over();
            }
            _ => {}
        }
        part.len()
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
        self.media.gap();
        if self.stage != Stage::Over && self.body != Body::Open {
            self.next();
        }
    }
}
