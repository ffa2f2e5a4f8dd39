//! FTP's data connection from a server's port 20, where a MOBOTIX camera's picture goes through it.
//! Others carry files of any kind and cannot be named by their octets; the control connection
//! announces them.
//!
//! Source: RFC 959 §3.2 (the server's data port is 20); MOBOTIX `mxf.html` (the frame header).

use super::Certainty;
use super::Content;
use super::Head;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::Service;
use super::Transport;
use super::smb_recording::holds_mobotix_picture;

/// See the module.
pub(super) struct FtpData;

/// The server's data port.
const PORT: u16 = 20;

impl Recogniser for FtpData {
    fn service(&self) -> Service {
        Service::Ftp
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        // A picture starts with its marker; the frame header may stand behind a long comment.
        let picture = b"\xff\xd8\xff".starts_with(head.octets.get(..3).unwrap_or(head.octets));
        if ![head.from_port(), head.to_port()].contains(&PORT) || (head.from_start && !picture) {
            return Probe::Refuse;
        }
        let Some(at) = holds_mobotix_picture(head.octets) else {
            return if head.finished { Probe::Refuse } else { Probe::NeedMore };
        };
        let certainty = Certainty::Consistent;
        // Who listens is the client here: the server opens the connection (active mode).
        let sender = if head.to_port() == PORT { Sender::Server } else { Sender::Client };
        let what = "MOBOTIX picture on FTP's data port";
        let found = Recognition::proved(Service::Ftp, certainty, sender, 8, what).at(at);
        Probe::Match(Recognition { content: Some(Content::CameraRecording), ..found })
    }
}
