//! What a target may cost: time and memory grow with the octets that it was given, and no faster.

use std::time::Duration;
use std::time::Instant;

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What may be spent on some octets.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Of memory, whatever comes.
    pub octets: usize,
    /// Of memory, for each octet that came.
    pub octets_each: usize,
    /// Of time, for each octet that came; 50 ms are free.
    pub micros_each: u64,
}

/// How much slower an instrumented or unoptimised build may be than the figures say.
const SLOWNESS: u32 = 10;
/// How often a run that seemed slow is repeated: the machine may have been busy elsewhere.
const SECOND_LOOKS: u32 = 4;

/// Runs `act`, which is given `size` octets, within `budget`.
pub fn within(budget: Budget, size: usize, mut act: impl FnMut()) {
    let millis = Duration::from_millis(50);
    let each = Duration::from_micros(budget.micros_each);
    let time = (millis + each * u32::try_from(size).unwrap()) * SLOWNESS;
    let memory = budget.octets + budget.octets_each * size;
    for look in 0.. {
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let (start, before_it) = (Instant::now(), if look == 0 { Duration::ZERO } else { worked() });
        act();
        // Another process may have had the processor: a second look counts our own time.
        let took = if look == 0 { start.elapsed() } else { worked() - before_it };
        let peak = HEAP.peak_usage().saturating_sub(before);
        assert!(peak <= memory, "{size} octets took {peak} octets of memory, {memory} are allowed");
        if took <= time {
            return;
        }
        assert!(look < SECOND_LOOKS, "{size} octets took {took:?}, {time:?} are allowed");
    }
}

/// The processor time of this thread, by the kernel's account.
fn worked() -> Duration {
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = account.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
