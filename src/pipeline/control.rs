//! What the driver of a run may see and do while it goes on.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Progress out, stop in.
pub struct Control<'a> {
    /// Set it, from a signal's thread, and the run ends after the batch at hand, in good order.
    pub stop: &'a AtomicBool,
    /// Is told after each batch how many octets of input were consumed.
    pub progress: &'a mut dyn FnMut(u64),
}

impl Control<'_> {
    /// Whether the run is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
