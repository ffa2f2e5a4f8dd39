//! Media belong to the session that announced them, and to nobody whom its ends do not stand for.

use camsentry::judge::audit::Audit;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::play_on;
use crate::stage::verdict;

const ANOTHER_RECORDER: &str = r#"
[[host]]
address = "10.10.1.12"
roles = ["recording-server"]
"#;

/// A recorder opens a camera's stream; `named` is what the session says of its media's ends.
fn session(named: &str) -> Audit {
    let step = format!(
        r#"{{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "digest", media = 40000, server-media = 50000, {named} }}"#
    );
    play_on("", ANOTHER_RECORDER, &[&step])
}

fn sent_to(destination: &str) -> Audit {
    session(&format!("destination = \"{destination}\""))
}

#[test]
fn media_count_as_flows_and_not_as_openings() {
    let step = r#"{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "digest", media = 40000, server-media = 50000 }"#;
    let once = play(&[step]);
    assert_eq!((at(&once, 554).count, at(&once, 554).flows), (1, 3));
    let twice = play(&[step, r#"{ do = "wait", to = "400" }"#, step]);
    assert_eq!((at(&twice, 554).count, at(&twice, 554).flows), (2, 3), "the same ports again");
}

#[test]
fn media_that_a_session_sends_to_the_internet_are_judged_as_what_they_are() {
    let audit = sent_to("203.0.113.7");
    assert_eq!(verdict(at(&audit, 554)), "allowed XP68");
    let violation = only(&audit);
    assert_eq!((violation.reason.as_str(), violation.severity.as_str()), ("internet", "critical"));
    assert_eq!(violation.resp.addr.to_string(), "203.0.113.7");
}

#[test]
fn media_that_a_session_sends_to_a_host_of_the_clients_role_share_its_verdict() {
    let audit = sent_to("10.10.1.12");
    assert!(audit.violations.is_empty(), "{:?}", messages(&audit));
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 3));
}

#[test]
fn media_that_a_session_sends_to_a_host_of_another_role_are_judged_as_what_they_are() {
    let audit = sent_to("10.10.2.9");
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 1));
    // The guide isolates cameras from all but the servers that record them; who began is not known.
    let violation = only(&audit);
    assert_eq!(violation.reason.as_str(), "isolation");
    let ends = [violation.orig.addr, violation.resp.addr].map(|addr| addr.to_string());
    assert_eq!(ends, ["10.10.2.9", "10.20.0.17"]);
    assert_eq!(violation.flows, 2, "RTP and RTCP");
}

#[test]
fn media_that_come_from_the_internet_are_judged_as_what_they_are() {
    // One address is above the recorder's and one below: the ends of a flow have no order of their own.
    for source in ["203.0.113.9", "8.8.8.8"] {
        let audit = session(&format!("source = \"{source}\""));
        assert_eq!(verdict(at(&audit, 554)), "allowed XP68", "{source}");
        assert_eq!(at(&audit, 554).flows, 1, "{source}");
        assert_eq!(only(&audit).reason.as_str(), "internet", "{source}");
    }
}

#[test]
fn media_that_come_from_another_camera_share_the_sessions_verdict() {
    let audit = session(r#"source = "10.20.0.18""#);
    assert!(audit.violations.is_empty(), "{:?}", messages(&audit));
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 3));
}
