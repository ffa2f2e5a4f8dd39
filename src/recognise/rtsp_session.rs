//! What the messages of an RTSP connection mean together: authentication, the device, and where media
//! will flow.
//!
//! Source: RFC 2326 §10, §12 (methods, headers), §11 (statuses); RFC 7826 §13, §18.

use super::Finding;
use super::finding::AuthScheme;
use super::finding::DeviceKind;
use super::finding::MediaAnnouncement;
use super::finding_words::Codec;
use super::finding_words::RtspMethod;
use super::rtsp_transport::Ends;
use super::rtsp_transport::announcements;
use super::rtsp_transport::elsewhere;
use super::sdp;
use super::sdp::SdpFact;
use super::text::contains;
use super::told::Teller;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Content;

/// Requests without an answer that are remembered.
const ASKED: usize = 16;
/// Announcements that are remembered until their session is torn down.
const ANNOUNCED: usize = 64;

/// What one message says, as far as it matters.
#[derive(Debug, Default)]
pub struct Message {
    /// Where its start line stands.
    pub at: u32,
    /// Octets of the start line.
    pub length: usize,
    /// A request's method; empty for a reply.
    pub method: Vec<u8>,
    /// A reply's status.
    pub status: Option<u16>,
    /// `CSeq`, which ties a reply to its request.
    pub sequence: Option<u64>,
    /// Octets of the body.
    pub body: u64,
    /// The body is a session description.
    pub sdp: bool,
    /// The value of `Transport`.
    pub transport: Vec<u8>,
    /// Where that header stands.
    pub transport_at: u32,
    /// The scheme of `Authorization`, never more of it.
    pub authorization: Option<AuthScheme>,
    /// The scheme that a server demands.
    pub demand: Option<AuthScheme>,
    /// The host of `Location`, if it is none of the connection's ends.
    pub location: Option<String>,
    /// Paths that only MOBOTIX cameras have were named by the server.
    pub mobotix: bool,
    /// A number for the session's identifier, which itself is not kept.
    pub session: Option<u64>,
}

impl Message {
    /// Keeps a number for the identifier in a `Session` header (FNV-1a), without its parameters.
    pub fn set_session(&mut self, value: &[u8]) {
        let id = value.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
        let fold = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        self.session = Some(id.iter().fold(0xcbf2_9ce4_8422_2325, fold));
    }
}

/// State of one connection: at most 16 requests and 64 announcements.
#[derive(Debug, Default)]
pub struct Session {
    asked: Vec<Asked>,
    announced: Vec<(Option<u64>, MediaAnnouncement)>,
    authorized: bool,
}

/// A request that waits for its reply.
#[derive(Debug)]
struct Asked {
    side: Side,
    sequence: u64,
    opens: bool,
}

impl Session {
    /// An interleaved frame was read.
    pub fn frame(&self, at: u32, teller: &mut Teller<'_>) {
        let finding = Finding::Content(Content::InterleavedMedia, Certainty::Signature);
        teller.tell(finding, at, 4, "interleaved frame in RTSP");
    }

    /// A request named this target; it may hold a password, so nothing of it is kept.
    pub fn target(&self, target: &[u8], at: u32, length: usize, teller: &mut Teller<'_>) {
        if contains(target, b"/mobotix.") {
            let device = teller.piece.side.other();
            let finding = Finding::DeviceKind(DeviceKind::MobotixCamera);
            teller.tell_of(device, finding, at, length, "request for /mobotix.");
        }
    }

    /// A line of a session description was read.
    pub fn described(&self, line: &[u8], at: u32, reply: bool, teller: &mut Teller<'_>) {
        for fact in sdp::facts(line).into_iter().flatten() {
            match fact {
                // With ANNOUNCE a client describes what it will send: no server, but a device all the same.
                SdpFact::Video if reply => {
                    let finding = Finding::DeviceKind(DeviceKind::VideoServer);
                    teller.tell(finding, at, line.len(), "SDP describes video");
                }
                SdpFact::Video => {}
                SdpFact::Encrypted => {
                    teller.tell(Finding::EncryptedMedia, at, 0, "SDP names SRTP");
                }
                SdpFact::Codec(codec) => {
                    if codec == Codec::Mxpeg {
                        let content = Finding::Content(Content::Mxpeg, Certainty::Signature);
                        teller.tell(content, at, line.len(), "SDP names X-MXPEG");
                        let device = Finding::DeviceKind(DeviceKind::MobotixCamera);
                        teller.tell(device, at, line.len(), "SDP names X-MXPEG");
                    }
                    teller.tell(Finding::Codec(codec), at, line.len(), "SDP names an encoding");
                }
            }
        }
    }

    /// The header block of a message is whole.
    pub fn message(&mut self, message: &mut Message, teller: &mut Teller<'_>) {
        match message.status {
            None => self.request(message, teller),
            Some(status) => self.reply(status, message, teller),
        }
        message.transport = Vec::new();
    }

    fn request(&mut self, message: &Message, teller: &mut Teller<'_>) {
        let side = teller.piece.side;
        let method = str::from_utf8(&message.method).ok().and_then(RtspMethod::parse);
        if let Some(method) = method {
            teller.tell(Finding::RtspMethod(method), message.at, message.length, "request of RTSP");
        }
        if method == Some(RtspMethod::Redirect) {
            redirect(message, teller);
        }
        if let Some(scheme) = message.authorization {
            self.authorized = true;
            teller.tell(Finding::Auth(scheme), message.at, message.length, "Authorization header");
        }
        // Not PLAY: servers exist that ask for authentication before it and not with it, and a capture
        // may start between.
        let opens = [b"DESCRIBE".as_slice(), b"SETUP"].contains(&message.method.as_slice());
        if let Some(sequence) = message.sequence {
            if self.asked.len() >= ASKED {
                self.asked.remove(0);
            }
            self.asked.push(Asked { side, sequence, opens: opens && message.authorization.is_none() });
        }
        match message.method.as_slice() {
            b"SETUP" => self.announce(message, side, teller),
            b"TEARDOWN" => self.end(message, teller),
            _ => {}
        }
    }

    fn reply(&mut self, status: u16, message: &Message, teller: &mut Teller<'_>) {
        let side = teller.piece.side;
        let asked = message.sequence.and_then(|sequence| {
            let at = self.asked.iter().position(|a| a.sequence == sequence && a.side != side)?;
            Some(self.asked.remove(at))
        });
        if status == 200 && !self.authorized && asked.is_some_and(|asked| asked.opens) {
            let what = "200 to a request without Authorization";
            teller.tell(Finding::Unauthenticated, message.at, message.length, what);
        }
        if status >= 300 {
            teller.tell(Finding::RtspStatus(status), message.at, message.length, "status of an RTSP reply");
        }
        if (300..400).contains(&status) {
            redirect(message, teller);
        }
        if let Some(scheme) = message.demand.filter(|_| status == 401) {
            let what = "the server demands authentication";
            teller.tell(Finding::Auth(scheme), message.at, message.length, what);
        }
        if message.mobotix {
            let finding = Finding::DeviceKind(DeviceKind::MobotixCamera);
            teller.tell(finding, message.at, message.length, "Content-Base names /mobotix.");
        }
        if (200..300).contains(&status) {
            self.announce(message, side.other(), teller);
        }
    }

    /// Tells what the message's `Transport` announces between `client` and its other side.
    fn announce(&mut self, message: &Message, client: Side, teller: &mut Teller<'_>) {
        let key = teller.piece.key;
        let ends = Ends { client: key.end(client).0, server: key.end(client.other()).0 };
        if contains(&message.transport, b"RTP/SAVP") {
            teller.tell(Finding::EncryptedMedia, message.transport_at, 0, "Transport names SRTP");
        }
        if let Some(other) = elsewhere(&message.transport, ends) {
            let what = "destination is no end of the session";
            teller.tell(Finding::Redirect(other.to_string()), message.transport_at, 0, what);
        }
        for media in announcements(&message.transport, ends) {
            let known = self.announced.iter().any(|(_, told)| *told == media);
            if known || self.announced.len() >= ANNOUNCED {
                continue;
            }
            self.announced.push((message.session, media));
            let (at, length) = (message.transport_at, message.transport.len());
            teller.repeat(teller.piece.side, Finding::Media(media), at, length, "Transport header");
        }
    }

    /// Tells that the session's media ends; without an identifier, all of the connection's.
    fn end(&mut self, message: &Message, teller: &mut Teller<'_>) {
        let (session, side) = (message.session, teller.piece.side);
        self.announced.retain(|(of, media)| {
            let ends = session.is_none() || of.is_none() || *of == session;
            if ends {
                let finding = Finding::Media(MediaAnnouncement { ended: true, ..*media });
                teller.repeat(side, finding, message.at, message.length, "TEARDOWN");
            }
            !ends
        });
    }
}

/// Tells where a client is sent to.
fn redirect(message: &Message, teller: &mut Teller<'_>) {
    if let Some(host) = message.location.clone() {
        let what = "RTSP sends the client to another host";
        teller.tell(Finding::Redirect(host), message.at, message.length, what);
    }
}
