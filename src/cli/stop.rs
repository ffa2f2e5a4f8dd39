//! Ctrl-C and SIGTERM: the first one ends the run in good order, with what was read so far.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// A flag that is raised when the operator wants the run to end. Without signals (the runtime cannot
/// be made) it stays down and the system's default holds.
pub fn flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    // The thread waits for signals only and goes with the process.
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(move || wait(&raised));
    drop(spawned);
    stop
}

fn wait(raised: &AtomicBool) {
    let Ok(runtime) = Builder::new_current_thread().enable_io().build() else {
        return;
    };
    runtime.block_on(async {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        raised.store(true, Ordering::Relaxed);
        // A second signal means it.
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(2);
    });
}
