//! The table of signs: what a host does that shows what it is, and how far that proves it.
//!
//! Only what the product's own octets prove is `signature` (a role that may judge without a site).
//! What many products do, or what one computer does beside its real job, is weaker. The table is
//! explained in `docs/site-file.md`; a test compares the two.

use crate::inventory::role::Role;
use crate::recognise::finding::DeviceKind;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;

use Act::Client;
use Act::Server;
use Certainty::Consistent;
use Certainty::Heuristic;
use Certainty::Signature;

/// On which side of a flow a host was.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Act {
    /// It answered: the responder.
    Server,
    /// It asked: the initiator.
    Client,
}

/// One row: who does this has that role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sign {
    pub(crate) by: By,
    /// Service ports that it needs; empty: any.
    pub(crate) ports: &'static [u16],
    pub(crate) role: Role,
    /// The most that it proves.
    pub(crate) at_most: Certainty,
    /// What was done, in our words.
    pub(crate) what: &'static str,
}

/// What a row looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// The carrier.
    Carrier(Act, Service),
    /// What is known inside it.
    Inside(Act, Content),
    /// What the device says of itself.
    Says(DeviceKind),
}

const fn carrier(act: Act, service: Service, role: Role, at_most: Certainty, what: &'static str) -> Sign {
    Sign { by: By::Carrier(act, service), ports: &[], role, at_most, what }
}

const fn inside(act: Act, content: Content, role: Role, at_most: Certainty, what: &'static str) -> Sign {
    Sign { by: By::Inside(act, content), ports: &[], role, at_most, what }
}

const fn on(sign: Sign, ports: &'static [u16]) -> Sign {
    Sign { ports, ..sign }
}

const fn says(device: DeviceKind, role: Role, at_most: Certainty, what: &'static str) -> Sign {
    Sign { by: By::Says(device), ports: &[], role, at_most, what }
}

/// Sources: `mobotix-wire.md` and `xprotect-wire.md` of the project's research for the octets; the port
/// tables of the two guides for the ports.
pub(crate) const SIGNS: &[Sign] = &[
    // MOBOTIX. Nobody else writes these streams; who reads them need not be MxMC.
    inside(Server, Content::MxpegEventStream, Role::MobotixCamera, Signature, "MOBOTIX's event stream"),
    inside(Server, Content::MobotixFaststream, Role::MobotixCamera, Signature, "MOBOTIX's faststream"),
    inside(Server, Content::Mxpeg, Role::MobotixCamera, Consistent, "MxPEG"),
    inside(Server, Content::MobotixMjpeg, Role::MobotixCamera, Consistent, "MOBOTIX pictures"),
    inside(Server, Content::MobotixAdmin, Role::MobotixCamera, Consistent, "MOBOTIX settings pages"),
    inside(Client, Content::MxpegEventStream, Role::Mxmc, Consistent, "MOBOTIX's event stream"),
    carrier(Server, Service::Mxmessage, Role::MobotixCamera, Heuristic, "MxMessage"),
    carrier(Client, Service::Mxmessage, Role::MobotixCamera, Heuristic, "MxMessage"),
    inside(Client, Content::CameraRecording, Role::MobotixCamera, Consistent, "a camera's recording store"),
    says(DeviceKind::MobotixCamera, Role::MobotixCamera, Signature, "a MOBOTIX camera"),
    // XProtect. Servers of other parts read from a recorder too, so its client is not surely a person's.
    carrier(Server, Service::Imageserver, Role::RecordingServer, Signature, "ImageServer"),
    carrier(Client, Service::Imageserver, Role::SmartClient, Consistent, "ImageServer"),
    inside(Server, Content::XprotectMobile, Role::MobileServer, Signature, "XProtect Mobile"),
    inside(Client, Content::XprotectMobile, Role::MobileClient, Consistent, "XProtect Mobile"),
    on(
        inside(Server, Content::XprotectSoap, Role::ManagementServer, Consistent, "XProtect's web service"),
        &[80, 443, 9000],
    ),
    on(
        inside(Server, Content::XprotectSoap, Role::EventServer, Consistent, "XProtect's web service"),
        &[22331, 22332, 22333],
    ),
    on(
        inside(Server, Content::XprotectSoap, Role::LogServer, Consistent, "XProtect's web service"),
        &[22337],
    ),
    on(
        inside(Server, Content::XprotectSoap, Role::RecordingServer, Consistent, "XProtect's web service"),
        &[7563, 9001],
    ),
    inside(Server, Content::AnalyticsEvent, Role::EventServer, Consistent, "XProtect analytics events"),
    inside(Client, Content::AnalyticsEvent, Role::AnalyticsSource, Consistent, "XProtect analytics events"),
    carrier(Server, Service::Matrix, Role::SmartClient, Consistent, "Matrix"),
    // Cameras. A recorder or bridge may serve RTSP too.
    carrier(Server, Service::Rtsp, Role::Camera, Heuristic, "RTSP"),
    carrier(Client, Service::Rtsp, Role::RecordingServer, Heuristic, "RTSP"),
    carrier(Server, Service::DahuaDvrip, Role::Camera, Heuristic, "Dahua's protocol"),
    carrier(Server, Service::DahuaDhip, Role::Camera, Heuristic, "Dahua's protocol"),
    carrier(Server, Service::Xiongmai, Role::Camera, Heuristic, "Xiongmai's protocol"),
    carrier(Server, Service::Baichuan, Role::Camera, Heuristic, "Baichuan's protocol"),
    inside(Server, Content::Onvif, Role::Camera, Heuristic, "ONVIF"),
    inside(Server, Content::Mjpeg, Role::Camera, Heuristic, "motion JPEG"),
    says(DeviceKind::OnvifCamera, Role::Camera, Consistent, "an ONVIF video transmitter"),
    says(DeviceKind::VideoServer, Role::Camera, Heuristic, "an RTSP server with video"),
    // Servers that every network has. Any Windows computer may answer SMB, any recorder SMTP.
    carrier(Server, Service::Tds, Role::SqlServer, Signature, "SQL Server's TDS"),
    carrier(Server, Service::Dns, Role::Infrastructure, Signature, "DNS"),
    carrier(Server, Service::Dhcp, Role::Infrastructure, Signature, "DHCP"),
    carrier(Server, Service::Ntp, Role::Infrastructure, Consistent, "NTP"),
    carrier(Server, Service::Kerberos, Role::DomainController, Consistent, "Kerberos"),
    carrier(Server, Service::Ldap, Role::DomainController, Heuristic, "LDAP"),
    carrier(Server, Service::Smb, Role::FileServer, Consistent, "SMB"),
    carrier(Server, Service::Nfs, Role::FileServer, Consistent, "NFS"),
    carrier(Server, Service::Ftp, Role::FileServer, Heuristic, "FTP"),
    carrier(Server, Service::Smtp, Role::MailServer, Consistent, "SMTP"),
    carrier(Server, Service::Sip, Role::SipServer, Heuristic, "SIP"),
    carrier(Client, Service::Snmp, Role::SnmpManager, Heuristic, "SNMP"),
];

#[cfg(test)]
mod tests {
    use super::SIGNS;

    #[test]
    fn the_documentation_has_a_row_for_every_sign_with_its_role_and_certainty() {
        let page = include_str!("../../docs/site-file.md");
        let table = page.split("## What is inferred").nth(1).unwrap();
        for sign in SIGNS {
            let (role, certainty) = (format!("| `{}` |", sign.role), sign.at_most.as_str());
            let row = table.lines().any(|line| line.contains(&role) && line.contains(certainty));
            assert!(row, "{sign:?}");
        }
    }
}
