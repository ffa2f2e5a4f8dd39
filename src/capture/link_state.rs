//! What the kernel knows of an interface: whether it is there, under which name, whether it has a carrier, and
//! how many frames it lost. Asked of rtnetlink (rtnetlink(7)), which answers for the network namespace that
//! the process is in; `/sys/class/net` may be another one's.

use rustix::io;
use rustix::net::AddressFamily;
use rustix::net::RecvFlags;
use rustix::net::SendFlags;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::net::recv;
use rustix::net::send;
use rustix::net::socket_with;
use std::os::fd::OwnedFd;

const GET_LINK: u16 = 18;
const NEW_LINK: u16 = 16;
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
const ATTRIBUTE_NAME: u16 = 3;
const ATTRIBUTE_COUNTERS: u16 = 23;
const FLAG_UP: u32 = 1;
const FLAG_LOOPBACK: u32 = 1 << 3;
const FLAG_CARRIER: u32 = 1 << 16;
/// Octets of a message's header, and of what an interface's messages have behind it (`ifinfomsg`).
const HEADER: usize = 16;
const INTERFACE_HEADER: usize = 16;
/// Longer than any answer about one interface.
const ANSWER: usize = 64 * 1024;
/// Where `rx_dropped`, `rx_fifo_errors` and `rx_missed_errors` stand in `rtnl_link_stats64`.
const LOSSES: [usize; 3] = [6, 14, 15];

/// An interface as it is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Link {
    /// Its number, which it keeps when it is renamed, and which another one does not get.
    pub(super) index: u32,
    /// Its name now.
    pub(super) name: String,
    /// Whether it is switched on.
    pub(super) is_on: bool,
    /// Whether it is switched on and has a carrier.
    pub(super) is_up: bool,
    /// Whether it is the loopback interface.
    pub(super) is_loopback: bool,
    /// Frames that it or its driver lost since it was made.
    pub(super) lost: u64,
}

/// Asks the kernel about interfaces.
pub(super) struct Links {
    socket: OwnedFd,
    /// Tells the answer to this question from those to earlier ones.
    sequence: u32,
    answer: Vec<u8>,
}

impl Links {
    /// A line to the kernel; it needs no privilege.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn new() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        Ok(Self { socket, sequence: 0, answer: vec![0; ANSWER] })
    }

    /// The interface of this name; none if there is none.
    ///
    /// # Errors
    /// What the kernel says, but for that there is none.
    pub(super) fn by_name(&mut self, name: &str) -> io::Result<Option<Link>> {
        let mut attribute = Vec::with_capacity(20);
        let length = u16::try_from(name.len().saturating_add(5)).unwrap_or(u16::MAX);
        attribute.extend(length.to_ne_bytes());
        attribute.extend(ATTRIBUTE_NAME.to_ne_bytes());
        attribute.extend(name.as_bytes());
        attribute.push(0);
        attribute.resize(attribute.len().next_multiple_of(4), 0);
        self.ask(0, &attribute)
    }

    /// The interface of this number; none if there is none.
    ///
    /// # Errors
    /// What the kernel says, but for that there is none.
    pub(super) fn by_index(&mut self, index: u32) -> io::Result<Option<Link>> {
        self.ask(index, &[])
    }

    fn ask(&mut self, index: u32, attributes: &[u8]) -> io::Result<Option<Link>> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = HEADER.saturating_add(INTERFACE_HEADER).saturating_add(attributes.len());
        let mut question = Vec::with_capacity(length);
        question.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
        question.extend(GET_LINK.to_ne_bytes());
        question.extend(REQUEST.to_ne_bytes());
        question.extend(self.sequence.to_ne_bytes());
        question.extend([0; 4]);
        // Address family and type of device: any. Then its number, flags, and what is to be changed.
        question.extend([0; 4]);
        question.extend(index.to_ne_bytes());
        question.extend([0; 8]);
        question.extend(attributes);
        send(&self.socket, &question, SendFlags::empty())?;
        // The kernel has answered when `send` returns. Earlier answers that nobody fetched come first.
        loop {
            let (length, _) = recv(&self.socket, self.answer.as_mut_slice(), RecvFlags::empty())?;
            let message = self.answer.get(..length).unwrap_or_default();
            if u32_at(message, 8) == Some(self.sequence) {
                return understood(message);
            }
        }
    }
}

/// What an answer says.
fn understood(message: &[u8]) -> io::Result<Option<Link>> {
    match u16_at(message, 4) {
        Some(NEW_LINK) => Ok(link(message)),
        Some(ERROR) => {
            let error = u32_at(message, HEADER).map_or(0, u32::cast_signed);
            let error = io::Errno::from_raw_os_error(error.saturating_neg());
            if error == io::Errno::NODEV { Ok(None) } else { Err(error) }
        }
        _ => Err(io::Errno::BADMSG),
    }
}

/// The interface that a message tells of.
fn link(message: &[u8]) -> Option<Link> {
    let index = u32_at(message, HEADER.saturating_add(4))?;
    let flags = u32_at(message, HEADER.saturating_add(8))?;
    let attributes = message.get(HEADER.saturating_add(INTERFACE_HEADER)..)?;
    let name = attribute(attributes, ATTRIBUTE_NAME)?;
    let name = name.split(|octet| *octet == 0).next().unwrap_or_default();
    let counters = attribute(attributes, ATTRIBUTE_COUNTERS).unwrap_or_default();
    let lost = LOSSES.into_iter().filter_map(|which| u64_at(counters, which.saturating_mul(8)));
    Some(Link {
        index,
        name: String::from_utf8_lossy(name).into_owned(),
        is_on: flags & FLAG_UP != 0,
        is_up: flags & FLAG_UP != 0 && flags & FLAG_CARRIER != 0,
        is_loopback: flags & FLAG_LOOPBACK != 0,
        lost: lost.fold(0, u64::saturating_add),
    })
}

/// The content of the first attribute of this kind.
fn attribute(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let content = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == kind {
            return Some(content);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn u64_at(octets: &[u8], at: usize) -> Option<u64> {
    octets.get(at..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::Links;
    use super::attribute;

    #[test]
    fn the_loopback_interface_is_found_by_name_and_by_number() {
        let mut links = Links::new().unwrap();
        let link = links.by_name("lo").unwrap().unwrap();
        assert!(link.is_loopback && link.name == "lo");
        assert_eq!(links.by_index(link.index).unwrap().unwrap().name, "lo");
    }

    #[test]
    fn what_is_not_there_is_none_and_no_error() {
        let mut links = Links::new().unwrap();
        assert_eq!(links.by_name("no-such-if0").unwrap(), None);
        assert_eq!(links.by_index(u32::MAX >> 1).unwrap(), None);
        // Longer than names may be.
        assert!(links.by_name(&"x".repeat(100)).is_err() || links.by_name("xyzzy").unwrap().is_none());
    }

    #[test]
    fn attributes_of_wrong_length_end_the_search() {
        assert_eq!(attribute(&[0, 0, 1, 0], 3), None);
        assert_eq!(attribute(&[200, 0, 3, 0, 1], 3), None);
        assert_eq!(attribute(&[], 3), None);
    }
}
