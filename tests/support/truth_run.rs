//! Whole audits of captures, without a site file, for the comparison with what is known of them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::pipeline::audit::Audited;
use camsentry::pipeline::audit::Auditor;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

/// The folder of the shared captures, where there is one.
pub(crate) fn shared_captures() -> Option<PathBuf> {
    let folder = std::env::var_os("CAMSENTRY_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: CAMSENTRY_CAPTURES is not set");
    }
    folder
}

/// An auditor with the shipped packs that keeps the flows.
pub(crate) fn auditor(workers: usize) -> Auditor {
    let policy = Arc::new(Policy::new(packs::shipped(), None, false, 0));
    let workers = NonZeroUsize::new(workers).unwrap();
    Auditor { policy, workers, keep_flows: true, draft: false }
}

/// Audits everything that `captures` gives.
pub(crate) fn audit(auditor: &Auditor, mut captures: Captures) -> Audited {
    let audited = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {});
    assert_eq!(audited.run.unaccounted(), 0, "{:?}", audited.run);
    audited
}
