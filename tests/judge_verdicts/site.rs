//! What a site may declare: zones, ports, hosts with several addresses, devices.

use camsentry::inventory::role::Role;
use camsentry::verdict::Reason;
use camsentry::verdict::VerdictKind;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::play_on;
use crate::stage::verdict;

#[test]
fn a_changed_port_replaces_the_default_for_its_hosts_and_may_be_a_range() {
    let more = "[[host]]\naddress = \"10.10.1.31\"\nroles = [\"recording-server\"]\nports = { 7563 = \"17563-17565\" }";
    let step = |port: u16| {
        format!(
            r#"{{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.31:{port}", say = "imageserver" }}"#
        )
    };
    for port in [17563, 17565] {
        let found = play_on("", more, &[&step(port)]);
        assert!(found.violations.is_empty(), "{port}: {:?}", messages(&found));
    }
    let found = play_on("", more, &[&step(7563)]);
    assert_eq!(only(&found).reason, Reason::WrongPort, "the default is not open any more");
    // Another recorder keeps the vendor's port, on the same site.
    let found = play_on(
        "",
        more,
        &[r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:7563", say = "imageserver" }"#],
    );
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
}

#[test]
fn a_port_changed_for_a_role_holds_for_all_of_it() {
    let more = "[[ports]]\nrole = \"recording-server\"\ndefault = 7563\nuse = \"17563\"";
    let found = play_on(
        "",
        more,
        &[r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:17563", say = "imageserver" }"#],
    );
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
}

#[test]
fn any_pair_of_the_roles_of_an_all_in_one_may_satisfy_a_rule() {
    let more = r#"[[host]]
address = ["10.10.1.20", "fd00:10::20"]
roles = ["management-server", "recording-server", "event-server", "sql-server"]
name = "all-in-one"
[[host]]
address = "fd00:20::17"
roles = ["camera"]
"#;
    let found = play_on(
        "",
        more,
        &[
            r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.20:7563", say = "imageserver" }"#,
            r#"{ do = "tcp", from = "10.10.1.20:50002", to = "10.20.0.17:554", say = "rtsp", auth = "digest" }"#,
            r#"{ do = "tcp", from = "[fd00:10::20]:50003", to = "[fd00:20::17]:554", say = "rtsp", auth = "digest" }"#,
        ],
    );
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert!(found.conversations.iter().filter(|c| c.verdict == VerdictKind::Allowed).count() >= 2);
}

#[test]
fn a_role_by_mac_is_not_inherited_by_the_next_device_with_the_address() {
    let more = "[[mac]]\naddress = \"00:03:c5:12:34:56\"\nroles = [\"mobotix-camera\"]";
    let scene = |mac: &str| {
        let macs = format!("macs = {{ \"10.20.1.77\" = \"{mac}\" }}\n");
        let steps = r#"steps = [{ do = "tcp", from = "10.30.0.9:50001", to = "10.20.1.77:443", say = "tls", version = "1.2" }]"#;
        crate::writer::capture(&format!("{macs}{steps}"))
    };
    let site = |more: &str| {
        format!(
            "name = \"By MAC\"\nmonitored = [\"10.20.0.0/16\", \"10.30.0.0/16\"]\n[[zone]]\nname = \"mobotix\"\nnetworks = [\"10.20.1.0/24\"]\npacks = [\"mobotix\"]\n[[host]]\naddress = \"10.30.0.9\"\nroles = [\"mxmc\"]\n{more}\n"
        )
    };
    let known = crate::audit::audit(&scene("00:03:c5:12:34:56"), &site(more), false);
    assert!(known.violations.is_empty(), "{:?}", messages(&known));
    let other = crate::audit::audit(&scene("00:03:c5:00:00:01"), &site(more), false);
    assert_eq!(only(&other).reason, Reason::UnknownDevice);
    let vendor = "[[vendor]]\nname = \"MOBOTIX\"\nroles = [\"mobotix-camera\"]";
    let by_vendor = crate::audit::audit(&scene("00:03:c5:00:00:01"), &site(vendor), false);
    assert!(by_vendor.violations.is_empty(), "{:?}", messages(&by_vendor));
}

#[test]
fn an_unknown_device_is_told_once_beside_what_is_worse() {
    let found = play(&[r#"{ do = "tcp", from = "10.20.0.99:50001", to = "10.10.1.11:22", how = "silent" }"#]);
    let violation = only(&found);
    assert!(violation.reason == Reason::UnknownDevice || violation.also.contains(&Reason::UnknownDevice));
    assert_eq!(violation.orig.role, Role::Unknown);
}

#[test]
fn a_name_that_dns_gave_proves_a_peer_and_another_name_accuses_only_if_the_client_said_it() {
    let tls = |sni: &str| {
        // Each from a port of its own: the writer numbers the octets of a pair of ports always alike.
        let port = 50_001 + sni.len();
        format!(
            r#"{{ do = "tcp", from = "10.10.1.10:{port}", to = "198.51.100.20:443", say = "tls", version = "1.2"{sni} }}"#
        )
    };
    let unproved = play(&[&tls("")]);
    assert_eq!(verdict(at(&unproved, 443)), "withheld peer-unproved");
    let other = play(&[&tls(", sni = \"evil.example\"")]);
    assert_eq!(only(&other).reason, Reason::Internet);
    // One address, two names: the right one does not clear the other.
    let both = play(&[&tls(", sni = \"www.milestonesys.com\""), &tls(", sni = \"evil.example\"")]);
    assert_eq!(only(&both).reason, Reason::Internet);
    assert_eq!(both.conversations.len(), 2, "each name is judged for itself");
}
