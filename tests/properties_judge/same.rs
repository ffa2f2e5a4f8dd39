//! What makes no difference at all: workers, batches, copies of a mirror, the order of strangers.

use camsentry::judge::JudgeSettings;
use camsentry::judge::audit::Audit;
use camsentry::service::Service;
use camsentry::verdict::Reason;

use crate::sites::fixtures;

#[test]
fn any_number_of_workers_finds_the_same() {
    for fixture in fixtures("") {
        let one = fixture.audit();
        for workers in [2, 4] {
            assert!(fixture.audit_of(&fixture.capture, workers) == one, "{}: {workers}", fixture.name);
        }
    }
}

#[test]
fn any_size_of_batches_finds_the_same() {
    for fixture in fixtures("-planted") {
        let events = fixture.events();
        let settings = JudgeSettings { keep_flows: true, ..JudgeSettings::default() };
        let audit = |sizes: &[usize]| -> Audit {
            let (mut judge, mut rest) = (fixture.judge(settings), events.as_slice());
            for size in sizes.iter().cycle() {
                let (batch, left) = rest.split_at((*size).min(rest.len()));
                judge.take(batch.to_vec());
                rest = left;
                if rest.is_empty() {
                    break;
                }
            }
            judge.finish().0
        };
        let whole = audit(&[usize::MAX]);
        for sizes in [&[1][..], &[7, 1, 100], &[3, 5]] {
            assert!(audit(sizes) == whole, "{}: {sizes:?}", fixture.name);
        }
    }
}

/// All that an operator reads of an audit, less numbers of packets and times.
fn told(audit: &Audit) -> Vec<String> {
    let violations = audit.violations.iter().map(|v| {
        let of = (v.id, v.reason, &v.also, v.severity, &v.rule, v.outcome, v.initiation);
        format!("{of:?} count {} flows {} octets {} {}", v.count, v.flows, v.octets, v.message)
    });
    let conversations = audit.conversations.iter().map(|c| {
        let ends = (c.orig.addr, c.resp.addr, c.transport, c.port, c.service);
        let what = (c.verdict, &c.rule, c.reason, c.withheld, c.initiation, c.outcome);
        format!("{ends:?} {what:?} count {} flows {} packets {}", c.count, c.flows, c.packets)
    });
    violations.chain(conversations).collect()
}

/// Whether a line is about datagrams in fragments, which are joined before copies are told from the first:
/// every fragment counts, and which parts make a datagram of an evader's depends on every copy.
fn is_fragmented(audit: &Audit, line: &str) -> bool {
    let evaders = audit.violations.iter().filter(|v| v.reason == Reason::Evasion).map(|v| v.orig.addr);
    let texts = audit.conversations.iter().filter(|c| c.service == Some(Service::Text)).map(|c| c.orig.addr);
    evaders.chain(texts).any(|addr| line.contains(&addr.to_string()))
}

fn assert_same(name: &str, one: &Audit, other: &Audit) {
    let whole = |line: &String| !is_fragmented(one, line);
    let of = |audit| told(audit).into_iter().filter(whole).collect::<Vec<String>>();
    let (one, other) = (of(one), of(other));
    let gone: Vec<&String> = one.iter().filter(|line| !other.contains(line)).collect();
    let new: Vec<&String> = other.iter().filter(|line| !one.contains(line)).collect();
    assert!(gone.is_empty() && new.is_empty(), "{name}: gone {gone:#?}, new {new:#?}");
}

#[test]
fn the_second_copy_of_a_mirror_changes_nothing_but_the_count_of_copies() {
    for fixture in fixtures("") {
        let Some(savefile) = fixture.savefile() else { continue };
        let (one, two) = (fixture.audit(), fixture.audit_of(&savefile.doubled().write(), 1));
        assert_same(&fixture.name, &one, &two);
        assert!(two.totals.duplicate_packets > one.totals.duplicate_packets, "{}", fixture.name);
    }
}

#[test]
fn strangers_may_come_in_another_order() {
    for fixture in fixtures("") {
        let Some(savefile) = fixture.savefile() else { continue };
        let other = fixture.audit_of(&savefile.shuffled().write(), 1);
        assert_same(&fixture.name, &fixture.audit(), &other);
    }
}
