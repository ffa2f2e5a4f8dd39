//! Hostile texts in an audit: names from the wire, from files and from rules go through the records,
//! the report and the metrics. Every line parses back, and no control character comes out raw.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::LazyLock;

use camsentry::addr::Addr;
use camsentry::addr::Mac;
use camsentry::capture::CaptureFault;
use camsentry::capture::CaptureProblem;
use camsentry::evidence::Evidence;
use camsentry::export::flow_record::FlowRecord;
use camsentry::export::metrics;
use camsentry::export::run_facts::InterfaceRun;
use camsentry::export::run_facts::RunFacts;
use camsentry::export::summary_record::SummaryRecord;
use camsentry::export::violation_record::AdviceRecord;
use camsentry::export::violation_record::ViolationRecord;
use camsentry::export::violation_record::WithheldRecord;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Outcome;
use camsentry::inventory::role::Role;
use camsentry::judge::audit::Advice;
use camsentry::judge::audit::Audit;
use camsentry::judge::audit::ConversationRecord;
use camsentry::judge::audit::HostRecord;
use camsentry::judge::audit::JudgeTotals;
use camsentry::judge::audit::Nearest;
use camsentry::judge::audit::Party;
use camsentry::judge::audit::RuleHits;
use camsentry::judge::audit::Violation;
use camsentry::judge::seats::HostKind;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::policy::rule::RuleId;
use camsentry::report::text;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;
use camsentry::time::Timestamp;
use camsentry::verdict::Field;
use camsentry::verdict::Reason;
use camsentry::verdict::Severity;
use camsentry::verdict::VerdictKind;
use camsentry::verdict::Withheld;

use crate::cost::Budget;
use crate::cost::within;
use crate::feed::Feed;

const BUDGET: Budget = Budget { octets: 16 << 20, octets_each: 1 << 14, micros_each: 200 };

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::new(packs::shipped(), None, false, 0));

/// The target.
pub fn run(octets: &[u8]) {
    within(BUDGET, octets.len(), || {
        let mut feed = Feed(octets);
        let (audit, run) = made(&mut feed);
        let policy = octets.len().is_multiple_of(8).then(|| &*POLICY);
        print_all(&audit, &run, policy);
    });
}

/// Everything that is printed of an audit, after a look at each part of it. The metrics, which have a
/// series for every pair of a rule, take longer than all the rest: they are left out without a policy.
pub fn print_all(audit: &Audit, run: &RunFacts, policy: Option<&Policy>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let json = |record: serde_json::Result<String>| record.unwrap();
    let hash = audit.policy_hash;
    lines.extend(
        audit.violations.iter().map(|one| json(serde_json::to_string(&ViolationRecord::of(one, hash)))),
    );
    lines.extend(audit.advice.iter().map(|one| json(serde_json::to_string(&AdviceRecord::of(one)))));
    let withheld = audit.conversations.iter().filter_map(WithheldRecord::of);
    lines.extend(withheld.map(|one| json(serde_json::to_string(&one))));
    lines.extend(audit.flows.iter().map(|one| json(serde_json::to_string(&FlowRecord::of(one, &run.files)))));
    lines.push(json(serde_json::to_string(&SummaryRecord::of(audit, run))));
    for line in &lines {
        let value: serde_json::Value = serde_json::from_str(line).expect("a record parses back");
        assert!(value.is_object());
        assert_clean(line, &value.to_string());
        check_texts(&value, line);
    }
    let report = text::render(audit, run, false);
    assert_clean(&report.replace('\n', ""), &report);
    let encode = |policy: &Policy| metrics::encode(audit, run, policy).expect("metrics are encoded");
    let metrics = policy.map(encode).unwrap_or_default();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert_clean(line, line);
        let value = line.rsplit_once(' ').map(|(_, value)| value.parse::<f64>());
        assert!(matches!(value, Some(Ok(_))), "{line}");
    }
    lines.extend([report, metrics]);
    lines.join("\n")
}

/// No text inside a record steers the terminal of him who unpacks it.
fn check_texts(value: &serde_json::Value, line: &str) {
    match value {
        serde_json::Value::String(text) => assert_clean(text, line),
        serde_json::Value::Array(list) => list.iter().for_each(|one| check_texts(one, line)),
        serde_json::Value::Object(map) => map.iter().for_each(|(key, one)| {
            assert_clean(key, line);
            check_texts(one, line);
        }),
        _ => {}
    }
}

fn assert_clean(text: &str, shown: &str) {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.chars().any(steers), "{shown:?}");
}

/// A word of a rule file: those are visible, for the reader refuses others.
fn word(feed: &mut Feed<'_>) -> Arc<str> {
    let visible = feed
        .text()
        .chars()
        .map(|letter| if letter.is_ascii_graphic() { letter } else { '"' })
        .collect::<String>();
    Arc::from(visible)
}

fn rule_of(feed: &mut Feed<'_>) -> RuleId {
    RuleId(word(feed))
}

fn party(feed: &mut Feed<'_>) -> Party {
    let host = Ipv4Addr::from(feed.u32());
    let role = feed.pick(Role::ALL);
    Party {
        addr: Addr::from(host),
        mac: Some(Mac([2, 0, 0, 0, 0, feed.u8()])),
        kind: Arc::new(HostKind::declared(
            role,
            Arc::from(feed.text()),
            feed.flag().then(|| Arc::from(feed.text())),
        )),
    }
}

fn violation(feed: &mut Feed<'_>) -> Violation {
    let rule = rule_of(feed);
    Violation {
        id: feed.u32().into(),
        reason: feed.pick(Reason::ALL),
        also: vec![feed.pick(Reason::ALL)],
        severity: feed.pick(Severity::ALL),
        rule: feed.flag().then(|| rule.clone()),
        nearest: Some(Nearest { rule, pack: word(feed), field: feed.pick(Field::ALL) }),
        controls: vec![word(feed)],
        orig: party(feed),
        resp: party(feed),
        transport: Transport::Tcp,
        port: Some(feed.u16()),
        service: Some(feed.pick(Service::ALL)),
        certainty: Some(feed.pick(Certainty::ALL)),
        content: None,
        initiation: feed.pick(Initiation::ALL),
        outcome: feed.pick(Outcome::ALL),
        first_seen: Timestamp::from_nanos(i64::from(feed.u32()) << 32),
        last_seen: Timestamp::from_nanos(i64::from(feed.u32().cast_signed()) << 32),
        count: feed.u32().into(),
        flows: u64::from(feed.u32()) << 32,
        octets: u64::MAX,
        evidence: Some(Evidence { packet: 1, offset: 0, length: 0, what: "octets" }),
        community_id: String::from("1:wCb3OG7yAFWelaUydu0D+125CLM="),
        message: feed.text(),
        sweep: None,
    }
}

fn conversation(feed: &mut Feed<'_>) -> ConversationRecord {
    ConversationRecord {
        orig: party(feed),
        resp: party(feed),
        transport: Transport::Udp,
        port: Some(feed.u16()),
        service: Some(feed.pick(Service::ALL)),
        certainty: None,
        content: None,
        initiation: feed.pick(Initiation::ALL),
        outcome: feed.pick(Outcome::ALL),
        verdict: VerdictKind::Withheld,
        rule: Some(rule_of(feed)),
        reason: None,
        withheld: Some(feed.pick(Withheld::ALL)),
        explanation: Some(feed.text()),
        count: feed.u8().into(),
        flows: 1,
        packets: u64::MAX,
        octets: u64::MAX,
    }
}

fn made(feed: &mut Feed<'_>) -> (Audit, RunFacts) {
    let mut audit = Audit { site: Some(Arc::from(feed.text())), complete: true, ..Audit::default() };
    let fault = CaptureFault { path: feed.text(), problem: CaptureProblem::Io(feed.text()) };
    let run = RunFacts {
        files: vec![feed.text(), feed.text()],
        skipped: vec![feed.text()],
        interfaces: vec![InterfaceRun { name: feed.text(), packets: u64::MAX, ..InterfaceRun::default() }],
        faults: vec![fault],
        packets: feed.u32().into(),
        first: Some(Timestamp::from_nanos(i64::MIN)),
        last: Some(Timestamp::from_nanos(i64::MAX)),
        ..RunFacts::default()
    };
    audit.totals =
        JudgeTotals { folded: feed.u8().into(), no_policy: feed.u8().into(), ..JudgeTotals::default() };
    while !feed.is_empty() {
        match feed.u8() & 3 {
            0 => audit.violations.push(violation(feed)),
            1 => audit.conversations.push(conversation(feed)),
            2 => audit.hosts.push(HostRecord {
                party: party(feed),
                monitored: feed.flag(),
                declared: feed.flag(),
                certainty: None,
            }),
            _ => {
                let rule = rule_of(feed);
                let pack = word(feed);
                audit.rules.push(RuleHits { rule: rule.clone(), pack, conversations: feed.u8().into() });
                let (code, message) = (word(feed), feed.text());
                let (orig, resp) = (party(feed), party(feed));
                let advice = Advice {
                    code,
                    rule,
                    orig,
                    resp,
                    transport: Transport::Ip(50),
                    port: None,
                    conversations: 1,
                    message,
                };
                audit.advice.push(advice);
            }
        }
    }
    (audit, run)
}
