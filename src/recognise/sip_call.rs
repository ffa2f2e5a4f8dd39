//! What the messages of SIP mean together: which call announces media, and when that ends.
//!
//! Source: RFC 3261 §9.1 (CANCEL), §12 (dialogs), §13.2.1 (offers and answers), §14.1 (a change that is
//! refused leaves the call as it was), §15 (BYE); RFC 3262 §5 (PRACK), RFC 3311 §5 (UPDATE), RFC 3264.

use super::Finding;
use super::finding::MediaAnnouncement;
use super::sdp_media::Wanted;
use super::told::Teller;
use crate::flow::Side;
use crate::service::Transport;

/// Announcements that are remembered until their call ends; the oldest are forgotten first.
const ANNOUNCED: usize = 64;
/// Answered calls that are remembered; the oldest are forgotten first.
const ANSWERED: usize = 64;

/// Methods that matter here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Method {
    /// A call, or a change of it.
    Invite,
    /// The caller has the answer; or its answer to an offer in it.
    Ack,
    /// The caller has the provisional answer.
    Prack,
    /// A change of a call that rings.
    Update,
    /// The call is over.
    Bye,
    /// The call is withdrawn.
    Cancel,
    /// All others: what they describe is no media of a call.
    #[default]
    Other,
}

impl Method {
    /// The method of this name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            _ => Self::Other,
        }
    }
}

/// What one message says, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Where its start line stands.
    pub(super) at: u32,
    /// Octets of the start line.
    pub(super) length: usize,
    /// A request's method; a reply's by its `CSeq`.
    pub(super) method: Method,
    /// A reply's status.
    pub(super) status: Option<u16>,
    /// A number for the call's identifier, which itself is not kept.
    pub(super) call: u64,
    /// `To` has a tag: the request is inside a dialog.
    pub(super) inside: bool,
    /// Octets of the body, if it says.
    pub(super) body: Option<u64>,
    /// The body is a session description.
    pub(super) sdp: bool,
}

impl Message {
    /// Keeps a number for the value of `Call-ID` (FNV-1a).
    pub(super) fn set_call(&mut self, value: &[u8]) {
        let fold = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        self.call = value.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    }

    /// Its body offers or answers media of a call: that of OPTIONS only says what could be.
    pub(super) fn describes_a_call(&self) -> bool {
        let method = match self.status {
            None => matches!(self.method, Method::Invite | Method::Ack | Method::Prack | Method::Update),
            Some(status) => {
                status < 300 && matches!(self.method, Method::Invite | Method::Prack | Method::Update)
            }
        };
        method && self.sdp
    }
}

/// The calls of one flow.
#[derive(Debug, Default)]
pub(super) struct Calls {
    announced: Vec<(u64, MediaAnnouncement)>,
    answered: Vec<u64>,
}

impl Calls {
    /// The header block of a message is whole.
    pub(super) fn message(&mut self, message: &Message, teller: &mut Teller<'_>) {
        let answered = self.answered.contains(&message.call);
        match (message.method, message.status) {
            (Method::Invite, None) if message.inside => self.answer(message.call),
            (Method::Invite, Some(200..=299)) => self.answer(message.call),
            (Method::Invite, Some(300..)) if !answered => self.end(message, "a call is refused", teller),
            (Method::Cancel, None) if !answered => self.end(message, "CANCEL", teller),
            (Method::Bye, None | Some(200..=299)) => self.end(message, "BYE", teller),
            _ => {}
        }
    }

    /// The description in a message's body is whole.
    pub(super) fn describe(&mut self, message: &Message, wanted: &[Wanted], teller: &mut Teller<'_>) {
        let side = teller.piece.side;
        let other = teller.piece.key.end(side.other()).0;
        // Nobody wants its own media at the host that shall send them.
        for one in wanted.iter().filter(|one| one.receiver != other) {
            let media = MediaAnnouncement {
                transport: Transport::Udp,
                receiver: one.receiver,
                receiver_port: one.port,
                receiver_last: one.last,
                sender: None,
                sender_port: 0,
                sender_last: 0,
                ended: false,
            };
            if self.announced.contains(&(message.call, media)) {
                continue;
            }
            if self.announced.len() >= ANNOUNCED {
                self.announced.remove(0);
            }
            self.announced.push((message.call, media));
            teller.repeat(side, Finding::Media(media), one.at, one.length, "SDP of a call in SIP");
        }
    }

    fn answer(&mut self, call: u64) {
        if self.answered.contains(&call) {
            return;
        }
        if self.answered.len() >= ANSWERED {
            self.answered.remove(0);
        }
        self.answered.push(call);
    }

    /// Tells that the media of the call end.
    fn end(&mut self, message: &Message, what: &'static str, teller: &mut Teller<'_>) {
        let (call, side): (u64, Side) = (message.call, teller.piece.side);
        self.answered.retain(|answered| *answered != call);
        self.announced.retain(|(of, media)| {
            if *of == call {
                let finding = Finding::Media(MediaAnnouncement { ended: true, ..*media });
                teller.repeat(side, finding, message.at, message.length, what);
            }
            *of != call
        });
    }
}
