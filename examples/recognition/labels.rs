//! Labels of other tools (tshark's protocol names above all) and the services they stand for.

use camsentry::service::Service;

/// Names that differ from ours, with the service that is meant.
const NAMES: &[(&str, Service)] = &[
    ("bootp", Service::Dhcp),
    ("cldap", Service::Ldap),
    ("epm", Service::Dcerpc),
    ("esp", Service::Ipsec),
    ("gquic", Service::Quic),
    ("ike", Service::Ipsec),
    ("isakmp", Service::Ipsec),
    ("krb5", Service::Kerberos),
    ("nbss", Service::Smb),
    ("net.tcp", Service::McNmf),
    ("pgsql", Service::Postgresql),
    ("pop", Service::Pop3),
    ("rpcbind", Service::Portmap),
    ("smb2", Service::Smb),
    ("srtcp", Service::Rtcp),
    ("srtp", Service::Rtp),
    ("ssl", Service::Tls),
    ("udpencap", Service::Ipsec),
    ("vnc", Service::Rfb),
    ("wg", Service::Wireguard),
    ("wsd", Service::WsDiscovery),
];

/// The service that a label names; `None` if it names none of ours.
pub(crate) fn service_of(label: &str) -> Option<Service> {
    let lower = label.to_ascii_lowercase();
    let renamed = NAMES.iter().find(|(name, _)| *name == lower).map(|(_, service)| *service);
    // Text is what is left over; no tool labels a protocol so.
    renamed.or_else(|| Service::parse(&lower)).filter(|service| *service != Service::Text)
}
