//! Every recogniser, in the order in which they are asked; the first match wins. A new protocol is a
//! new file beside this one and one line here.

use super::Recogniser;
use super::baichuan::Baichuan;
use super::dahua_dhip::DahuaDhip;
use super::dahua_dvrip::DahuaDvrip;
use super::dcerpc::Dcerpc;
use super::dhcp::Dhcp;
use super::dhcpv6::Dhcpv6;
use super::dns::Dns;
use super::dns::DnsOverTcp;
use super::dtls::Dtls;
use super::ftp::Ftp;
use super::ftp_data::FtpData;
use super::gquic::Gquic;
use super::http::Http;
use super::http::HttpMidstream;
use super::imageserver::ImageServer;
use super::imageserver::ImageServerMidstream;
use super::imap::Imap;
use super::ipsec::Ipsec;
use super::kerberos::Kerberos;
use super::ldap::Ldap;
use super::llmnr::Llmnr;
use super::matrix::Matrix;
use super::matrix::MatrixWithin;
use super::mc_nmf::McNmf;
use super::mdns::Mdns;
use super::mqtt::Mqtt;
use super::mxmessage::MxMessage;
use super::mxpeg_flow::MobotixMedia;
use super::nbdgm::Nbdgm;
use super::nbns::Nbns;
use super::nfs::Nfs;
use super::ntp::Ntp;
use super::openvpn::Openvpn;
use super::pop3::Pop3;
use super::portmap::Portmap;
use super::postgresql::Postgresql;
use super::pppp::Pppp;
use super::printable::Printable;
use super::quic::Quic;
use super::rdp::Rdp;
use super::rfb::Rfb;
use super::rtcp::Rtcp;
use super::rtp::Rtp;
use super::rtsp::Rtsp;
use super::rtsp::RtspMidstream;
use super::sip::Sip;
use super::smb::Smb;
use super::smb::SmbMidstream;
use super::smtp::Smtp;
use super::snmp::Snmp;
use super::ssdp::Ssdp;
use super::ssh::Ssh;
use super::stun::Stun;
use super::tds::Tds;
use super::telnet::Telnet;
use super::tls::Tls;
use super::tls::TlsMidstream;
use super::wireguard::Wireguard;
use super::ws_discovery::WsDiscovery;
use super::xiongmai::Xiongmai;

/// The recognisers in force, most specific signature first, heuristics last.
pub static RECOGNISERS: &[&dyn Recogniser] = &[
    &Rtsp,
    &Http,
    &Tls,
    &ImageServer,
    &Matrix,
    &Smb,
    &Ssh,
    &Tds,
    &Rdp,
    &Postgresql,
    &McNmf,
    &Smtp,
    &Ftp,
    &Telnet,
    &Imap,
    &Pop3,
    &Mqtt,
    &Rfb,
    &Sip,
    &DahuaDhip,
    &DahuaDvrip,
    &Xiongmai,
    &Baichuan,
    &Stun,
    &Dtls,
    &Quic,
    &Gquic,
    &Kerberos,
    &Ldap,
    &Snmp,
    &Dcerpc,
    &Nfs,
    &Portmap,
    &Nbns,
    &Nbdgm,
    &Dhcp,
    &Ssdp,
    &WsDiscovery,
    &Mdns,
    &Llmnr,
    &Dns,
    &DnsOverTcp,
    &Ipsec,
    &Wireguard,
    &Openvpn,
    &Dhcpv6,
    &Ntp,
    &Pppp,
    &FtpData,
    // What stands in the middle of something. The last three wait for more of the head than their own
    // messages take, so they are asked after all others that are certain.
    &HttpMidstream,
    &TlsMidstream,
    &RtspMidstream,
    &MobotixMedia,
    &MatrixWithin,
    &SmbMidstream,
    &ImageServerMidstream,
    // By shape.
    &Rtcp,
    &Rtp,
    &MxMessage,
    // What is left: it names no protocol.
    &Printable,
];
