//! Exceptions and rules of the site, in the order of decision.

use camsentry::verdict::Reason;
use camsentry::verdict::Severity;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play_on;
use crate::stage::verdict;

const SSH: &str = r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", say = "ssh" }"#;

fn exception(more: &str) -> String {
    format!(
        r#"[[exception]]
id = "E1"
from = ["smart-client"]
to = ["recording-server"]
transport = "tcp"
ports = "22"
services = ["ssh"]
tls = "none"
purpose = "Maintenance."
owner = "J. Doe"
reason = "A new disk."
{more}"#
    )
}

#[test]
fn an_exception_allows_what_no_rule_does_until_it_expires_in_packet_time() {
    assert_eq!(only(&play_on("", "", &[SSH])).reason, Reason::NoRule);
    let holds = play_on("", &exception("expires = 2100-01-01"), &[SSH]);
    assert!(holds.violations.is_empty(), "{:?}", messages(&holds));
    assert_eq!(verdict(at(&holds, 22)), "allowed E1");
    let expired = play_on("", &exception("expires = 2001-01-01"), &[SSH]);
    let violation = only(&expired);
    assert_eq!(violation.reason, Reason::NoRule);
    assert!(violation.message.contains("exception E1 has expired"), "{}", violation.message);
}

#[test]
fn an_exception_covers_its_own_service_only() {
    let other = r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", say = "http" }"#;
    let found = play_on("", &exception(""), &[other]);
    assert_eq!(only(&found).reason, Reason::WrongPort);
}

#[test]
fn what_an_exception_would_allow_is_withheld_where_too_little_was_seen() {
    let cut = r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", say = "ssh", snap = 58 }"#;
    let found = play_on("", &exception(""), &[cut]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert_eq!(verdict(at(&found, 22)), "withheld too-little");
}

#[test]
fn an_exception_may_name_hosts_and_stands_before_assertions() {
    let smb = r#"{ do = "tcp", from = "10.20.0.17:50001", to = "10.10.2.9:445", say = "smb2" }"#;
    let by_host = |host: &str| {
        format!(
            r#"[[exception]]
id = "E2"
from = ["camera"]
from_hosts = ["{host}"]
to = ["file-server"]
transport = "tcp"
ports = "445"
services = ["smb"]
tls = "none"
purpose = "Edge recording."
owner = "J. Doe"
reason = "Trial."
"#
        )
    };
    let found = play_on("", &by_host("10.20.0.17"), &[smb]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert_eq!(only(&play_on("", &by_host("10.20.0.18"), &[smb])).reason, Reason::Isolation);
}

#[test]
fn a_rule_of_the_site_stands_before_assertions_of_the_packs() {
    let rule = r#"[[allow]]
id = "S1"
from = ["smart-client"]
to = ["camera"]
transport = "tcp"
ports = "554"
services = ["rtsp"]
tls = "either"
status = ["optional"]
purpose = "The wall shows cameras itself."
"#;
    let rtsp =
        r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.20.0.17:554", say = "rtsp", auth = "digest" }"#;
    let found = play_on("", rule, &[rtsp]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert_eq!(verdict(at(&found, 554)), "allowed S1");
}

#[test]
fn the_site_may_change_a_severity() {
    let found = play_on("", "[severity]\nno-rule = \"low\"", &[SSH]);
    assert_eq!(only(&found).severity, Severity::Low);
    let silent = r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", how = "silent" }"#;
    let found = play_on("", "[severity]\nno-rule = \"low\"", &[silent]);
    assert_eq!(only(&found).severity, Severity::Info, "an attempt is one step less");
}
