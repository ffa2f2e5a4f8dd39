//! Every defect that fuzzing and hostile tests found, replayed. `fixtures/crashes/cases.toml` names each
//! input, what it once broke in one sentence, and what reads it.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::fs;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::addr::Addr;
use camsentry::capture::captures::Captures;
use camsentry::export::metrics;
use camsentry::export::run_facts::InterfaceRun;
use camsentry::export::run_facts::RunFacts;
use camsentry::export::summary_record::SummaryRecord;
use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::audit::Audit;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::file::read_pack;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;
use camsentry::recognise::Finding;
use camsentry::recognise::Following;
use camsentry::recognise::Head;
use camsentry::recognise::Located;
use camsentry::recognise::Piece;
use camsentry::recognise::Probe;
use camsentry::recognise::Recogniser;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::report::text;
use camsentry::service::Transport;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// One finding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The input, a file beside `cases.toml`.
    input: String,
    /// What it broke, in one sentence.
    found: String,
    /// Who reads it.
    reader: Reader,
    /// TCP ports of sender and receiver, for `head`.
    #[serde(default)]
    ports: [u16; 2],
    /// Whether the head starts with the first octet of its side, for `head`.
    #[serde(default)]
    from_start: bool,
    /// How many faults a file of rules or of a site has.
    #[serde(default)]
    faults: usize,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reader {
    /// A capture, through the whole audit.
    Capture,
    /// A head of a TCP stream, before all recognisers and followers, cut in every way.
    Head,
    /// A site file.
    Site,
    /// A pack of rules.
    Rules,
    /// A name that nobody chose, through every output.
    Name,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/crashes")
}

#[test]
fn nothing_that_was_found_once_comes_back() {
    let cases: Cases = toml::from_str(&fs::read_to_string(folder().join("cases.toml")).unwrap()).unwrap();
    for case in &cases.case {
        assert!(case.found.ends_with('.') && case.found.len() > 20, "{}: say what was found", case.input);
        let octets = fs::read(folder().join(&case.input)).unwrap();
        match case.reader {
            Reader::Capture => capture(&octets),
            Reader::Head => head(case, &octets),
            Reader::Site => site(case, &octets),
            Reader::Rules => rules(case, &octets),
            Reader::Name => name(str::from_utf8(&octets).unwrap()),
        }
    }
}

#[test]
fn every_input_has_its_case() {
    let cases = fs::read_to_string(folder().join("cases.toml")).unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let is_paper = name == "cases.toml" || name == "README.md";
        assert!(is_paper || cases.contains(&format!("input = \"{name}\"")), "{name} has no case");
    }
}

fn auditor() -> Auditor {
    let policy = Arc::new(Policy::new(packs::shipped(), None, false, 0));
    Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: true, draft: true }
}

fn capture(octets: &[u8]) {
    let mut captures = Captures::from_reader("capture", Cursor::new(octets.to_vec()));
    let audited = auditor().run(&mut captures, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(audited.run.unaccounted(), 0);
    assert_eq!(audited.run.undecoded.get("abandoned"), None);
    assert!(read(&audited.draft.unwrap()).is_empty(), "the draft reads back");
}

fn read(text: &str) -> String {
    let source = SourceText { name: "site.toml".to_owned(), text: text.to_owned() };
    let reading = read_site(&source, &Known::of(&packs::shipped()));
    render_all(&reading.diagnostics, std::slice::from_ref(&source), false)
}

fn site(case: &Case, octets: &[u8]) {
    let drawn = read(str::from_utf8(octets).unwrap());
    assert_eq!(drawn.matches("error: ").count(), case.faults, "{}: {drawn}", case.input);
    assert_visible(&drawn);
}

fn rules(case: &Case, octets: &[u8]) {
    let text = str::from_utf8(octets).unwrap().to_owned();
    let source = SourceText { name: "rules.toml".to_owned(), text };
    let faults = read_pack(&source).map(|_| Vec::new()).unwrap_or_else(|faults| faults);
    assert_eq!(faults.len(), case.faults, "{}: {faults:?}", case.input);
    assert_visible(&render_all(&faults, std::slice::from_ref(&source), false));
}

fn name(name: &str) {
    let mut captures = Captures::from_reader(name, Cursor::new(Vec::new()));
    let mut run = auditor().run(&mut captures, &AtomicBool::new(false), &mut |_| {}).run;
    run.files = vec![name.to_owned()];
    run.skipped = vec![name.to_owned()];
    run.interfaces = vec![InterfaceRun { name: name.to_owned(), packets: 1, ..InterfaceRun::default() }];
    let audit = Audit { site: Some(Arc::from(name)), ..Audit::default() };
    assert_eq!(run.faults.len(), 1, "an empty file is a fault, which names the file");
    assert_visible(&printed(&audit, &run));
}

fn printed(audit: &Audit, run: &RunFacts) -> String {
    let policy = Policy::new(packs::shipped(), None, false, 0);
    let summary = serde_json::to_string(&SummaryRecord::of(audit, run)).unwrap();
    assert!(!summary.contains("\\u00"), "an escape that steers him who unpacks it: {summary}");
    [summary, text::render(audit, run, false), metrics::encode(audit, run, &policy).unwrap()].join("\n")
}

fn assert_visible(text: &str) {
    let hidden = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(hidden), None, "{text:?}");
}

/// The first answer when the head grows by these lengths and then ends.
fn grown(recogniser: &dyn Recogniser, case: &Case, octets: &[u8], lengths: &[usize]) -> Probe {
    let ends = ((Addr::v4([10, 0, 0, 1]), case.ports[0]), (Addr::v4([10, 0, 0, 2]), case.ports[1]));
    let (key, side) = FlowKey::canonical(ends.0, ends.1, Transport::Tcp, 0);
    let ask = |length: usize, finished: bool| {
        let octets = octets.get(..length).unwrap();
        let from_start = case.from_start;
        recogniser.probe(&Head {
            key: &key,
            side,
            octets,
            datagram_ends: &[],
            from_start,
            finished,
            cut: finished,
            to_group: false,
        })
    };
    let answers = lengths.iter().map(|length| ask(*length, false));
    let first = answers.chain([ask(octets.len(), false)]).find(|probe| *probe != Probe::NeedMore);
    first.unwrap_or_else(|| ask(octets.len(), true))
}

fn told(recogniser: &dyn Recogniser, case: &Case, octets: &[u8], size: usize) -> Vec<(Side, Finding)> {
    let ends = ((Addr::v4([10, 0, 0, 1]), case.ports[0]), (Addr::v4([10, 0, 0, 2]), case.ports[1]));
    let (key, first) = FlowKey::canonical(ends.0, ends.1, Transport::Tcp, 0);
    let Some(mut follower) = recogniser.follow() else { return Vec::new() };
    let mut findings: Vec<Located> = Vec::new();
    'all: for side in [first, first.other()] {
        for (octets, offset) in octets.chunks(size).zip((0_u32..).step_by(size)) {
            let piece = Piece { key: &key, side, octets, offset, packet: 1 };
            if follower.octets(&piece, &mut findings) == Following::Done {
                break 'all;
            }
        }
    }
    findings.into_iter().map(|located| (located.side, located.finding)).collect()
}

fn head(case: &Case, octets: &[u8]) {
    for recogniser in RECOGNISERS.iter().filter(|one| one.speaks(Transport::Tcp)) {
        let whole = grown(*recogniser, case, octets, &[]);
        assert_ne!(whole, Probe::NeedMore, "{}: {}", case.input, recogniser.service());
        for cut in 0..octets.len() {
            let answer = grown(*recogniser, case, octets, &[cut]);
            assert_eq!(answer, whole, "{}: {} cut at {cut}", case.input, recogniser.service());
        }
        let findings = told(*recogniser, case, octets, octets.len().max(1));
        for size in [1, 2, 3, 7, 50, 191] {
            let pieces = told(*recogniser, case, octets, size);
            assert_eq!(pieces, findings, "{}: {} in pieces of {size}", case.input, recogniser.service());
        }
    }
}
