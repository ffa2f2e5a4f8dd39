//! What may be spoken: transports, services (the carrier), contents (what is known inside it) and
//! how certain we are. Pure vocabulary, shared by the recognisers, the rules and the records.

use std::fmt;

use serde::Serialize;

/// Makes a closed set of words: an enum with its printed name, list and parser.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every word, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it stands in records, rules and labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The word's meaning, if `text` is one.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// What carries a flow above IP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// ICMP (RFC 792).
    Icmp,
    /// ICMPv6 (RFC 4443).
    Icmp6,
    /// SCTP (RFC 9260).
    Sctp,
    /// Any other IP protocol by its number.
    Ip(u8),
}

impl Transport {
    /// The IANA protocol number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Icmp => 1,
            Self::Icmp6 => 58,
            Self::Sctp => 132,
            Self::Ip(number) => number,
        }
    }

    /// The transport with this IANA protocol number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            1 => Self::Icmp,
            58 => Self::Icmp6,
            132 => Self::Sctp,
            other => Self::Ip(other),
        }
    }
}

/// `tcp`, `udp`, `icmp`, `icmp6`, `sctp`, or `ip-47`.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.pad("tcp"),
            Self::Udp => f.pad("udp"),
            Self::Icmp => f.pad("icmp"),
            Self::Icmp6 => f.pad("icmp6"),
            Self::Sctp => f.pad("sctp"),
            Self::Ip(number) => write!(f, "ip-{number}"),
        }
    }
}

words! {
    /// The carrier: the protocol that frames the octets of a flow.
    Service {
        /// RTSP 1.0 or 2.0 (RFC 2326, RFC 7826), with its interleaved media.
        Rtsp = "rtsp",
        /// RTP or SRTP (RFC 3550).
        Rtp = "rtp",
        /// RTCP (RFC 3550 §6).
        Rtcp = "rtcp",
        /// HTTP/1.x.
        Http = "http",
        /// TLS of any version.
        Tls = "tls",
        /// DTLS.
        Dtls = "dtls",
        /// QUIC.
        Quic = "quic",
        /// SMB 1, 2 or 3.
        Smb = "smb",
        /// NetBIOS name service.
        Nbns = "nbns",
        /// NetBIOS datagram service.
        Nbdgm = "nbdgm",
        /// Microsoft SQL Server's TDS ([MS-TDS]).
        Tds = "tds",
        /// PostgreSQL's frontend/backend protocol.
        Postgresql = "postgresql",
        /// Milestone's ImageServer.
        Imageserver = "imageserver",
        /// Milestone's Matrix.
        Matrix = "matrix",
        /// MOBOTIX MxMessage.
        Mxmessage = "mxmessage",
        /// DNS.
        Dns = "dns",
        /// Multicast DNS (RFC 6762).
        Mdns = "mdns",
        /// LLMNR (RFC 4795).
        Llmnr = "llmnr",
        /// NTP.
        Ntp = "ntp",
        /// DHCP and BOOTP.
        Dhcp = "dhcp",
        /// DHCPv6.
        Dhcpv6 = "dhcpv6",
        /// SSDP, the discovery of UPnP.
        Ssdp = "ssdp",
        /// WS-Discovery.
        WsDiscovery = "ws-discovery",
        /// SMTP.
        Smtp = "smtp",
        /// SNMP.
        Snmp = "snmp",
        /// LDAP.
        Ldap = "ldap",
        /// Kerberos.
        Kerberos = "kerberos",
        /// DCE/RPC (MS-RPC).
        Dcerpc = "dcerpc",
        /// SSH.
        Ssh = "ssh",
        /// RDP inside TPKT.
        Rdp = "rdp",
        /// Telnet.
        Telnet = "telnet",
        /// FTP's control connection.
        Ftp = "ftp",
        /// SIP.
        Sip = "sip",
        /// NFS over ONC RPC.
        Nfs = "nfs",
        /// ONC RPC's port mapper.
        Portmap = "portmap",
        /// STUN and TURN.
        Stun = "stun",
        /// .NET Message Framing, `net.tcp` ([MC-NMF]).
        McNmf = "mc-nmf",
        /// IPsec: ESP, AH, IKE.
        Ipsec = "ipsec",
        /// WireGuard.
        Wireguard = "wireguard",
        /// OpenVPN.
        Openvpn = "openvpn",
        /// MQTT (OASIS MQTT 3.1.1 and 5).
        Mqtt = "mqtt",
        /// RFB, the protocol of VNC (RFC 6143).
        Rfb = "rfb",
        /// IMAP (RFC 9051).
        Imap = "imap",
        /// POP3 (RFC 1939).
        Pop3 = "pop3",
        /// Printable text that no other recogniser claims.
        Text = "text",
        /// ICMP and ICMPv6 messages.
        Icmp = "icmp",
        /// Dahua DVRIP, TCP 37777.
        DahuaDvrip = "dahua-dvrip",
        /// Dahua DHIP.
        DahuaDhip = "dahua-dhip",
        /// Xiongmai (Sofia).
        Xiongmai = "xiongmai",
        /// Baichuan (Reolink).
        Baichuan = "baichuan",
        /// PPPP, the peer-to-peer framing of cheap cameras.
        Pppp = "pppp",
    }
}

words! {
    /// What is known inside the carrier.
    Content {
        /// MOBOTIX event stream: video, audio, events and commands in one POST.
        MxpegEventStream = "mxpeg-event-stream",
        /// MOBOTIX faststream.jpg.
        MobotixFaststream = "mobotix-faststream",
        /// MOBOTIX pictures that are whole JPEGs.
        MobotixMjpeg = "mobotix-mjpeg",
        /// MxPEG in any carrier but the event stream.
        Mxpeg = "mxpeg",
        /// MOBOTIX settings and actions: `/admin/*`, `rcontrol`.
        MobotixAdmin = "mobotix-admin",
        /// Motion JPEG by multipart.
        Mjpeg = "mjpeg",
        /// RTSP tunnelled in HTTP.
        RtspOverHttp = "rtsp-over-http",
        /// ONVIF SOAP.
        Onvif = "onvif",
        /// XProtect SOAP, REST or its web paths.
        XprotectSoap = "xprotect-soap",
        /// XProtect Mobile's commands and streams.
        XprotectMobile = "xprotect-mobile",
        /// XProtect analytics events.
        AnalyticsEvent = "analytics-event",
        /// UPnP descriptions and control.
        Upnp = "upnp",
        /// A WebSocket after the upgrade.
        Websocket = "websocket",
        /// A camera's recording on a file server.
        CameraRecording = "camera-recording",
        /// RTP inside RTSP's own connection.
        InterleavedMedia = "interleaved-media",
    }
}

words! {
    /// How sure a recognition is, weakest first.
    Certainty {
        /// By port and role only: the octets say nothing.
        PortOnly = "port-only",
        /// By shape: length, entropy, cast, several packets that fit.
        Heuristic = "heuristic",
        /// Fits the protocol and its neighbours (an announced port, an earlier exchange).
        Consistent = "consistent",
        /// Octets that only this protocol writes.
        Signature = "signature",
    }
}
