//! What followers learn after the first recognition.

use std::fmt;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::recognise::finding_words::CameraCommand;
use crate::recognise::finding_words::Codec;
use crate::recognise::finding_words::RtspMethod;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::service::words;
use crate::time::Timestamp;
use serde::Serialize;

/// One fact about a flow, beyond what carries it. Strings are names (hosts, not users), at most
/// [`NAME_OCTETS`] long, printable ASCII.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The content became known.
    Content(Content, Certainty),
    /// The flow went over to another carrier: STARTTLS, TLS inside TDS.
    Upgrade(Service),
    /// TLS version that the server chose (the true one, from `supported_versions`).
    TlsVersion(TlsVersion),
    /// Highest version that the client offers; known where the server's side is not seen.
    TlsOffered(TlsVersion),
    /// TLS server name indication (RFC 6066 §3).
    ServerName(String),
    /// HTTP Host header or the host of an absolute URI.
    HttpHost(String),
    /// The server's certificate, up to TLS 1.2 in a full handshake.
    Certificate(Box<CertificateFacts>),
    /// How the client authenticates, or what the server demands.
    Auth(AuthScheme),
    /// The server gave what was asked for without any authentication (RTSP 200 to DESCRIBE or PLAY).
    Unauthenticated,
    /// The factory password that MOBOTIX documents was used. The value itself is a public constant.
    FactoryPassword,
    /// SMB dialect that the server chose.
    SmbDialect(SmbDialect),
    /// Media is about to flow between these ports (RTSP SETUP).
    Media(MediaAnnouncement),
    /// A name was resolved to an address (DNS answer A or AAAA).
    Resolved {
        /// The name asked for.
        name: String,
        /// What it stands for.
        addr: Addr,
    },
    /// A DHCP server gave (ACK) this address to this MAC.
    Lease {
        /// The address given.
        addr: Addr,
        /// Who has it now.
        mac: Mac,
    },
    /// What the device is (its pictures, SDP, realm, ONVIF scopes). The side given with it is always
    /// the device's, also where the other side's octets tell it (the URL of a request).
    DeviceKind(DeviceKind),
    /// A protocol that a side names in ALPN (RFC 7301): offered by a client, chosen by a server.
    Alpn(String),
    /// A command of MOBOTIX's event stream, by its documented name; its parameters are never kept.
    Command(CameraCommand),
    /// A request of RTSP.
    RtspMethod(RtspMethod),
    /// The status of an RTSP reply that is no success.
    RtspStatus(u16),
    /// What a session description says a stream is encoded with.
    Codec(Codec),
    /// Media or a client is sent to another host: its name or address. By RTSP's 3xx, by REDIRECT, or by
    /// a `destination` that is no end of the connection.
    Redirect(String),
    /// The media of this session is encrypted (SRTP, RFC 3711), by `SAVP`, `a=crypto` or DTLS's
    /// `use_srtp`.
    EncryptedMedia,
}

/// Longest name kept.
pub const NAME_OCTETS: usize = 253;

words! {
    /// A TLS version.
    TlsVersion {
        /// SSL 2.0.
        Ssl2 = "SSL 2.0",
        /// SSL 3.0.
        Ssl3 = "SSL 3.0",
        /// TLS 1.0 (RFC 2246).
        Tls10 = "TLS 1.0",
        /// TLS 1.1 (RFC 4346).
        Tls11 = "TLS 1.1",
        /// TLS 1.2 (RFC 5246).
        Tls12 = "TLS 1.2",
        /// TLS 1.3 (RFC 8446).
        Tls13 = "TLS 1.3",
    }
}

words! {
    /// Authentication as it shows on the wire.
    AuthScheme {
        /// Basic (RFC 7617): the password in clear.
        Basic = "basic",
        /// Digest (RFC 7616).
        Digest = "digest",
        /// Negotiate, NTLM or Kerberos (RFC 4559).
        Negotiate = "negotiate",
        /// Bearer token (RFC 6750).
        Bearer = "bearer",
        /// Another scheme.
        Other = "other",
    }
}

words! {
    /// An SMB dialect ([MS-SMB2] §2.2.4, [MS-CIFS]).
    SmbDialect {
        /// SMB 1 (CIFS).
        Smb1 = "SMB 1",
        /// SMB 2.0.2.
        Smb202 = "SMB 2.0.2",
        /// SMB 2.1.
        Smb210 = "SMB 2.1",
        /// SMB 3.0.
        Smb300 = "SMB 3.0",
        /// SMB 3.0.2.
        Smb302 = "SMB 3.0.2",
        /// SMB 3.1.1.
        Smb311 = "SMB 3.1.1",
    }
}

words! {
    /// What a device says it is.
    DeviceKind {
        /// An ONVIF network video transmitter.
        OnvifCamera = "onvif-camera",
        /// A MOBOTIX camera, by its pictures or its realm.
        MobotixCamera = "mobotix-camera",
        /// An RTSP server that describes video.
        VideoServer = "video-server",
    }
}

/// Certificate facts, read by x509; nothing that needs a trust store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFacts {
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Subject and issuer are the same name.
    pub self_signed: bool,
    /// The last certificate of the chain, as sent, signs itself: the issuer of all was shown. A server may leave
    /// it out (RFC 5246 §7.4.2), and then nobody knows it.
    pub shows_root: bool,
    /// Why the key is weak, if it is: `RSA 1024 bits`.
    pub weak_key: Option<String>,
    /// Why the signature is weak, if it is: `SHA-1`.
    pub weak_hash: Option<&'static str>,
    /// Issuer's distinguished name.
    pub issuer: String,
    /// SHA-256 of each certificate of the chain as sent, leaf first.
    pub fingerprints: Vec<[u8; 32]>,
}

/// Where media of a session will flow. A port of 0 is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MediaAnnouncement {
    /// What carries it.
    pub transport: Transport,
    /// The receiver of media (the RTSP client), or the group.
    pub receiver: Addr,
    /// First port at the receiver.
    pub receiver_port: u16,
    /// Last port at the receiver.
    pub receiver_last: u16,
    /// The sender of media, if it was told; media may come from another address of it.
    pub sender: Option<Addr>,
    /// First port at the sender, 0 if not told.
    pub sender_port: u16,
    /// Last port at the sender.
    pub sender_last: u16,
    /// The session is torn down: expect nothing more.
    pub ended: bool,
}
