//! Addresses, networks and MACs as operators write them.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::address::is_host;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;

type Texts = Spanned<Vec<Spanned<String>>>;

/// The networks of a list, each with its place; an empty list is a fault.
pub(super) fn networks(
    source: &SourceText,
    written: &Texts,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Spanned<IpNet>> {
    refuse_empty(source, written, "network", faults);
    each(source, written, parse_network, faults)
}

/// The addresses of a list, each with its place.
pub(super) fn addresses(
    source: &SourceText,
    written: &Texts,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Spanned<Addr>> {
    refuse_empty(source, written, "address", faults);
    each(source, written, parse_address, faults)
}

/// The MAC addresses of a list, each with its place.
pub(super) fn macs(source: &SourceText, written: &Texts, faults: &mut Vec<Diagnostic>) -> Vec<Spanned<Mac>> {
    refuse_empty(source, written, "MAC address", faults);
    each(source, written, parse_mac, faults)
}

/// The vendor prefixes of a list, each with its place.
pub(super) fn vendor_prefixes(
    source: &SourceText,
    written: &Texts,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Spanned<[u8; 3]>> {
    refuse_empty(source, written, "prefix", faults);
    each(source, written, parse_vendor_prefix, faults)
}

/// What is wrong with a text: message, label, way out.
type Wrong = (String, &'static str, String);

fn each<T>(
    source: &SourceText,
    written: &Texts,
    parse: fn(&str) -> Result<T, Wrong>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Spanned<T>> {
    let mut read = Vec::new();
    for text in written.get_ref() {
        match parse(text.get_ref().trim()) {
            Ok(value) => read.push(Spanned::new(text.span(), value)),
            Err((message, label, help)) => {
                faults.push(Diagnostic::error(source, text.span(), message, label, Some(help)));
            }
        }
    }
    read
}

fn refuse_empty(source: &SourceText, written: &Texts, what: &str, faults: &mut Vec<Diagnostic>) {
    if written.get_ref().is_empty() {
        let message = format!("the list has no {what}");
        let help = Some(format!("name one {what} at least"));
        faults.push(Diagnostic::error(source, written.span(), message, "empty list", help));
    }
}

fn parse_network(text: &str) -> Result<IpNet, Wrong> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        let whole = IpNet::from(ip);
        let help = format!("write `{whole}` for this one address, or a shorter prefix for its network");
        return Err((format!("network `{text}` has no prefix length"), "an address alone", help));
    }
    let Ok(net) = text.parse::<IpNet>() else {
        let help = "write `10.20.0.0/24` or `fd00:20::/64`".to_owned();
        return Err((format!("`{text}` is no network"), "not a network", help));
    };
    if matches!(net, IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.network().to_ipv4_mapped().is_some()) {
        let help = "write it as IPv4: `10.20.0.0/24`".to_owned();
        return Err((format!("`{text}` is IPv4 inside IPv6"), "never on the wire", help));
    }
    if net.addr() != net.network() {
        let right = net.trunc();
        let help =
            format!("write `{right}` for the network, `{}` for the one address", IpNet::from(net.addr()));
        return Err((format!("network `{text}` has host bits set"), "bits behind the prefix are set", help));
    }
    Ok(net)
}

fn parse_address(text: &str) -> Result<Addr, Wrong> {
    let Ok(ip) = text.parse::<IpAddr>() else {
        let (label, help) = if text.parse::<IpNet>().is_ok() {
            ("a network", "declare a network under `[[network]]` with `prefix`")
        } else {
            ("not an address", "write `10.20.0.17` or `fd00:20::17`")
        };
        return Err((format!("`{text}` is no address of a host"), label, help.to_owned()));
    };
    let addr = Addr::from(ip);
    if !is_host(addr) {
        let help = "take it away: groups, loopback and 0.0.0.0 need no declaration".to_owned();
        return Err((format!("`{text}` cannot be a host's address"), "not a host's", help));
    }
    Ok(addr)
}

fn parse_mac(text: &str) -> Result<Mac, Wrong> {
    let octets = hex_octets(text);
    let Some(mac) = octets.and_then(|octets| <[u8; 6]>::try_from(octets).ok()).map(Mac) else {
        let help = "write six octets: `00:03:c5:12:34:56`".to_owned();
        return Err((format!("`{text}` is no MAC address"), "not a MAC address", help));
    };
    if mac.is_group() || mac == Mac::default() {
        let help = "write the MAC of one device: its first octet is even".to_owned();
        return Err((format!("`{text}` is no device's MAC address"), "a group's or nobody's", help));
    }
    Ok(mac)
}

fn parse_vendor_prefix(text: &str) -> Result<[u8; 3], Wrong> {
    hex_octets(text).and_then(|octets| <[u8; 3]>::try_from(octets).ok()).ok_or_else(|| {
        let help = "write three octets: `00:03:c5`, or give the vendor's `name`".to_owned();
        (format!("`{text}` is no vendor prefix"), "not a prefix of three octets", help)
    })
}

/// Octets of two hexadecimal digits each, between colons or dashes.
fn hex_octets(text: &str) -> Option<Vec<u8>> {
    text.split([':', '-'])
        .map(|part| {
            let is_octet = part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_octet.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        })
        .collect()
}
