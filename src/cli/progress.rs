//! A progress bar on standard error, if that is a terminal and the work is long enough to need one.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// Input smaller than this is read before a bar could be seen.
const WORTH_SHOWING: u64 = 32 * 1024 * 1024;

/// A bar over `total` octets of input; a spinner where the total is not known. Shows nothing unless
/// standard error is a terminal.
pub fn bar(total: Option<u64>) -> ProgressBar {
    let small = total.is_some_and(|total| total < WORTH_SHOWING);
    if small || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let bar = ProgressBar::with_draw_target(total, target);
    let template = match total {
        Some(_) => "reading {bar:32} {percent:>3} %  {bytes_per_sec}  {eta} left",
        None => "reading {spinner} {bytes}  {bytes_per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
