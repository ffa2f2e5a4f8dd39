//! What the header block of one HTTP message says.
//!
//! Source: RFC 9110 §7.8, §11.6 (upgrade, authentication), RFC 9112 §6.3 (length of a body).

use super::Finding;
use super::finding::AuthScheme;
use super::finding::DeviceKind;
use super::http_body::Body;
use super::http_content;
use super::text::contains;
use super::text::header;
use super::text::host_name;
use super::text::number;
use super::told::Teller;
use crate::service::Content;

/// What the header block of the message says so far.
#[derive(Debug, Default)]
pub struct Message {
    /// A reply's status; none of a request.
    pub status: Option<u16>,
    /// Octets of the body, as told.
    pub length: Option<u64>,
    /// The body comes in chunks.
    pub chunked: bool,
    /// The body is a stream of parts that replace each other.
    pub multipart: bool,
    /// Its boundary is that of a MOBOTIX faststream.
    pub mobotix_boundary: bool,
    /// RTSP is tunnelled in the body.
    pub rtsp: bool,
    /// The body's type is told.
    pub typed: bool,
    /// An upgrade to TLS (RFC 2817).
    pub tls: bool,
    /// An upgrade to WebSocket.
    pub websocket: bool,
    /// The body lasts until the connection ends, whatever is told.
    pub tunnel: bool,
    /// The scheme that a server demands.
    pub demand: Option<AuthScheme>,
}

impl Message {
    /// Reads a header line: keeps what matters for the message, tells what is a finding.
    pub fn header(&mut self, line: &[u8], at: u32, teller: &mut Teller<'_>) {
        let Some((name, value)) = header(line) else { return };
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let request = self.status.is_none();
        if let Some((content, certainty)) = http_content::of_header(name, value) {
            self.rtsp |= content == Content::RtspOverHttp;
            self.tunnel |= self.rtsp;
            let what = "header names the content";
            teller.tell(Finding::Content(content, certainty), at, line.len(), what);
        }
        self.typed |= is("Content-Type");
        match () {
            () if is("Host") && request => {
                if let Some(host) = host_name(value) {
                    teller.tell(Finding::HttpHost(host), at, line.len(), "Host header");
                }
            }
            () if is("Authorization") && request => {
                teller.tell(
                    Finding::Auth(http_content::scheme(value)),
                    at,
                    name.len(),
                    "Authorization header",
                );
                let token = value.get(5..).unwrap_or_default().trim_ascii();
                let basic = http_content::scheme(value) == AuthScheme::Basic;
                if basic && token == http_content::FACTORY_AUTHORIZATION {
                    let what = "MOBOTIX factory password";
                    teller.tell(Finding::FactoryPassword, at, name.len(), what);
                }
            }
            () if is("WWW-Authenticate") && self.status == Some(401) => {
                let scheme = http_content::scheme(value);
                self.demand = Some(http_content::stronger(self.demand, scheme));
                if contains(value, http_content::MOBOTIX_REALM) {
                    let what = "realm of a MOBOTIX camera";
                    teller.tell(Finding::DeviceKind(DeviceKind::MobotixCamera), at, line.len(), what);
                }
            }
            () if is("Content-Length") => self.length = number(value),
            () if is("Transfer-Encoding") => self.chunked = contains(value, b"chunked"),
            () if is("Upgrade") => {
                self.websocket = contains(value, b"websocket");
                self.tls = contains(value, b"TLS/");
            }
            () if is("Content-Type") && contains(value, b"multipart/x-mixed-replace") => {
                self.multipart = true;
                self.mobotix_boundary = contains(value, http_content::MOBOTIX_BOUNDARY);
            }
            () => {}
        }
    }

    /// Whether a reply may be the consent to a CONNECT: a success that tells of no body (RFC 9110 §9.3.6).
    pub fn may_consent(&self) -> bool {
        let success = matches!(self.status, Some(200..=299));
        success && self.length.unwrap_or(0) == 0 && !self.chunked && !self.typed
    }

    /// What follows the header block (RFC 9112 §6.3); with `head` a reply has no body.
    pub fn body_after(&self, head: bool) -> Body {
        let reply = self.status.is_some();
        let empty = matches!(self.status, Some(100..=199 | 204 | 304)) || (reply && head);
        match self.length {
            _ if empty => Body::None,
            _ if self.chunked => Body::ChunkSize,
            Some(0) => Body::None,
            Some(length) if !self.multipart => Body::Length(length),
            _ if !reply && !self.tunnel => Body::None,
            _ => Body::Open,
        }
    }
}
