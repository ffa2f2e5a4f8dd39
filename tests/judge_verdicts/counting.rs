//! One violation per cause; `count` openings, `flows` 5-tuples.

use camsentry::judge::audit::Audit;

use crate::stage::only;
use crate::stage::play;

fn counted(audit: &Audit) -> (u64, u64) {
    let violation = only(audit);
    (violation.count, violation.flows)
}

const SSH: &str = r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", say = "ssh" }"#;

#[test]
fn another_ephemeral_port_is_another_flow_of_the_same_violation() {
    let once = play(&[SSH]);
    let thrice =
        play(&[r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", say = "ssh", count = 3 }"#]);
    assert_eq!((counted(&once), counted(&thrice)), ((1, 1), (3, 3)));
    assert_eq!(only(&once).id, only(&thrice).id);
}

#[test]
fn the_same_port_again_is_another_opening_of_the_same_flow() {
    let found = play(&[SSH, r#"{ do = "wait", to = "120" }"#, SSH]);
    assert_eq!(counted(&found), (2, 1));
}

#[test]
fn repeated_syns_are_one_attempt() {
    let found = play(&[r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.11:22", how = "silent" }"#]);
    assert_eq!(counted(&found), (1, 1));
}

#[test]
fn datagrams_after_an_idle_gap_are_another_opening_of_the_same_violation() {
    let step = r#"{ do = "udp", from = "10.30.0.7:50001", to = "10.10.1.11:161", say = "snmp" }"#;
    let found = play(&[step, r#"{ do = "wait", to = "400" }"#, step]);
    assert_eq!(counted(&found), (2, 1));
    assert_eq!(only(&found).id, only(&play(&[step])).id);
}
