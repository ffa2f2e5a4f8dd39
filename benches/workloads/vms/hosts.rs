//! Who is on the site, and the site file that says so.

use crate::workloads::chance::Chance;

/// Hosts of one kind: the network, the first number in it, how many there are.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Hosts(&'static str, u64, u64);

/// Cameras of the recorders, unless others are wanted.
pub(in crate::workloads) const CAMERAS_USUALLY: u64 = 128;
/// Whatever has no place in its network is numbered through this one: 10.21.0.1, ... 10.21.0.250, 10.21.1.1 ...
const MORE_CAMERAS: &str = "10.21.";
/// Hosts in each /24 of it.
const MORE: u64 = 250;

pub(super) const INFRASTRUCTURE: Hosts = Hosts("10.10.0.", 1, 1);
pub(super) const MONITOR: Hosts = Hosts("10.10.0.", 5, 1);
pub(super) const MANAGEMENT: Hosts = Hosts("10.10.1.", 10, 1);
pub(super) const EVENT: Hosts = Hosts("10.10.1.", 12, 1);
pub(super) const SQL: Hosts = Hosts("10.10.1.", 13, 1);
pub(super) const LOG: Hosts = Hosts("10.10.1.", 14, 1);
pub(super) const LPR: Hosts = Hosts("10.10.1.", 15, 1);
pub(super) const FAILOVER: Hosts = Hosts("10.10.1.", 16, 1);
pub(super) const SCREEN: Hosts = Hosts("10.10.1.", 18, 1);
pub(super) const GATEWAY: Hosts = Hosts("10.10.1.", 21, 1);
pub(super) const RECORDERS: Hosts = Hosts("10.10.2.", 1, 8);
pub(super) const ANALYTICS: Hosts = Hosts("10.10.3.", 5, 1);
pub(super) const DOORS: Hosts = Hosts("10.10.3.", 6, 1);
pub(super) const CAMERAS: Hosts = Hosts("10.20.0.", 1, CAMERAS_USUALLY);
pub(super) const MOBOTIX: Hosts = Hosts("10.20.1.", 1, 64);
pub(super) const MOBOTIX_NAMES: Hosts = Hosts("10.20.2.", 1, 1);
pub(super) const MOBOTIX_MONITOR: Hosts = Hosts("10.20.2.", 5, 1);
pub(super) const FILES: Hosts = Hosts("10.20.2.", 9, 1);
pub(super) const MAIL: Hosts = Hosts("10.20.2.", 10, 1);
pub(super) const AUTOMATION: Hosts = Hosts("10.20.2.", 12, 1);
pub(super) const MANAGERS: Hosts = Hosts("10.30.0.", 8, 2);
pub(super) const CLIENTS: Hosts = Hosts("10.30.1.", 1, 40);
pub(super) const BROWSERS: Hosts = Hosts("10.30.2.", 1, 10);
pub(super) const MXMC: Hosts = Hosts("10.30.3.", 1, 8);
pub(super) const MOBILE: Hosts = Hosts("10.40.0.", 2, 1);
pub(super) const MILESTONE: Hosts = Hosts("198.51.100.", 20, 1);
pub(super) const OUTSIDE: Hosts = Hosts("203.0.113.", 50, 20);
pub(super) const SSDP: Hosts = Hosts("239.255.255.", 250, 1);
pub(super) const MDNS: Hosts = Hosts("224.0.0.", 251, 1);
pub(super) const MOBOTIX_ALL: Hosts = Hosts("10.20.255.", 255, 1);

impl Hosts {
    pub(super) fn count(self) -> u64 {
        self.2
    }

    /// The same kind of hosts, but so many.
    pub(super) fn of(self, count: u64) -> Self {
        Self(self.0, self.1, count)
    }

    pub(super) fn number(self, index: u64) -> String {
        let number = index % self.2;
        match number.checked_sub(CAMERAS_USUALLY) {
            None => format!("{}{}", self.0, self.1 + number),
            Some(more) => format!("{MORE_CAMERAS}{}.{}", more / MORE, more % MORE + 1),
        }
    }

    pub(super) fn any(self, chance: &mut Chance) -> String {
        self.number(chance.below(self.2))
    }

    pub(super) fn all(self) -> impl Iterator<Item = String> {
        (0..self.2).map(move |index| self.number(index))
    }
}

/// The IPv6 address of a host that has one: the same numbers behind the site's prefix.
pub(super) fn newer(address: &str) -> Option<String> {
    let numbers: Vec<&str> = address.strip_prefix("10.")?.split('.').collect();
    Some(format!("fd00:10:{}:{}::{}", numbers[0], numbers[1], numbers[2]))
}

/// The MAC of a camera, which names its maker; other hosts have the one that the fixtures give them.
pub(super) fn maker_mac(address: &str) -> Option<String> {
    let number = |network: &str| address.strip_prefix(network)?.parse::<u8>().ok();
    if let Some(number) = number("10.20.0.") {
        return Some(format!("00:40:8c:10:00:{number:02x}"));
    }
    if let Some((network, number)) = address.strip_prefix(MORE_CAMERAS).and_then(|rest| rest.split_once('.'))
    {
        let [network, number] = [network, number].map(|part| part.parse::<u8>().unwrap());
        return Some(format!("00:40:8c:11:{network:02x}:{number:02x}"));
    }
    number("10.20.1.").map(|number| format!("00:03:c5:00:01:{number:02x}"))
}

/// The site file of `vms_mix`.
pub(in crate::workloads) fn site(cameras: u64) -> String {
    let more = cameras > CAMERAS_USUALLY;
    let networks = if more { "\"10.20.0.0/24\", \"10.21.0.0/16\"" } else { "\"10.20.0.0/24\"" };
    let mut text = HEAD.replacen("\"10.20.0.0/24\"", networks, 1);
    if more {
        text = text.replacen("\"10.20.0.0/16\"", "\"10.20.0.0/16\", \"10.21.0.0/16\"", 1);
        text += "\n[[network]]\nprefix = \"10.21.0.0/16\"\nroles = [\"camera\"]\n";
    }
    for (hosts, role) in SERVERS {
        for address in hosts.all() {
            let newer = newer(&address).unwrap_or_default();
            text += &format!("\n[[host]]\naddress = [\"{address}\", \"{newer}\"]\nroles = [\"{role}\"]\n");
        }
    }
    for (network, role) in NETWORKS {
        let newer = newer(&format!("{network}0")).unwrap_or_default();
        text +=
            &format!("\n[[network]]\nprefix = [\"{network}0/24\", \"{newer}/112\"]\nroles = [\"{role}\"]\n");
    }
    text
}

const SERVERS: [(Hosts, &str); 20] = [
    (INFRASTRUCTURE, "infrastructure"),
    (MONITOR, "snmp-manager"),
    (MANAGEMENT, "management-server"),
    (EVENT, "event-server"),
    (SQL, "sql-server"),
    (LOG, "log-server"),
    (LPR, "lpr-server"),
    (FAILOVER, "failover-recording-server"),
    (SCREEN, "screen-recorder"),
    (GATEWAY, "api-gateway"),
    (RECORDERS, "recording-server"),
    (ANALYTICS, "analytics-source"),
    (DOORS, "generic-event-source"),
    (MOBOTIX_NAMES, "infrastructure"),
    (MOBOTIX_MONITOR, "snmp-manager"),
    (FILES, "file-server"),
    (MAIL, "mail-server"),
    (AUTOMATION, "automation"),
    (MANAGERS, "management-client"),
    (MOBILE, "mobile-server"),
];

const NETWORKS: [(&str, &str); 5] = [
    ("10.20.0.", "camera"),
    ("10.20.1.", "mobotix-camera"),
    ("10.30.1.", "smart-client"),
    ("10.30.2.", "web-client"),
    ("10.30.3.", "mxmc"),
];

const HEAD: &str = r#"# Written by the workload generator (benches/workloads): the site of `vms_mix` and `hostile_mix`.
name = "Benchmark site"
monitored = ["10.10.0.0/16", "10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16", "fd00:10::/32"]
features = ["generic-events", "analytics-events", "mobotix-remote-control", "mobotix-mxmessage", "mobotix-smb-recording", "mobotix-ip-notify", "mobotix-email", "mobotix-snmp"]

[named_ports]
MX10 = "8000"

# The fixtures' own authority signs every certificate: fixtures/octets/certs/ca.der.
[tls]
authorities = ["c7e5060ea3fce24d72f58ffce0ad2e5c6dc2a4c01ccd5b89047691dbe9595529"]

[[zone]]
name = "xprotect"
networks = ["10.10.0.0/16", "10.20.0.0/24", "10.30.0.8/31", "10.30.1.0/24", "10.30.2.0/24", "fd00:10:10::/48", "fd00:10:20::/64", "fd00:10:30::8/127", "fd00:10:30:1::/64", "fd00:10:30:2::/64"]
packs = ["xprotect"]

[[zone]]
name = "mobotix"
networks = ["10.20.1.0/24", "10.20.2.0/24", "10.30.3.0/24", "fd00:10:20:1::/64", "fd00:10:20:2::/64", "fd00:10:30:3::/64"]
packs = ["mobotix"]

[[zone]]
name = "dmz"
networks = ["10.40.0.0/24", "fd00:10:40::/64"]
packs = ["xprotect"]
kind = "dmz"
"#;
