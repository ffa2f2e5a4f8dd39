//! The interfaces of a run: which file named them, what link they are, what they were called.

use crate::capture::LinkType;

/// The most interfaces that have a number of their own; all further ones share the last number.
/// Memory: at most 65 536 × 200 octets, 13 MiB.
pub const MAX_INTERFACES: usize = 65_536;

/// The most octets of an interface's name that are kept.
const MAX_NAME: usize = 128;

/// One interface that packets of the run came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// The file that names it, from 0.
    pub file: u16,
    /// Its link type.
    pub link: LinkType,
    /// What the capturing host called it (pcapng `if_name`), made printable; a pcap file has none.
    pub name: Option<String>,
    /// The most octets of a frame that were captured; 0 means no limit.
    pub snaplen: u32,
    /// How many octets of frame check sequence stand at the end of each frame, if the file says so.
    /// They are left on the frame.
    pub fcs_octets: Option<u8>,
}

/// All interfaces of the run in the order in which they were met; [`crate::capture::Frame::interface`]
/// counts along it.
#[derive(Debug, Default)]
pub struct InterfaceTable {
    entries: Vec<Interface>,
}

impl InterfaceTable {
    /// The interfaces by number.
    pub fn entries(&self) -> &[Interface] {
        &self.entries
    }

    /// Adds one and gives its number; when the table is full, the last number.
    pub(super) fn add(&mut self, interface: Interface) -> u16 {
        if self.entries.len() < MAX_INTERFACES {
            self.entries.push(interface);
        }
        u16::try_from(self.entries.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }
}

/// A name as a file wrote it, made printable: control characters become `?`, and it is cut at
/// 128 octets, since it comes from a stranger and goes into reports.
pub(super) fn printable_name(octets: &[u8]) -> String {
    let kept = octets.get(..MAX_NAME).unwrap_or(octets);
    let text = String::from_utf8_lossy(kept);
    text.trim_end_matches('\0').chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::Interface;
    use super::InterfaceTable;
    use super::printable_name;
    use crate::capture::LinkType;

    #[test]
    fn interfaces_beyond_the_table_share_the_last_number() {
        let one = Interface { file: 0, link: LinkType::ETHERNET, name: None, snaplen: 0, fcs_octets: None };
        let mut table = InterfaceTable::default();
        for number in 0..=u16::MAX {
            assert_eq!(table.add(one.clone()), number);
        }
        assert_eq!(table.add(one.clone()), u16::MAX);
        assert_eq!(table.entries().len(), 65_536);
    }

    #[test]
    fn a_name_with_control_characters_is_made_printable() {
        assert_eq!(printable_name(b"eth0\x1b[31m\0\0"), "eth0?[31m");
        assert_eq!(printable_name(&[b'a'; 500]).len(), 128);
    }
}
