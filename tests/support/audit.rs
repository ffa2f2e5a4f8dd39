//! The one place where the tests call the library's audit.

use camsentry::judge::audit::Audit;

/// Audits a capture against the packs and a site file, all of it in memory, flows included.
///
/// `None` as long as the library has no such call: what needs it then says that it was skipped.
pub(crate) fn audit(_capture: &[u8], _site: &str, _strict: bool) -> Option<Audit> {
    None
}
