//! What a MOBOTIX camera's recording on a file server looks like: its paths and its pictures.
//!
//! Source: MOBOTIX on-camera help `help?event-storage` and `event.jpg?help` (folder and file names),
//! developer.mobotix.com/docs/mxf.html (picture header).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::mxpeg::FRAME_LENGTHS;

/// Longest path that is looked at, in characters.
const PATH_MOST: usize = 512;
/// What a MOBOTIX frame header starts with.
static MXF_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"MXF\0"));

/// Whether a path ends like a camera's ring buffer: a folder named after the factory address
/// (`10_2_17_34`), up to two folders of three digits, and perhaps a picture (`E00000.jpg`).
pub(super) fn is_recording_path(name: &[u8], unicode: bool) -> bool {
    let path: Vec<u8> = if unicode {
        let units = name.chunks_exact(2).take(PATH_MOST);
        // A character outside ASCII becomes one that no rule below takes.
        units.map(|unit| if let [low, 0] = unit { *low } else { 0xff }).collect()
    } else {
        name.iter().copied().take(PATH_MOST).collect()
    };
    let path = path.split(|octet| *octet == 0).next().unwrap_or_default();
    let mut parts = path.split(|octet| matches!(octet, b'\\' | b'/'));
    while let Some(part) = parts.next() {
        if is_factory_folder(part) {
            return parts.clone().count() <= 3 && is_ring_buffer(parts.clone());
        }
    }
    false
}

/// `10`, then three times an underscore and one to three digits.
fn is_factory_folder(part: &[u8]) -> bool {
    let mut fields = part.split(|octet| *octet == b'_');
    let first = fields.next() == Some(b"10");
    let rest: Vec<&[u8]> = fields.take(4).collect();
    first
        && rest.len() == 3
        && rest.iter().all(|field| (1..=3).contains(&field.len()) && field.iter().all(u8::is_ascii_digit))
}

/// Folders `000` to `999`, and at the end perhaps a picture.
fn is_ring_buffer<'a>(parts: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut folders = 0_u8;
    let mut ended = false;
    for part in parts {
        if ended {
            return false;
        }
        if part.len() == 3 && part.iter().all(u8::is_ascii_digit) {
            folders = folders.saturating_add(1);
        } else if is_picture_name(part) {
            ended = true;
        } else {
            return false;
        }
    }
    folders <= 2
}

/// `E00000.jpg` (alarm), `A` (before it), `P` (after it), `M` (stream), `C` (clip).
fn is_picture_name(part: &[u8]) -> bool {
    let [kind, a, b, c, d, e, b'.', extension @ ..] = part else { return false };
    let digits = [a, b, c, d, e].iter().all(|digit| digit.is_ascii_digit());
    let word = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'_';
    b"EAPMC".contains(kind) && digits && extension.len() == 3 && extension.iter().all(word)
}

/// Where a MOBOTIX frame header stands: a JPEG comment of a fitting length that starts `MXF\0`.
pub(super) fn holds_mobotix_picture(data: &[u8]) -> Option<usize> {
    MXF_FINDER.find_iter(data).find_map(|found| {
        let at = found.checked_sub(4)?;
        let [0xff, 0xfe, high, low] = data.get(at..found)? else { return None };
        FRAME_LENGTHS.contains(&u16::from_be_bytes([*high, *low])).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::is_recording_path;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_camera_s_ring_buffer_is_known_by_its_path() {
        for path in [
            "10_2_17_34",
            "10_2_17_34\\000\\123",
            "cams\\10_2_17_34\\000\\123\\E00000.jpg",
            "10_2_17_34/000/M00123.mxg",
        ] {
            assert!(is_recording_path(&utf16(path), true), "{path}");
            assert!(is_recording_path(path.as_bytes(), false), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_a_camera_s() {
        for path in [
            "",
            "10_2_17",
            "10_2_17_34_5",
            "110_2_17_34",
            "10_2_17_3456",
            "10_2_17_34\\readme.txt",
            "10_2_17_34\\000\\123\\456",
            "10_2_17_34\\E00000.jpg\\000",
            "10_2_17_34\\000\\X00000.jpg",
            "reports\\2024\\E00000.jpg",
        ] {
            assert!(!is_recording_path(&utf16(path), true), "{path}");
        }
    }
}
