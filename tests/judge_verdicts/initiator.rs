//! Who opened it, and what may be said where nobody knows.

use camsentry::flow::facts::Initiation;
use camsentry::verdict::Reason;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::verdict;

#[test]
fn an_opening_that_was_seen_may_be_in_the_wrong_direction() {
    let found =
        play(&[r#"{ do = "tcp", from = "10.10.1.11:50001", to = "10.30.0.7:7563", say = "imageserver" }"#]);
    assert_eq!(only(&found).reason, Reason::WrongDirection, "{:?}", messages(&found));
}

#[test]
fn an_unknown_initiator_is_never_in_the_wrong_direction() {
    // No octet of payload, no handshake: either end may have opened it.
    for (from, to) in [("10.10.1.11:50001", "10.30.0.7:7563"), ("10.10.1.11:40001", "10.30.0.7:50001")] {
        let step = format!(
            r#"{{ do = "tcp", from = "{from}", to = "{to}", how = "midstream", say = "imageserver", view = "to", snap = 54 }}"#
        );
        let found = play(&[&step]);
        assert!(
            found.violations.iter().all(|v| v.reason != Reason::WrongDirection),
            "{:?}",
            messages(&found)
        );
    }
}

#[test]
fn a_rule_in_force_tells_the_initiator_and_a_rule_of_another_zone_does_not() {
    // Port 7563 is a recorder's under the XProtect guide, which is not in force between these two.
    let step = |from: &str, to: &str| {
        format!(
            r#"{{ do = "tcp", from = "{from}", to = "{to}", how = "midstream", say = "opaque", snap = 54 }}"#
        )
    };
    let known = play(&[&step("10.30.0.7:50001", "10.10.1.11:7563")]);
    assert_eq!(at(&known, 7563).initiation, Initiation::Assumed);
    // MOBOTIX cameras speak RTSP with recorders; MxMC has no rule for 554 with them.
    let unknown = play(&[&step("10.30.0.9:50001", "10.20.1.5:554")]);
    assert_eq!(at(&unknown, 554).initiation, Initiation::Unknown);
}

#[test]
fn equal_ports_are_the_service_port_whoever_began() {
    // The capture begins in the middle: no silence was seen before the first datagram.
    let found = play(&[r#"{ do = "udp", from = "10.20.0.17:123", to = "10.10.1.11:123", say = "ntp" }"#]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert_eq!(at(&found, 123).port, Some(123));
}

#[test]
fn isolation_is_broken_whoever_began() {
    let found = play(&[
        r#"{ do = "tcp", from = "10.20.0.17:50001", to = "10.10.2.9:50002", how = "midstream", say = "opaque" }"#,
    ]);
    let violation = only(&found);
    assert_eq!((violation.reason, violation.initiation), (Reason::Isolation, Initiation::Unknown));
    assert!(violation.message.contains(" and "), "{}", violation.message);
}

#[test]
fn a_doubtful_rule_one_way_round_withholds() {
    let more = "[[host]]\naddress = \"10.10.1.14\"\nroles = [\"log-server\"]";
    let found = crate::stage::play_on(
        "",
        more,
        &[
            r#"{ do = "tcp", from = "10.20.0.17:50001", to = "10.10.1.14:22337", how = "midstream", say = "opaque" }"#,
        ],
    );
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    assert!(verdict(at(&found, 22337)).starts_with("withheld"), "{}", verdict(at(&found, 22337)));
}
