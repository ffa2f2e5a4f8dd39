//! The `Transport` header: where media will flow (RFC 2326 §12.39, RFC 7826 §18.54).

use std::net::IpAddr;

use super::finding::MediaAnnouncement;
use super::text::contains;
use super::text::number;
use super::text::starts_with;
use crate::addr::Addr;
use crate::service::Transport;

/// Alternatives of one header that are read.
const ALTERNATIVES: usize = 8;
/// Most ports believed in one range.
const RANGE: u16 = 16;

/// The ends of the RTSP connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Who asks for media.
    pub client: Addr,
    /// Who is asked.
    pub server: Addr,
}

/// What one alternative says.
#[derive(Default)]
struct Spec {
    multicast: bool,
    record: bool,
    destination: Option<Addr>,
    source: Option<Addr>,
    group_ports: Option<(u16, u16)>,
    client_ports: Option<(u16, u16)>,
    server_ports: Option<(u16, u16)>,
}

/// The media that a `Transport` header announces over UDP. Interleaved media is none.
pub fn announcements(value: &[u8], ends: Ends) -> Vec<MediaAnnouncement> {
    let alternatives = split(value, b',').take(ALTERNATIVES);
    alternatives.filter_map(|alternative| announcement(alternative, ends)).collect()
}

/// The host that unicast media is sent to, if it is neither end of the connection.
pub fn elsewhere(value: &[u8], ends: Ends) -> Option<Addr> {
    split(value, b',').take(ALTERNATIVES).find_map(|alternative| {
        let mut told = split(alternative, b';').filter_map(|part| {
            let at = memchr::memchr(b'=', part)?;
            let (name, value) = (part.get(..at)?.trim_ascii(), part.get(at.saturating_add(1)..)?);
            match () {
                () if name.eq_ignore_ascii_case(b"destination") => address(value),
                () if name.eq_ignore_ascii_case(b"dest_addr") => addresses(value).0,
                () => None,
            }
        });
        told.find(|addr| is_usable(*addr) && !addr.is_group() && ![ends.client, ends.server].contains(addr))
    })
}

fn announcement(alternative: &[u8], ends: Ends) -> Option<MediaAnnouncement> {
    let mut parts = split(alternative, b';');
    if contains(parts.next()?, b"/TCP") {
        return None;
    }
    let mut spec = Spec::default();
    for part in parts {
        let (name, value) = match memchr::memchr(b'=', part) {
            Some(at) => (part.get(..at)?, part.get(at.saturating_add(1)..)?.trim_ascii()),
            None => (part, b"".as_slice()),
        };
        if starts_with(name, b"interleaved") {
            return None;
        }
        spec.take(name.trim_ascii(), value);
    }
    spec.announcement(ends)
}

impl Spec {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        match () {
            () if is("multicast") => self.multicast = true,
            () if is("mode") => {
                let sends = contains(value, b"record") || contains(value, b"receive");
                self.record = sends && !contains(value, b"play");
            }
            () if is("destination") => self.destination = address(value),
            () if is("source") => self.source = address(value),
            () if is("port") => self.group_ports = range(value),
            () if is("client_port") => self.client_ports = range(value),
            () if is("server_port") => self.server_ports = range(value),
            () if is("dest_addr") => (self.destination, self.client_ports) = addresses(value),
            () if is("src_addr") => (self.source, self.server_ports) = addresses(value),
            () => {}
        }
    }

    fn announcement(self, ends: Ends) -> Option<MediaAnnouncement> {
        let told = |addr: Option<Addr>| addr.filter(|addr| is_usable(*addr));
        let (receiver, ports, sender, from) = if self.multicast {
            let group = self.destination.filter(|addr| addr.is_group())?;
            (group, self.group_ports.or(self.client_ports)?, told(self.source), self.server_ports)
        } else if self.record {
            (ends.server, self.server_ports?, Some(ends.client), self.client_ports)
        } else {
            let receiver = told(self.destination).unwrap_or(ends.client);
            (receiver, self.client_ports?, told(self.source), self.server_ports)
        };
        let (sender_port, sender_last) = from.unwrap_or((0, 0));
        Some(MediaAnnouncement {
            transport: Transport::Udp,
            receiver,
            receiver_port: ports.0,
            receiver_last: ports.1,
            sender,
            sender_port,
            sender_last,
            ended: false,
        })
    }
}

/// Whether an address can be another host's: devices also write 0.0.0.0 and their own loopback.
pub(super) fn is_usable(addr: Addr) -> bool {
    let ip = addr.ip();
    !ip.is_unspecified() && !ip.is_loopback()
}

fn address(text: &[u8]) -> Option<Addr> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"\"").unwrap_or(text);
    let text = text.strip_suffix(b"\"").unwrap_or(text);
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    str::from_utf8(text).ok()?.parse::<IpAddr>().ok().map(Addr::from)
}

/// `4588-4589`, or `4588`, which means it and the next one.
fn range(text: &[u8]) -> Option<(u16, u16)> {
    let mut numbers = text.splitn(2, |o| *o == b'-').map(|part| number(part.trim_ascii()));
    let first = u16::try_from(numbers.next()??).ok().filter(|port| *port > 0)?;
    let last = numbers.next().flatten().and_then(|last| u16::try_from(last).ok());
    Some(believed(first, last))
}

/// A range as it was told, if it is short; else the first port and the next one.
fn believed(first: u16, last: Option<u16>) -> (u16, u16) {
    let last = last.filter(|last| *last >= first && last.saturating_sub(first) < RANGE);
    (first, last.unwrap_or(first.saturating_add(1)))
}

/// `"192.0.2.5:8000"/"192.0.2.5:8001"` of RTSP 2.0; the addresses may be left out.
fn addresses(text: &[u8]) -> (Option<Addr>, Option<(u16, u16)>) {
    let mut parts = text.split(|o| *o == b'/').map(|part| {
        let part = part.trim_ascii();
        let part = part.strip_prefix(b"\"").unwrap_or(part);
        let part = part.strip_suffix(b"\"").unwrap_or(part);
        let (host, port) = part.split_at_checked(memchr::memrchr(b':', part)?)?;
        let port = u16::try_from(number(port.get(1..)?)?).ok().filter(|port| *port > 0)?;
        Some((address(host), port))
    });
    let Some((host, first)) = parts.next().flatten() else { return (None, None) };
    let last = parts.next().flatten().map(|(_, port)| port);
    (host, Some(believed(first, last)))
}

/// Splits at `mark` outside of quotes.
fn split(text: &[u8], mark: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    text.split(move |octet| {
        quoted ^= *octet == b'"';
        !quoted && *octet == mark
    })
    .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::Ends;
    use super::announcements;
    use crate::addr::Addr;

    const ENDS: Ends = Ends { client: Addr::v4([10, 1, 1, 1]), server: Addr::v4([10, 2, 2, 2]) };

    /// Receiver, its ports, sender, its ports, as text.
    fn read(value: &str) -> Vec<String> {
        let told = announcements(value.as_bytes(), ENDS);
        told.iter()
            .map(|m| {
                let sender = m.sender.map(|a| a.to_string()).unwrap_or_default();
                let to = format!("{}:{}-{}", m.receiver, m.receiver_port, m.receiver_last);
                format!("{to} {sender}:{}-{}", m.sender_port, m.sender_last)
            })
            .collect()
    }

    #[test]
    fn requests_and_replies_of_rtsp_1_are_read() {
        assert_eq!(read("RTP/AVP;unicast;client_port=4588-4589"), ["10.1.1.1:4588-4589 :0-0"]);
        let reply = "RTP/AVP/UDP;unicast;destination=127.0.0.1;source=10.2.2.9;client_port=4588-4589;server_port=6256-6257";
        assert_eq!(read(reply), ["10.1.1.1:4588-4589 10.2.2.9:6256-6257"]);
        let group = "RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001;ttl=127";
        assert_eq!(read(group), ["239.1.2.3:5000-5001 :0-0"]);
        let record = "RTP/AVP;unicast;mode=\"RECORD\";client_port=7000-7001;server_port=8000-8001";
        assert_eq!(read(record), ["10.2.2.2:8000-8001 10.1.1.1:7000-7001"]);
    }

    #[test]
    fn interleaved_media_announces_no_ports() {
        assert!(read("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=30A98EE7").is_empty());
        let both = "RTP/AVP/TCP;interleaved=0-1, RTP/AVP;unicast;client_port=4588";
        assert_eq!(read(both), ["10.1.1.1:4588-4589 :0-0"]);
    }

    #[test]
    fn addresses_of_rtsp_2_are_read() {
        let request = "RTP/AVP/UDP;unicast;dest_addr=\":4588\"/\":4589\";mode=\"PLAY,RECORD\"";
        assert_eq!(read(request).len(), 1);
        let reply = "RTP/AVP;unicast;dest_addr=\"[2001:db8::1]:5000\"/\"[2001:db8::1]:5001\";src_addr=\":6256\"/\":6257\"";
        assert_eq!(read(reply), ["2001:db8::1:5000-5001 :6256-6257"]);
    }

    #[test]
    fn ports_that_make_no_sense_are_not_believed() {
        assert!(read("RTP/AVP;unicast;client_port=0").is_empty());
        assert!(read("RTP/AVP;unicast;client_port=99999").is_empty());
        assert_eq!(read("RTP/AVP;unicast;client_port=1-65535"), ["10.1.1.1:1-2 :0-0"]);
        assert!(read("RTP/AVP;multicast;destination=10.9.9.9;port=5000").is_empty());
    }
}
