//! Many violations of one source are one sweep, with exact totals.

use camsentry::verdict::Reason;

use crate::stage::messages;
use crate::stage::play;
use crate::stage::play_on;

fn syns(targets: impl Iterator<Item = (u8, u16)>) -> Vec<String> {
    targets
        .map(|(host, port)| {
            format!(
                r#"{{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.9.{host}:{port}", how = "refused" }}"#
            )
        })
        .collect()
}

fn reasons(steps: &[String]) -> Vec<Reason> {
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    play(&steps).violations.iter().map(|violation| violation.reason).collect()
}

#[test]
fn sixteen_are_no_sweep_and_seventeen_are() {
    for swept in [syns((1..=16).map(|host| (host, 22))), syns((1..=16).map(|port| (1, port)))] {
        let found = reasons(&swept);
        assert_eq!((found.len(), found.contains(&Reason::Sweep)), (16, false));
    }
    for swept in [syns((1..=17).map(|host| (host, 22))), syns((1..=17).map(|port| (1, port)))] {
        assert_eq!(reasons(&swept), [Reason::Sweep]);
    }
}

#[test]
fn a_sweep_keeps_its_identifier_as_it_grows_and_counts_exactly() {
    let audit = |hosts: u8| {
        let mut steps = syns((1..=hosts).map(|host| (host, 22)));
        steps.push(
            r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.9.1:23", how = "silent" }"#.to_owned(),
        );
        steps
            .push(r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.9.1:24", say = "ssh" }"#.to_owned());
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        play(&steps)
    };
    let (small, large) = (audit(17), audit(30));
    assert_eq!(small.violations[0].id, large.violations[0].id);
    let totals = large.violations[0].sweep.unwrap();
    assert_eq!((totals.responders, totals.ports, totals.conversations), (30, 3, 32));
    assert_eq!((totals.attempted, totals.refused, totals.answered), (1, 30, 1));
}

#[test]
fn a_recorder_that_reaches_many_cameras_by_rule_sweeps_nothing() {
    let more = "[[network]]\nprefix = \"10.20.0.128/25\"\nroles = [\"camera\"]";
    let steps: Vec<String> = (130..190)
        .map(|host| {
            format!(
                r#"{{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.{host}:554", say = "rtsp", auth = "basic" }}"#
            )
        })
        .collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let found = play_on("", more, &steps);
    // Each camera that takes a password in clear is a matter of its own.
    assert_eq!(found.violations.len(), 60);
    assert!(found.violations.iter().all(|v| v.reason == Reason::WeakProtocol), "{:?}", messages(&found));
}

#[test]
fn what_a_sweeper_is_allowed_is_told_apart_from_its_sweep() {
    let mut steps = syns((1..=20).map(|host| (host, 22)));
    steps.push(
        r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.10:443", say = "tls", version = "1.0" }"#
            .to_owned(),
    );
    let mut found = reasons(&steps);
    found.sort();
    assert_eq!(found, [Reason::WeakTls, Reason::Sweep]);
}

#[test]
fn flows_whose_initiator_nobody_knows_make_no_sweep() {
    let steps: Vec<String> = (1..=20)
        .map(|host| {
            format!(
                r#"{{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.9.{host}:40000", how = "midstream", say = "opaque" }}"#
            )
        })
        .collect();
    let found = reasons(&steps);
    assert_eq!((found.len(), found.contains(&Reason::Sweep)), (20, false));
}
