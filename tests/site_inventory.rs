//! Who is who: precedence of declarations, kinds of addresses, ports, zones, routers, leases, IPv6.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::sync::Arc;

use camsentry::addr::Addr;
use camsentry::addr::Mac;
use camsentry::flow::facts::Initiation;
use camsentry::inventory::Act;
use camsentry::inventory::Change;
use camsentry::inventory::Inventory;
use camsentry::inventory::Observation;
use camsentry::inventory::Standing;
use camsentry::inventory::role::Role;
use camsentry::inventory::role::RoleSet;
use camsentry::inventory::role::roles_named;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::rule::PortSet;
use camsentry::policy::rule::RuleId;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::time::Timestamp;
use camsentry::verdict::Reason;
use camsentry::verdict::Severity;

const SITE: &str = r#"name = "Mixed site"
monitored = ["10.10.0.0/16", "10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16", "fd00:20::/48"]
features = ["mobotix-smb-recording"]
key_by_vlan = true

[[zone]]
name = "xprotect"
networks = ["10.10.0.0/16", "10.20.0.0/24", "10.30.0.7/32"]
packs = ["xprotect"]

[[zone]]
name = "mobotix"
networks = ["10.20.1.0/24", "10.30.0.9/32"]
packs = ["mobotix"]

[[zone]]
name = "both"
networks = ["10.20.1.0/24"]
packs = ["xprotect", "mobotix"]

[[zone]]
name = "dmz"
networks = ["10.40.0.0/24"]
packs = ["xprotect"]
kind = "dmz"

[[host]]
address = ["10.20.0.17", "fd00:20::17"]
roles = ["camera", "analytics-source"]
name = "cam-17"
ports = { 554 = "8554" }

[[host]]
address = "10.10.1.11"
roles = ["recording-server", "management-server"]
ports = { 9001 = "9001-9005", 7563 = 7564 }

[[host]]
address = "10.10.1.12"
roles = ["recording-server"]

[[host]]
address = "10.20.2.255"
roles = ["camera"]

[[host]]
address = ["10.10.3.1", "10.10.3.2", "10.10.3.3", "10.10.3.4", "10.10.3.5"]
roles = ["recording-server"]

[[network]]
prefix = ["10.20.0.0/24", "10.20.2.0/24"]
roles = ["camera"]
nat = true
ports = { 80 = "8080", 554 = "1554" }

[[network]]
prefix = "10.20.0.0/28"
roles = ["encoder"]

[[network]]
prefix = "203.0.113.0/24"
roles = ["internet"]

[[host]]
address = "198.51.100.7"
roles = ["interconnected-site"]

[[mac]]
address = "02:00:00:00:00:aa"
roles = ["mxmc"]

[[mac]]
address = "02:00:00:00:00:01"
roles = ["router"]

[[vendor]]
name = "mobotix"
roles = ["mobotix-camera"]

[[ports]]
role = "recording-server"
default = 7563
use = "17563"

[named_ports]
MX10 = "8000, 8701"

[named_peers]
XP62 = ["Dashboard.Example.NET"]

[severity]
no-rule = "medium"

[tls]
authorities = ["00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"]
self_signed = ["camera"]

[[allow]]
id = "S1"
from_hosts = ["10.20.0.17"]
to_hosts = ["10.10.0.0/16"]
transport = "tcp"
ports = "2222"
purpose = "The camera reports to our own collector."

[[exception]]
id = "E1"
from = "camera"
to = "mail-server"
transport = "tcp"
ports = "25"
owner = "Ann"
reason = "Migration of alarms"
expires = 2026-12-31
"#;

fn known() -> Known {
    let words = |words: &[&str]| words.iter().map(|word| Arc::from(*word)).collect::<Vec<Arc<str>>>();
    Known {
        packs: words(&["xprotect", "mobotix"]),
        features: words(&["mobotix-smb-recording"]),
        rules: words(&["MX10", "XP62"]),
        named_ports: words(&["MX10"]),
        named_peers: words(&["XP62"]),
        zone_kinds: words(&["dmz"]),
    }
}

fn inventory() -> Inventory {
    let source = SourceText { name: "etc/site.toml".to_owned(), text: SITE.to_owned() };
    let reading = read_site(&source, &known());
    let drawn = render_all(&reading.diagnostics, std::slice::from_ref(&source), false);
    Inventory::new(Some(reading.site.unwrap_or_else(|| panic!("{drawn}"))))
}

fn addr(text: &str) -> Addr {
    Addr::from(text.parse::<std::net::IpAddr>().unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

const MXMC_MAC: Mac = Mac([2, 0, 0, 0, 0, 0xaa]);
const MOBOTIX_MAC: Mac = Mac([0, 3, 0xc5, 1, 2, 3]);

#[test]
fn the_nearest_declaration_wins_host_then_prefix_then_mac_then_vendor() {
    let mut who = inventory();
    // Address, MAC that it is seen with, the expected label and the line that says so.
    let rows = [
        ("10.20.0.17", Some(MXMC_MAC), Role::Camera, "site.toml:27"),
        ("fd00:20::17", None, Role::Camera, "site.toml:27"),
        ("10.20.0.5", Some(MXMC_MAC), Role::Encoder, "site.toml:56"),
        ("10.20.0.99", Some(MOBOTIX_MAC), Role::Camera, "site.toml:50"),
        ("10.30.0.9", Some(MXMC_MAC), Role::Mxmc, "site.toml:68"),
        ("10.20.1.5", Some(MOBOTIX_MAC), Role::MobotixCamera, "site.toml:76"),
    ];
    for (text, mac, label, why) in rows {
        if let Some(mac) = mac {
            let mut fresh = inventory();
            fresh.sees(addr(text), mac, at(0), false);
            who = fresh;
        }
        let view = who.host(addr(text));
        assert_eq!((view.label, &*view.why, view.standing), (label, why, Standing::Declared), "{text}");
    }
    let unlisted = who.host(addr("10.30.0.66"));
    assert_eq!((unlisted.label, unlisted.standing), (Role::Unknown, Standing::Unlisted));
}

#[test]
fn a_view_carries_all_roles_name_nat_mac_and_vendor() {
    let mut who = inventory();
    who.sees(addr("10.20.0.17"), MOBOTIX_MAC, at(0), false);
    let view = who.host(addr("10.20.0.17"));
    assert_eq!(view.roles, RoleSet::of(&[Role::Camera, Role::AnalyticsSource]));
    assert_eq!((view.name.as_deref(), view.nat), (Some("cam-17"), false));
    assert_eq!((view.mac, view.vendor), (Some(MOBOTIX_MAC), Some("MOBOTIX")));
    assert!(who.host(addr("10.20.0.99")).nat);
}

#[test]
fn addresses_are_told_apart_by_kind() {
    let who = inventory();
    let internet = ["203.0.113.9", "192.0.2.1", "198.51.100.1", "2001:db8::1", "8.8.8.8", "2600::1"];
    for text in internet {
        let view = who.host(addr(text));
        assert_eq!(view.label, Role::Internet, "{text}");
        assert!(who.is_internet(addr(text)) && !who.is_monitored(addr(text)), "{text}");
    }
    let groups = [
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "ff02::fb",
        "10.20.255.255",
        "10.20.0.255",
        "10.20.1.255",
        "10.20.0.15",
    ];
    for text in groups {
        let view = who.host(addr(text));
        assert_eq!((view.label, view.standing), (Role::Group, Standing::Address), "{text}");
        assert!(!who.is_internet(addr(text)), "{text}");
    }
    // Neither: RFC 1918, CGNAT, link-local, loopback, "this", ULA, reserved; a declared public host; a
    // broadcast address that the site declares as a host; the ends of a network of 32 bits.
    let neither = [
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "fe80::1",
        "fd99::1",
        "::1",
        "240.0.0.1",
        "198.51.100.7",
        "10.20.2.255",
        "10.30.0.9",
    ];
    for text in neither {
        let view = who.host(addr(text));
        assert!(!matches!(view.label, Role::Internet | Role::Group), "{text}");
        assert!(!who.is_internet(addr(text)), "{text}");
    }
    assert_eq!(who.host(addr("198.51.100.7")).label, Role::InterconnectedSite);
    assert_eq!(who.host(addr("10.20.2.255")).label, Role::Camera);
    assert!(who.is_monitored(addr("10.30.0.66")) && !who.is_monitored(addr("192.168.77.3")));
}

#[test]
fn without_a_site_private_addresses_are_judged_and_public_ones_are_the_internet() {
    let who = Inventory::new(None);
    assert!(who.is_monitored(addr("192.168.77.3")) && !who.is_internet(addr("192.168.77.3")));
    assert!(who.is_internet(addr("203.0.113.9")) && !who.is_monitored(addr("203.0.113.9")));
    assert!(!who.is_monitored(addr("239.1.1.1")));
    assert_eq!(who.host(addr("192.168.77.3")).standing, Standing::Unlisted);
    assert!(
        who.packs_of(addr("192.168.77.3")).is_empty() && who.zones(addr("192.168.77.3")).next().is_none()
    );
}

#[test]
fn zones_are_those_of_the_longest_prefix_and_all_that_have_it() {
    let who = inventory();
    let names = |text: &str| who.zones(addr(text)).map(|zone| zone.name.to_string()).collect::<Vec<_>>();
    let packs = |text: &str| who.packs_of(addr(text)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names("10.20.0.17"), ["xprotect"]);
    assert_eq!(names("10.20.1.5"), ["mobotix", "both"]);
    assert_eq!(packs("10.20.1.5"), ["mobotix", "xprotect"]);
    assert_eq!(
        (names("10.30.0.9"), packs("10.30.0.9")),
        (vec!["mobotix".to_owned()], vec!["mobotix".to_owned()])
    );
    assert!(names("10.30.0.66").is_empty() && packs("10.30.0.66").is_empty());
    assert_eq!(who.zones(addr("10.40.0.2")).next().unwrap().kind.as_deref(), Some("dmz"));
}

#[test]
fn changed_ports_come_from_the_host_then_its_network_then_its_role() {
    let who = inventory();
    let any = roles_named("any").unwrap();
    let recorder = RoleSet::of(&[Role::RecordingServer]);
    let ports = |ranges: &[(u16, u16)]| PortSet(ranges.iter().map(|(a, b)| *a..=*b).collect());
    let rows = [
        (ports(&[(9001, 9001)]), "10.10.1.11", recorder, "9001-9005"),
        (ports(&[(7563, 7563)]), "10.10.1.11", recorder, "7564"),
        (ports(&[(7563, 7563)]), "10.10.1.12", recorder, "17563"),
        // Only a role that the rule means and the host has.
        (ports(&[(7563, 7563)]), "10.10.1.12", RoleSet::of(&[Role::ManagementServer]), "7563"),
        (ports(&[(7563, 7563)]), "10.30.0.7", any, "7563"),
        (ports(&[(80, 80), (554, 554)]), "10.20.0.17", any, "8080, 8554"),
        (ports(&[(80, 80), (554, 554)]), "10.20.0.99", any, "1554, 8080"),
        (ports(&[(9000, 9002)]), "10.10.1.11", any, "9000-9005"),
        (ports(&[(443, 443)]), "10.20.0.17", any, "443"),
    ];
    for (default, host, roles, expected) in rows {
        assert_eq!(who.ports_for(&default, addr(host), roles).to_string(), expected, "{host} {default}");
    }
    let id = |text: &str| RuleId(Arc::from(text));
    assert_eq!(who.named_ports(&id("MX10")).unwrap().to_string(), "8000, 8701");
    assert!(who.named_ports(&id("MX11")).is_none());
    assert_eq!(who.named_peers(&id("XP62")), [Arc::from("dashboard.example.net")]);
    assert!(who.named_peers(&id("MX10")).is_empty());
}

#[test]
fn the_rest_of_the_site_file_is_there() {
    let who = inventory();
    let site = who.site().unwrap();
    assert_eq!((&*site.name, site.key_by_vlan, site.features.len()), ("Mixed site", true, 1));
    assert_eq!(site.severities, [(Reason::NoRule, Severity::Medium)]);
    assert_eq!(site.authorities.first().unwrap().get(1), Some(&0x11));
    assert!(site.self_signed.has(Role::Camera) && site.self_signed.has(Role::MobotixCamera));
    let (allow, exception) = (site.allow.first().unwrap(), site.exceptions.first().unwrap());
    assert_eq!((&*allow.pack.0, allow.to_hosts.len(), &*allow.source), ("site", 1, "the site file"));
    // 2026-12-31T00:00:00Z by `date -u -d 2026-12-31 +%s`.
    let expires = exception.exception.as_ref().unwrap().expires;
    assert_eq!(expires, Some(Timestamp::from_parts(1_798_675_200, 0)));
}

#[test]
fn a_mac_with_many_addresses_is_a_router_and_gives_no_role() {
    let mut who = inventory();
    for last in 1..=3 {
        assert_eq!(who.sees(Addr::v4([10, 30, 1, last]), MXMC_MAC, at(0), false), Change::New);
    }
    assert_eq!(who.host(addr("10.30.1.1")).label, Role::Mxmc);
    assert_eq!(who.sees(addr("10.30.1.4"), MXMC_MAC, at(1), false), Change::Router);
    let view = who.host(addr("10.30.1.1"));
    assert_eq!((view.label, view.mac, view.vendor), (Role::Unknown, None, None));
    // The site names this MAC as a router's: from the first address on.
    let router = Mac([2, 0, 0, 0, 0, 1]);
    who.sees(addr("10.30.2.1"), router, at(0), false);
    assert_eq!((who.host(addr("10.30.2.1")).label, who.host(addr("10.30.2.1")).mac), (Role::Unknown, None));
    // Five addresses that the site declares as one host are no router.
    let server = Mac([2, 0, 0, 0, 0, 5]);
    for last in 1..=5 {
        assert_eq!(who.sees(Addr::v4([10, 10, 3, last]), server, at(0), false), Change::New);
    }
    assert_eq!(who.host(addr("10.10.3.5")).mac, Some(server));
    assert!(who.same_host(addr("10.10.3.1"), addr("10.10.3.5")));
}

#[test]
fn a_role_by_mac_moves_with_the_device_and_the_next_owner_does_not_inherit_it() {
    for lease in [true, false] {
        let mut who = inventory();
        let (laptop, old, new) = (Mac([2, 0, 0, 0, 0, 0xbb]), addr("10.30.0.50"), addr("10.30.0.51"));
        who.sees(old, MXMC_MAC, at(0), lease);
        assert_eq!(who.host(old).label, Role::Mxmc);
        assert_eq!(who.sees(new, MXMC_MAC, at(10), lease), Change::New);
        assert_eq!(who.sees(old, laptop, at(20), lease), Change::Moved { from: MXMC_MAC });
        assert_eq!(who.host(old).standing, Standing::Unlisted);
        assert_eq!(who.host(new).label, Role::Mxmc);
        assert!(!who.same_host(old, new));
    }
}

#[test]
fn what_was_inferred_of_an_address_is_not_inherited_either() {
    let mut who = Inventory::new(None);
    let server = addr("192.168.1.5");
    who.sees(server, Mac([2, 0, 0, 0, 0, 1]), at(0), true);
    let observation = Observation {
        host: server,
        peer: addr("192.168.1.9"),
        act: Act::Server,
        initiation: Initiation::Observed,
        port: 1433,
        service: Some((Service::Tds, Certainty::Signature)),
        content: None,
        device: None,
    };
    who.observe(&observation);
    assert_eq!(who.host(server).standing, Standing::Unlisted, "nothing is concluded before settling");
    who.settle();
    assert_eq!(who.host(server).standing, Standing::Inferred(Certainty::Signature));
    assert_eq!(&*who.host(server).why, "answered SQL Server's TDS on port 1433 to 192.168.1.9 (1 flow)");
    who.sees(server, Mac([2, 0, 0, 0, 0, 2]), at(5), true);
    who.settle();
    assert_eq!(who.host(server).standing, Standing::Unlisted);
}

#[test]
fn the_ipv6_addresses_of_one_mac_are_one_host() {
    let mut who = inventory();
    let cam = Mac([2, 0, 0, 0, 0, 0x17]);
    who.sees(addr("10.20.0.17"), cam, at(0), false);
    for suffix in 0..50_u16 {
        for text in [format!("fe80::{suffix:x}"), format!("fd00:77::{suffix:x}")] {
            assert_eq!(who.sees(addr(&text), cam, at(1), false), Change::New);
        }
    }
    let view = who.host(addr("fe80::2f"));
    assert_eq!((view.label, view.standing, view.mac), (Role::Camera, Standing::Declared, Some(cam)));
    assert_eq!(&*view.why, "site.toml:27 (the same device has 10.20.0.17)");
    assert!(who.same_host(addr("fe80::1"), addr("fd00:77::31")));
    assert!(who.is_monitored(addr("fe80::1")) && !who.is_monitored(addr("fe80::ffff")));
    assert_eq!(who.packs_of(addr("fe80::1")).len(), 1);
    // An address that somebody else's device has stays a stranger.
    who.sees(addr("fe80::ffff"), Mac([2, 0, 0, 0, 0, 0x18]), at(2), false);
    assert_eq!(who.host(addr("fe80::ffff")).standing, Standing::Unlisted);
}

#[test]
fn a_site_file_cut_at_any_octet_gives_a_site_or_a_fault() {
    let known = known();
    for end in 0..SITE.len() {
        let text = SITE.get(..end).unwrap().to_owned();
        let reading = read_site(&SourceText { name: "cut.toml".to_owned(), text }, &known);
        assert!(reading.site.is_some() || !reading.diagnostics.is_empty());
    }
}
