//! The one place where the tests call the library's audit.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::audit::Audit;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

/// Audits a capture against the shipped packs and a site file, all of it in memory, flows included.
pub(crate) fn audit(capture: &[u8], site: &str, strict: bool) -> Audit {
    let packs = packs::shipped();
    let source = SourceText { name: "site.toml".to_owned(), text: site.to_owned() };
    let reading = read_site(&source, &Known::of(&packs));
    let faults = render_all(&reading.diagnostics, std::slice::from_ref(&source), false);
    assert!(reading.site.is_some(), "the site file has faults:\n{faults}");
    let policy = Arc::new(Policy::new(packs, reading.site, strict, 0));
    let auditor = Auditor { policy, workers: NonZeroUsize::MIN, keep_flows: true, draft: false };
    let mut captures = Captures::from_reader("capture.pcap", Cursor::new(capture.to_vec()));
    let result = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(result.run.faults, [], "the capture was read whole");
    assert_eq!(result.run.unaccounted(), 0, "every packet is accounted for");
    result.audit
}
