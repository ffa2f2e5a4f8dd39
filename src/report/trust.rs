//! The end of the report: how far to trust it. Every packet is accounted for here.

use std::collections::BTreeMap;

use crate::export::run_facts::RunFacts;
use crate::export::summary_record::is_complete;
use crate::export::text::plain;
use crate::flow::facts::Initiation;
use crate::judge::audit::Audit;
use crate::report::layout::Page;
use crate::report::layout::counted;
use crate::report::layout::grouped;

/// Accounts for every packet, and says what weakens the verdicts.
pub fn render(page: &mut Page, audit: &Audit, run: &RunFacts) {
    page.heading("HOW FAR TO TRUST IT");
    let totals = &audit.totals;
    let sums = [
        (totals.judged_packets, "judged".to_owned()),
        (totals.out_of_scope_packets, "out of scope".to_owned()),
        (RunFacts::total(&run.not_conversation), kinds("no conversation", &run.not_conversation)),
        (run.duplicate_packets, "second copies of a mirror".to_owned()),
        (RunFacts::total(&run.undecoded), kinds("not decoded", &run.undecoded)),
    ];
    let parts: Vec<String> = sums
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    page.wrapped(2, &format!("{} read = {}", counted(run.packets, "packet"), parts.join(" + ")));
    weaknesses(page, audit, run);
    for fault in &run.faults {
        let fault = page.bold(&plain(&fault.to_string()));
        page.wrapped(2, &fault);
    }
    if !run.skipped.is_empty() {
        page.wrapped(2, &plain(&format!("not captures, left out: {}", run.skipped.join(", "))));
    }
    if !is_complete(audit, run) {
        let warning = page.bold("This audit is NOT complete: see the lines above.");
        page.line(&format!("  {warning}"));
    }
}

fn weaknesses(page: &mut Page, audit: &Audit, run: &RunFacts) {
    let mut how: BTreeMap<Initiation, u64> = BTreeMap::new();
    for record in &audit.conversations {
        let count = how.entry(record.initiation).or_default();
        *count = count.saturating_add(1);
    }
    let words: Vec<String> = how.iter().rev().map(|(how, count)| format!("{count} {how}")).collect();
    page.wrapped(2, &format!("who opened a conversation: {}", words.join(", ")));
    let lost = RunFacts::total(&run.lost);
    let notes = [
        (lost, "packets were lost by the capture: what they held was not judged"),
        (run.one_way_flows, "TCP flows were seen in one direction only: does the mirror carry both?"),
        (run.midstream_flows, "TCP flows were there before the capture began"),
        (run.cut_packets, "packets were cut by the snap length"),
        (
            RunFacts::total(&run.bad_checksums),
            "packets have a wrong checksum (usually a host that offloads); they were judged",
        ),
        (run.evicted_flows, "flows were closed early because the flow table was full"),
        (
            audit.totals.folded_flows,
            "flows found the table of conversations full: they were judged and counted, and are not listed",
        ),
        (audit.totals.folded, "violations of such flows were counted by reason, rule and roles"),
    ];
    for (count, note) in notes {
        if count > 0 {
            page.wrapped(2, &format!("{} {note}", grouped(count)));
        }
    }
    if run.unaccounted() != 0 {
        page.wrapped(
            2,
            &format!("{} packets are unaccounted for: this is a defect of camsentry", run.unaccounted()),
        );
    }
    if run.interrupted {
        page.line("  The run was interrupted; what follows in the captures was not read.");
    }
}

fn kinds(what: &str, counts: &BTreeMap<&'static str, u64>) -> String {
    let mut sorted: Vec<(&&str, &u64)> = counts.iter().filter(|(_, count)| **count > 0).collect();
    sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), **name));
    let words: Vec<String> =
        sorted.iter().map(|(name, count)| format!("{name} {}", grouped(**count))).collect();
    if words.is_empty() { what.to_owned() } else { format!("{what} ({})", words.join(", ")) }
}
