//! Roles of hosts (`policy.md` §1): a closed list, and sets of them.

use std::fmt;

use serde::Serialize;

use crate::service::words;

words! {
    /// What a host is in the surveillance system.
    Role {
        /// A camera, encoder or I/O device with ONVIF, RTSP or a vendor driver.
        Camera = "camera",
        /// A MOBOTIX IoT camera; counts as a camera.
        MobotixCamera = "mobotix-camera",
        /// A network video recorder that is a source to an XProtect recorder.
        Nvr = "nvr",
        /// A video encoder.
        Encoder = "encoder",
        /// XProtect Recording Server.
        RecordingServer = "recording-server",
        /// XProtect Failover Recording Server.
        FailoverRecordingServer = "failover-recording-server",
        /// XProtect Failover Server (the management side of failover).
        FailoverServer = "failover-server",
        /// XProtect Management Server.
        ManagementServer = "management-server",
        /// XProtect Event Server.
        EventServer = "event-server",
        /// XProtect Log Server.
        LogServer = "log-server",
        /// XProtect Mobile Server.
        MobileServer = "mobile-server",
        /// Microsoft SQL Server.
        SqlServer = "sql-server",
        /// XProtect LPR Server.
        LprServer = "lpr-server",
        /// XProtect Data Collector.
        DataCollector = "data-collector",
        /// XProtect API Gateway.
        ApiGateway = "api-gateway",
        /// Milestone Open Network Bridge.
        OpenNetworkBridge = "open-network-bridge",
        /// XProtect DLNA Server.
        DlnaServer = "dlna-server",
        /// XProtect Screen Recorder.
        ScreenRecorder = "screen-recorder",
        /// XProtect Incident Manager.
        IncidentManager = "incident-manager",
        /// XProtect Smart Client.
        SmartClient = "smart-client",
        /// XProtect Management Client.
        ManagementClient = "management-client",
        /// XProtect Web Client.
        WebClient = "web-client",
        /// XProtect Mobile client.
        MobileClient = "mobile-client",
        /// MOBOTIX Management Center.
        Mxmc = "mxmc",
        /// MOBOTIX Thin Client.
        ThinClient = "thin-client",
        /// MOBOTIX CLOUD bridge.
        CloudBridge = "cloud-bridge",
        /// File server: SMB, NFS, FTP.
        FileServer = "file-server",
        /// Mail server.
        MailServer = "mail-server",
        /// SIP server.
        SipServer = "sip-server",
        /// A controller or program that drives the system.
        Automation = "automation",
        /// Sends generic events to XProtect.
        GenericEventSource = "generic-event-source",
        /// Sends analytics events to XProtect.
        AnalyticsSource = "analytics-source",
        /// An ONVIF client of the Open Network Bridge.
        OnvifClient = "onvif-client",
        /// A DLNA device.
        DlnaDevice = "dlna-device",
        /// Polls SNMP.
        SnmpManager = "snmp-manager",
        /// A remote XProtect site (Milestone Interconnect).
        InterconnectedSite = "interconnected-site",
        /// Active Directory domain controller.
        DomainController = "domain-controller",
        /// DNS, DHCP, NTP.
        Infrastructure = "infrastructure",
        /// An administrator's computer.
        Admin = "admin",
        /// A router.
        Router = "router",
        /// A multicast group or broadcast address.
        Group = "group",
        /// The internet.
        Internet = "internet",
        /// Not known.
        Unknown = "unknown",
    }
}

/// A set of roles. A host holds several at once: an all-in-one XProtect box is management,
/// recording, event, log, SQL and mobile server.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RoleSet(u64);

impl RoleSet {
    /// No role.
    pub const EMPTY: Self = Self(0);

    /// Of these roles.
    pub fn of(roles: &[Role]) -> Self {
        roles.iter().fold(Self::EMPTY, |set, role| set.with(*role))
    }

    /// This and one more.
    #[must_use]
    pub fn with(self, role: Role) -> Self {
        Self(self.0 | Self::bit(role))
    }

    /// This without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// All of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a role is in both.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `role` is in it.
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.has(*role))
    }

    fn bit(role: Role) -> u64 {
        let index = Role::ALL.iter().position(|known| *known == role).unwrap_or(63);
        1_u64.checked_shl(u32::try_from(index).unwrap_or(63)).unwrap_or(0)
    }
}

/// `camera, nvr`.
impl fmt::Display for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(role.as_str())?;
        }
        Ok(())
    }
}

/// The roles that a name in a rule stands for: a role itself, or a group of them.
///
/// `camera` includes `mobotix-camera`, because a MOBOTIX camera is a camera; a rule that does not
/// mean it takes it out with `except_from` or `except_to`.
pub fn roles_named(name: &str) -> Option<RoleSet> {
    let set = match name {
        "camera" => RoleSet::of(&[Role::Camera, Role::MobotixCamera]),
        "any-camera" => RoleSet::of(&[Role::Camera, Role::MobotixCamera, Role::Encoder, Role::Nvr]),
        "any-xprotect-server" => RoleSet::of(XPROTECT_SERVERS),
        "any-xprotect-client" => RoleSet::of(XPROTECT_CLIENTS),
        "any-xprotect-except-recorder" => RoleSet::of(XPROTECT_SERVERS)
            .union(RoleSet::of(XPROTECT_CLIENTS))
            .without(RoleSet::of(&[Role::RecordingServer])),
        "any-device" => Role::ALL
            .iter()
            .fold(RoleSet::EMPTY, |set, role| set.with(*role))
            .without(RoleSet::of(&[Role::Group, Role::Internet, Role::Unknown])),
        "any" => Role::ALL.iter().fold(RoleSet::EMPTY, |set, role| set.with(*role)),
        other => RoleSet::of(&[Role::parse(other)?]),
    };
    Some(set)
}

/// Names of groups that [`roles_named`] knows beside the roles.
pub const GROUPS: &[&str] = &[
    "any-camera",
    "any-xprotect-server",
    "any-xprotect-client",
    "any-xprotect-except-recorder",
    "any-device",
    "any",
];

const XPROTECT_SERVERS: &[Role] = &[
    Role::RecordingServer,
    Role::FailoverRecordingServer,
    Role::FailoverServer,
    Role::ManagementServer,
    Role::EventServer,
    Role::LogServer,
    Role::MobileServer,
    Role::SqlServer,
    Role::LprServer,
    Role::DataCollector,
    Role::ApiGateway,
    Role::OpenNetworkBridge,
    Role::DlnaServer,
    Role::ScreenRecorder,
    Role::IncidentManager,
];

const XPROTECT_CLIENTS: &[Role] =
    &[Role::SmartClient, Role::ManagementClient, Role::WebClient, Role::MobileClient];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_own_bit() {
        assert!(Role::ALL.len() < 64);
        let all = roles_named("any").unwrap();
        assert_eq!(all.iter().count(), Role::ALL.len());
    }

    #[test]
    fn a_mobotix_camera_is_a_camera_but_a_camera_is_no_mobotix_camera() {
        assert!(roles_named("camera").unwrap().has(Role::MobotixCamera));
        assert!(!roles_named("mobotix-camera").unwrap().has(Role::Camera));
    }
}
