//! What the hellos of TLS say: the version meant, and the server's name.
//!
//! Source: RFC 8446 §4.1, §4.2.1 (versions), RFC 6066 §3 (server name), RFC 7301 §3.1 (ALPN), RFC 5764
//! §4.1.1 (SRTP).

use tls_parser::parse_tls_handshake_client_hello;
use tls_parser::parse_tls_handshake_server_hello;

use super::finding::TlsVersion;
use super::text::host_name;

const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
/// Extensions of one hello that are looked at.
const EXTENSIONS: usize = 64;

const ALPN: u16 = 16;
const USE_SRTP: u16 = 14;
/// Protocols of one ALPN list that are told, and the longest name of one.
const PROTOCOLS: usize = 4;
const PROTOCOL_OCTETS: usize = 32;

/// What a ServerHello says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerHello {
    /// The version chosen.
    pub version: Option<TlsVersion>,
    /// The protocol chosen (RFC 7301), up to TLS 1.2.
    pub alpn: Vec<String>,
    /// SRTP was agreed on (RFC 5764 §4.1.1).
    pub srtp: bool,
}

/// What a ClientHello says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientHello {
    /// The highest version offered.
    pub version: Option<TlsVersion>,
    /// The server's name (RFC 6066 §3), if it is a host name.
    pub name: Option<String>,
    /// Protocols offered (RFC 7301).
    pub alpn: Vec<String>,
}

/// Reads the body of a ClientHello; of SSL 2.0 its version alone is given.
pub fn client(body: &[u8]) -> Option<ClientHello> {
    if let [major, minor] = *body {
        return Some(ClientHello {
            version: version(u16::from_be_bytes([major, minor])),
            name: None,
            alpn: Vec::new(),
        });
    }
    let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
    let mut said = ClientHello { version: version(hello.version.0), ..ClientHello::default() };
    for (kind, data) in extensions(hello.ext.unwrap_or_default()) {
        match kind {
            SERVER_NAME => said.name = server_name(data),
            ALPN => said.alpn = protocols(data),
            SUPPORTED_VERSIONS => {
                let offered = data.get(1..).unwrap_or_default().chunks_exact(2);
                said.version = offered.filter_map(word).filter_map(version).max().or(said.version);
            }
            _ => {}
        }
    }
    Some(said)
}

/// Reads the version that a ServerHello chose: that of `supported_versions`, else its own. A retry
/// request (RFC 8446 §4.1.4) is a ServerHello too and names the version that will be spoken.
pub fn server(body: &[u8]) -> Option<ServerHello> {
    let mut said = ServerHello::default();
    if let Some(old) = word(body).filter(|_| body.len() == 2) {
        said.version = Some(version(old)?);
        return Some(said);
    }
    let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
    said.version = version(hello.version.0);
    for (kind, data) in extensions(hello.ext.unwrap_or_default()) {
        match kind {
            SUPPORTED_VERSIONS => said.version = word(data).and_then(version).or(said.version),
            ALPN => said.alpn = protocols(data),
            USE_SRTP => said.srtp = true,
            _ => {}
        }
    }
    Some(said)
}

/// The version with this number. GREASE values (RFC 8701) and unknown ones are none.
pub fn version(number: u16) -> Option<TlsVersion> {
    match number {
        0x0002 => Some(TlsVersion::Ssl2),
        0x0300 => Some(TlsVersion::Ssl3),
        0x0301 => Some(TlsVersion::Tls10),
        0x0302 => Some(TlsVersion::Tls11),
        0x0303 => Some(TlsVersion::Tls12),
        // DTLS counts downwards; 01 00 is what some wrote before RFC 4347 (`dtls.rs`).
        0xfeff | 0x0100 => Some(TlsVersion::Tls11),
        0xfefd => Some(TlsVersion::Tls12),
        0xfefc => Some(TlsVersion::Tls13),
        // 7F xx are the drafts of TLS 1.3.
        0x0304 | 0x7f00..=0x7fff => Some(TlsVersion::Tls13),
        _ => None,
    }
}

/// The first host name of a server name list.
fn server_name(data: &[u8]) -> Option<String> {
    let [_, _, 0, high, low, rest @ ..] = data else { return None };
    let name = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
    // A colon would start a port, which a name here never has.
    if name.contains(&b':') || name.contains(&b'@') { None } else { host_name(name) }
}

/// The names of an ALPN list that are printable.
fn protocols(data: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = data.get(2..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first()
        && let Some((name, next)) = after.split_at_checked(usize::from(*length))
        && names.len() < PROTOCOLS
    {
        rest = next;
        let sane = (1..=PROTOCOL_OCTETS).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
        names.extend(str::from_utf8(name).ok().filter(|_| sane).map(str::to_owned));
    }
    names
}

fn word(data: &[u8]) -> Option<u16> {
    data.first_chunk::<2>().map(|pair| u16::from_be_bytes(*pair))
}

/// Type and data of each extension, as far as the lengths fit.
fn extensions(mut list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let [kind_high, kind_low, high, low, rest @ ..] = list else { return None };
        let kind = u16::from_be_bytes([*kind_high, *kind_low]);
        let (data, after) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        list = after;
        Some((kind, data))
    })
    .take(EXTENSIONS)
}
