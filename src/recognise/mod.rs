//! What is spoken, by octets first.
//!
//! A [`Recogniser`] is one file here and one line in [`registry`]. It is asked about the *head* of
//! one side of a flow, as often as the head grows, and answers with one of the four [`Probe`]s. Each
//! side is judged by its own octets, so that a one-way mirror is still named. Once a service is
//! known its [`Follower`] may go on reading for what comes later: media ports, certificates,
//! upgrades, authentication.
//!
//! Nothing here allocates per packet before a recogniser asks for more, and nothing keeps or
//! prints a credential.

pub mod attached;
pub mod dispatch;
pub mod finding;
pub mod finding_words;
mod follow;
pub mod head;
pub mod heads;
pub mod http;
pub mod http_body;
pub mod http_content;
pub mod http_follow;
mod http_inner;
pub mod http_media;
pub mod http_message;
pub mod line;
pub mod mxpeg;
pub mod mxpeg_flow;
pub mod registry;
pub mod rtcp;
pub mod rtp;
pub mod rtsp;
pub mod rtsp_follow;
pub mod rtsp_session;
pub mod rtsp_transport;
pub mod sdp;
mod side;
pub mod text;
pub mod tls;
pub mod tls_follow;
pub mod tls_handshake;
pub mod tls_hello;
pub mod told;
pub mod watch;
pub mod x509;

mod baichuan;
mod ber;
mod dahua_dhip;
mod dahua_dvrip;
mod dcerpc;
mod dhcp;
mod dhcpv6;
mod dns;
mod dns_follow;
mod dns_message;
mod dtls;
mod dtls_follow;
mod entropy;
mod ftp;
mod ftp_data;
mod ftp_follow;
mod gquic;
mod gquic_follow;
mod imageserver;
mod imap;
mod ipsec;
mod kerberos;
mod ldap;
mod llmnr;
mod matrix;
mod mc_nmf;
mod mc_nmf_follow;
mod mdns;
mod mobotix_command;
mod mqtt;
mod mxmessage;
mod nbdgm;
mod nbns;
mod netbios_name;
mod nfs;
mod nfs_follow;
mod ntp;
mod octets;
mod onc_rpc;
mod openvpn;
mod pop3;
mod portmap;
mod postgresql;
mod pppp;
mod printable;
mod quic;
mod quic_follow;
mod quic_initial;
mod quic_version;
mod rdp;
mod reply;
mod rfb;
mod rtsp_tunnel;
mod sdp_media;
mod sip;
mod sip_call;
mod sip_follow;
mod smb;
mod smb_follow;
mod smb_recording;
mod smtp;
mod snmp;
mod ssdp;
mod ssh;
mod starttls;
mod stun;
mod stun_follow;
mod tds;
mod tds_follow;
mod telnet;
mod tls_after;
mod wireguard;
mod ws_discovery;
mod xiongmai;

pub use finding::Finding;
pub use head::Head;

use crate::evidence::Evidence;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// What a recogniser says of a head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Probe {
    /// It is this.
    Match(Recognition),
    /// It may be; ask again when the head has grown. Never an answer to a finished head.
    NeedMore,
    /// It is not.
    Refuse,
    /// It began like this protocol and then broke its rules: not this, and worth counting.
    Malformed,
}

/// A service recognised in the head of one side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recognition {
    /// The carrier.
    pub service: Service,
    /// How sure that is.
    pub certainty: Certainty,
    /// What is known inside it at once.
    pub content: Option<Content>,
    /// Whether the octets tell who sent them.
    pub sender: Sender,
    /// Where in the head the proof starts.
    pub offset: u32,
    /// How many octets it takes.
    pub length: u16,
    /// What was read there, in our words.
    pub what: &'static str,
}

/// Which role of the protocol sends such octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sender {
    /// Only a client does: the sender opened the flow.
    Client,
    /// Only a server does: the receiver opened the flow.
    Server,
    /// Both may.
    Either,
}

/// One protocol's recogniser. It holds no state: what it knows, it reads from the head.
pub trait Recogniser: Sync {
    /// What it recognises.
    fn service(&self) -> Service;

    /// Whether it is worth asking for this transport.
    fn speaks(&self, transport: Transport) -> bool;

    /// Whether a head over `transport` may begin with this octet. If not, [`Recogniser::probe`] refuses
    /// each head that does, from its first octet on, and so is not asked. Who searches in the middle of a
    /// stream, or passes over what stands before it, leaves this as it is.
    fn may_begin(&self, _first: u8, _transport: Transport) -> bool {
        true
    }

    /// The ports of which one end must have one, or [`Recogniser::probe`] refuses each head; empty if it
    /// answers at others too.
    fn only_at(&self) -> &'static [u16] {
        &[]
    }

    /// Whether the head is of this service. Must give the same answer for a head however it was cut
    /// into segments, must never panic, and must take time linear in the head.
    fn probe(&self, head: &Head<'_>) -> Probe;

    /// A reader for what comes after the recognition, if there is something to learn. It is fed both
    /// sides from the first octet of their heads, and then everything that follows in order.
    fn follow(&self) -> Option<Box<dyn Follower>> {
        None
    }
}

/// Reads on in a recognised flow. Its memory is bounded by a constant in its own file.
pub trait Follower: Send {
    /// Takes the next octets of one side (TCP: in order; UDP: one datagram) and adds what it learns.
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following;

    /// Octets are missing here on this side; the next piece does not continue the last.
    fn gap(&mut self, side: Side) -> Following;
}

/// In-order octets of one side, as a follower gets them.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The flow's 5-tuple.
    pub key: &'a FlowKey,
    /// Who sent them.
    pub side: Side,
    /// The octets.
    pub octets: &'a [u8],
    /// Position of the first of them in what this side sent (as far as we saw it), from 0.
    pub offset: u32,
    /// Packet that brought the last of them.
    pub packet: u64,
}

/// A finding and the octets that prove it.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// What was learned.
    pub finding: Finding,
    /// Which side's octets told.
    pub side: Side,
    /// Where the proof stands.
    pub evidence: Evidence,
}

/// Whether a follower wants more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Following {
    /// Go on.
    More,
    /// Nothing more to learn in this flow.
    Done,
}
