//! Where the sender of a session description (SDP) wants to receive media over UDP.
//!
//! Source: RFC 8866 §5.7 (`c=`), §5.14 (`m=`); RFC 3605 §2.1 (`a=rtcp`); RFC 3264 §5.1, §6 (port 0 is
//! rejected), §8.4 (0.0.0.0 holds). Host names are not resolved, candidates of ICE (RFC 8839) are not read.

use std::net::IpAddr;

use super::rtsp_transport::is_usable;
use super::text::number;
use super::text::starts_with;
use crate::addr::Addr;

/// Most streams that are read of one description.
const STREAMS: usize = 16;
/// Most pairs of ports that are believed in one `m=` line.
const PAIRS: u16 = 8;

/// Ports at which a stream is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    /// Who receives.
    pub(super) receiver: Addr,
    /// Its first port.
    pub(super) port: u16,
    /// Its last port.
    pub(super) last: u16,
    /// Where the `m=` line stands.
    pub(super) at: u32,
    /// Octets of that line.
    pub(super) length: usize,
}

/// Reads one description line by line. Holds at most [`STREAMS`] streams.
#[derive(Debug, Default)]
pub(super) struct SdpMedia {
    session: Option<Addr>,
    stream: Option<Stream>,
    streams: usize,
    wanted: Vec<Wanted>,
}

/// One media section.
#[derive(Clone, Copy, Debug)]
struct Stream {
    /// The host of its own `c=` line; `Some(None)` if that names none.
    host: Option<Option<Addr>>,
    port: u16,
    pairs: u16,
    rtcp: Option<(u16, Option<Addr>)>,
    at: u32,
    length: usize,
}

impl SdpMedia {
    /// Takes the next line, which stands at `at`.
    pub(super) fn line(&mut self, line: &[u8], at: u32) {
        if let Some(value) = line.strip_prefix(b"m=") {
            self.close();
            self.streams = self.streams.saturating_add(1);
            // A section that is no media over UDP still ends the one before it.
            self.stream = Some(stream(value, at, line.len()));
        } else if let Some(value) = line.strip_prefix(b"c=") {
            match &mut self.stream {
                Some(stream) => stream.host = Some(connection(value)),
                None => self.session = connection(value),
            }
        } else if let Some(value) = line.strip_prefix(b"a=rtcp:")
            && let Some(stream) = &mut self.stream
        {
            stream.rtcp = rtcp(value);
        }
    }

    /// The description is whole: what its sender wants to receive.
    pub(super) fn finish(mut self) -> Vec<Wanted> {
        self.close();
        self.wanted
    }

    /// Ends the section at hand.
    fn close(&mut self) {
        let Some(stream) = self.stream.take().filter(|stream| stream.port > 0) else { return };
        let host = stream.host.unwrap_or(self.session).filter(|host| is_usable(*host));
        if let Some(host) = host.filter(|_| self.streams <= STREAMS) {
            self.wanted.extend(stream.wanted(host).into_iter().flatten());
        }
    }
}

impl Stream {
    /// Its ports at `host`: one range, or that of RTP and that of RTCP.
    fn wanted(&self, host: Addr) -> [Option<Wanted>; 2] {
        let Self { port, at, length, .. } = *self;
        let range = |receiver, port, last| Some(Wanted { receiver, port, last, at, length });
        let next = port.saturating_add(1);
        match self.rtcp.filter(|_| self.pairs == 1) {
            None => {
                [range(host, port, port.saturating_add(self.pairs.saturating_mul(2).saturating_sub(1))), None]
            }
            Some((rtcp, other)) => {
                let to = other.unwrap_or(host);
                if to == host && (rtcp == port || rtcp == next) {
                    return [range(host, port, rtcp), None];
                }
                [range(host, port, port), range(to, rtcp, rtcp).filter(|_| is_usable(to))]
            }
        }
    }
}

/// `audio 49170/2 RTP/AVP 0`. The port is 0 where it is no RTP over UDP.
fn stream(value: &[u8], at: u32, length: usize) -> Stream {
    let none = Stream { host: None, port: 0, pairs: 1, rtcp: None, at, length };
    let mut fields = fields(value).skip(1);
    let (Some(ports), Some(protocol)) = (fields.next(), fields.next()) else { return none };
    if !starts_with(protocol, b"RTP/") && !starts_with(protocol, b"UDP/TLS/RTP/") {
        return none;
    }
    let mut numbers = ports.splitn(2, |octet| *octet == b'/').map(number);
    let port = port(numbers.next().flatten());
    let pairs = numbers.next().flatten().and_then(|pairs| u16::try_from(pairs).ok());
    let pairs = pairs.filter(|pairs| (1..=PAIRS).contains(pairs)).unwrap_or(1);
    Stream { port: port.unwrap_or(0), pairs, ..none }
}

/// `53020`, or `53020 IN IP4 126.16.64.4`.
fn rtcp(value: &[u8]) -> Option<(u16, Option<Addr>)> {
    let mut parts = value.splitn(2, |octet| *octet == b' ');
    let port = port(number(parts.next()?))?;
    match parts.next() {
        None => Some((port, None)),
        Some(host) => Some((port, Some(connection(host)?))),
    }
}

/// `IN IP4 224.2.1.1/127/3`.
fn connection(value: &[u8]) -> Option<Addr> {
    let mut fields = fields(value);
    let internet = fields.next()? == b"IN";
    let v4 = match fields.next()? {
        b"IP4" => true,
        b"IP6" => false,
        _ => return None,
    };
    let host = fields.next()?.split(|octet| *octet == b'/').next()?;
    let ip: IpAddr = str::from_utf8(host).ok()?.parse().ok()?;
    (internet && ip.is_ipv4() == v4).then(|| Addr::from(ip))
}

fn fields(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|octet| *octet == b' ').filter(|field| !field.is_empty())
}

fn port(number: Option<u64>) -> Option<u16> {
    number.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::SdpMedia;

    /// Receiver and ports, as text.
    fn read(description: &str) -> Vec<String> {
        let mut media = SdpMedia::default();
        description.split('|').for_each(|line| media.line(line.as_bytes(), 0));
        media.finish().iter().map(|one| format!("{}:{}-{}", one.receiver, one.port, one.last)).collect()
    }

    #[test]
    fn the_host_of_the_session_holds_for_streams_that_name_none() {
        // RFC 8866 §5.14 and its two ports; RFC 3264 §10.1.
        let two = "v=0|c=IN IP4 192.0.2.1|t=0 0|m=audio 49170 RTP/AVP 0|m=video 51372 RTP/AVP 31|c=IN IP4 192.0.2.2";
        assert_eq!(read(two), ["192.0.2.1:49170-49171", "192.0.2.2:51372-51373"]);
        assert_eq!(read("c=IN IP4 192.0.2.1|m=video 49170/2 RTP/AVP 31"), ["192.0.2.1:49170-49173"]);
        assert_eq!(read("m=audio 9000 RTP/SAVPF 0|c=IN IP6 2001:db8::1"), ["2001:db8::1:9000-9001"]);
        assert_eq!(read("m=video 49170 RTP/AVP 31|c=IN IP4 233.252.0.1/127/3"), ["233.252.0.1:49170-49171"]);
    }

    #[test]
    fn rtcp_goes_where_its_attribute_says() {
        // RFC 3605 §2.1.
        let with = |rtcp: &str| read(&format!("c=IN IP4 192.0.2.1|m=audio 49170 RTP/AVP 0|a=rtcp:{rtcp}"));
        assert_eq!(with("53020"), ["192.0.2.1:49170-49170", "192.0.2.1:53020-53020"]);
        assert_eq!(with("53020 IN IP4 198.51.100.4"), ["192.0.2.1:49170-49170", "198.51.100.4:53020-53020"]);
        assert_eq!(with("49170"), ["192.0.2.1:49170-49170"]);
        assert_eq!(with("49171"), ["192.0.2.1:49170-49171"]);
        assert_eq!(with("0"), ["192.0.2.1:49170-49171"]);
    }

    #[test]
    fn what_is_rejected_held_or_no_rtp_over_udp_is_not_wanted() {
        assert!(read("c=IN IP4 192.0.2.1|m=audio 0 RTP/AVP 0").is_empty());
        assert!(read("c=IN IP4 0.0.0.0|m=audio 49170 RTP/AVP 0").is_empty());
        assert!(read("c=IN IP4 127.0.0.1|m=audio 49170 RTP/AVP 0").is_empty());
        assert!(read("c=IN IP4 192.0.2.1|m=audio 49170 RTP/AVP 0|c=IN IP4 cam.example.net").is_empty());
        assert!(read("c=IN IP4 192.0.2.1|m=audio 9 TCP/RTP/AVP 0|m=image 4000 udptl t38").is_empty());
        assert!(read("m=audio 49170 RTP/AVP 0").is_empty());
        assert_eq!(read(&format!("c=IN IP4 192.0.2.1{}", "|m=audio 4000 RTP/AVP 0".repeat(99))).len(), 16);
        assert_eq!(read("c=IN IP4 192.0.2.1|m=audio 65535/9999 RTP/AVP 0"), ["192.0.2.1:65535-65535"]);
    }
}
