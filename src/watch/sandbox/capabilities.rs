//! Capabilities: all of them go, but for one that may be kept at hand.

use caps::CapSet;
use caps::Capability;
use caps::CapsHashSet;
use caps::errors::CapsError;

/// Gives up all capabilities. With `keep_raw`, `CAP_NET_RAW` is kept if it is there, but not in force: a call
/// that needs it fails until [`with_raw`] makes it.
pub(super) fn give_up(keep_raw: bool) -> Result<Vec<String>, String> {
    drop_all(keep_raw).map_err(|error| format!("capabilities: {error}"))?;
    Ok(Vec::new())
}

fn drop_all(keep_raw: bool) -> Result<(), CapsError> {
    // What could be gained by executing a program can be taken away by those alone who have CAP_SETPCAP.
    // Without it nothing is lost: nothing can be executed, and no new privileges are given.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        caps::clear(None, CapSet::Bounding)?;
    }
    caps::clear(None, CapSet::Ambient)?;
    let mut kept = CapsHashSet::new();
    if keep_raw && caps::has_cap(None, CapSet::Permitted, Capability::CAP_NET_RAW)? {
        kept.insert(Capability::CAP_NET_RAW);
    }
    caps::clear(None, CapSet::Effective)?;
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Permitted, &kept)
}

/// Runs `open` with `CAP_NET_RAW` in force in this thread, if it is at hand, and takes it out of force again.
/// Outside a cage nothing changes.
pub fn with_raw<T>(open: impl FnOnce() -> T) -> T {
    let _raised = Raised::raise();
    open()
}

/// Takes the capability out of force again, even if what it was raised for panics.
struct Raised;

impl Raised {
    fn raise() -> Option<Self> {
        let has = |set| caps::has_cap(None, set, Capability::CAP_NET_RAW).unwrap_or(false);
        if has(CapSet::Effective) || !has(CapSet::Permitted) {
            return None;
        }
        caps::raise(None, CapSet::Effective, Capability::CAP_NET_RAW).ok().map(|()| Self)
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        // A thread may always give up what it has: this does not fail.
        let _ = caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW);
    }
}

#[cfg(test)]
mod tests {
    use super::with_raw;

    #[test]
    fn what_is_to_be_done_is_done_with_or_without_the_capability() {
        assert_eq!(with_raw(|| 7), 7);
    }
}
