//! Beyond the cap on conversations nothing is lost that a total would show, nor what a known host does.

use camsentry::judge::JudgeSettings;
use camsentry::judge::audit::Audit;
use camsentry::time::Span;
use camsentry::verdict::VerdictKind;

use crate::frames::header_sum;
use crate::frames::savefile;
use crate::frames::tcp_syn;
use crate::sites::Fixture;
use crate::sites::fixtures;
use crate::sites::policy;

fn audit(fixture: &Fixture, conversations: usize) -> Audit {
    let settings =
        JudgeSettings { conversations, keep_flows: true, deadline: Span::from_secs(5), quiet: None };
    let mut judge = fixture.judge(settings);
    judge.take(fixture.events());
    judge.finish().0
}

#[test]
fn totals_stay_exact_and_the_audit_says_that_it_is_not_complete() {
    for fixture in fixtures("-planted") {
        let whole = audit(&fixture, 100_000);
        assert!(whole.complete && whole.folded.is_empty(), "{}", fixture.name);
        for cap in [0, 1, 5, whole.conversations.len() / 2] {
            let folded = audit(&fixture, cap);
            assert!(!folded.complete, "{} {cap}", fixture.name);
            let (one, other) = (whole.totals, folded.totals);
            assert_eq!(one.flows, other.flows);
            assert_eq!(
                one.judged_packets + one.out_of_scope_packets,
                other.judged_packets + other.out_of_scope_packets,
                "{} {cap}",
                fixture.name
            );
            assert_eq!(one.duplicate_packets, other.duplicate_packets, "{} {cap}", fixture.name);
            assert_eq!(one.judged_flows, other.judged_flows, "{} {cap}", fixture.name);
            assert!(other.folded == folded.folded.iter().map(|each| each.flows).sum::<u64>());
            assert!(other.conversations <= cap as u64);
        }
        // With no room at all, every violation is in the totals.
        let nothing = audit(&fixture, 0);
        assert!(nothing.violations.is_empty() && nothing.totals.folded > 0, "{}", fixture.name);
        assert_eq!(nothing.flows.len(), whole.flows.len());
        assert!(nothing.flows.iter().all(|flow| flow.verdict != VerdictKind::NoPolicy), "{}", fixture.name);
    }
}

/// A flood of `count` openings by an unknown host, and behind it one by a known camera.
fn flood(count: u16) -> Fixture {
    let syn = |from: [u8; 4], to: [u8; 4], port: u16| -> Vec<u8> {
        let tcp = tcp_syn(from, to, 50_001, port);
        let mut header = vec![0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0];
        header.extend(from);
        header.extend(to);
        let sum = header_sum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &header, &tcp].concat()
    };
    let mut frames: Vec<Vec<u8>> =
        (0..count).map(|port| syn([10, 30, 0, 66], [10, 10, 1, 11], 1000 + port)).collect();
    frames.push(syn([10, 20, 0, 17], [10, 10, 2, 9], 445));
    let site = r#"
name = "Flooded"
monitored = ["10.10.0.0/16", "10.20.0.0/16", "10.30.0.0/16"]
[[zone]]
name = "all"
networks = ["10.0.0.0/8"]
packs = ["xprotect"]
[[host]]
address = "10.20.0.17"
roles = ["camera"]
[[host]]
address = "10.10.1.11"
roles = ["recording-server"]
[[host]]
address = "10.10.2.9"
roles = ["file-server"]
"#;
    Fixture { name: "flood".to_owned(), capture: savefile(&frames), policy: policy(site) }
}

#[test]
fn a_flood_by_a_stranger_hides_nothing_of_a_known_host() {
    let fixture = flood(500);
    let found = audit(&fixture, 64);
    assert!(!found.complete);
    let camera = found.violations.iter().find(|violation| violation.orig.role.as_str() == "camera").unwrap();
    assert_eq!(camera.reason.as_str(), "isolation");
    // 56 of the stranger's have a place; the others are in the totals, by reason, rule and roles.
    assert_eq!(found.folded.iter().map(|each| each.flows).sum::<u64>(), 500 - 56);
    assert!(found.folded.iter().all(|each| each.orig_role.as_str() == "unknown"));
}
