//! Follows SIP over UDP and TCP: where the ends of a call want its media, how those are encoded, and
//! when the call ends.
//!
//! Memory: two lines of [`LINE_OCTETS`] per side, and what [`Calls`] and [`SdpMedia`] keep. Nothing is kept
//! of credentials, names and addresses of users.
//!
//! Source: RFC 3261 §7 (messages, compact names, folded lines), §18.3 (where a message ends), §20.14.

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::line::LINE_OCTETS;
use super::line::LineReader;
use super::sdp;
use super::sdp::SdpFact;
use super::sdp_media::SdpMedia;
use super::sip_call::Calls;
use super::sip_call::Message;
use super::sip_call::Method;
use super::text::StartLine;
use super::text::contains;
use super::text::header;
use super::text::number;
use super::text::recovered;
use super::text::start_line;
use super::text::starts_with;
use super::told::Teller;
use super::told::Told;
use crate::flow::Side;
use crate::service::Transport;

/// What start lines name.
const NAME: &[u8] = b"SIP/";
/// Octets of one header block that are read.
const BLOCK_OCTETS: usize = 16 * 1024;

/// Follows one flow for as long as it lasts: a new call may come at any time.
#[derive(Default)]
pub(super) struct SipFollower {
    sides: [Reader; 2],
    calls: Calls,
    told: Told,
}

#[derive(Default)]
struct Reader {
    stage: Stage,
    /// Octets are missing before here, or are no SIP: a message may start anywhere.
    unsure: bool,
    line: LineReader,
    /// A header line that the next line may continue.
    folded: Vec<u8>,
    block: usize,
    message: Message,
    media: SdpMedia,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Stage {
    /// A message is expected.
    #[default]
    Start,
    Headers,
    /// This many octets are of no interest.
    Skip(u64),
    /// This many octets of a session description follow.
    Sdp(u64),
}

/// Where things go.
struct Desk<'a, 't> {
    calls: &'a mut Calls,
    teller: Teller<'t>,
}

impl Follower for SipFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let teller = Teller { told: &mut self.told, piece, findings };
        let mut desk = Desk { calls: &mut self.calls, teller };
        let reader = piece.side.of_mut(&mut self.sides);
        let datagram = piece.key.transport == Transport::Udp;
        if datagram {
            *reader = Reader::default();
        }
        let mut rest = piece.octets;
        let mut at = piece.offset;
        while !rest.is_empty() {
            let used = reader.step(rest, at, &mut desk);
            rest = rest.get(used..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
        }
        // Without a length the body ends with its datagram; with one, what is missing was cut off.
        if datagram && matches!(reader.stage, Stage::Sdp(_)) && reader.message.body.is_none() {
            reader.described(&mut desk);
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
    fn step(&mut self, octets: &[u8], at: u32, desk: &mut Desk<'_, '_>) -> usize {
        match self.stage {
            Stage::Skip(left) => {
                let used = octets.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left.saturating_sub(u64::try_from(used).unwrap_or(left));
                self.stage = if left == 0 { Stage::Start } else { Stage::Skip(left) };
                used
            }
            Stage::Start | Stage::Headers => {
                let (used, whole) = self.line.take(octets, at);
                self.block = self.block.saturating_add(used);
                if whole {
                    let (line, start) = self.line.finish();
                    self.take_line(line, start, desk);
                }
                used
            }
            Stage::Sdp(left) => self.describe(octets, at, left, desk),
        }
    }

    fn take_line(&mut self, line: Vec<u8>, at: u32, desk: &mut Desk<'_, '_>) {
        if self.stage == Stage::Start {
            self.block = line.len();
            self.start(&line, at, desk);
        } else if line.is_empty() {
            self.unfold();
            self.headers_end(desk);
        } else if self.block > BLOCK_OCTETS {
            *self = Self { unsure: true, ..Self::default() };
        } else if line.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
            let room = LINE_OCTETS.saturating_sub(self.folded.len());
            self.folded.extend(line.into_iter().take(room));
        } else {
            self.unfold();
            self.folded = line;
        }
    }

    fn start(&mut self, line: &[u8], at: u32, desk: &Desk<'_, '_>) {
        let text = if self.unsure { recovered(line, NAME) } else { line };
        let Some(start) = start_line(text, NAME) else {
            self.unsure |= !line.is_empty();
            // What begins as no message of SIP is none, up to the end of its datagram.
            if !line.is_empty() && desk.teller.piece.key.transport == Transport::Udp {
                self.stage = Stage::Skip(u64::MAX);
            }
            return;
        };
        let skipped = u32::try_from(line.len().saturating_sub(text.len())).unwrap_or(0);
        self.stage = Stage::Headers;
        self.unsure = false;
        self.message = Message { at: at.saturating_add(skipped), length: text.len(), ..Message::default() };
        match start {
            StartLine::Reply { status } => self.message.status = Some(status),
            StartLine::Request { method, .. } => self.message.method = Method::of(method),
        }
    }

    /// The header line at hand is whole.
    fn unfold(&mut self) {
        let line = std::mem::take(&mut self.folded);
        let Some((name, value)) = header(&line) else { return };
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long.as_bytes()) || name.eq_ignore_ascii_case(short.as_bytes())
        };
        let message = &mut self.message;
        match () {
            () if is("Content-Length", "l") => message.body = number(value),
            () if is("Content-Type", "c") => message.sdp = starts_with(value, b"application/sdp"),
            () if is("Call-ID", "i") => message.set_call(value),
            () if is("To", "t") => message.inside = contains(value, b";tag=") || contains(value, b"; tag="),
            () if is("CSeq", "CSeq") && message.status.is_some() => {
                let method = value.rsplit(|octet| matches!(octet, b' ' | b'\t')).next();
                message.method = Method::of(method.unwrap_or_default());
            }
            () => {}
        }
    }

    fn headers_end(&mut self, desk: &mut Desk<'_, '_>) {
        self.block = 0;
        desk.calls.message(&self.message, &mut desk.teller);
        let datagram = desk.teller.piece.key.transport == Transport::Udp;
        // Over TCP a message without a length has no body.
        let body = self.message.body.unwrap_or(if datagram { u64::MAX } else { 0 });
        self.media = SdpMedia::default();
        self.stage = match body {
            0 => Self::behind(desk),
            left if self.message.describes_a_call() => Stage::Sdp(left),
            left => Stage::Skip(left),
        };
    }

    /// Behind a message: the next one, or over UDP nothing (RFC 3261 §18.3).
    fn behind(desk: &Desk<'_, '_>) -> Stage {
        let datagram = desk.teller.piece.key.transport == Transport::Udp;
        if datagram { Stage::Skip(u64::MAX) } else { Stage::Start }
    }

    /// Reads a session description line by line; its last line may have no end.
    fn describe(&mut self, octets: &[u8], at: u32, left: u64, desk: &mut Desk<'_, '_>) -> usize {
        let room = octets.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (used, whole) = self.line.take(octets.get(..room).unwrap_or_default(), at);
        let left = left.saturating_sub(u64::try_from(used).unwrap_or(left));
        if whole || left == 0 {
            let (line, start) = self.line.finish();
            self.media.line(&line, start);
            tell(&line, start, &mut desk.teller);
        }
        self.stage = Stage::Sdp(left);
        if left == 0 {
            self.described(desk);
        }
        used
    }

    /// The description is whole.
    fn described(&mut self, desk: &mut Desk<'_, '_>) {
        let wanted = std::mem::take(&mut self.media).finish();
        desk.calls.describe(&self.message, &wanted, &mut desk.teller);
        self.stage = Self::behind(desk);
    }
}

/// Tells what a line of a description says of the streams' octets.
fn tell(line: &[u8], at: u32, teller: &mut Teller<'_>) {
    for fact in sdp::facts(line).into_iter().flatten() {
        match fact {
            // Either end of a call may be a telephone: that it shows pictures makes it no video server.
            SdpFact::Video => {}
            SdpFact::Encrypted => teller.tell(Finding::EncryptedMedia, at, 0, "SDP names SRTP"),
            SdpFact::Codec(codec) => {
                teller.tell(Finding::Codec(codec), at, line.len(), "SDP names an encoding");
            }
        }
    }
}
