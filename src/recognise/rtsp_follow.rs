//! Follows an RTSP connection to its end: messages and interleaved frames of both sides.
//!
//! Source: RFC 2326 §4, §10.12 (messages, interleaved frames), RFC 7826 §5, §14.

use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::http_content;
use super::line::LineReader;
use super::rtp::looks_like_media;
use super::rtsp::FRAME;
use super::rtsp::FRAME_HEADER;
use super::rtsp::NAME;
use super::rtsp_session::Message;
use super::rtsp_session::Session;
use super::text::StartLine;
use super::text::contains;
use super::text::header;
use super::text::host_name;
use super::text::number;
use super::text::recovered;
use super::text::start_line;
use super::text::starts_with;
use super::told::Teller;
use super::told::Told;
use crate::flow::Side;

/// Octets of one header block that are read.
const BLOCK_OCTETS: usize = 8 * 1024;
/// Octets of a frame that must look like media before it is believed where the place is not sure.
const UNSURE_HEADER: usize = FRAME_HEADER + 2;

/// Follows one connection for as long as it lasts: a session may announce media at any time. Holds at
/// most one line and one header per side, and what [`Session`] keeps.
#[derive(Default)]
pub struct RtspFollower {
    sides: [Reader; 2],
    session: Session,
    told: Told,
}

#[derive(Default)]
struct Reader {
    stage: Stage,
    /// Octets are missing before here, or are no RTSP: a message may start anywhere.
    unsure: bool,
    line: LineReader,
    frame: Vec<u8>,
    block: usize,
    message: Message,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Stage {
    /// A message or a frame is expected.
    #[default]
    Start,
    Frame,
    /// This many octets are of no interest.
    Skip(u64),
    Headers,
    /// This many octets of a session description follow.
    Sdp(u64),
}

impl Follower for RtspFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let mut teller = Teller { told: &mut self.told, piece, findings };
        let reader = piece.side.of_mut(&mut self.sides);
        let mut rest = piece.octets;
        let mut at = piece.offset;
        while !rest.is_empty() {
            let used = reader.step(rest, at, &mut self.session, &mut teller);
            rest = rest.get(used..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
        }
        Following::More
    }

    fn gap(&mut self, side: Side) -> Following {
        *side.of_mut(&mut self.sides) = Reader { unsure: true, ..Reader::default() };
        Following::More
    }
}

impl Reader {
    /// Reads some octets, at least one; gives how many.
    fn step(&mut self, octets: &[u8], at: u32, session: &mut Session, teller: &mut Teller<'_>) -> usize {
        match self.stage {
            Stage::Skip(left) => {
                let used = octets.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left.saturating_sub(u64::try_from(used).unwrap_or(left));
                self.stage = if left == 0 { Stage::Start } else { Stage::Skip(left) };
                used
            }
            Stage::Frame => self.frame(octets, session, at, teller),
            Stage::Start if self.line.so_far().is_empty() && octets.first() == Some(&FRAME) => {
                self.stage = Stage::Frame;
                self.frame(octets, session, at, teller)
            }
            Stage::Start | Stage::Headers => {
                let (used, whole) = self.line.take(octets, at);
                self.block = self.block.saturating_add(used);
                if whole {
                    let (line, start) = self.line.finish();
                    self.take_line(&line, start, session, teller);
                }
                used
            }
            Stage::Sdp(left) => self.describe(octets, at, left, session, teller),
        }
    }

    /// Collects a frame's header and skips its content.
    fn frame(&mut self, octets: &[u8], session: &mut Session, at: u32, teller: &mut Teller<'_>) -> usize {
        let wanted = if self.unsure { UNSURE_HEADER } else { FRAME_HEADER };
        let used = octets.len().min(wanted.saturating_sub(self.frame.len()));
        let at = at.saturating_sub(u32::try_from(self.frame.len()).unwrap_or(0));
        self.frame.extend_from_slice(octets.get(..used).unwrap_or_default());
        let [_, _, high, low, payload @ ..] = self.frame.as_slice() else { return used };
        if self.frame.len() < wanted {
            return used;
        }
        let length = u64::from(u16::from_be_bytes([*high, *low]));
        let read = u64::try_from(payload.len()).unwrap_or(0);
        let believed = !self.unsure || (looks_like_media(payload) && length >= 8);
        self.frame.clear();
        if believed {
            let left = length.saturating_sub(read);
            self.stage = if left == 0 { Stage::Start } else { Stage::Skip(left) };
            self.unsure = false;
            session.frame(at, teller);
        } else {
            self.lose();
        }
        used
    }

    fn take_line(&mut self, line: &[u8], at: u32, session: &mut Session, teller: &mut Teller<'_>) {
        if self.stage == Stage::Start {
            self.block = 0;
            match start_line(recovered(line, NAME), NAME) {
                Some(start) => self.start(start, line.len(), at, session, teller),
                None => self.unsure |= !line.is_empty(),
            }
        } else if line.is_empty() {
            self.headers_end(session, teller);
        } else if self.block > BLOCK_OCTETS {
            self.lose();
        } else if let Some((name, value)) = header(line) {
            self.header(name, value, at);
        }
    }

    fn start(
        &mut self,
        start: StartLine<'_>,
        length: usize,
        at: u32,
        session: &mut Session,
        teller: &mut Teller<'_>,
    ) {
        self.stage = Stage::Headers;
        self.unsure = false;
        self.message = Message { at, length, ..Message::default() };
        match start {
            StartLine::Reply { status } => self.message.status = Some(status),
            StartLine::Request { method, target } => {
                self.message.method = method.to_vec();
                session.target(target, at, length, teller);
            }
        }
    }

    /// Keeps what a header says; of `Authorization` only its scheme.
    fn header(&mut self, name: &[u8], value: &[u8], at: u32) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let message = &mut self.message;
        match () {
            () if is("CSeq") => message.sequence = number(value),
            () if is("Content-Length") || is("l") => message.body = number(value).unwrap_or(0),
            () if is("Content-Type") || is("c") => message.sdp = starts_with(value, b"application/sdp"),
            () if is("Transport") => {
                message.transport_at = at;
                message.transport = value.to_vec();
            }
            () if is("Session") => message.set_session(value),
            () if is("Authorization") => message.authorization = Some(http_content::scheme(value)),
            () if is("WWW-Authenticate") => {
                let scheme = http_content::scheme(value);
                message.demand = Some(http_content::stronger(message.demand, scheme));
            }
            () if is("Location") => {
                message.location = http_content::authority(value).and_then(host_name);
            }
            () if is("Content-Base") => message.mobotix = contains(value, b"/mobotix."),
            () => {}
        }
    }

    fn headers_end(&mut self, session: &mut Session, teller: &mut Teller<'_>) {
        self.block = 0;
        session.message(&mut self.message, teller);
        self.stage = match self.message.body {
            0 => Stage::Start,
            left if self.message.sdp => Stage::Sdp(left),
            left => Stage::Skip(left),
        };
    }

    /// Reads a session description line by line; its last line may have no end.
    fn describe(
        &mut self,
        octets: &[u8],
        at: u32,
        left: u64,
        session: &mut Session,
        teller: &mut Teller<'_>,
    ) -> usize {
        let room = octets.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (used, whole) = self.line.take(octets.get(..room).unwrap_or_default(), at);
        let left = left.saturating_sub(u64::try_from(used).unwrap_or(left));
        if whole || left == 0 {
            let (line, start) = self.line.finish();
            session.described(&line, start, self.message.status.is_some(), teller);
        }
        self.stage = if left == 0 { Stage::Start } else { Stage::Sdp(left) };
        used
    }

    /// What stands here is not understood: the next message is searched for.
    fn lose(&mut self) {
        *self = Self { unsure: true, ..Self::default() };
    }
}
