//! The clock of the rim. The kernel stamps packets with the same one, so that both can be compared.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::time::Timestamp;

/// The time now, as packets have it.
#[expect(
    clippy::disallowed_methods,
    reason = "a watch lives in the time of the wall; the stages are told it"
)]
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
