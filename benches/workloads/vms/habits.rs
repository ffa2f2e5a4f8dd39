//! What hosts of the site do again and again, and how often in the 24 seconds of the whole workload.

use super::hosts::ANALYTICS;
use super::hosts::AUTOMATION;
use super::hosts::BROWSERS;
use super::hosts::CAMERAS;
use super::hosts::CLIENTS;
use super::hosts::DOORS;
use super::hosts::EVENT;
use super::hosts::FAILOVER;
use super::hosts::FILES;
use super::hosts::GATEWAY;
use super::hosts::Hosts;
use super::hosts::INFRASTRUCTURE;
use super::hosts::LOG;
use super::hosts::LPR;
use super::hosts::MAIL;
use super::hosts::MANAGEMENT;
use super::hosts::MANAGERS;
use super::hosts::MDNS;
use super::hosts::MILESTONE;
use super::hosts::MOBILE;
use super::hosts::MOBOTIX;
use super::hosts::MOBOTIX_ALL;
use super::hosts::MOBOTIX_MONITOR;
use super::hosts::MOBOTIX_NAMES;
use super::hosts::MONITOR;
use super::hosts::MXMC;
use super::hosts::OUTSIDE;
use super::hosts::RECORDERS;
use super::hosts::SCREEN;
use super::hosts::SQL;
use super::hosts::SSDP;

/// One kind of conversation: a step of a scene of the fixtures' writer, with hosts to choose from.
pub(super) struct Habit {
    /// `tcp`, `udp` or `ping`.
    pub(super) what: &'static str,
    /// Further keys of the step.
    pub(super) keys: &'static str,
    pub(super) from: Hosts,
    pub(super) to: Hosts,
    pub(super) port: u16,
    /// How many times.
    pub(super) often: u64,
}

const fn tcp(keys: &'static str, from: Hosts, to: Hosts, port: u16, often: u64) -> Habit {
    Habit { what: "tcp", keys, from, to, port, often }
}

const fn udp(keys: &'static str, from: Hosts, to: Hosts, port: u16, often: u64) -> Habit {
    Habit { what: "udp", keys, from, to, port, often }
}

const TLS12: &str = "say = 'tls'\nversion = '1.2'\nsni = 'vms.site.example'";
const TLS13: &str = "say = 'tls'\nversion = '1.3'\nsni = 'vms.site.example'";
const HTTP: &str = "say = 'http'";
const OPAQUE: &str = "say = 'opaque'";
const SNMP: &str = "say = 'snmp'";
const DNS_VMS: &str = "say = 'dns'\nhost = 'vms.site.example'\ntext = '10.10.1.10'";
const DNS_MILESTONE: &str = "say = 'dns'\nhost = 'www.milestonesys.com'\ntext = '198.51.100.20'";

/// XProtect: the rows of the hardening guide that a site of this size uses all day.
pub(super) const XPROTECT: &[Habit] = &[
    udp(DNS_VMS, CLIENTS, INFRASTRUCTURE, 53, 9_950),
    udp(DNS_VMS, RECORDERS, INFRASTRUCTURE, 53, 5_000),
    udp(DNS_VMS, CAMERAS, INFRASTRUCTURE, 53, 4_000),
    udp(DNS_MILESTONE, MANAGEMENT, INFRASTRUCTURE, 53, 500),
    udp(SNMP, MONITOR, RECORDERS, 161, 1_000),
    tcp("say = 'xprotect'\nauth = 'negotiate'", RECORDERS, MANAGEMENT, 80, 2_200),
    tcp("say = 'xprotect'\nauth = 'negotiate'", CLIENTS, MANAGEMENT, 80, 2_000),
    tcp(TLS12, CLIENTS, MANAGEMENT, 443, 1_600),
    tcp(TLS13, CLIENTS, MANAGEMENT, 443, 2_000),
    tcp(TLS12, GATEWAY, MANAGEMENT, 443, 300),
    tcp(HTTP, RECORDERS, MANAGEMENT, 9000, 1_500),
    tcp("say = 'matrix'", CLIENTS, MANAGEMENT, 12345, 200),
    tcp("say = 'tds'", MANAGEMENT, SQL, 1433, 800),
    tcp("say = 'tds'", EVENT, SQL, 1433, 500),
    tcp("say = 'tds'", LOG, SQL, 1433, 300),
    tcp(HTTP, MANAGEMENT, RECORDERS, 7609, 800),
    tcp(HTTP, MANAGEMENT, RECORDERS, 9001, 400),
    tcp("say = 'log-server'", MANAGEMENT, LOG, 22337, 800),
    tcp("say = 'alarms'", CLIENTS, EVENT, 22331, 2_000),
    tcp("say = 'websocket'", MANAGERS, EVENT, 22332, 200),
    tcp(HTTP, CLIENTS, EVENT, 22333, 400),
    tcp("say = 'analytics'", ANALYTICS, EVENT, 9090, 300),
    tcp("say = 'text'\ntext = 'door 4 forced'", DOORS, EVENT, 1234, 300),
    tcp(HTTP, EVENT, GATEWAY, 80, 200),
    tcp(TLS12, EVENT, GATEWAY, 443, 300),
    tcp(OPAQUE, EVENT, LPR, 22334, 150),
    tcp(OPAQUE, FAILOVER, RECORDERS, 5210, 150),
    tcp(OPAQUE, FAILOVER, RECORDERS, 11000, 150),
    tcp(OPAQUE, RECORDERS, SCREEN, 52111, 100),
    tcp("say = 'imageserver'", CLIENTS, RECORDERS, 7563, 700),
    tcp("say = 'recorder-soap'", CLIENTS, RECORDERS, 7563, 1_000),
    tcp(TLS13, MANAGERS, RECORDERS, 7563, 300),
    tcp("how = 'refused'", CLIENTS, FAILOVER, 7563, 200),
    tcp("say = 'onvif'\nauth = 'digest'", RECORDERS, CAMERAS, 80, 2_200),
    tcp(TLS12, RECORDERS, CAMERAS, 443, 1_200),
    tcp("say = 'rtsp'", RECORDERS, CAMERAS, 554, 150),
    tcp("say = 'mjpeg'\nauth = 'digest'", RECORDERS, CAMERAS, 80, 150),
    tcp("say = 'mobile'", BROWSERS, MOBILE, 8081, 300),
    tcp(TLS12, BROWSERS, MOBILE, 8082, 500),
    tcp(TLS12, OUTSIDE, MOBILE, 8082, 300),
    tcp("say = 'tls'\nversion = '1.3'\nsni = 'www.milestonesys.com'", MANAGEMENT, MILESTONE, 443, 50),
    Habit { what: "ping", keys: "", from: MANAGEMENT, to: RECORDERS, port: 0, often: 100 },
];

/// MOBOTIX: MxMC, and what the cameras do of themselves.
pub(super) const MOBOTIX_SITE: &[Habit] = &[
    udp(DNS_VMS, MOBOTIX, MOBOTIX_NAMES, 53, 3_500),
    udp(SNMP, MOBOTIX_MONITOR, MOBOTIX, 161, 800),
    tcp(TLS12, MXMC, MOBOTIX, 443, 700),
    tcp(TLS13, MXMC, MOBOTIX, 443, 700),
    tcp("say = 'faststream'\nauth = 'digest'", MXMC, MOBOTIX, 8080, 100),
    tcp("say = 'smb2'", MOBOTIX, FILES, 445, 400),
    tcp("say = 'http'\npath = '/alarm?view=3'", MOBOTIX, MXMC, 57536, 200),
    tcp("say = 'http'\npath = '/notify?event=1'", MOBOTIX, AUTOMATION, 8000, 200),
    tcp("say = 'smtp'", MOBOTIX, MAIL, 25, 100),
];

/// Questions to a group, which one device answers: the keys, who asks, the port, who answers, how often.
pub(super) const SEARCHES: [(&str, u16, u64); 2] =
    [("say = 'ssdp'", 1900, 100), ("say = 'ws-discovery'", 3702, 100)];
/// Who is asked by all recorders.
pub(super) const SEARCHED: Hosts = SSDP;

/// What each host does once, always from the same port: the keys, who, which port, whom.
pub(super) const ONCE: [(&str, Hosts, u16, Hosts); 7] = [
    ("say = 'ntp'", CAMERAS, 123, INFRASTRUCTURE),
    ("say = 'ntp'", RECORDERS, 123, INFRASTRUCTURE),
    ("say = 'ntp'", CLIENTS, 123, INFRASTRUCTURE),
    ("say = 'ntp'", MOBOTIX, 123, MOBOTIX_NAMES),
    ("say = 'mdns'", CAMERAS, 5353, MDNS),
    ("say = 'mdns'", MOBOTIX, 5353, MDNS),
    ("say = 'mxmessage'", MOBOTIX, 19800, MOBOTIX_ALL),
];

/// Below IP: who asks by ARP for the infrastructure's address.
pub(super) const ASKERS: [Hosts; 2] = [CAMERAS, CLIENTS];
