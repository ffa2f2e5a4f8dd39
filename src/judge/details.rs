//! What the octets of a flow told beside its carrier. It stands in the flow record for people and
//! their tools; no verdict hangs on it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::recognise::Finding;
use crate::recognise::finding::AuthScheme;
use crate::recognise::finding::SmbDialect;
use crate::recognise::finding_words::CameraCommand;
use crate::recognise::finding_words::Codec;
use crate::recognise::finding_words::RtspMethod;

/// Most distinct protocols of ALPN, statuses and places that are kept of a flow.
const MOST: usize = 8;

/// What was told. All sets are closed or capped.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Details {
    /// The server name that the client gave; a column of its own in the record.
    #[serde(skip)]
    pub sni: Option<Arc<str>>,
    /// Protocols that ALPN offers or chooses (RFC 7301), the first eight.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<Arc<str>>,
    /// How clients authenticate, or what servers demand.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub auth: BTreeSet<AuthScheme>,
    /// The newest SMB dialect that was agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smb_dialect: Option<SmbDialect>,
    /// Requests of RTSP.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rtsp_methods: BTreeSet<RtspMethod>,
    /// Statuses of RTSP that are no success, the first eight.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rtsp_errors: BTreeSet<u16>,
    /// Encodings that session descriptions name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub codecs: BTreeSet<Codec>,
    /// Hosts, no end of this flow, that a client or its media are sent to; the first eight.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirected_to: Vec<Arc<str>>,
    /// The media is encrypted (SRTP, RFC 3711).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub encrypted_media: bool,
    /// Commands of MOBOTIX's event stream.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub commands: BTreeSet<CameraCommand>,
}

impl Details {
    /// Adds a finding to `told`, which most flows have no need of.
    pub fn note(told: &mut Option<Box<Self>>, finding: &Finding) {
        match finding {
            Finding::ServerName(name) => {
                told.get_or_insert_default().sni = Some(name.to_ascii_lowercase().into());
            }
            Finding::Alpn(name) => add(&mut told.get_or_insert_default().alpn, name),
            Finding::Auth(scheme) => {
                told.get_or_insert_default().auth.insert(*scheme);
            }
            Finding::SmbDialect(dialect) => {
                let held = &mut told.get_or_insert_default().smb_dialect;
                *held = (*held).max(Some(*dialect));
            }
            Finding::RtspMethod(method) => {
                told.get_or_insert_default().rtsp_methods.insert(*method);
            }
            Finding::RtspStatus(status) => {
                let errors = &mut told.get_or_insert_default().rtsp_errors;
                if errors.len() < MOST {
                    errors.insert(*status);
                }
            }
            Finding::Codec(codec) => {
                told.get_or_insert_default().codecs.insert(*codec);
            }
            Finding::Redirect(host) => add(&mut told.get_or_insert_default().redirected_to, host),
            Finding::EncryptedMedia => told.get_or_insert_default().encrypted_media = true,
            Finding::Command(command) => {
                told.get_or_insert_default().commands.insert(*command);
            }
            _ => {}
        }
    }

    /// Whether there is nothing but the server name.
    pub fn is_empty(&self) -> bool {
        *self == Self { sni: self.sni.clone(), ..Self::default() }
    }
}

fn add(names: &mut Vec<Arc<str>>, name: &str) {
    if names.len() < MOST && !names.iter().any(|held| **held == *name) {
        names.push(name.into());
    }
}
