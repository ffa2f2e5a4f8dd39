//! Beyond the cap on conversations nothing is lost that a total would show, nor what a known host does.

use camsentry::judge::JudgeSettings;
use camsentry::judge::audit::Audit;
use camsentry::time::Span;

use crate::sites::Fixture;
use crate::sites::fixtures;

fn audit(fixture: &Fixture, conversations: usize) -> Audit {
    let settings = JudgeSettings { conversations, keep_flows: true, deadline: Span::from_secs(5) };
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
    }
}
