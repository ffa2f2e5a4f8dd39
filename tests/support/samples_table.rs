//! The octets of `samples.rs` that stand still: each with its document, and those of `fixtures/octets` by name.

use camsentry::service::Transport;

pub(super) const TCP: Transport = Transport::Tcp;
pub(super) const UDP: Transport = Transport::Udp;

/// Who says it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Who {
    Client,
    Server,
    /// Either may.
    Both,
}
use Who::Both;
use Who::Client;
use Who::Server;

/// One side of a conversation, in hexadecimal.
pub(super) type Octets = (&'static str, Transport, u16, Who, &'static [&'static str]);
/// One side of a conversation, in text.
pub(super) type Text = (&'static str, Transport, u16, Who, &'static str);

/// Documents: see the recogniser's own file for each.
pub(super) const BINARY: &[Octets] = &[
    // [MS-SMB2] §2.2.3, §2.2.4; [MS-CIFS] §2.2.3.1; RFC 1002 §4.3.2.
    (
        "smb2 negotiate",
        TCP,
        445,
        Client,
        &["00000068 fe534d42 40000000 00000000 0000 0000 00000000 00000000
        0000000000000000 00000000 00000000 0000000000000000 00000000000000000000000000000000
        2400 0200 0100 0000 00000000 00000000000000000000000000000000 0000000000000000 0202 1002"],
    ),
    (
        "smb2 negotiated",
        TCP,
        445,
        Server,
        &["00000080 fe534d42 40000000 00000000 0000 0100 01000000 00000000
        0000000000000000 00000000 00000000 0000000000000000 00000000000000000000000000000000
        4100 0100 1002 0000 00000000000000000000000000000000 00000000 00000000 00000000 00000000
        0000000000000000 0000000000000000 8000 0000 00000000"],
    ),
    (
        "smb1 negotiate",
        TCP,
        445,
        Client,
        &["00000023 ff534d42 72 00000000 18 0128 0000 0000000000000000 0000 0000
        fffe 0000 0000 00 0000"],
    ),
    (
        "smb3 encrypted",
        TCP,
        445,
        Both,
        &["00000054 fd534d42 0102030405060708090a0b0c0d0e0f10
        000102030405060708090a0b0c0d0e0f 20000000 0000 0100 1122334455667788
        aa00bb11cc22dd33ee44ff5566778899aabbccddeeff00112233445566778899"],
    ),
    // [MS-TDS] §4.1 and §4.2.
    (
        "tds prelogin",
        TCP,
        1433,
        Client,
        &["12 01 00 2f 00 00 01 00 00 00 1a 00 06 01 00 20 00 01 02 00 21 00 01
        03 00 22 00 04 04 00 26 00 01 ff 09 00 00 00 00 00 01 00 b8 0d 00 00 01"],
    ),
    (
        "tds answer",
        TCP,
        1433,
        Server,
        &["04 01 00 2b 00 00 01 00 00 00 1a 00 06 01 00 20 00 01 02 00 21 00 01
        03 00 22 00 00 04 00 22 00 01 ff 09 00 04 35 00 00 01 00 00 00"],
    ),
    // [MS-RDPBCGR] §4.1.1, §4.1.2.
    (
        "rdp request",
        TCP,
        3389,
        Client,
        &["0300002c 27 e0 0000 0000 00 436f6f6b69653a206d737473686173683d656c746f6e730d0a
        0100080000000000"],
    ),
    ("rdp confirm", TCP, 3389, Server, &["03000013 0e d0 0000 1234 00 0200080001000000"]),
    // PostgreSQL documentation, "Message Formats".
    (
        "postgresql startup",
        TCP,
        5432,
        Client,
        &["00000024 00030000 75736572 00 61 00 6461746162617365 00 65 00 636c69656e74 00 62 00 00"],
    ),
    ("postgresql ssl", TCP, 5432, Client, &["00000008 04d2162f"]),
    ("postgresql authentication", TCP, 5432, Server, &["52 0000000c 00000005 01020304"]),
    // [MC-NMF] §4.1.
    (
        "net.tcp preamble",
        TCP,
        22333,
        Client,
        &["0001 00 01 02 02 1f 6e65742e7463703a2f2f7365727665723a32323333332f536572766963653120"],
    ),
    // RFC 854.
    ("telnet", TCP, 23, Both, &["fffd18 fffd20 fffd23 fffb1f"]),
    // RFC 4120 §5.4.1, §5.9.1; RFC 4511.
    ("kerberos over tcp", TCP, 88, Client, &["000000a3 6a81a0 30819d a103020105 a20302010a a38190"]),
    ("kerberos error over tcp", TCP, 88, Server, &["0000005d 7e5b 3059 a003020105 a10302011e a411180f"]),
    ("kerberos", UDP, 88, Client, &["6a81a0 30819d a103020105 a20302010a a381"]),
    ("kerberos error", UDP, 88, Server, &["7e5b 3059 a003020105 a10302011e a411180f"]),
    ("ldap bind", TCP, 389, Client, &["300c 020101 6007 020103 0400 8000"]),
    ("ldap bound", TCP, 389, Server, &["300c 020101 6107 0a0100 0400 0400"]),
    // C706 §12.6.4.3.
    (
        "dce/rpc bind",
        TCP,
        135,
        Client,
        &["05000b0310000000 4800 0000 01000000 d016d016 00000000 01000000 0000 0100"],
    ),
    ("dce/rpc bind ack", TCP, 135, Server, &["05000c0300000000 0048 0000 00000001 16d016d0 00000001"]),
    // RFC 5531 §9, RFC 1833.
    (
        "nfs",
        UDP,
        2049,
        Client,
        &["00000007 00000000 00000002 000186a3 00000003 00000003 00000001 00000000 00000000 00000000"],
    ),
    (
        "nfs over tcp",
        TCP,
        2049,
        Client,
        &["80000028 00000007 00000000 00000002 000186a3 00000003 00000003 00000001
        00000000 00000000 00000000"],
    ),
    ("nfs reply", UDP, 2049, Server, &["00000007 00000001 00000000 00000000 00000000 00000000 00000000"]),
    (
        "nfs reply over tcp",
        TCP,
        2049,
        Server,
        &["8000001c 00000007 00000001 00000000 00000000 00000000 00000000 00000000"],
    ),
    (
        "port mapper",
        UDP,
        111,
        Client,
        &["00000008 00000000 00000002 000186a0 00000002 00000003 00000000 00000000 00000000 00000000"],
    ),
    (
        "port mapper reply",
        UDP,
        111,
        Server,
        &["00000008 00000001 00000000 00000000 00000000 00000000 00000801"],
    ),
    // RFC 5769 §2.1.
    ("stun", UDP, 3478, Both, &["0001000c 2112a442 b7e7a701bc34d686fa87dfae 80220008 5354554e20746573"]),
    ("turn over tcp", TCP, 3478, Client, &["00030008 2112a442 b7e7a701bc34d686fa87dfae 00190004 11000000"]),
    // Written by scapy 2.5.0.
    (
        "dns question",
        UDP,
        53,
        Client,
        &["1234010000010000000000000363616d076578616d706c65036e65740000010001"],
    ),
    (
        "dns answer",
        UDP,
        53,
        Server,
        &["1234818000010001000000000363616d076578616d706c65036e65740000010001 c00c 0001 0001
        0000003c 0004 0a140011"],
    ),
    (
        "dns over tcp",
        TCP,
        53,
        Client,
        &["0021 1234010000010000000000000363616d076578616d706c65036e65740000010001"],
    ),
    (
        "dns answer over tcp",
        TCP,
        53,
        Server,
        &["0031 1234818000010001000000000363616d076578616d706c65036e65740000010001
        c00c 0001 0001 0000003c 0004 0a140011"],
    ),
    (
        "nbns",
        UDP,
        137,
        Client,
        &[
            "000001100001000000000000204547454a454d45464644454646434647454646434341434143414341434141410000200001",
        ],
    ),
    // RFC 1002 §4.2.13.
    ("nbns answer", UDP, 137, Server, &["000085000000000100000000204547454a454d45464644454646434647454646434341434143414341434141410000200001
        000493e0 0006 0000 0a140005"]),
    // RFC 8415 §7.3: ADVERTISE with the identifiers of both.
    ("dhcpv6 answer", UDP, 547, Server, &["021234560001000a000300010003c51234560002000a000300010003c5654321"]),
    // MQTT 3.1.1 §3.1, §3.2; RFC 6143 §7.1.1.
    ("mqtt", TCP, 1883, Client, &["10 12 0004 4d515454 04 02 003c 0006 63616d2d3137"]),
    ("mqtt answer", TCP, 1883, Server, &["20 02 00 00"]),
    ("rfb", TCP, 5900, Both, &["524642203030332e3030380a"]),
    // RFC 6347 §4.3.2: ClientHello and HelloVerifyRequest.
    ("dtls", UDP, 4433, Client, &["16 feff 0000 000000000000 0036 01 00002a 0000 000000 00002a fefd
        0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 00 00 0002 c02b 01 00"]),
    ("dtls answer", UDP, 4433, Server, &["16 feff 0000 000000000000 0017 03 00000b 0000 000000 00000b feff 08 0102030405060708"]),
    // RFC 9001 §A.4.
    ("quic retry", UDP, 443, Server, &["ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba"]),
    // Google, "QUIC Wire Layout Specification": version negotiation and public reset.
    ("gquic versions", UDP, 443, Server, &["09 e83c77bd8f8915f9 51303436 51303433 51303339"]),
    (
        "gquic reset",
        UDP,
        443,
        Server,
        &["0a e83c77bd8f8915f9 50525354 0200 0000 524e4f4e 08000000 52534551 10000000
        0000000000000000 0000000000000000"],
    ),
    (
        "snmp get",
        UDP,
        161,
        Client,
        &["302602010104067075626c6963a019020105020100020100300e300c06082b060102010101000500"],
    ),
    (
        "snmp response",
        UDP,
        161,
        Server,
        &["302702010004067075626c6963a21a020105020100020100300f300d06082b06010201010100040178"],
    ),
    ("dhcpv6", UDP, 547, Client, &["011234560001000a000300010003c5123456000800020000"]),
    (
        "ntp",
        UDP,
        123,
        Client,
        &["23000000000000000000000000000000000000000000000000000000000000000000000000000000e875470000000000"],
    ),
    (
        "ntp answer",
        UDP,
        123,
        Server,
        &["24020a0000000000000000000a010101e875431800000000e87546ffe6666800e875470066666800e875470080000000"],
    ),
    // RFC 7296 §3.1; RFC 3948; WireGuard §5.4; OpenVPN's protocol description.
    ("ike", UDP, 500, Client, &["3132333435363738 0000000000000000 21 20 22 08 00000000 00000020 00000004"]),
    (
        "ike answer",
        UDP,
        500,
        Server,
        &["3132333435363738 1112131415161718 21 20 22 20 00000000 00000020 00000004"],
    ),
    (
        "esp in udp",
        UDP,
        4500,
        Both,
        &["c0ffee01 00000005 aabbccddeeff00112233", "c0ffee01 00000006 99887766554433221100"],
    ),
    (
        "wireguard",
        UDP,
        51820,
        Both,
        &[
            "04000000 11223344 0700000000000000 00112233445566778899aabbccddeeff",
            "04000000 11223344 0800000000000000 00112233445566778899aabbccddeeff",
        ],
    ),
    ("openvpn", UDP, 1194, Client, &["38 0102030405060708 00 00000000"]),
    ("openvpn answer", UDP, 1194, Server, &["40 1102030405060708 01 00000000 0102030405060708 00000000"]),
    ("openvpn over tcp", TCP, 1194, Client, &["000e 38 0102030405060708 00 00000000"]),
    // Vendors' protocols as the wire references describe them.
    (
        "dvrip login",
        TCP,
        37777,
        Client,
        &["a0050000 00000000 00000000 00000000 00000000 00000000 050200080000a1aa"],
    ),
    (
        "dvrip json",
        TCP,
        37777,
        Both,
        &["f6000000 02000000 01000000 00000000 02000000 00000000 00000000 00000000 7b7d"],
    ),
    (
        "dhip",
        UDP,
        37810,
        Both,
        &["20000000 44484950 00000000 00000000 02000000 00000000 02000000 00000000 7b7d"],
    ),
    (
        "dhip over tcp",
        TCP,
        5000,
        Both,
        &["20000000 44484950 00000000 00000000 02000000 00000000 02000000 00000000 7b7d"],
    ),
    ("xiongmai", TCP, 34567, Client, &["ff000000 00000000 00000000 0000 e803 02000000 7b7d"]),
    ("xiongmai answer", TCP, 34567, Server, &["ff010000 00000000 00000000 0000 e903 02000000 7b7d"]),
    ("baichuan", TCP, 9000, Client, &["f0debc0a 01000000 2c070000 00000000 0000 1465"]),
    ("baichuan answer", TCP, 9000, Server, &["f0debc0a 01000000 91000000 00000000 01dd 1466"]),
    ("pppp", UDP, 32108, Both, &["f1300000", "f1e00000"]),
    // RFC 3550 §6.4.1, §6.5: a sender's report and its name; two reports.
    (
        "rtcp",
        UDP,
        50001,
        Both,
        &[
            "80c80006 1badcafe e8754318 00000000 00000000 00000008 00002000
        81ca0003 1badcafe 01 04 63616d31 0000",
            "80c80006 1badcafe e8754319 00000000 00015f90 00000010 00004000
        81ca0003 1badcafe 01 04 63616d31 0000",
        ],
    ),
];

pub(super) const TEXTS: &[Text] = &[
    (
        "rtsp",
        TCP,
        554,
        Client,
        "DESCRIBE rtsp://10.20.0.17/live RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n\
        SETUP rtsp://10.20.0.17/live/1 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=50000-50001\r\n\r\n",
    ),
    (
        "rtsp answer",
        TCP,
        554,
        Server,
        "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 44\r\n\r\n\
        v=0\r\ns=live\r\nm=video 0 RTP/AVP 96\r\na=control:1\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: \
        RTP/AVP;unicast;client_port=50000-50001;server_port=6000-6001\r\nSession: 1\r\n\r\n",
    ),
    (
        "http",
        TCP,
        80,
        Client,
        "GET /admin/sysinfo?x=1 HTTP/1.1\r\nHost: cam-17.example\r\nAuthorization: Digest username=\"a\"\r\n\r\n",
    ),
    (
        "http answer",
        TCP,
        80,
        Server,
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"cam\"\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "imageserver",
        TCP,
        7563,
        Client,
        "<?xml version=\"1.0\"  encoding=\"UTF-8\"?>\n<methodcall><requestid>0</requestid>\
        <methodname>connect</methodname></methodcall>\r\n\r\n",
    ),
    (
        "imageserver answer",
        TCP,
        7563,
        Server,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodresponse><requestid>1</requestid>",
    ),
    ("imageserver picture", TCP, 7563, Server, "ImageResponse\r\nRequestId: 2\r\nContent-length: 0\r\n\r\n"),
    ("matrix", TCP, 12345, Client, "NetMatrixMonitorBegin+1+xyz+NetMatrixMonitorEnd"),
    ("matrix answer", TCP, 12345, Server, "NetMatrixMonitorBegin+GETSTATUS+0+NetMatrixMonitorEnd+Version30"),
    ("matrix within", TCP, 12345, Client, "\r\n NetMatrixMonitorBegin+1+xyz+NetMatrixMonitorEnd"),
    ("ssh", TCP, 22, Both, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    ("smtp", TCP, 25, Client, "EHLO cam.example.net\r\nMAIL FROM:<a@b.example>\r\n"),
    ("smtp answer", TCP, 25, Server, "220 mx.example.net ESMTP ready\r\n250-mx\r\n250 8BITMIME\r\n"),
    (
        "smtp starttls",
        TCP,
        25,
        Server,
        "220 mx.example.net ESMTP ready\r\n250-mx\r\n250 STARTTLS\r\n220 go ahead\r\n",
    ),
    ("ftp", TCP, 21, Client, "AUTH TLS\r\nUSER cam\r\n"),
    ("ftp answer", TCP, 21, Server, "220 (vsFTPd 3.0.3)\r\n331 more\r\n"),
    ("imap", TCP, 143, Client, "a1 CAPABILITY\r\n"),
    ("imap answer", TCP, 143, Server, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
    ("pop3", TCP, 110, Client, "CAPA\r\n"),
    ("pop3 answer", TCP, 110, Server, "+OK POP3 server ready\r\n"),
    ("sip", TCP, 5060, Client, "REGISTER sip:registrar.biloxi.com SIP/2.0\r\nVia: x\r\n\r\n"),
    ("sip answer", TCP, 5060, Server, "SIP/2.0 180 Ringing\r\nVia: x\r\n\r\n"),
    (
        "sip call",
        TCP,
        5060,
        Both,
        "INVITE sip:bob@biloxi.com SIP/2.0\r\nCall-ID: 1@a\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\
        Content-Length: 59\r\n\r\nv=0\r\nc=IN IP4 192.0.2.101\r\nm=audio 49172 RTP/AVP 0\r\nt=0 0\r\n",
    ),
    ("sip over udp", UDP, 5060, Both, "INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: x\r\n\r\n"),
    (
        "ssdp",
        UDP,
        1900,
        Client,
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n",
    ),
    (
        "ssdp answer",
        UDP,
        1900,
        Server,
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\n\r\n",
    ),
    ("text", TCP, 40500, Both, "event=motion;camera=17;state=on\r\nevent=motion;camera=17;state=off\r\n"),
    (
        "prometheus text",
        TCP,
        9100,
        Client,
        "GET /metrics HTTP/1.1\r\nHost: db1:9100\r\nAccept: text/plain\r\n\r\n",
    ),
];

/// Both sides, from `fixtures/octets`.
pub(super) const PAIRS: &[(&str, u16, &str, &str)] = &[
    ("rtsp session", 8554, "rtsp_live555_0.bin", "rtsp_live555_1.bin"),
    ("rtsp of 2005", 554, "rtsp_2005_0.bin", "rtsp_2005_1.bin"),
    ("tls 1.0", 443, "tls10_0.bin", "tls10_1.bin"),
    ("tls 1.2", 443, "tls12_0.bin", "tls12_1.bin"),
    ("tls 1.3", 9090, "tls13_0.bin", "tls13_1.bin"),
    ("http on 5432", 5432, "http_5432_0.bin", "http_5432_1.bin"),
    ("http", 80, "http_ipv6_0.bin", "http_ipv6_1.bin"),
    ("event stream", 80, "mobotix_event_request.bin", "mobotix_event.bin"),
];

/// One side in the middle of a session, from `fixtures/octets`, from this octet on.
pub(super) const MIDDLES: &[(&str, u16, bool, &str, usize)] = &[
    ("media within rtsp", 554, false, "rtsp_interleaved_1.bin", 0),
    ("MxPEG pictures", 80, false, "mobotix_mxg.bin", 0),
    ("MOBOTIX pictures", 80, false, "mobotix_mjpeg.bin", 0),
    ("motion JPEG", 80, false, "mobotix_pushjpeg.bin", 150),
    ("http", 80, true, "http_ipv6_0.bin", 0),
];
