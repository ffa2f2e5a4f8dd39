//! How much of a file of JSON lines is whole: a crash may leave its last line unfinished, and a power cut
//! may leave zeros behind that.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::watch::event_log::RECORD_CAP;

/// Octets that are read at a time.
const BLOCK: usize = 64 * 1024;

/// The length of `file` up to and with its last line end. `None` if it is not one of ours: it does not begin
/// like a JSON object, or more than a record stands behind the last line end. Reads backwards, and no
/// further than that line end.
pub(super) fn whole_lines(file: &File) -> io::Result<Option<u64>> {
    let size = file.metadata()?.len();
    let mut first = [0_u8; 1];
    if size > 0 && file.read_at(&mut first, 0)? == 1 && first != *b"{" && first != [0] {
        return Ok(None);
    }
    let mut block = vec![0_u8; BLOCK];
    let mut end = size;
    // Octets behind the last line end that are not zero.
    let mut behind = 0_usize;
    while end > 0 {
        let length = usize::try_from(end).unwrap_or(BLOCK).min(BLOCK);
        let start = end.saturating_sub(u64::try_from(length).unwrap_or(end));
        let octets = block.get_mut(..length).unwrap_or_default();
        file.read_exact_at(octets, start)?;
        let line_end = memchr::memrchr(b'\n', octets);
        let after = line_end.map_or(0, |place| place.saturating_add(1));
        let text = octets.get(after..).unwrap_or_default();
        behind = behind.saturating_add(text.iter().filter(|octet| **octet != 0).count());
        if behind > RECORD_CAP {
            return Ok(None);
        }
        if line_end.is_some() {
            return Ok(Some(start.saturating_add(u64::try_from(after).unwrap_or(0))));
        }
        end = start;
    }
    Ok(Some(0))
}
