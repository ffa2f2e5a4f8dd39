//! Every recogniser, in the order in which they are asked; the first match wins. A new protocol is a
//! new file beside this one and one line here.

use super::Recogniser;
use super::dhcp::Dhcp;
use super::dhcpv6::Dhcpv6;
use super::dns::Dns;
use super::dns::DnsOverTcp;
use super::ftp::Ftp;
use super::imageserver::ImageServer;
use super::imageserver::ImageServerMidStream;
use super::matrix::Matrix;
use super::matrix::MatrixWithin;
use super::mdns::Llmnr;
use super::mdns::Mdns;
use super::mxmessage::MxMessage;
use super::nbns::Nbdgm;
use super::nbns::Nbns;
use super::ntp::Ntp;
use super::postgresql::Postgresql;
use super::smb::Smb;
use super::smb::SmbMidStream;
use super::smtp::Smtp;
use super::ssdp::Ssdp;
use super::ssh::Ssh;
use super::tds::Tds;
use super::ws_discovery::WsDiscovery;

/// The recognisers in force, most specific signature first, heuristics last.
pub static RECOGNISERS: &[&dyn Recogniser] = &[
    &ImageServer,
    &Matrix,
    &Smb,
    &Ssh,
    &Tds,
    &Postgresql,
    &Smtp,
    &Ftp,
    &Nbns,
    &Nbdgm,
    &Dhcp,
    &Ssdp,
    &WsDiscovery,
    &Mdns,
    &Llmnr,
    &Dns,
    &DnsOverTcp,
    &Dhcpv6,
    &Ntp,
    &MatrixWithin,
    &SmbMidStream,
    &ImageServerMidStream,
    &MxMessage,
];
