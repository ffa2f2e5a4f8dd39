//! Conversations as the fixtures' writer makes them, moved to their time in the workload.

use super::hosts::maker_mac;
use crate::workloads::savefile;
use crate::workloads::savefile::Frame;
use crate::workloads::writer;

/// The frames of one step; the keys are those of a scene file. The first frame comes at `at`, in microseconds
/// since 1970.
pub(in crate::workloads) fn play(at: u64, what: &str, keys: &str) -> Vec<Frame> {
    let mut scene = String::from("[macs]\n");
    for address in keys.split('\'').map(|word| word.split(':').next().unwrap_or_default()) {
        if let Some(mac) = maker_mac(address).filter(|_| !scene.contains(&format!("\"{address}\""))) {
            scene += &format!("\"{address}\" = \"{mac}\"\n");
        }
    }
    scene += &format!("[[steps]]\ndo = '{what}'\n{keys}\n");
    let mut frames = savefile::frames(&writer::capture(&scene));
    let begin = frames.first().map_or(0, |frame| frame.at);
    for frame in &mut frames {
        frame.at = frame.at - begin + at;
    }
    frames
}
