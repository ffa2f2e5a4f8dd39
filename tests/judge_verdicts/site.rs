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

/// The audit without a site file.
fn play_unnamed(steps: &[&str]) -> camsentry::judge::audit::Audit {
    let scene = format!("steps = [\n{}\n]", steps.join(",\n"));
    let packs = camsentry::policy::packs::shipped();
    let policy = std::sync::Arc::new(camsentry::policy::force::Policy::new(packs, None, false, 0));
    let workers = std::num::NonZeroUsize::MIN;
    let auditor = camsentry::pipeline::audit::Auditor { policy, workers, keep_flows: true, draft: false };
    let capture = std::io::Cursor::new(crate::writer::capture(&scene));
    let mut captures = camsentry::capture::captures::Captures::from_reader("capture.pcap", capture);
    auditor.run(&mut captures, &std::sync::atomic::AtomicBool::new(false), &mut |_| {}).audit
}

#[test]
fn without_a_site_only_signature_roles_judge_and_the_rest_is_withheld() {
    let unknown =
        play_unnamed(&[r#"{ do = "tcp", from = "10.1.0.7:50001", to = "10.1.0.8:22", say = "ssh" }"#]);
    assert!(unknown.violations.is_empty(), "{:?}", messages(&unknown));
    assert_eq!(verdict(at(&unknown, 22)), "withheld role-unknown");
    // An event stream is spoken by MOBOTIX cameras only; that one talks with the internet is told.
    let known = play_unnamed(&[
        r#"{ do = "tcp", from = "10.1.0.9:50001", to = "10.1.0.5:80", say = "event-stream", auth = "digest" }"#,
        r#"{ do = "tcp", from = "10.1.0.5:50002", to = "203.0.113.9:443", say = "tls", version = "1.2" }"#,
    ]);
    let violation = only(&known);
    assert_eq!((violation.reason, violation.orig.role), (Reason::Internet, Role::MobotixCamera));
    assert!(known.violations.iter().all(|violation| violation.reason != Reason::UnknownDevice));
}

#[test]
fn hosts_of_an_ipv6_site_are_judged_like_others() {
    let more = r#"[[host]]
address = "fd00:20::17"
roles = ["camera"]
[[host]]
address = "fd00:10::9"
roles = ["file-server"]
"#;
    let smb = r#"{ do = "tcp", from = "[fd00:20::17]:50001", to = "[fd00:10::9]:445", say = "smb2" }"#;
    let top = "";
    let found = play_on(top, more, &[smb]);
    assert!(found.violations.is_empty(), "not monitored: {:?}", messages(&found));
    assert_eq!(at(&found, 445).verdict, VerdictKind::OutOfScope);
    let outside = r#"{ do = "tcp", from = "[fd00:20::17]:50001", to = "[2001:db8::9]:443", say = "tls", version = "1.2" }"#;
    let site = "name = \"Six\"\nmonitored = [\"fd00:10::/64\", \"fd00:20::/64\"]\n[[zone]]\nname = \"six\"\nnetworks = [\"fd00:20::/64\"]\npacks = [\"xprotect\"]\n";
    let scene = format!("steps = [{smb}, {outside}]");
    let found = crate::audit::audit(&crate::writer::capture(&scene), &format!("{site}{more}"), false);
    let reasons: Vec<Reason> = found.violations.iter().map(|violation| violation.reason).collect();
    assert_eq!(reasons, [Reason::Internet, Reason::Isolation], "{:?}", messages(&found));
}

#[test]
fn strangers_outside_the_site_are_counted_and_not_judged() {
    let found =
        play(&[r#"{ do = "tcp", from = "192.168.77.3:50001", to = "192.168.77.4:445", say = "smb1" }"#]);
    assert!(found.violations.is_empty());
    assert_eq!(at(&found, 445).verdict, VerdictKind::OutOfScope);
    assert_eq!((found.totals.out_of_scope, found.totals.judged_packets), (1, 0));
}

#[test]
fn vlans_of_a_site_that_keys_by_them_have_hosts_of_their_own() {
    let in_vlan = |vlan: u16, port: u16| {
        format!(
            r#"{{ do = "tcp", from = "10.30.0.7:{port}", to = "10.10.1.11:22", say = "ssh", vlan = [{vlan}] }}"#
        )
    };
    let steps = [in_vlan(10, 50_001), in_vlan(20, 50_002)];
    let merged = play(&[&steps[0], &steps[1]]);
    assert_eq!((only(&merged).count, only(&merged).flows), (2, 2));
    let keyed = play_on("key_by_vlan = true", "", &[&steps[0], &steps[1]]);
    assert_eq!(keyed.violations.len(), 2, "{:?}", messages(&keyed));
    assert_ne!(keyed.violations[0].id, keyed.violations[1].id);
}

#[test]
fn of_a_host_that_translates_addresses_it_is_said() {
    let more = "[[host]]\naddress = \"10.30.0.1\"\nroles = [\"smart-client\"]\nnat = true";
    let found = play_on(
        "",
        more,
        &[r#"{ do = "tcp", from = "10.30.0.1:50001", to = "10.10.1.11:22", say = "ssh" }"#],
    );
    assert!(only(&found).orig.why.contains("translates addresses"), "{}", only(&found).orig.why);
    assert!(!only(&found).resp.why.contains("translates addresses"));
}
